/** The state of a call in one word. */
import type { Call } from '../../../src/api/contract.ts';
import { Badge } from '../ui/badge.tsx';

const WORDS: Record<Call['status'], string> = {
  queued: 'Queued',
  ringing: 'Ringing',
  'in-progress': 'Live',
  forwarding: 'Forwarding',
  ended: 'Ended',
};

export function StatusBadge({ call }: { call: Pick<Call, 'status' | 'endedReason'> }) {
  if (call.status !== 'ended')
    return (
      <Badge tone={call.status === 'in-progress' ? 'accent' : 'warn'} live>
        {WORDS[call.status]}
      </Badge>
    );
  const failed = /error|fail|fault|lost/.test(call.endedReason ?? '');
  return <Badge tone={failed ? 'danger' : 'neutral'}>{failed ? 'Failed' : WORDS.ended}</Badge>;
}
