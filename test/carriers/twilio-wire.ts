/** Twilio's media messages as Twilio writes them, for tests that play its part. */
import type { CarrierAccount } from '../../src/carriers/carrier.ts';

export const SIDS = {
  stream: 'MZ00000000000000000000000000000001',
  account: 'AC00000000000000000000000000000001',
  call: 'CA00000000000000000000000000000001',
};

export function twilioAccount(baseUrl: string, authToken = 'token', number = '+14155550100'): CarrierAccount {
  return { carrier: 'twilio', id: SIDS.account, fields: { accountSid: SIDS.account, authToken }, number, baseUrl };
}

export function startMessage(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const start = {
    streamSid: SIDS.stream,
    accountSid: SIDS.account,
    callSid: SIDS.call,
    tracks: ['inbound'],
    customParameters: { call_id: 'call-1' },
    mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
    ...changes,
  };
  return { event: 'start', sequenceNumber: '1', start, streamSid: SIDS.stream };
}

/** As Twilio sends it: the stream's id last. */
export function mediaMessage(audio: Uint8Array, chunk = 1): string {
  const payload = Buffer.from(audio).toString('base64');
  return `{"event":"media","sequenceNumber":"${chunk + 1}","media":{"track":"inbound","chunk":"${chunk}","timestamp":"${chunk * 20}","payload":"${payload}"},"streamSid":"${SIDS.stream}"}`;
}
