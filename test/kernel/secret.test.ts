/** The mark of a secret stays with the field that was marked. */
import { expect, it } from 'vitest';
import { z } from 'zod';
import { isSecret, secret } from '../../src/kernel/secret.ts';

it('is known of the field that was marked, and of no other', () => {
  const Account = z.object({ id: z.string(), token: secret(z.string().describe('The token.')) });
  expect([isSecret(Account.shape.id), isSecret(Account.shape.token), isSecret(z.string())]).toEqual([false, true, false]);
  expect(Account.shape.token.description).toBe('The token.');
});
