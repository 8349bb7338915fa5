/**
 * The life of a call's voice over one websocket: opened before the first word is known, kept warm, replaced when it is needed
 * again after a loss. It keeps speeches apart, so that late sound of one that was cancelled is never delivered. It knows no
 * vendor: a codec says what goes over the wire. That a vendor hangs is for the listener to notice.
 */
import type { AudioFormat } from '../../audio/format.ts';
import type { OutboundSocket, SocketRequest } from '../../kernel/egress.ts';
import type { AywaError } from '../../kernel/errors.ts';
import { isCancelled } from '../../kernel/scope.ts';
import type { ProviderAccess, ProviderContext } from '../contract.ts';
import { closure, type Vendor, vendorFault } from '../faults.ts';
import type { Speech, SpeechListener, Voice } from './contract.ts';

/** Where a codec puts what it read. `context` names the speech; vendors without contexts leave it out: they speak one at a time. */
interface VoicedSink {
  audio(bytes: Uint8Array, context?: string): void;
  /** In milliseconds from the speech's first byte. */
  word(text: string, at: number, endAt: number, context?: string): void;
  done(context?: string): void;
  failed(error: AywaError, context?: string): void;
}

/** One connection's wire format. A codec may keep state: each connection gets a new one. */
export interface VoiceCodec {
  readonly request: SocketRequest;
  /** Each returns the messages to send. The first `say` of a context begins it. */
  say(text: string, context: string): readonly string[];
  end(context: string): readonly string[];
  cancel(context: string): readonly string[];
  /** Reads one message. Throws when it concerns the whole connection: an error report, or no protocol at all. */
  decode(message: string | Buffer, sink: VoicedSink): void;
}

export interface StreamingVoice {
  readonly vendor: Vendor;
  readonly access: ProviderAccess;
  readonly format: AudioFormat;
  readonly prefers: Voice['prefers'];
  /** The vendor mixes speeches on one connection; otherwise each waits for the one before. */
  readonly contexts: boolean;
  readonly codec: () => VoiceCodec;
  /** Sent this often while the connection is open, where the vendor closes quiet ones. */
  readonly keepAlive?: { readonly message: string; readonly everyMs: number };
  readonly ctx: ProviderContext;
}

interface Live {
  readonly context: string;
  readonly listener: SpeechListener;
  /** All text so far: a connection that comes later gets it in one piece. */
  said: string;
  ended: boolean;
  /** The present connection knows it. */
  begun: boolean;
  audible: boolean;
  /** It lost a connection before its first sound, and was given to a second one. */
  retried: boolean;
}

const CONNECT_MS = 3_000;

/** Opens the voice. Never throws; faults reach the speech that meets them. */
export function streamingVoice({ vendor, access, format, prefers, contexts, codec: newCodec, keepAlive, ctx }: StreamingVoice): Voice {
  const { scope } = ctx;
  /** In order of their beginning. */
  const live = new Map<string, Live>();
  let count = 0;
  let connecting = false;
  let line: { socket: OutboundSocket; codec: VoiceCodec } | undefined;

  const send = (messages: readonly string[]) => {
    for (const message of messages) line?.socket.send(message);
  };

  /** Tells the connection of every speech that it may know of by now. */
  const begin = () => {
    for (const speech of live.values()) {
      if (line && !speech.begun && speech.said) {
        speech.begun = true;
        send(line.codec.say(speech.said, speech.context));
        if (speech.ended) send(line.codec.end(speech.context));
      }
      if (!contexts) return;
    }
  };

  const named = (context: string | undefined): Live | undefined => {
    if (context !== undefined) return live.get(context);
    for (const first of live.values()) return first;
    return undefined;
  };
  const drop = (speech: Live) => {
    live.delete(speech.context);
    begin();
  };
  const fail = (speech: Live, error: AywaError) => {
    drop(speech);
    speech.listener.failed(error);
  };

  const sink: VoicedSink = {
    audio(bytes, context) {
      const speech = named(context);
      if (!speech || bytes.length === 0) return;
      speech.audible = true;
      speech.listener.audio(bytes);
    },
    word: (text, at, endAt, context) => named(context)?.listener.word?.(text, at, endAt),
    done(context) {
      const speech = named(context);
      if (!speech) return;
      drop(speech);
      speech.listener.done();
    },
    failed(error, context) {
      const speech = named(context);
      if (speech) fail(speech, vendorFault(vendor, access, error));
    },
  };

  /** The connection is gone. What was audible breaks off; what was not gets one more connection. */
  const lost = (fault: unknown) => {
    line = undefined;
    const error = vendorFault(vendor, access, fault);
    const again = error.kind === 'network';
    for (const speech of [...live.values()]) {
      if (speech.begun && (speech.audible || speech.retried || !again)) fail(speech, error);
      else {
        speech.retried ||= speech.begun;
        speech.begun = false;
      }
    }
    if ([...live.values()].some((speech) => speech.said)) connect();
  };

  const serve = (socket: OutboundSocket, codec: VoiceCodec) => {
    line = { socket, codec };
    const present = () => line?.socket === socket;
    socket.onMessage((message) => {
      if (!present()) return;
      try {
        codec.decode(message, sink);
      } catch (fault) {
        socket.close();
        lost(fault);
      }
    });
    socket.onClose((code, reason) => {
      if (present() && !scope.closed) lost(closure(code, reason));
    });
    begin();
  };

  const connect = () => {
    if (line || connecting) return;
    connecting = true;
    scope.spawn(`${vendor.name} voice`, async () => {
      try {
        const codec = newCodec();
        const socket = await ctx.egress.socket({ timeoutMs: CONNECT_MS, reach: access.reach, ...codec.request }, scope);
        connecting = false;
        serve(socket, codec);
      } catch (fault) {
        connecting = false;
        if (isCancelled(fault)) return;
        const error = vendorFault(vendor, access, fault);
        for (const speech of [...live.values()]) fail(speech, error);
      }
    });
  };

  connect();
  if (keepAlive) {
    scope.spawn(`${vendor.name} keep-alive`, async () => {
      while (true) {
        await ctx.scope.clock.sleep(keepAlive.everyMs, scope);
        line?.socket.send(keepAlive.message);
      }
    });
  }

  const speak = (listener: SpeechListener): Speech => {
    count += 1;
    const speech: Live = { context: `speech-${count}`, listener, said: '', ended: false, begun: false, audible: false, retried: false };
    live.set(speech.context, speech);
    const current = () => live.get(speech.context) === speech && !speech.ended;
    return {
      say(text) {
        if (!text || !current()) return;
        speech.said += text;
        if (speech.begun && line) return send(line.codec.say(text, speech.context));
        connect();
        begin();
      },
      end() {
        if (!current()) return;
        speech.ended = true;
        if (speech.begun && line) return send(line.codec.end(speech.context));
        if (speech.said) return;
        drop(speech);
        listener.done();
      },
      cancel() {
        if (live.get(speech.context) !== speech) return;
        live.delete(speech.context);
        if (speech.begun && line) send(line.codec.cancel(speech.context));
        begin();
      },
    };
  };

  return { format, prefers, speak };
}
