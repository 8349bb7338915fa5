/**
 * The life of one recognition over a websocket: connects at once, replays what was not understood yet to a new connection when one is
 * lost, keeps quiet connections alive and ends with its scope. It knows no vendor: a codec says what goes over the wire. It keeps
 * no audio: the call does. Times leave here in media time, whichever connection the words came from.
 */
import { bytesOf, bytesPerSample, msOf } from '../../audio/format.ts';
import type { OutboundSocket, SocketRequest } from '../../kernel/egress.ts';
import type { AywaError } from '../../kernel/errors.ts';
import { isCancelled } from '../../kernel/scope.ts';
import type { ProviderAccess, ProviderContext } from '../contract.ts';
import { closure, type Vendor, vendorFault } from '../faults.ts';
import type { Ears, EarsListener, HearingOptions, Recognised } from './contract.ts';

/** One connection's wire format. A codec may keep state: each connection gets a new one. */
export interface EarsCodec {
  readonly request: SocketRequest;
  /** Messages that come before the first audio. */
  readonly opening?: readonly string[];
  /** The wire form of audio; the bytes as they are unless given. */
  readonly audio?: (bytes: Uint8Array) => string | Uint8Array;
  /** Asks for the final of what was sent so far. */
  readonly flush?: string;
  /** Reads one message; times count from this connection's first byte. Throws when it is an error report or no protocol at all. */
  decode(message: string | Buffer, recognised: (words: Recognised) => void): void;
}

export interface StreamingEars {
  readonly vendor: Vendor;
  readonly access: ProviderAccess;
  readonly hearing: Pick<HearingOptions, 'format' | 'history'>;
  readonly codec: () => EarsCodec;
  /** Sent when no audio went out for this long, where the vendor closes quiet connections. */
  readonly keepAlive?: { readonly message: string; readonly everyMs: number };
  readonly listener: EarsListener;
  readonly ctx: ProviderContext;
}

const REPLAY_PIECE_MS = 250;
const BACKOFF_MS = [100, 400, 1_600] as const;
const FLAPPING_MS = 60_000;
const CONNECT_MS = 3_000;

interface Line {
  readonly socket: OutboundSocket;
  readonly codec: EarsCodec;
}

/** Opens the recognition. Never throws; what cannot be healed by a new connection goes to `listener.failed`, once. */
export function streamingEars({ vendor, access, hearing, codec: newCodec, keepAlive, listener, ctx }: StreamingEars): Ears {
  const { scope } = ctx;
  const { clock } = scope;
  const { format, history } = hearing;
  const replayPiece = bytesOf(format, REPLAY_PIECE_MS);
  let line: Line | undefined;
  /** Positions in bytes since the first `write`: what the connection was given, where words are final, and where a final is owed (0: none is). */
  let sent = 0;
  let settled = 0;
  let asked = 0;

  const send = ({ socket, codec }: Line, bytes: Uint8Array, upTo: number) => {
    sent = upTo;
    socket.send(codec.audio ? codec.audio(bytes) : bytes);
  };

  /** Serves one connection until it breaks; resolves with the reason. */
  const serve = (socket: OutboundSocket, codec: EarsCodec): Promise<unknown> =>
    new Promise((broken) => {
      const mine = { socket, codec };
      line = mine;
      // Words that are final are not heard twice; what the call no longer keeps is lost. Whole samples only.
      const sample = bytesPerSample(format);
      sent = Math.ceil(Math.max(settled, history.start) / sample) * sample;
      const offset = msOf(format, sent);
      const recognised = (words: Recognised) => {
        if (words.type !== 'partial' && words.type !== 'final') return listener.recognised(words);
        const placed = { ...words, from: words.from + offset, to: words.to + offset };
        if (words.type === 'final') {
          settled = Math.max(settled, Math.min(history.end, bytesOf(format, placed.to)));
          asked = 0;
        }
        listener.recognised(placed);
      };
      socket.onMessage((message) => {
        if (line !== mine) return;
        try {
          codec.decode(message, recognised);
        } catch (error) {
          broken(error);
          socket.close();
        }
      });
      socket.onClose((code, reason) => broken(closure(code, reason)));
      for (const message of codec.opening ?? []) socket.send(message);
      while (sent < history.end) {
        const upTo = Math.min(history.end, sent + replayPiece);
        send(mine, history.read(sent, upTo), upTo);
      }
      if (asked > settled && codec.flush) socket.send(codec.flush);
    });

  scope.spawn(`${vendor.name} ears`, async () => {
    let losses: number[] = [];
    while (!scope.closed) {
      let error: AywaError;
      try {
        const codec = newCodec();
        const socket = await ctx.egress.socket({ timeoutMs: CONNECT_MS, reach: access.reach, ...codec.request }, scope);
        error = vendorFault(vendor, access, await scope.wait(serve(socket, codec)));
      } catch (fault) {
        if (isCancelled(fault)) return;
        error = vendorFault(vendor, access, fault);
      }
      line = undefined;
      losses = losses.filter((at) => at > clock.now() - FLAPPING_MS);
      const pause = BACKOFF_MS[losses.length];
      if (pause === undefined || !(error.kind === 'network' || error.kind === 'timeout')) return listener.failed(error);
      losses.push(clock.now());
      listener.reconnecting?.(error);
      await clock.sleep(pause, scope);
    }
  });

  if (keepAlive) {
    scope.spawn(`${vendor.name} keep-alive`, async () => {
      for (let before = -1; ; before = sent) {
        await clock.sleep(keepAlive.everyMs, scope);
        if (sent === before) line?.socket.send(keepAlive.message);
      }
    });
  }

  return {
    write(audio) {
      // Whoever writes knows how urgent it is, and writes larger pieces when it is not.
      if (line) send(line, audio, history.end);
    },
    flush() {
      asked = history.end;
      if (line?.codec.flush) line.socket.send(line.codec.flush);
    },
  };
}
