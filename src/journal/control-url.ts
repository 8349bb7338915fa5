/**
 * The URL that commands one call and needs no key: who has it may make the agent speak. Its secret follows from the encryption key and
 * the call, so that a live call can show it again although only its hash is kept.
 */
import { sha256 } from '../kernel/ids.ts';
import type { Sealing } from '../store/sealing.ts';

interface Controlled {
  readonly id: string;
  readonly organization: string;
  readonly controlHash: string | null;
}

/** The secret of a call that is about to be placed. */
export function controlToken(sealing: Sealing, call: Pick<Controlled, 'id' | 'organization'>): string {
  return tokens(sealing, call)[0] ?? '';
}

/** `undefined` for a call whose hash was made with a key that is no longer given. */
export function controlUrl(sealing: Sealing, call: Controlled, publicUrl: string): string | undefined {
  const token = tokens(sealing, call).find((one) => sha256(one) === call.controlHash);
  return token && `${publicUrl}/call/${call.id}/control/${token}`;
}

function tokens(sealing: Sealing, { id, organization }: Pick<Controlled, 'id' | 'organization'>): readonly string[] {
  return sealing.derive({ organization, table: 'call', row: id, column: 'control_hash' });
}
