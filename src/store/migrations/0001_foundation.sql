-- The foundation: organisations and who may act in them, assistants, calls with their owner and fence, the event log, the outbox.
-- Times hold milliseconds, as the API shows them: a page that ends at a shown time goes on exactly there.

create table organization (
  id uuid primary key,
  name text not null unique,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now()
);

-- One row: which encryption key wrote this database, and a value that only that key opens.
create table key_canary (
  id int primary key check (id = 1),
  fingerprint text not null,
  canary text not null,
  created_at timestamptz(3) not null default now()
);

create table api_key (
  id uuid primary key,
  organization_id uuid not null references organization (id),
  name text not null,
  -- Found by the public part, compared by hash; the key itself is never stored.
  lookup text not null unique,
  hash text not null,
  scopes text[] not null,
  created_at timestamptz(3) not null default now(),
  last_used_at timestamptz(3),
  revoked_at timestamptz(3)
);

create table credential (
  id uuid primary key,
  organization_id uuid not null references organization (id),
  provider text not null,
  name text,
  -- Fields that may be shown, and the sealed rest (AES-256-GCM, bound to organisation, table, row and column).
  shown jsonb not null default '{}',
  sealed text not null,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now()
);
create index credential_by_provider on credential (organization_id, provider, created_at desc);

create table assistant (
  id uuid primary key,
  organization_id uuid not null references organization (id),
  name text,
  definition jsonb not null,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now()
);
create index assistant_by_age on assistant (organization_id, created_at desc, id desc);
create index assistant_by_name on assistant (organization_id, name);

-- A node that serves calls. A node is dead when its lease has lapsed; only then may another one end its calls.
create table node (
  id text primary key,
  boot uuid not null,
  lease_until timestamptz(3) not null,
  started_at timestamptz(3) not null default now()
);

create table call (
  id uuid primary key,
  organization_id uuid not null references organization (id),
  assistant_id uuid,
  name text,
  type text not null,
  status text not null,
  ended_reason text,
  ended_message text,
  -- The owner and its fence: every write to a live call names the fence it was given; a lower one touches no row.
  node_id text,
  boot uuid,
  fence bigint not null default 1,
  last_seq int not null default 0,
  -- What was asked for (the create body with secrets removed) and what is known so far (folds of the events).
  request jsonb not null default '{}',
  facts jsonb not null default '{}',
  -- The control URL's secret part, hashed.
  control_hash text,
  started_at timestamptz(3),
  ended_at timestamptz(3),
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now()
);
create index call_by_age on call (organization_id, created_at desc, id desc);
create index call_live on call (node_id) where ended_at is null;
create index call_by_assistant on call (organization_id, assistant_id, created_at desc);

create table call_event (
  call_id uuid not null,
  seq int not null,
  at_ms double precision not null,
  wall timestamptz(3) not null,
  type text not null,
  body jsonb not null,
  primary key (call_id, seq)
);

-- One row per (event, message, target), written in the event's own transaction; delivered by state and due time, never by position.
create table outbox (
  id uuid primary key,
  organization_id uuid not null,
  call_id uuid not null,
  seq int not null,
  -- The place of the message among those of its event.
  part int not null default 0,
  type text not null,
  -- Stable name of the target (`assistant-server`, an endpoint id), where it was when the event happened, and what must not be
  -- read there: its headers and signing secret, sealed.
  target text not null,
  url text not null,
  sealed_destination text not null,
  body text not null,
  state text not null check (state in ('pending', 'delivered', 'exhausted', 'skipped')),
  attempts int not null default 0,
  due_at timestamptz(3) not null,
  -- Which node works on it, until when: a lapsed claim is free again.
  claimed_by text,
  claimed_until timestamptz(3),
  last_status int,
  last_error text,
  delivered_at timestamptz(3),
  created_at timestamptz(3) not null default now(),
  unique (call_id, seq, part, target)
);
create index outbox_due on outbox (due_at) where state = 'pending';
create index outbox_by_age on outbox (organization_id, created_at desc, id desc);

create table outbox_attempt (
  id uuid primary key,
  outbox_id uuid references outbox (id) on delete cascade,
  organization_id uuid not null,
  call_id uuid,
  type text not null,
  url text not null,
  status int,
  error text,
  took_ms int not null,
  response text,
  created_at timestamptz(3) not null default now()
);
create index outbox_attempt_by_call on outbox_attempt (call_id, created_at);

create table idempotency (
  organization_id uuid not null,
  route text not null,
  key text not null,
  body_hash text not null,
  status int,
  response jsonb,
  -- Which request holds the key while it runs.
  holder uuid not null,
  created_at timestamptz(3) not null default now(),
  primary key (organization_id, route, key)
);
