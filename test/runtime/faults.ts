/** A vendor that misbehaves in a call, and what the caller has of it: the same drill for every kind of vendor and every fault. */
import { expect } from 'vitest';
import type { EventOf } from '../../src/call/events.ts';
import type { FakeVendor } from '../fakes/vendors/server.ts';
import type { Client } from './client.ts';
import { hangUps, type Phoned, phone, speaks, type World } from './world.ts';

export const FAULTS = {
  'refuses the key': { status: 401, body: { error: { message: 'invalid key', type: 'authentication_error' } } },
  hangs: 'hang',
  'sends garbage': 'garbage',
  'closes in mid-sentence': 'close',
} as const satisfies Record<string, FakeVendor['fault']>;

export const QUESTION = 'Where is my order?';
/** The longest silence after the caller's turn that a fault may cost, to the letter where the clock is virtual; ms of the call's own time. */
const BUDGET_MS = 3_000;
/** What a machine that does other things may add. */
const SLACK_MS = 2_000;

/** The caller asks, and hears something within the budget. Gives what was said. */
export async function asks({ leg, record }: Phoned, budgetMs = BUDGET_MS): Promise<EventOf<'agent.said'>> {
  const before = record.of('agent.said').length;
  await speaks(leg, QUESTION);
  const said = await record.until('agent.said', before + 1);
  const audible = record.of('reply.audible').findLast(({ reply }) => reply === said.reply);
  const stopped = record.of('caller.stopped').findLast(({ seq }) => seq < (audible?.seq ?? 0));
  expect((audible?.at ?? Number.POSITIVE_INFINITY) - (stopped?.at ?? 0)).toBeLessThan(budgetMs + SLACK_MS);
  return said;
}

/** The call is over everywhere: its record, the API, the carrier. Gives the reason. */
export async function isOver(world: World, client: Client, { leg, record }: Phoned): Promise<string> {
  const { reason, seq } = await record.ended;
  await leg.ended;
  expect(hangUps(world, leg)).toBe(1);
  expect(record.events.map((event) => event.seq)).toEqual(Array.from({ length: seq }, (_, index) => index + 1));
  const { body } = await client.ask<{ status: string; endedReason: string }>('GET', `/call/${record.call}`);
  expect(body).toMatchObject({ status: 'ended', endedReason: expect.stringMatching(/./) });
  return reason;
}

/** One call through a fault that lasts: the caller hears about it twice, then the call ends. Gives what was heard and why it ended. */
export async function drill(world: World, client: Client, assistant: object, vendor: FakeVendor, fault: FakeVendor['fault']) {
  vendor.fault = fault;
  const phoned: Phoned = await phone(world, client, assistant);
  const heard = [(await asks(phoned)).text, (await asks(phoned)).text];
  return { heard, reason: await isOver(world, client, phoned), record: phoned.record };
}

/** One call through a fault that passes: the caller hears about it, asks again and is answered. Gives the two. */
export async function recovery(world: World, client: Client, assistant: object, vendor: FakeVendor, fault: FakeVendor['fault']) {
  vendor.fault = fault;
  const phoned: Phoned = await phone(world, client, assistant);
  const excuse = await asks(phoned);
  vendor.fault = undefined;
  const answer = await asks(phoned);
  phoned.leg.hangUp('caller');
  expect((await phoned.record.ended).reason).toBe('caller-hung-up');
  return [excuse.text, answer.text];
}
