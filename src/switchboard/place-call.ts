/**
 * Every call begins here, whichever door it came through: the plan is made (and with it every fault of the assistant found) before a
 * line is taken, then the switchboard opens it on a host. It never dials and never answers; its callers do.
 */
import type { Assistant } from '../agent/definition.ts';
import { effectiveAssistant, makePlan, type PlanInput } from '../agent/make-plan.ts';
import type { Channel } from '../agent/plan.ts';
import type { LegPlan } from '../host/protocol.ts';
import { controlToken, controlUrl } from '../journal/control-url.ts';
import { shownAssistant } from '../journal/targets.ts';
import { sha256, uuidv7 } from '../kernel/ids.ts';
import { chooseProvider, defaultChoice } from '../providers/index.ts';
import { type Access, accessFor } from './access.ts';
import { continueUrl } from './carrier-urls.ts';
import type { PlacingDeps } from './deps.ts';
import type { OpenCallRow } from './switchboard.ts';

export interface CallOrder {
  readonly organization: string;
  readonly channel: Channel;
  readonly type: OpenCallRow['type'];
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
  /** Who has it may be the caller. It is given out once and kept as a hash. */
  readonly mediaToken: string;
}

/** Throws what the assistant, its providers or the capacity have against this call, with field paths where it is the assistant. */
export async function placeCall(deps: PlacingDeps, order: CallOrder): Promise<PlacedCall> {
  const access = await accessFor(deps, order.organization);
  const now = Math.floor(deps.clock.wall());
  const id = uuidv7(now);
  const { organization, channel, assistantId, from, to, customer, number } = order;
  const at = new Date(now);
  const row: OpenCallRow = {
    id,
    organization,
    type: order.type,
    assistantId,
    request: shownAssistant(order.request),
    createdAt: at,
    controlHash: sha256(controlToken(deps.store.sealing, { id, organization })),
  };
  const input: PlanInput = {
    assistant: order.assistant,
    overrides: order.overrides,
    variables: {},
    call: { id, organization, channel, assistantId, from, to, ...(customer && { customer }), ...(number && { number }) },
    now,
    facts: factsOf(deps, order, row),
    choose: chosenBy(access),
  };
  const assistant = effectiveAssistant(input);
  const plan = makePlan(input, assistant);
  const { carrier, account } = order.leg;
  const leg: LegPlan = account ? { ...order.leg, continueUrl: continueUrl(deps.config.publicUrl, carrier, id) } : order.leg;
  const { mediaToken } = deps.switchboard.open({ row, plan, leg, assistant });
  return { row, at, mediaToken };
}

/** What a model server of the customer's is told: it may command the call that it thinks for. */
function factsOf({ config, store }: PlacingDeps, { request, customer, number }: CallOrder, row: OpenCallRow): Record<string, unknown> {
  const { id, organization: orgId, type, assistantId } = row;
  const { metadata } = request;
  const monitor = { controlUrl: controlUrl(store.sealing, row, config.publicUrl) };
  return {
    call: { id, orgId, type, ...(assistantId && { assistantId }), ...(metadata != null && { metadata }), monitor },
    ...(customer && { customer }),
    ...(number && { phoneNumber: number }),
  };
}

/** The provider that an assistant names, or the standard one, with this access. */
export function chosenBy({ operator, tenant, all }: Access): PlanInput['choose'] {
  return (kind, name, settings) => {
    if (name !== undefined) return chooseProvider(kind, name, settings, operator, tenant);
    const standard = defaultChoice(kind, all);
    return chooseProvider(kind, standard.provider, { ...standard.settings, ...settings }, operator, tenant);
  };
}
