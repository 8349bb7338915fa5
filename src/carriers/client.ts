/** The JSON of a client on its own socket, with or without audio beside it. */
import { z } from 'zod';
import type { LineSignal } from './carrier.ts';

const Mark = z.object({ type: z.literal('mark'), name: z.string().max(200) });
const Text = z.object({ type: z.literal('text'), text: z.string().trim().min(1).max(5_000) });

type ClientSignal = Extract<LineSignal, { type: 'mark' | 'text' | 'control' }>;

/** A mark that was played, typed words, or a command for the call to parse; `undefined` when the fields are not right. */
export function clientSignal(wire: Readonly<Record<string, unknown>>): ClientSignal | undefined {
  switch (wire.type) {
    case 'mark':
      return Mark.safeParse(wire).data;
    case 'text':
      return Text.safeParse(wire).data;
    default:
      return typeof wire.type === 'string' ? { type: 'control', message: wire } : undefined;
  }
}
