/** Voice activity: is somebody speaking in this window? One detector serves all calls of a host; each call owns a slot of it. */

export interface VoiceActivity {
  /** Takes a free slot, whose state starts from silence; `window` gets the probability of speech (0 to 1) of every 32 ms. */
  open: OpenVoiceActivity;
}

export interface VoiceActivityStream {
  /**
   * Feeds samples at the detector's rate (8000), any number at a time; calls `window` for each full window of 32 ms.
   * Synchronous, allocates nothing.
   */
  write(samples: Int16Array, length: number): void;
  /** Gives the slot back. */
  close(): void;
}

export type OpenVoiceActivity = (window: (probability: number) => void) => VoiceActivityStream;
