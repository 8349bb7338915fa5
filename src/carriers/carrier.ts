/**
 * The line between a caller and a call: any carrier, a plain websocket, a browser, or text. A carrier file holds its media codec,
 * its REST, its webhook verification and its answer document together, with capability flags; no carrier conditional anywhere else.
 */
import type { z } from 'zod';
import type { AudioFormat } from '../audio/format.ts';
import type { Egress } from '../kernel/egress.ts';
import type { ErrorCode } from '../kernel/errors.ts';
import type { Scope } from '../kernel/scope.ts';
import type { Wheel } from '../kernel/wheel.ts';

/** What a line can do; drives behaviour instead of its name. */
export interface LineAbilities {
  /** Audio that was not heard yet can be dropped: at the far end, or before it left a line that paces itself. */
  readonly clear: boolean;
  /** It is told when a point in the audio has left the buffer in front of the ear. */
  readonly mark: boolean;
  /** Keys of the caller arrive. */
  readonly dtmf: boolean;
  /** One flag for each verb of `Line`: what is false rejects with `line_cannot`. */
  readonly press: boolean;
  readonly hold: boolean;
  readonly transfer: boolean;
  readonly bridge: boolean;
  /** A leg that breaks may be followed by another one: the carrier asks for it. */
  readonly returns: boolean;
  /** Audio or only text. */
  readonly audio: boolean;
  /** How far ahead of the ear audio may be sent, in ms: about 400 where `clear` takes it back, about 60 where nothing does. */
  readonly leadMs: number;
}

/** Who ended a leg. `transfer` is us: the far end was sent elsewhere, and is still on the telephone. */
export type LineEnd = 'caller' | 'carrier' | 'network' | 'transfer';

/** What a line tells. `ended` comes exactly once and last. */
export type LineSignal =
  | { type: 'mark'; name: string }
  | { type: 'dtmf'; digit: string }
  /** Typed words of a text line, or of a client beside its audio. */
  | { type: 'text'; text: string }
  /** A control message that a client sent on its own socket, not parsed yet (`say`, `add-message`, `control`, `end-call`, ...). */
  | { type: 'control'; message: Readonly<Record<string, unknown>> }
  | { type: 'malformed'; code: ErrorCode; detail: string }
  | { type: 'ended'; by: LineEnd; detail: string };

/** Called synchronously from the socket; must not throw. `audio` bytes are valid only during the call. */
export interface LineListener {
  audio(bytes: Uint8Array): void;
  signal(signal: LineSignal): void;
}

/** What a line can be asked beside its audio. Each rejects with `line_cannot` where `can` says no. */
export interface LineVerbs {
  /** Sends keys to the far end: `0` to `9`, `*`, `#`, `A` to `D`, and `w` for half a second of waiting. */
  press(keys: string): Promise<void>;
  /** Parks the far end, or takes it back. */
  hold(on: boolean): Promise<void>;
  /** Sends the far end to a number (E.164) or a SIP address. The line then ends by `transfer`. */
  transfer(destination: string): Promise<void>;
  /** Connects the far ends of two legs without us, once each of them was told by its own line. Both lines then end by `transfer`. */
  bridge(otherLegId: string): Promise<void>;
}

export interface Line extends LineVerbs {
  /** The leg's own, unlike that of any other leg of any call. */
  readonly id: string;
  readonly carrier: string;
  readonly format: AudioFormat;
  readonly can: LineAbilities;
  /** Facts of the media leg: `streamId`, `providerCallId`, parameters. */
  readonly facts: Readonly<Record<string, string>>;
  /** Starts delivery; what arrived before is delivered first. */
  listen(listener: LineListener): void;
  /** Sends audio at once, any length; the bytes are copied or written before it returns. */
  send(audio: Uint8Array): void;
  mark(name: string): void;
  clear(): void;
  /** A message for the client that is not audio: transcripts and status for a browser or a websocket client. No-op on carriers. */
  tell(message: Readonly<Record<string, unknown>>): void;
  /** Ends the leg at the far end (REST where the carrier wants it) and closes the socket. "Already over" counts as success. */
  hangUp(cause: string): Promise<void>;
}

/** Everything a media leg may touch besides its socket. */
export interface LineContext {
  /** What the line will be called: `Line.id`. */
  readonly id: string;
  readonly scope: Scope;
  readonly egress: Egress;
  /** Where a line that paces its audio rides. */
  readonly wheel: Wheel;
  /** Where the carrier asks how to go on when a stream or a transfer has ended; absent for lines without callbacks. */
  readonly continueUrl?: string;
  /** How the carrier account is reached, for hanging up; absent for lines without an account. */
  readonly account?: CarrierAccount;
}

/** An account at a carrier, from the number, a credential or the environment. */
export interface CarrierAccount {
  readonly carrier: string;
  /** What the carrier calls the account in its callbacks: one of the fields. */
  readonly id: string;
  /** As the carrier's `account` schema names them; secrets among them. */
  readonly fields: Readonly<Record<string, string>>;
  readonly number: string;
  readonly baseUrl: string;
}

/** The socket under a websocket line, whatever library drives it. */
export interface MediaSocket {
  /** One message; bytes are copied or written before it returns. */
  send(message: string | Uint8Array): void;
  /**
   * One message of exactly `length` bytes that is written where it leaves from: `write` fills `target` from `at` on, at once, and
   * keeps no hold of it. For what goes out many times a second.
   */
  write(length: number, binary: boolean, write: (target: Buffer, at: number) => void): void;
  close(code: number, reason: string): void;
  onMessage(take: (message: Buffer, binary: boolean) => void): void;
  onClose(take: (code: number, reason: string) => void): void;
}

/** Media that come as packets: RTP on a port of ours, or a browser's data channel. */
export interface PacketPort {
  send(packet: Uint8Array): void;
  close(): void;
  onPacket(take: (packet: Uint8Array) => void): void;
  onClose(take: (detail: string) => void): void;
}

/** How media reaches a line. */
export type IncomingMedia =
  | { readonly kind: 'socket'; readonly socket: MediaSocket }
  | { readonly kind: 'rtp'; readonly port: PacketPort }
  | { readonly kind: 'channel'; readonly port: PacketPort };
export type MediaKind = IncomingMedia['kind'];

/** What a call expects of the media leg that claims it. */
export interface LineExpectation {
  readonly format: AudioFormat;
  /** The carrier's id of the call, when known already: a leg that names another one is refused. */
  readonly providerCallId?: string;
}

interface DialRequest {
  readonly to: string;
  readonly from: string;
  readonly mediaUrl: string;
  readonly statusUrl: string;
  readonly continueUrl: string;
  readonly callId: string;
  readonly ringSeconds: number;
}

/** A carrier call's progress, from its status callback; `final` states never change again. */
export interface CarrierStatus {
  readonly providerCallId: string;
  readonly state: 'queued' | 'dialing' | 'ringing' | 'in-progress' | 'completed' | 'busy' | 'no-answer' | 'failed' | 'canceled';
  readonly sequence: number;
  readonly detail: string;
}

/** An inbound webhook or status callback, as it arrived. `url` is the public URL that the carrier called. */
export interface CarrierCallback {
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly form: Readonly<Record<string, string | readonly string[]>>;
  /** The raw body, where it is not a form: its hash is part of what is signed. */
  readonly body?: string | Uint8Array;
}

export interface InboundCall {
  readonly providerCallId: string;
  readonly accountId: string;
  readonly from: string;
  readonly to: string;
}

export interface CarrierDocument {
  readonly contentType: string;
  readonly body: string;
}

/** How a carrier is told what to do with a call: by the document that answers its webhook, or by a request of our own beside it. */
export type CarrierAnswer = CarrierDocument | { rest(account: CarrierAccount, egress: Egress, scope: Scope): Promise<void> };

export interface AnswerRequest {
  readonly providerCallId: string;
  readonly mediaUrl: string;
  /** Where the carrier asks how to go on when the stream has ended. */
  readonly continueUrl: string;
  /** Comes back with the stream's start. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** What a carrier says when it asks how to go on. */
export interface Continuation {
  readonly providerCallId: string;
  /** Whether the one who was called in a transfer of ours talked to the caller; `null` when it was a stream that ended. */
  readonly transferred: boolean | null;
}

/** Waits for the media leg's opening message, checks it against the expectation and gives the line; rejects with `media_malformed`. */
export type ConnectLine = (media: IncomingMedia, expectation: LineExpectation, ctx: LineContext) => Promise<Line>;

/** How a line is made, and of which media. */
export interface Connector {
  readonly takes: MediaKind;
  readonly connect: ConnectLine;
}

/** A carrier that reaches us by media websocket and webhooks. */
export interface Carrier {
  readonly name: string;
  /**
   * What an account of this carrier is made of, beside its number and the API's address; `secret()` marks what is never shown. The
   * environment names follow: `accountSid` of `twilio` is `TWILIO_ACCOUNT_SID`. Values are strings.
   */
  readonly account: z.ZodObject;
  /** The field that callbacks name the account by. */
  readonly idField: string;
  readonly origin: string;
  /** Is this webhook or websocket upgrade really from the carrier? Compares in constant time. */
  verify(callback: CarrierCallback, account: CarrierAccount): boolean;
  inbound(callback: CarrierCallback): InboundCall;
  status(callback: CarrierCallback): CarrierStatus;
  /** Connects the call to the media URL. */
  answer(request: AnswerRequest): CarrierAnswer;
  /** Refuses a call politely (busy); the call is unknown when its webhook could not be judged. */
  refuse(providerCallId: string | null): CarrierAnswer;
  /** What stands behind the stream; absent where the end of the stream is the end of the call. */
  readonly continuation?: {
    read(callback: CarrierCallback): Continuation;
    /** Ends the call. */
    over(): CarrierAnswer;
  };
  dial(request: DialRequest, account: CarrierAccount, egress: Egress, scope: Scope): Promise<{ providerCallId: string }>;
  hangUp(providerCallId: string, account: CarrierAccount, egress: Egress, scope: Scope): Promise<void>;
  readonly line: Connector;
}
