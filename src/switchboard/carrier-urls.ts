/** The addresses of ours that a carrier is given for one call. Public ones: behind a proxy nothing else can be called or signed. */
import { websocketUrl } from './media-door.ts';

/** Where the media stream goes; the token is in the path, because carriers drop queries. */
export function mediaUrl(publicUrl: string, carrier: string, token: string): string {
  return websocketUrl(publicUrl, `/telephony/${carrier}/media/${token}`);
}

/** Where the carrier tells what became of the call. */
export function statusUrl(publicUrl: string, carrier: string, call: string): string {
  return `${publicUrl}/telephony/${carrier}/status/${call}`;
}

/** Where the carrier asks how to go on when a stream or a transfer has ended. */
export function continueUrl(publicUrl: string, carrier: string, call: string): string {
  return `${publicUrl}/telephony/${carrier}/continue/${call}`;
}
