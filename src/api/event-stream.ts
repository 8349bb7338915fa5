/**
 * A call's events as server-sent events (WHATWG HTML §9.2): stored ones first, then live ones, without a gap. A reader that does not
 * read is cut off instead of being buffered for; it comes back with the last number it has.
 */
import type { FastifyReply } from 'fastify';
import type { Timer } from '../kernel/clock.ts';
import type { CallRow } from '../store/calls.ts';
import type { LiveEvent } from './contract.ts';
import type { ApiDeps } from './deps.ts';

/** Proxies close what is silent for a minute or less. */
const BEAT_MS = 15_000;
const MAX_BUFFERED = 1024 * 1024;

/** Takes over the reply; ends it after `call.ended`, when the reader goes, or when the runtime stops. */
export function streamEvents({ journal, clock, scope }: ApiDeps, call: CallRow, after: number, reply: FastifyReply): void {
  reply.hijack();
  const { raw } = reply;
  const reading = scope.child('events');
  let beat: Timer | undefined;
  const pulse = () => {
    beat = clock.timer(BEAT_MS, pulse, { idle: true });
    raw.write(':\n\n');
  };
  reading.defer(() => {
    beat?.cancel();
    raw.end();
  });
  raw.on('error', () => {});
  raw.on('close', () => void reading.close('the reader left'));
  raw.writeHead(200, {
    ...plain(reply.getHeaders()),
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  pulse();

  if (call.endedAt && after >= call.lastSeq) {
    void reading.close('nothing is left');
    return;
  }
  const subscription = journal.subscribe(call.id, after, (event: LiveEvent) => {
    raw.write(`id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`);
    if (event.type === 'call.ended') void reading.close('the call ended');
    else if (raw.writableLength > MAX_BUFFERED) raw.destroy();
  });
  reading.defer(() => subscription[Symbol.dispose]());
}

function plain(headers: ReturnType<FastifyReply['getHeaders']>): Record<string, string | number | string[]> {
  return Object.fromEntries(
    Object.entries(headers).filter((entry): entry is [string, string | number | string[]] => entry[1] !== undefined),
  );
}
