/**
 * The websocket under a line: finishes the upgrade that control has authorised, bounds what comes in and what waits to go out, and
 * notices a far end that is gone. It never looks into a message.
 */
import { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { MediaSocket } from '../carriers/carrier.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Scope } from '../kernel/scope.ts';
import { type FrameWriter, frameWriter } from './frame-writer.ts';
import type { SocketArrival } from './protocol.ts';

/** A carrier's 20 ms message has 400 bytes; the library's own limit would be 100 MiB. */
const LARGEST_MESSAGE = 64 * 1024;
/** A reader that stopped reading would otherwise grow this process without a bound. */
const MOST_BUFFERED = 1024 * 1024;
/** After this much silence the far end is probed, after three times as much it is gone. */
const PROBE_AFTER_MS = 5_000;
const GONE_AFTER_PROBES = 3;
/** How long the far end may take to answer a close. */
const CLOSE_WITHIN_MS = 2_000;

export interface MediaServer {
  /**
   * Finishes the handshake on a socket that was handed over. Calls exactly one of `take` (before any message is read) and `refused`.
   * Closing `scope` closes the websocket and waits for it.
   */
  accept(arrival: SocketArrival, socket: Socket, scope: Scope, take: (media: MediaSocket) => void, refused: (detail: string) => void): void;
}

export function mediaServer(clock: Clock): MediaServer {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: LARGEST_MESSAGE,
    closeTimeout: CLOSE_WITHIN_MS,
  } as ConstructorParameters<typeof WebSocketServer>[0]);
  const writer = frameWriter();
  return {
    accept(arrival, socket, scope, take, refused) {
      const request = Object.assign(new IncomingMessage(socket), {
        method: arrival.method,
        url: arrival.url,
        headers: arrival.headers,
      });
      let done = false;
      const fail = (detail: string) => {
        if (!done) refused(detail);
        done = true;
      };
      // The library answers a bad handshake itself and closes the socket without a word to us.
      socket.once('close', () => fail('The websocket handshake was not finished.'));
      socket.setNoDelay(true);
      server.handleUpgrade(request, socket, Buffer.from(arrival.head), (ws) => {
        done = true;
        take(watched(ws, socket, writer, clock, scope));
      });
    },
  };
}

function watched(ws: WebSocket, socket: Socket, writer: FrameWriter, clock: Clock, scope: Scope): MediaSocket {
  const closed = Promise.withResolvers<void>();
  let takeMessage: (message: Buffer, binary: boolean) => void = () => {};
  let takeClose: ((code: number, reason: string) => void) | undefined;
  let end: { code: number; reason: string } | undefined;
  let failure: string | undefined;
  let silentProbes = 0;

  const fail = (detail: string) => {
    failure ??= detail;
    ws.terminate();
  };
  const probe = () => {
    silentProbes += 1;
    if (silentProbes >= GONE_AFTER_PROBES) return fail(`Nothing came for ${(PROBE_AFTER_MS * GONE_AFTER_PROBES) / 1_000} s.`);
    ws.ping();
    timer = clock.timer(PROBE_AFTER_MS, probe);
  };
  let timer = clock.timer(PROBE_AFTER_MS, probe);
  const alive = () => {
    silentProbes = 0;
  };

  ws.on('message', (data, binary) => {
    alive();
    takeMessage(data as Buffer, binary);
  });
  ws.on('ping', alive);
  ws.on('pong', alive);
  ws.on('error', (error) => {
    failure ??= error.message;
  });
  ws.on('close', (code, reason) => {
    timer.cancel();
    end = { code, reason: failure ?? reason.toString('utf8') };
    takeClose?.(end.code, end.reason);
    closed.resolve();
  });
  scope.defer(() => {
    ws.close(1001, 'ended');
    return closed.promise;
  });

  const writable = () => {
    if (ws.readyState !== ws.OPEN) return false;
    if (socket.writableLength <= MOST_BUFFERED) return true;
    fail('The far end stopped reading.');
    return false;
  };

  return {
    send(message) {
      if (writable()) writer.message(socket, message);
    },
    write(length, binary, write) {
      if (writable()) writer.frame(socket, length, binary, write);
    },
    // RFC 6455 §5.5: a close frame holds at most 125 bytes, two of them the code; a longer reason would throw.
    close: (code, reason) => ws.close(code, reason.replace(/[^\x20-\x7e]/g, '?').slice(0, 123)),
    onMessage(take) {
      takeMessage = take;
    },
    onClose(take) {
      if (end) take(end.code, end.reason);
      else takeClose = take;
    },
  };
}
