/**
 * The line between a caller and a call: any carrier, a plain websocket, a browser, or text. A carrier file holds its media codec,
 * its REST, its webhook verification and its answer document together, with capability flags; no carrier conditional anywhere else.
 */
import type { AudioFormat } from '../audio/format.ts';
import type { Egress } from '../kernel/egress.ts';
import type { ErrorCode } from '../kernel/errors.ts';
import type { Scope } from '../kernel/scope.ts';

/** What a line can do; drives behaviour instead of its name. */
export interface LineAbilities {
  /** The far end buffers audio and can drop it. */
  readonly clear: boolean;
  /** The far end says when a point in the audio has left its buffer. */
  readonly mark: boolean;
  readonly dtmf: boolean;
  readonly press: boolean;
  readonly transfer: boolean;
  /** Audio or only text. */
  readonly audio: boolean;
  /** How far ahead of the ear audio may be sent, in ms: about 400 in front of a carrier's buffer, about 60 where we pace. */
  readonly leadMs: number;
}

/** What a line tells. `ended` comes exactly once and last. */
export type LineSignal =
  | { type: 'mark'; name: string }
  | { type: 'dtmf'; digit: string }
  /** Typed words of a text line, or of a client beside its audio. */
  | { type: 'text'; text: string }
  /** A control message that a client sent on its own socket, not parsed yet (`say`, `add-message`, `control`, `end-call`, ...). */
  | { type: 'control'; message: Readonly<Record<string, unknown>> }
  | { type: 'malformed'; code: ErrorCode; detail: string }
  | { type: 'ended'; by: 'caller' | 'carrier' | 'network'; detail: string };

/** Called synchronously from the socket; must not throw. `audio` bytes are valid only during the call. */
export interface LineListener {
  audio(bytes: Uint8Array): void;
  signal(signal: LineSignal): void;
}

export interface Line {
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
  readonly scope: Scope;
  readonly egress: Egress;
  /** How the carrier account is reached, for hanging up; absent for lines without an account. */
  readonly account?: CarrierAccount;
}

/** An account at a carrier, from the number, a credential or the environment. `secret` is the auth token. */
export interface CarrierAccount {
  readonly carrier: string;
  readonly id: string;
  readonly secret: string;
  readonly number: string;
  readonly baseUrl: string;
}

/** The socket under a websocket line, whatever library drives it. */
export interface MediaSocket {
  send(message: string | Uint8Array): void;
  readonly buffered: number;
  close(code: number, reason: string): void;
  onMessage(take: (message: Buffer, binary: boolean) => void): void;
  onClose(take: (code: number, reason: string) => void): void;
}

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

/** Waits for the media leg's opening message, checks it against the expectation and gives the line; rejects with `media_malformed`. */
export type ConnectLine = (socket: MediaSocket, expectation: LineExpectation, ctx: LineContext) => Promise<Line>;

/** A carrier that reaches us by media websocket and webhooks. */
export interface Carrier {
  readonly name: string;
  /** Prefix of the environment names: `TWILIO` gives `TWILIO_ACCOUNT_SID`, ... */
  readonly env: { readonly id: string; readonly secret: string; readonly number: string; readonly baseUrl: string };
  readonly origin: string;
  /** Is this webhook or websocket upgrade really from the carrier? Compares in constant time. */
  verify(callback: CarrierCallback, secret: string): boolean;
  inbound(callback: CarrierCallback): InboundCall;
  status(callback: CarrierCallback): CarrierStatus;
  /** The document that connects the call to the media URL. */
  answer(mediaUrl: string, parameters: Readonly<Record<string, string>>): { contentType: string; body: string };
  /** The document that refuses a call politely (busy). */
  refuse(): { contentType: string; body: string };
  dial(request: DialRequest, account: CarrierAccount, egress: Egress, scope: Scope): Promise<{ providerCallId: string }>;
  hangUp(providerCallId: string, account: CarrierAccount, egress: Egress, scope: Scope): Promise<void>;
  readonly connect: ConnectLine;
}
