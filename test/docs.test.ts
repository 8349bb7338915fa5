/** The generated documents are those that the code would generate now. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generatedDocs } from '../docs/generate.ts';

describe('generated documentation', () => {
  for (const [file, text] of Object.entries(generatedDocs())) {
    it(`docs/${file} is up to date (npm run docs)`, () => {
      expect(readFileSync(join(import.meta.dirname, '../docs', file), 'utf8')).toBe(text);
    });
  }
});
