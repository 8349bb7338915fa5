/** Runs in the audio thread: the microphone's sound as frames for the line. It sends while nothing is heard too: frames are the call's clock. */
import { resampler } from './resample.ts';
import { type Captured, FRAME_SAMPLES, RATE } from './voice-format.ts';

const SILENCE = new Float32Array(128);

class Capture extends AudioWorkletProcessor {
  private readonly resample = resampler(sampleRate, RATE);
  private frame = new Int16Array(FRAME_SAMPLES);
  private filled = 0;
  private energy = 0;

  process([input]: Float32Array[][]): boolean {
    this.resample(input?.[0] ?? SILENCE, (sample) => {
      this.energy += sample * sample;
      this.frame[this.filled] = Math.max(-1, Math.min(1, sample)) * 0x7fff;
      this.filled += 1;
      if (this.filled === FRAME_SAMPLES) this.send();
    });
    return true;
  }

  private send(): void {
    const captured: Captured = { frame: this.frame.buffer, level: Math.sqrt(this.energy / FRAME_SAMPLES) };
    this.port.postMessage(captured, [captured.frame]);
    this.frame = new Int16Array(FRAME_SAMPLES);
    this.filled = 0;
    this.energy = 0;
  }
}

registerProcessor('capture', Capture);
