/**
 * `npm run demo`: starts the runtime in the lab, makes an assistant with a tool, and lets a caller talk to it through a carrier's media
 * stream, in real time and aloud. Prints the conversation as it happens. `--once` ends after the call, 0 only if all went as it should.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { wavChannel } from '../audio/wav.ts';
import type { CallEvent } from '../call/events.ts';
import { realClock as clock } from '../kernel/clock.ts';
import { createEgress } from '../kernel/egress.ts';
import { rootScope, type Scope } from '../kernel/scope.ts';
import { type Runtime, start } from '../main.ts';
import { bold, dim, green, print, red, transcript } from './demo-page.ts';
import { CALLER, SHOP, shopAssistant, startShop } from './demo-shop.ts';
import type { FakeLeg } from './fake-leg.ts';
import { type FakeTwilio, startFakeTwilio } from './fake-twilio.ts';
import { say } from './speech.ts';

const once = process.argv.includes('--once');
const egress = createEgress('any');
/** The conversation takes about 50 s; a demo that hangs is worse than one that fails. */
const LONGEST_MS = 150_000;
/** Silence after which the caller believes that the agent has finished. */
const POLITE_MS = 900;
/** Heard of the long answer before the caller interrupts. */
const IMPATIENT_MS = 3_000;

const scope = rootScope('demo', { onFailure: (error, path) => print(red(`  ${path}: ${error instanceof Error ? error.message : error}`)) });
let runtime: Runtime | undefined;
let leaving = false;

async function leave(code: number): Promise<never> {
  if (leaving) process.exit(130);
  leaving = true;
  await scope.close('the demo ends');
  await runtime?.close();
  process.exit(code);
}
process.on('SIGINT', () => void leave(130));
process.on('SIGTERM', () => void leave(143));

try {
  const passed = await demo();
  if (once) await leave(passed ? 0 : 1);
  print(dim('  The runtime keeps serving; Ctrl-C ends it.'));
} catch (error) {
  if (!leaving) {
    print(red(`  The demo could not go on: ${error instanceof Error ? error.message : error}`));
    await leave(1);
  }
}

async function demo(): Promise<boolean> {
  print(`\n${bold('  Aywa Runtime')} ${dim('demo: a spoken call on this machine, without keys')}\n`);
  step('Starting the runtime with its own database (the first start takes some seconds) ...');
  const carrier = await startFakeTwilio({ scope, clock });
  const shop = await startShop(scope);
  runtime = await start({
    RUNTIME_PORT: '0',
    LOG_LEVEL: 'error',
    ...process.env,
    NODE_ENV: 'development',
    // The carrier signs the address that it calls, which is this machine's.
    RUNTIME_PUBLIC_URL: undefined,
    RUNTIME_HOST: undefined,
    TWILIO_ACCOUNT_SID: carrier.accountSid,
    TWILIO_AUTH_TOKEN: carrier.authToken,
    TWILIO_PHONE_NUMBER: carrier.number,
    TWILIO_BASE_URL: carrier.url,
  });
  const { url, apiKey } = runtime;
  step(`Serving at ${url}`);
  const assistant = await keepAssistant(url, apiKey, shop);
  step(`Assistant "${SHOP}" is ready; its caller finds a voice ...`);
  const sentences = await Promise.all(CALLER.map(({ says }) => say(says, 'rms')));

  step('The telephone rings.\n');
  const leg = await carrier.call(`${url}/telephony/twilio/inbound/${assistant}`, '+15550100300');
  const call = leg.parameters.call_id ?? '';
  const deadline = clock.timer(LONGEST_MS, () => leg.hangUp('caller'));
  scope.spawn('caller', () => converse(leg, sentences, scope));
  const events = await follow(`${url}/call/${call}/events`, apiKey);
  deadline.cancel();
  return judge(events, { recordings: runtime.recordingsDir, dashboard: runtime.dashboard }, call, carrier);
}

function step(text: string): void {
  print(dim(`  ${text}`));
}

/** Creates the sample assistant, or brings the one of an earlier demo up to date. Gives its id. */
async function keepAssistant(url: string, apiKey: string, shop: string): Promise<string> {
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
  const ask = async (method: 'GET' | 'POST' | 'PATCH', path: string, body?: object): Promise<unknown> => {
    const answer = await egress.http({ url: url + path, method, headers, ...(body && { body: JSON.stringify(body) }) }, scope);
    const text = await scope.wait(answer.text());
    if (answer.status >= 300) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
    return JSON.parse(text);
  };
  const all = (await ask('GET', '/assistant')) as { id: string; name?: string }[];
  const old = all.find(({ name }) => name === SHOP);
  const made = old ? ask('PATCH', `/assistant/${old.id}`, shopAssistant(shop)) : ask('POST', '/assistant', shopAssistant(shop));
  return ((await made) as { id: string }).id;
}

/** The caller: waits until the agent has finished, or does not, and speaks. */
async function converse(leg: FakeLeg, sentences: readonly Uint8Array[], scope: Scope): Promise<void> {
  try {
    for (const [index, { interrupts }] of CALLER.entries()) {
      await scope.wait(leg.when(({ agentTalksMs }) => agentTalksMs > (interrupts ? IMPATIENT_MS : 0)));
      if (!interrupts) await scope.wait(leg.when(({ agentSilentMs }) => agentSilentMs > POLITE_MS));
      leg.speak(sentences[index] ?? new Uint8Array(0));
      await scope.wait(leg.when(({ speaking }) => !speaking));
      // The tail of an answer that was cut off is not the next one.
      if (interrupts) await scope.wait(leg.when(({ agentTalksMs }) => agentTalksMs === 0));
    }
  } catch (error) {
    // A call that ends early is judged by its events.
    if (!scope.closed) step(String(error instanceof Error ? error.message : error));
  }
}

/** Reads the live events (server-sent) to the end of the call, and prints them. */
async function follow(url: string, apiKey: string): Promise<CallEvent[]> {
  const ask = () => egress.http({ url, headers: { authorization: `Bearer ${apiKey}` }, idleMs: 60_000 }, scope);
  let answer = await ask();
  // The record of a call is written a moment after the call begins.
  for (let tries = 0; answer.status === 404 && tries < 50; tries++) {
    answer.discard();
    await clock.sleep(100, scope);
    answer = await ask();
  }
  if (answer.status !== 200) throw new Error(`the events of the call: ${answer.status} ${await scope.wait(answer.text())}`);
  const show = transcript();
  const events: CallEvent[] = [];
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of answer.body) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      if (!line.startsWith('data: ')) continue;
      const event = JSON.parse(line.slice(6)) as CallEvent;
      events.push(event);
      show(event);
    }
  }
  return events;
}

interface Places {
  readonly recordings: string;
  readonly dashboard: string;
}

/** Did the call go as it should? Prints each expectation with its outcome. */
function judge(events: readonly CallEvent[], { recordings, dashboard }: Places, call: string, carrier: FakeTwilio): boolean {
  const of = <T extends CallEvent['type']>(type: T) =>
    events.filter((event): event is Extract<CallEvent, { type: T }> => event.type === type);
  const said = of('agent.said');
  const ended = of('call.ended').at(-1);
  const recording = of('recording.stored').at(-1);
  const checks: [string, boolean][] = [
    ['at least four turns', new Set(of('caller.turn').map(({ turn }) => turn)).size >= 4],
    ['one answer was interrupted, and only what was heard is remembered', said.some(({ complete }) => !complete)],
    ['the tool was asked and answered', of('tool.answered').some(({ ok, name }) => ok && name === 'find_repair')],
    ['an unexpected sentence was not guessed at', said.some(({ text }) => /did not get that/.test(text))],
    [
      'the agent ended the call after the goodbye',
      /^(agent-hung-up|said-)/.test(ended?.reason ?? '') && /[Gg]oodbye/.test(said.at(-1)?.text ?? ''),
    ],
    ['the carrier was told to hang up', carrier.requests.some((request) => /Calls\/CA\w+\.json/.test(request))],
    ['the recording holds both voices', recording !== undefined && bothSpeak(join(recordings, recording.file))],
  ];
  print(`\n  ${dim(`The call ended (${ended?.reason ?? 'unknown'}) after ${((ended?.durationMs ?? 0) / 1000).toFixed(1)} s.`)}`);
  for (const [what, ok] of checks) print(`  ${ok ? green('✓') : red('✗')} ${what}`);
  print(`\n  Recording   ${recording ? join(recordings, recording.file) : 'none'}`);
  print(`  Dashboard   ${dashboard}`);
  print(`  This call   ${call}\n`);
  return checks.every(([, ok]) => ok);
}

/** Is there speech in both channels of a stereo recording? */
function bothSpeak(file: string): boolean {
  const wav = readFileSync(file);
  return [0, 1].every((channel) => {
    const samples = wavChannel(wav, channel);
    // A second of sound above the level of line noise (8 kHz).
    return samples.reduce((loud, sample) => loud + (Math.abs(sample) > 500 ? 1 : 0), 0) > 2_000;
  });
}
