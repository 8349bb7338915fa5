/**
 * Every call begins here, whichever door it came through: the plan is made (and with it every fault of the assistant found) before a
 * line is taken, then the switchboard opens it on a host. It never dials and never answers; its callers do.
 */
import type { Assistant } from '../agent/definition.ts';
import { effectiveAssistant, makePlan, type PlanInput } from '../agent/make-plan.ts';
import type { Channel } from '../agent/plan.ts';
import type { LegPlan } from '../host/protocol.ts';
import { shownAssistant } from '../journal/targets.ts';
import { randomToken, sha256, uuidv7 } from '../kernel/ids.ts';
import type { ProviderChoice, ProviderKind } from '../providers/contract.ts';
import { chooseProvider, defaultChoice } from '../providers/index.ts';
import { type Variables, variablesOf } from './access.ts';
import type { Call } from './contract.ts';
import type { ApiDeps } from './deps.ts';
import type { OpenCallRow } from './switchboard.ts';

export interface CallOrder {
  readonly organization: string;
  readonly channel: Channel;
  readonly type: Call['type'];
  /** The stored assistant's id, or `null` for a transient one. */
  readonly assistantId: string | null;
  readonly assistant: Assistant;
  readonly overrides?: unknown;
  readonly from: string | null;
  readonly to: string | null;
  readonly customer?: Readonly<Record<string, unknown>>;
  readonly number?: Readonly<Record<string, unknown>>;
  /** What is kept of the request and shown with the call; secrets are taken out here. */
  readonly request: Readonly<Record<string, unknown>>;
  readonly leg: LegPlan;
}

export interface PlacedCall {
  readonly row: OpenCallRow;
  readonly at: Date;
  /** The two secrets: who has one may be the caller, or command the call. They are given out once and kept as hashes. */
  readonly mediaToken: string;
  readonly controlToken: string;
}

/** Throws what the assistant, its providers or the capacity have against this call, with field paths where it is the assistant. */
export async function placeCall(deps: ApiDeps, order: CallOrder): Promise<PlacedCall> {
  const variables = await variablesOf(deps, order.organization);
  const now = deps.clock.wall();
  const id = uuidv7(now);
  const { organization, channel, assistantId, from, to, customer, number } = order;
  const input: PlanInput = {
    assistant: order.assistant,
    overrides: order.overrides,
    variables: {},
    call: { id, organization, channel, assistantId, from, to, ...(customer && { customer }), ...(number && { number }) },
    now,
    choose: (kind, name, settings) => chosen(kind, name, settings, variables),
  };
  const plan = makePlan(input);
  const controlToken = randomToken();
  const row: OpenCallRow = {
    id,
    organization,
    type: order.type,
    assistantId,
    request: shownAssistant(order.request),
    controlHash: sha256(controlToken),
  };
  const { mediaToken } = deps.switchboard.open({ row, plan, leg: order.leg, assistant: effectiveAssistant(input) });
  return { row, at: new Date(now), mediaToken, controlToken };
}

/** The provider that the assistant names, or the standard one. */
function chosen(kind: ProviderKind, name: string | undefined, settings: Record<string, unknown>, variables: Variables): ProviderChoice {
  if (name !== undefined) return chooseProvider(kind, name, settings, variables);
  const standard = defaultChoice(kind, variables);
  return chooseProvider(kind, standard.provider, { ...standard.settings, ...settings }, variables);
}
