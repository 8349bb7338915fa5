/**
 * Remakes `src/call/answer/apology.mulaw`, the sentence that a call speaks when every voice is gone.
 * A development tool: `node tools/apology.ts`.
 */
import { writeFileSync } from 'node:fs';
import { converter } from '../src/audio/convert.ts';
import { MULAW_8K, PCM_16K } from '../src/audio/format.ts';
import { APOLOGY_TEXT } from '../src/call/answer/apology.ts';
import { flite } from './flite.ts';

const { samples } = await flite(APOLOGY_TEXT, 'slt');
const { convert } = converter(PCM_16K, MULAW_8K);
writeFileSync(new URL('../src/call/answer/apology.mulaw', import.meta.url), convert(new Uint8Array(samples.buffer)));
