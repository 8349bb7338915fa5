/**
 * The life of one recognition over a websocket: connects at once, replays what was not understood yet to a new connection when one is
 * lost, keeps quiet connections alive, tolerates what is not to be read and ends with its scope. It knows no vendor: a codec says what goes over the wire. It keeps
 * no audio: the call does. Times leave here in media time, whichever connection the words came from.
 */
import { bytesOf, bytesPerSample, msOf } from '../../audio/format.ts';
import type { OutboundSocket, SocketRequest } from '../../kernel/egress.ts';
import { type AywaError, isAywaError } from '../../kernel/errors.ts';
import { isCancelled, withDeadline } from '../../kernel/scope.ts';
import type { ProviderAccess, ProviderContext } from '../contract.ts';
import { closure, type Vendor, vendorFault } from '../faults.ts';
import { createTally, type Tally } from '../fields.ts';
import type { Ears, EarsListener, HearingOptions, Recognised } from './contract.ts';

export type WireMessage = string | Uint8Array;

/** One connection's wire format. A codec may keep state: each connection gets a new one. */
export interface EarsCodec {
  readonly request: SocketRequest;
  /** Messages that come before the first audio. */
  readonly opening?: readonly WireMessage[];
  /** The wire form of audio; the bytes as they are unless given. */
  readonly audio?: (bytes: Uint8Array) => WireMessage;
  /** Asks for the final of what was sent so far. */
  readonly flush?: WireMessage;
  /** Asks for the last words and then for the end: the vendor says what it still has and closes the connection in good order. */
  readonly closing?: () => readonly WireMessage[];
  /**
   * Reads one message; times count from this connection's first byte. An `AywaError` is the vendor's report that this connection is over;
   * anything else that is thrown is a message that says nothing, and only too many of those in a row are no protocol.
   */
  decode(message: string | Buffer, recognised: (words: Recognised) => void): void;
}

export interface StreamingEars {
  readonly vendor: Vendor;
  readonly access: ProviderAccess;
  readonly hearing: Pick<HearingOptions, 'format' | 'history'>;
  /**
   * Asked before each connection. It may ask somebody else first, for a token or a signed address, in the scope that it gets; what fails
   * there is the vendor's fault. `tally` counts the fields that could not be used.
   */
  readonly codec: (ctx: ProviderContext, tally: Tally) => EarsCodec | Promise<EarsCodec>;
  /** Sent when no audio went out for this long, where the vendor closes quiet connections. It must be no audio: times count that. */
  readonly keepAlive?: { readonly message: WireMessage | (() => WireMessage); readonly everyMs: number };
  readonly listener: EarsListener;
  readonly ctx: ProviderContext;
}

const REPLAY_PIECE_MS = 250;
const BACKOFF_MS = [100, 400, 1_600] as const;
const FLAPPING_MS = 60_000;
const CONNECT_MS = 3_000;
/** For a codec that asks before it connects. */
const ASK_MS = 3_000;
/** A few messages may be broken; a server that says nothing else does not speak the protocol. */
const UNUSABLE_IN_A_ROW = 5;
/** RFC 6455 §7.4.1: a normal end, and an end without a code. */
const GOOD_ORDER: readonly number[] = [1000, 1005];

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
  const tally = createTally();
  let finishing: PromiseWithResolvers<void> | undefined;

  const send = ({ socket, codec }: Line, bytes: Uint8Array, upTo: number) => {
    sent = upTo;
    socket.send(codec.audio ? codec.audio(bytes) : bytes);
  };

  /** What asks for words that are owed. */
  const ask = ({ socket, codec }: Line) => {
    if (asked > settled && codec.flush) socket.send(codec.flush);
    if (finishing) for (const message of codec.closing?.() ?? []) socket.send(message);
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
      let unusable = 0;
      const recognised = (words: Recognised) => {
        if (words.type !== 'partial' && words.type !== 'final') return listener.recognised(words);
        const placed = { ...words, from: words.from + offset, to: words.to + offset };
        if (words.type === 'final') {
          settled = Math.max(settled, Math.min(history.end, bytesOf(format, placed.to)));
          asked = 0;
        }
        listener.recognised(placed);
        if (words.type === 'final' && !codec.closing) finishing?.resolve();
      };
      socket.onMessage((message) => {
        if (line !== mine) return;
        try {
          codec.decode(message, recognised);
          unusable = 0;
        } catch (error) {
          unusable += 1;
          if (!isAywaError(error)) tally.note('message');
          if (!isAywaError(error) && unusable < UNUSABLE_IN_A_ROW) return;
          line = undefined;
          broken(error);
          socket.close();
        }
      });
      socket.onClose((code, reason) => {
        // The answer to `closing`: there is nothing left to say.
        const last = finishing && codec.closing && GOOD_ORDER.includes(code);
        broken(last ? undefined : closure(code, reason));
      });
      for (const message of codec.opening ?? []) socket.send(message);
      while (sent < history.end) {
        const upTo = Math.min(history.end, sent + replayPiece);
        send(mine, history.read(sent, upTo), upTo);
      }
      ask(mine);
    });

  const connect = async () => {
    const codec = await withDeadline(scope, `${vendor.name} address`, ASK_MS, async (asking) => newCodec({ ...ctx, scope: asking }, tally));
    const socket = await ctx.egress.socket({ timeoutMs: CONNECT_MS, reach: access.reach, ...codec.request }, scope);
    return { socket, codec };
  };

  scope.spawn(`${vendor.name} ears`, async () => {
    let losses: number[] = [];
    while (!scope.closed) {
      let error: AywaError;
      try {
        const { socket, codec } = await connect();
        const reason = await scope.wait(serve(socket, codec));
        if (reason === undefined) return finishing?.resolve();
        error = vendorFault(vendor, access, reason);
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
    const { message, everyMs } = keepAlive;
    scope.spawn(`${vendor.name} keep-alive`, async () => {
      for (let before = -1; ; before = sent) {
        await clock.sleep(everyMs, scope);
        if (sent === before) line?.socket.send(typeof message === 'function' ? message() : message);
      }
    });
  }

  scope.defer(() => {
    if (tally.total > 0) ctx.log.warn('ears_stream_unusable', { provider: vendor.name, ...tally.counts });
  });

  return {
    write(audio) {
      // Whoever writes knows how urgent it is, and writes larger pieces when it is not.
      if (line) send(line, audio, history.end);
    },
    flush() {
      asked = history.end;
      if (line?.codec.flush) line.socket.send(line.codec.flush);
    },
    finish() {
      asked = history.end;
      finishing ??= Promise.withResolvers<void>();
      if (line) ask(line);
      return finishing.promise;
    },
  };
}
