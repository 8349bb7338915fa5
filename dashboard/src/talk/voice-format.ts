/** The sound on the voice socket: 16-bit PCM, mono, 16 kHz, 20 ms a frame; and what the worklets and the page tell each other. */
export const RATE = 16_000;
export const FRAME_SAMPLES = 320;

/** From the capturing worklet: a frame for the line, and its loudness (root mean square, 0 to 1). */
export interface Captured {
  readonly frame: ArrayBuffer;
  readonly level: number;
}

/** To the playing worklet. `clear` drops what was not played yet, marks included. */
export type PlayOrder =
  | { readonly type: 'audio'; readonly pcm: ArrayBuffer }
  | { readonly type: 'mark'; readonly name: string }
  | { readonly type: 'clear' };

/** From the playing worklet: the sound before a mark was played; how loud it is. */
export type PlayNews = { readonly type: 'mark'; readonly name: string } | { readonly type: 'level'; readonly level: number };
