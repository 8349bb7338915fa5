/**
 * The life of a call's voice over one websocket: opened before the first word is known, kept warm, replaced when it is needed
 * again after a loss. It keeps speeches apart, so that late sound of one that was cancelled is never delivered. It knows no
 * vendor: a codec says what goes over the wire. That a vendor hangs is for the listener to notice.
 */
import { type AudioFormat, msOf } from '../../audio/format.ts';
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
  /** Everything that was said so far has been spoken; more text may follow. */
  settled(context?: string): void;
  done(context?: string): void;
  failed(error: AywaError, context?: string): void;
}

/** One connection's wire format. A codec may keep state: each connection gets a new one. */
export interface VoiceCodec {
  readonly request: SocketRequest;
  /** Each returns the messages to send. The first `say` of a context begins it. */
  say(text: string, context: string): readonly string[];
  /** Text that the vendor would hold is let go. */
  flush(context: string): readonly string[];
  /** `sink.done` is for a context whose last sound was there before. */
  end(context: string, sink: VoicedSink): readonly string[];
  cancel(context: string): readonly string[];
  /** What the vendor grants a connection is nearly used up: the next speech gets a new one. */
  worn?(): boolean;
  /** Reads one message. Throws when it concerns the whole connection: an error report, or no protocol at all. */
  decode(message: string | Buffer, sink: VoicedSink): void;
}

export interface StreamingVoice {
  readonly vendor: Vendor;
  readonly access: ProviderAccess;
  readonly format: AudioFormat;
  readonly prefers: Voice['prefers'];
  /** So many speeches may lie on one connection, told apart by their contexts. Absent: each waits for the one before. */
  readonly contexts?: number;
  readonly codec: () => VoiceCodec;
  /** Sent this often while the connection is open, where the vendor closes quiet ones. */
  readonly keepAlive?: { readonly message: string; readonly everyMs: number };
  readonly ctx: ProviderContext;
}

interface Live {
  /** Its name on the connection; a new one when the vendor closes a context whose speech goes on. */
  context: string;
  readonly listener: SpeechListener;
  /** All text of the context so far: a connection that comes later gets it in one piece. */
  said: string;
  flushed: boolean;
  /** All of it has been spoken: nothing is lost with the connection. */
  settled: boolean;
  ended: boolean;
  /** The present connection knows it. */
  begun: boolean;
  /** Bytes delivered, and those of contexts that were closed. */
  delivered: number;
  before: number;
  /** It lost a connection before its first sound, and was given to a second one. */
  retried: boolean;
}

const CONNECT_MS = 3_000;

/** Opens the voice. Never throws; faults reach the speech that meets them. */
export function streamingVoice({ vendor, access, format, prefers, contexts, codec: newCodec, keepAlive, ctx }: StreamingVoice): Voice {
  const { scope } = ctx;
  /** In order of their beginning. */
  const live = new Map<string, Live>();
  let names = 0;
  const newName = () => `speech-${++names}`;
  let connecting = false;
  let line: { socket: OutboundSocket; codec: VoiceCodec } | undefined;

  const send = (messages: readonly string[]) => {
    for (const message of messages) line?.socket.send(message);
  };

  const introduce = (speech: Live, { codec }: NonNullable<typeof line>) => {
    speech.begun = true;
    send(codec.say(speech.said, speech.context));
    if (speech.ended) send(codec.end(speech.context, sink));
    else if (speech.flushed) send(codec.flush(speech.context));
  };

  /** Tells the connection of every speech that it may know of by now. */
  const begin = () => {
    const begun = [...live.values()].filter((speech) => speech.begun).length;
    if (line && begun === 0 && line.codec.worn?.()) retire();
    let room = (contexts ?? 1) - begun;
    for (const speech of [...live.values()]) {
      if (!line || room <= 0) return;
      if (!speech.begun && speech.said) {
        introduce(speech, line);
        room -= 1;
      }
      // Without contexts the order is all there is: a speech that has no text yet holds up the next one.
      if (contexts === undefined) return;
    }
  };

  const retire = () => {
    line?.socket.close();
    line = undefined;
    connect();
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
      speech.delivered += bytes.length;
      speech.listener.audio(bytes);
    },
    word(text, at, endAt, context) {
      const speech = named(context);
      if (!speech) return;
      const beforeMs = Math.round(msOf(format, speech.before));
      speech.listener.word?.(text, beforeMs + at, beforeMs + endAt);
    },
    settled(context) {
      const speech = named(context);
      if (speech) speech.settled = true;
    },
    done(context) {
      const speech = named(context);
      if (!speech) return;
      if (!speech.ended) return goOn(speech);
      drop(speech);
      speech.listener.done();
    },
    failed(error, context) {
      const speech = named(context);
      if (!speech) return;
      // A context that the vendor keeps open would count against the next ones.
      if (speech.begun && line) send(line.codec.cancel(speech.context));
      fail(speech, vendorFault(vendor, access, error));
    },
  };

  /** The vendor has spoken all that it had and closed the context by itself, as after a long pause. What is said later gets a new one. */
  const goOn = (speech: Live) => {
    live.delete(speech.context);
    speech.context = newName();
    live.set(speech.context, speech);
    forget(speech);
    begin();
  };
  const forget = (speech: Live) => {
    speech.said = '';
    speech.flushed = false;
    speech.settled = false;
    speech.begun = false;
    speech.before = speech.delivered;
  };

  /** The connection is gone. What was audible breaks off; what was not gets one more connection. */
  const lost = (fault: unknown) => {
    line = undefined;
    const error = vendorFault(vendor, access, fault);
    const again = error.kind === 'network';
    for (const speech of [...live.values()]) {
      const heard = speech.delivered > speech.before;
      if (speech.begun && speech.settled && !speech.ended) forget(speech);
      else if (speech.begun && (heard || speech.retried || !again)) fail(speech, error);
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
    const dial = async () => {
      const codec = newCodec();
      return { codec, socket: await ctx.egress.socket({ timeoutMs: CONNECT_MS, reach: access.reach, ...codec.request }, scope) };
    };
    scope.spawn(`${vendor.name} voice`, async () => {
      try {
        // A refusal that needs no network comes back through this await, too, and so never inside the call that led to it.
        const { codec, socket } = await dial();
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
    const fresh = { said: '', flushed: false, settled: false, ended: false, begun: false, delivered: 0, before: 0, retried: false };
    const speech: Live = { context: newName(), listener, ...fresh };
    live.set(speech.context, speech);
    const present = () => live.get(speech.context) === speech;
    const current = () => present() && !speech.ended;
    return {
      say(text) {
        if (!text || !current()) return;
        speech.said += text;
        speech.flushed = false;
        speech.settled = false;
        if (speech.begun && line) return send(line.codec.say(text, speech.context));
        connect();
        begin();
      },
      flush() {
        if (!current() || speech.flushed) return;
        speech.flushed = true;
        if (speech.begun && line) send(line.codec.flush(speech.context));
      },
      end() {
        if (!current()) return;
        speech.ended = true;
        if (speech.begun && line) return send(line.codec.end(speech.context, sink));
        if (speech.said) return;
        drop(speech);
        listener.done();
      },
      cancel() {
        if (!present()) return;
        live.delete(speech.context);
        if (speech.begun && line) send(line.codec.cancel(speech.context));
        begin();
      },
    };
  };

  return { format, prefers, speak };
}
