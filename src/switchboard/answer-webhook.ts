/**
 * What a carrier's webhook gets back: the carrier's document, or nothing where the answer is a request of our own, which is made
 * beside it. Such a request is made once; when it fails, whoever asked is told.
 */
import type { CarrierAccount, CarrierAnswer, CarrierDocument } from '../carriers/carrier.ts';
import { asAywaError } from '../kernel/errors.ts';
import { withDeadline } from '../kernel/scope.ts';
import type { PlacingDeps } from './deps.ts';

/** A caller who hears nothing but ringing for longer has hung up. */
const ANSWER_WITHIN_MS = 8_000;
const NOTHING: CarrierDocument = { contentType: 'text/plain', body: '' };

export function answerWebhook(
  { scope, egress, log }: PlacingDeps,
  answer: CarrierAnswer,
  account: CarrierAccount | undefined,
  failed: (detail: string) => void,
): CarrierDocument {
  if (!('rest' in answer)) return answer;
  if (!account) failed('No account is known to answer the call with.');
  else
    scope.spawn('answer a carrier', async () => {
      try {
        await withDeadline(scope, 'the answer to a carrier', ANSWER_WITHIN_MS, (asking) => answer.rest(account, egress, asking));
      } catch (thrown) {
        const error = asAywaError(thrown);
        log.warn('answer_failed', { carrier: account.carrier, code: error.code, detail: error.message });
        failed(error.message);
      }
    });
  return NOTHING;
}
