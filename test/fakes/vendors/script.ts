/** What the fake vendors say and when: shared by all of them, so that a scenario is written once. */
import type { ServerResponse } from 'node:http';

/** What a fake recogniser hears, given when the client asks for a final. */
export interface Hears {
  /** One entry per utterance, whichever connection asks; or by the number of the utterance on its connection, from 0. */
  readonly hears?: readonly string[] | ((utterance: number) => string | undefined);
  /** From the request for a final to the final. */
  readonly finalAfterMs?: number;
}

/** Makes what gives each connection its next utterance. */
export function utterances({ hears = [] }: Hears): () => () => string | undefined {
  let shared = 0;
  return () => {
    let own = 0;
    return () => (typeof hears === 'function' ? hears(own++) : hears[shared++]);
  };
}

/** One answer of a fake brain. */
export interface Answer {
  /** Pieces of text as they are streamed. */
  readonly text?: readonly string[];
  readonly tools?: readonly { readonly id: string; readonly name: string; readonly json: string }[];
  readonly firstTokenMs?: number;
  readonly perTokenMs?: number;
}

export type Answers = (request: Record<string, unknown>) => Answer;

/** How a fake voice speaks. */
export interface Speaks {
  readonly firstAudioMs?: number;
  /** Length of the sound of one character. */
  readonly msPerChar?: number;
  readonly chunkMs?: number;
  /** Time that a chunk takes to be made, as a share of its length; 0: all at once. */
  readonly pace?: number;
}

/** Runs the steps one after another with pauses; stops when `stopped` says so. A pause of 0 is none. */
export function play(steps: Iterable<readonly [pauseMs: number, step: () => void]>, stopped: () => boolean): void {
  const iterator = steps[Symbol.iterator]();
  const next = () => {
    for (let at = iterator.next(); !at.done; at = iterator.next()) {
      const [pauseMs, step] = at.value;
      const run = () => {
        if (!stopped()) step();
      };
      if (stopped()) return;
      if (pauseMs > 0) {
        setTimeout(() => {
          run();
          next();
        }, pauseMs);
        return;
      }
      run();
    }
  };
  next();
}

/** One write of an answer; the pauses of the script come before those that hold a token. */
export interface Frame {
  readonly data: string;
  readonly token?: boolean;
}

/** An answer as a stream; `half` breaks it off in the middle. */
export function streamAnswer(response: ServerResponse, answer: Answer, frames: readonly Frame[], half: boolean): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  const sent = half ? frames.slice(0, Math.ceil(frames.length / 2)) : frames;
  let tokens = 0;
  const steps = sent.map(({ data, token }, index): [number, () => void] => {
    if (token) tokens += 1;
    const first = token ? tokens === 1 : frames.every((frame) => !frame.token) && index === 0;
    return [(first ? answer.firstTokenMs : token ? answer.perTokenMs : 0) ?? 0, () => response.write(data)];
  });
  steps.push([0, () => (half ? breakOff(response) : response.end())]);
  play(steps, () => response.destroyed);
}

/** Cuts the connection once what was written is on its way. */
export function breakOff(response: ServerResponse): void {
  setImmediate(() => response.destroy());
}

/** The sound of a text in chunks: a quiet saw tooth, so that two chunks are never alike and order shows. */
export function soundOf(text: string, bytesPerMs: number, script: Speaks): { bytes: Uint8Array; pauseMs: number }[] {
  const chunkMs = script.chunkMs ?? 100;
  const total = text.length * (script.msPerChar ?? 60);
  const chunks: { bytes: Uint8Array; pauseMs: number }[] = [];
  for (let at = 0; at < total; at += chunkMs) {
    const bytes = new Uint8Array(Math.min(chunkMs, total - at) * bytesPerMs);
    for (let i = 0; i < bytes.length; i += 1) bytes[i] = (at / chunkMs + i) & 0x7f;
    chunks.push({ bytes, pauseMs: at === 0 ? (script.firstAudioMs ?? 0) : chunkMs * (script.pace ?? 0) });
  }
  return chunks;
}
