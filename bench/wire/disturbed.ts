/**
 * Calls that must not notice what else happens: an API under load, webhooks, megabytes of tool results, recordings that close, and callers
 * who all ring at once.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { waitQuiet } from '../lib/stats.ts';
import { type LoadResult, startLoad } from './api-load.ts';
import type { Caller } from './caller.ts';
import { assistantOf, type Window } from './fleet.ts';
import { fill, onStage, type Stage, warmUp } from './steady.ts';

/** Lanes above those of the measured calls: their turns are in no figure. */
const OTHERS = 10_000;

export interface ShieldResult {
  calm: Window;
  busy: { window: Window; load: LoadResult; closed: number }[];
}

const MESSAGES = ['status-update', 'conversation-update', 'speech-update', 'transcript', 'model-output', 'end-of-call-report'];

/** Calls that come and go beside the measured ones: each asks a tool that answers with 1 MB, and closes its recording when it hangs up. */
const CHURN = { everyMs: 1_000, lastsMs: 6_000 };

export async function shield(options: { calls: number; seconds: number; loads: readonly number[] }): Promise<ShieldResult> {
  return await onStage('ours', async (stage) => {
    const { subject, vendors, fleet } = stage;
    const vendor = `http://127.0.0.1:${vendors.port}`;
    const server = { server: { url: `${vendor}/hook` }, serverMessages: MESSAGES };
    const tool = { type: 'function', function: { name: 'bench_big', description: 'Everything.' }, server: { url: `${vendor}/tool` } };
    await waitQuiet();
    // Webhooks are asked for from the start: a call keeps the assistant that it began with, and both windows must have the same calls.
    await fill(stage, 0, options.calls, server);
    const visitor = await subject.assistant(
      assistantOf(OTHERS, server, { tools: [tool], messages: [{ role: 'system', content: `Use the tool. This is bench-${OTHERS}.` }] }),
    );
    await warmUp(options.seconds);
    const calm = await fleet.window(options.seconds);
    const busy: ShieldResult['busy'] = [];
    for (const perSecond of options.loads) {
      const churn = visitors(stage, visitor);
      const load = await startLoad({ base: subject.base, headers: { ...subject.headers }, perSecond });
      await wait(2_000);
      const window = await fleet.window(options.seconds);
      busy.push({ window, load: await load.stop(), closed: await churn.stop() });
    }
    return { calm, busy };
  });
}

function visitors({ fleet }: Stage, assistant: string): { stop(): Promise<number> } {
  let closed = 0;
  const here = new Set<Promise<void>>();
  const visit = async () => {
    const caller = await fleet.ring(OTHERS, assistant);
    await wait(CHURN.lastsMs);
    if (caller) fleet.leave(caller);
    closed += 1;
  };
  const timer = setInterval(() => {
    const stay = visit();
    here.add(stay);
    void stay.then(() => here.delete(stay));
  }, CHURN.everyMs);
  return {
    async stop() {
      clearInterval(timer);
      const during = closed;
      await Promise.all(here);
      return during;
    },
  };
}

export interface StormResult {
  calm: Window;
  /** Fifty at once. */
  burst: Window;
  burstRefused: number;
  /** So many a second. */
  stream: Window;
  streamRefused: number;
}

/** Callers of a storm are greeted and hang up after this, ms. */
const STAY_MS = 3_000;
const BURST = { calls: 50, withinMs: 100 };

export async function storm(options: { calls: number; seconds: number; perSecond: number; streamSeconds: number }): Promise<StormResult> {
  return await onStage('ours', async (stage) => {
    const { fleet } = stage;
    await waitQuiet();
    await fill(stage, 0, options.calls);
    const greeter = await stage.subject.assistant(assistantOf(OTHERS, GREETS));
    await warmUp(options.seconds);
    const calm = await fleet.window(options.seconds);
    // The first greeting of a process is not that of a storm.
    await guest(stage, greeter);
    const during = async (calls: number, everyMs: number, seconds: number) => {
      const measured = fleet.window(seconds);
      const guests: Promise<boolean>[] = [];
      for (let i = 0; i < calls; i++) {
        guests.push(guest(stage, greeter));
        await wait(everyMs);
      }
      const refused = (await Promise.all(guests)).filter((taken) => !taken).length;
      return { window: await measured, refused };
    };
    const burst = await during(BURST.calls, BURST.withinMs / BURST.calls, STAY_MS / 1_000 + 3);
    const stream = await during(
      options.perSecond * options.streamSeconds,
      1_000 / options.perSecond,
      options.streamSeconds + STAY_MS / 1_000,
    );
    return { calm, burst: burst.window, burstRefused: burst.refused, stream: stream.window, streamRefused: stream.refused };
  });
}

const GREETS = { firstMessageMode: 'assistant-speaks-first', firstMessage: 'Hello, this is the front desk. How can I help you today?' };

async function guest({ fleet }: Stage, assistant: string): Promise<boolean> {
  const caller: Caller | undefined = await fleet.ring(OTHERS, assistant, { talks: false });
  if (!caller) return false;
  await wait(STAY_MS);
  fleet.leave(caller);
  return true;
}

export interface GreetResult {
  /** The media comes at once, and after ringing for a while. */
  atOnce: Window['greeting'];
  rung: Window['greeting'];
}

const RING_MS = 600;

/** Media `start` -> first media of the greeting, a call at a time. */
export async function greet(options: { calls: number }): Promise<GreetResult> {
  return await onStage('ours', async ({ subject, fleet }) => {
    const assistant = await subject.assistant(assistantOf(0, GREETS));
    await waitQuiet();
    const round = async (ringMs: number, calls: number) => {
      const seconds = (calls * (ringMs + 500)) / 1_000;
      const measured = fleet.window(seconds);
      for (let i = 0; i < calls; i++) {
        const caller = await fleet.ring(0, assistant, { ringMs, talks: false });
        await wait(400);
        if (caller) fleet.leave(caller);
      }
      return (await measured).greeting;
    };
    // The first calls of a process compile its code.
    await round(0, 5);
    return { atOnce: await round(0, options.calls), rung: await round(RING_MS, options.calls) };
  });
}
