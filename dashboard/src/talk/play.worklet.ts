/** Runs in the audio thread: plays what the line sends, in order, tells when a mark was reached, and drops the rest at once when asked. */
import { resampler } from './resample.ts';
import { type PlayNews, type PlayOrder, RATE } from './voice-format.ts';

/** A cut ends in a slope instead of a click. */
const FADE_SECONDS = 0.005;
const LEVEL_EVERY_SECONDS = 0.04;

class Play extends AudioWorkletProcessor {
  private resample = resampler(RATE, sampleRate);
  private readonly queue: Float32Array[] = [];
  private offset = 0;
  /** Samples that were queued and played since the call's start; marks stand at a number of queued ones. */
  private queued = 0;
  private played = 0;
  private marks: { name: string; at: number }[] = [];
  private fade = 0;
  private energy = 0;
  private measured = 0;

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<PlayOrder>) => this.obey(data);
  }

  process(_inputs: Float32Array[][], [output]: Float32Array[][]): boolean {
    const [first, ...others] = output ?? [];
    if (!first) return true;
    for (let index = 0; index < first.length; index++) first[index] = this.next();
    for (const other of others) other.set(first);
    while (this.marks[0] && this.marks[0].at <= this.played) this.tell({ type: 'mark', name: this.marks.shift()?.name ?? '' });
    this.measure(first);
    return true;
  }

  private obey(order: PlayOrder): void {
    if (order.type === 'audio') this.add(order.pcm);
    else if (order.type === 'mark') this.marks.push({ name: order.name, at: this.queued });
    else {
      this.marks = [];
      this.fade = Math.min(Math.round(FADE_SECONDS * sampleRate), this.queued - this.played);
      this.queued = this.played + this.fade;
    }
  }

  private add(pcm: ArrayBuffer): void {
    if (this.fade > 0) this.drop();
    const samples = Float32Array.from(new Int16Array(pcm), (sample) => sample / 0x8000);
    const out: number[] = [];
    this.resample(samples, (sample) => out.push(sample));
    this.queue.push(Float32Array.from(out));
    this.queued += out.length;
  }

  private next(): number {
    const chunk = this.queue[0];
    if (!chunk) return 0;
    const sample = chunk[this.offset] ?? 0;
    this.offset += 1;
    this.played += 1;
    if (this.offset >= chunk.length) {
      this.queue.shift();
      this.offset = 0;
    }
    if (this.fade === 0) return sample;
    const faded = sample * (this.fade / (FADE_SECONDS * sampleRate));
    this.fade -= 1;
    if (this.fade === 0) this.drop();
    return faded;
  }

  /** Forgets what waits, the filter's memory of it included. */
  private drop(): void {
    this.queue.length = 0;
    this.offset = 0;
    this.fade = 0;
    this.queued = this.played;
    this.resample = resampler(RATE, sampleRate);
  }

  private measure(block: Float32Array): void {
    for (const sample of block) this.energy += sample * sample;
    this.measured += block.length;
    if (this.measured < LEVEL_EVERY_SECONDS * sampleRate) return;
    this.tell({ type: 'level', level: Math.sqrt(this.energy / this.measured) });
    this.energy = 0;
    this.measured = 0;
  }

  private tell(news: PlayNews): void {
    this.port.postMessage(news);
  }
}

registerProcessor('play', Play);
