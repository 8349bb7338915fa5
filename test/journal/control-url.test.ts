/** The control URL of a call: the same at every asking, unlike any other, gone with the key that made it. */
import { expect, it } from 'vitest';
import { controlToken, controlUrl } from '../../src/journal/control-url.ts';
import { sha256 } from '../../src/kernel/ids.ts';
import { createSealing } from '../../src/store/sealing.ts';

const [OLD, NEW] = ['the-first-key-of-the-store-0123456789', 'the-second-key-of-the-store-987654321'];
const call = { id: '01a1f8bf-8754-70ee-bfcf-fdeef26942e3', organization: '01a1f8be-5eb3-7c19-9d38-3165e761b668' };
const placed = { ...call, controlHash: sha256(controlToken(createSealing(OLD), call)) };

it('is found again from the hash, after a restart and after the key was rotated', () => {
  const url = `https://voice.example.com/call/${call.id}/control/${controlToken(createSealing(OLD), call)}`;
  expect(controlUrl(createSealing(OLD), placed, 'https://voice.example.com')).toBe(url);
  expect(controlUrl(createSealing(`new:${NEW},old:${OLD}`), placed, 'https://voice.example.com')).toBe(url);
  expect(controlUrl(createSealing(NEW), placed, 'https://voice.example.com')).toBeUndefined();
  expect(controlUrl(createSealing(OLD), { ...placed, controlHash: null }, 'https://voice.example.com')).toBeUndefined();
});

it('has 256 bits of its own for every call, organisation and key', () => {
  const tokens = [
    controlToken(createSealing(OLD), call),
    controlToken(createSealing(NEW), call),
    controlToken(createSealing(OLD), { ...call, id: call.organization }),
    controlToken(createSealing(OLD), { ...call, organization: call.id }),
  ];
  expect(new Set(tokens).size).toBe(4);
  for (const token of tokens) expect(token).toMatch(/^[\w-]{43}$/);
});
