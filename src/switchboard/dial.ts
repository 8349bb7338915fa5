/** Asks the carrier to call somebody and connect them to a call that is open already. A refusal ends that call; it is never repeated. */
import type { CarrierAccount } from '../carriers/carrier.ts';
import { AywaError, asAywaError } from '../kernel/errors.ts';
import { carrierNamed } from './access.ts';
import { continueUrl, mediaUrl, statusUrl } from './carrier-urls.ts';
import type { PlacingDeps } from './deps.ts';

import type { PlacedCall } from './place-call.ts';

/** Ringing, the request before it and the stream after it fit into the 60 s of the media token. */
const RING_SECONDS = 45;

/** The carrier's id of the call. Throws `carrier_refused`, a 4xx whatever happened, because a client that repeats would dial again. */
export async function dial(deps: PlacingDeps, account: CarrierAccount, call: PlacedCall, to: string): Promise<string> {
  const { config, switchboard, egress, scope, log, carrierCalls } = deps;
  const { id } = call.row;
  const carrier = carrierNamed(account.carrier);
  carrierCalls.placed(id, account);
  try {
    const { providerCallId } = await carrier.dial(
      {
        to,
        from: account.number,
        mediaUrl: mediaUrl(config.publicUrl, carrier.name, call.mediaToken),
        statusUrl: statusUrl(config.publicUrl, carrier.name, id),
        continueUrl: continueUrl(config.publicUrl, carrier.name, id),
        callId: id,
        ringSeconds: RING_SECONDS,
      },
      account,
      egress,
      scope,
    );
    switchboard.progress(id, 'dialing', carrier.name, providerCallId);
    return providerCallId;
  } catch (thrown) {
    const error = asAywaError(thrown);
    log.warn('dial_failed', { call: id, carrier: carrier.name, code: error.code, detail: error.message });
    switchboard.end(id, 'dial-failed', error.detail ?? error.message);
    throw error.code === 'carrier_refused' ? error : new AywaError('carrier_refused', { detail: error.message, cause: error });
  }
}
