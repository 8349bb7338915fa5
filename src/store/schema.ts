/** The tables as kysely sees them: `migrations/*.sql` in types, column by column. It never holds a rule; those are in the SQL. */
import type { ColumnType, Generated, JSONColumnType } from 'kysely';

/** A JSON object as the database keeps it: key order is not part of it. */
export type Json = Readonly<Record<string, unknown>>;

type JsonColumn = JSONColumnType<Json, Json | undefined, Json>;
type Moment = ColumnType<Date, Date | undefined, Date>;
type MaybeMoment = ColumnType<Date | null, Date | null | undefined, Date | null>;
type Maybe<T> = ColumnType<T | null, T | null | undefined, T | null>;

export type CallState = 'queued' | 'ringing' | 'in-progress' | 'forwarding' | 'ended';
export type DeliveryState = 'pending' | 'delivered' | 'exhausted' | 'skipped';

interface OrganizationTable {
  id: string;
  name: string;
  created_at: Moment;
  updated_at: Moment;
}

interface KeyCanaryTable {
  id: number;
  fingerprint: string;
  canary: string;
  created_at: Moment;
}

interface ApiKeyTable {
  id: string;
  organization_id: string;
  name: string;
  lookup: string;
  hash: string;
  scopes: string[];
  created_at: Moment;
  last_used_at: MaybeMoment;
  revoked_at: MaybeMoment;
}

interface CredentialTable {
  id: string;
  organization_id: string;
  provider: string;
  name: Maybe<string>;
  shown: JsonColumn;
  sealed: string;
  created_at: Moment;
  updated_at: Moment;
}

interface AssistantTable {
  id: string;
  organization_id: string;
  name: Maybe<string>;
  definition: JsonColumn;
  created_at: Moment;
  updated_at: Moment;
}

interface NodeTable {
  id: string;
  boot: string;
  lease_until: ColumnType<Date, Date, Date>;
  started_at: Moment;
}

interface CallTable {
  id: string;
  organization_id: string;
  assistant_id: Maybe<string>;
  name: Maybe<string>;
  type: string;
  status: CallState;
  ended_reason: Maybe<string>;
  ended_message: Maybe<string>;
  node_id: Maybe<string>;
  boot: Maybe<string>;
  fence: Generated<number>;
  last_seq: Generated<number>;
  request: JsonColumn;
  facts: JsonColumn;
  control_hash: Maybe<string>;
  started_at: MaybeMoment;
  ended_at: MaybeMoment;
  created_at: Moment;
  updated_at: Moment;
}

interface CallEventTable {
  call_id: string;
  seq: number;
  at_ms: number;
  wall: Date;
  type: string;
  body: JsonColumn;
}

interface OutboxTable {
  id: string;
  organization_id: string;
  call_id: string;
  seq: number;
  part: Generated<number>;
  type: string;
  target: string;
  url: string;
  sealed_destination: string;
  body: string;
  state: DeliveryState;
  attempts: Generated<number>;
  due_at: Date;
  claimed_by: Maybe<string>;
  claimed_until: MaybeMoment;
  last_status: Maybe<number>;
  last_error: Maybe<string>;
  delivered_at: MaybeMoment;
  created_at: Moment;
}

interface OutboxAttemptTable {
  id: string;
  outbox_id: Maybe<string>;
  organization_id: string;
  call_id: Maybe<string>;
  type: string;
  url: string;
  status: Maybe<number>;
  error: Maybe<string>;
  took_ms: number;
  response: Maybe<string>;
  created_at: Moment;
}

interface IdempotencyTable {
  organization_id: string;
  route: string;
  key: string;
  body_hash: string;
  status: Maybe<number>;
  response: ColumnType<unknown, string | null | undefined, string | null>;
  holder: string;
  created_at: Moment;
}

export interface Schema {
  organization: OrganizationTable;
  key_canary: KeyCanaryTable;
  api_key: ApiKeyTable;
  credential: CredentialTable;
  assistant: AssistantTable;
  node: NodeTable;
  call: CallTable;
  call_event: CallEventTable;
  outbox: OutboxTable;
  outbox_attempt: OutboxAttemptTable;
  idempotency: IdempotencyTable;
}
