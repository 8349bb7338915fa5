/** What was told to other systems about this call, and whether they took it. */
import type { Timeline } from '../../../src/api/contract.ts';
import { fullMoment } from '../format.ts';
import { Badge } from '../ui/badge.tsx';

export function WebhookList({ webhooks }: { webhooks: Timeline['webhooks'] }) {
  if (webhooks.length === 0)
    return (
      <p className="py-6 text-center text-muted">
        Nothing was sent: the assistant has no server address, or asked for none of these messages.
      </p>
    );
  return (
    <ul className="max-h-[36rem] overflow-y-auto divide-y divide-line text-sm">
      {webhooks.map((one) => (
        <li key={one.id} className="flex flex-wrap items-center gap-x-4 gap-y-1 py-2.5">
          <code className="w-48 font-mono text-[13px]">{one.type}</code>
          <Badge tone={one.deliveredAt ? 'accent' : one.lastError ? 'danger' : 'neutral'}>{one.state}</Badge>
          <span className="text-[13px] text-muted">
            {one.attempts === 0 ? 'Not sent yet' : one.attempts === 1 ? '1 attempt' : `${one.attempts} attempts`}
            {one.lastStatus !== null && `, answered ${one.lastStatus}`}
          </span>
          <span className="text-[13px] text-faint sm:ml-auto">{fullMoment(one.deliveredAt ?? one.createdAt)}</span>
          {one.lastError && <p className="w-full text-[13px] break-words text-danger">{one.lastError}</p>}
        </li>
      ))}
    </ul>
  );
}
