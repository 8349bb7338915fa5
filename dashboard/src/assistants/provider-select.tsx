/** Chooses a provider of one kind and says whether it can work yet. */
import { useQuery } from '@tanstack/react-query';
import type { ProviderList } from '../../../src/api/contract.ts';
import { providersQuery } from '../queries.ts';
import { Select } from '../ui/field.tsx';
import { automaticChoice } from './automatic.ts';

interface ProviderSelectProps {
  readonly kind: ProviderList['providers'][number]['kind'];
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly fault: string | undefined;
  /** Offers to leave the choice to the runtime. */
  readonly automatic: boolean;
}

export function ProviderSelect({ kind, label, value, onChange, fault, automatic }: ProviderSelectProps) {
  const { data } = useQuery(providersQuery);
  const offered = data?.providers.filter((one) => one.kind === kind) ?? [];
  const chosen = offered.find((one) => one.name === value);
  const ready = offered.filter((one) => one.configured);
  const taken = data && automaticChoice(data, kind);
  const waiting = offered.filter((one) => !one.configured);
  const hint =
    value === ''
      ? taken && `Now: ${taken.name}`
      : chosen && !chosen.configured
        ? `Needs ${chosen.needs} in the environment, or a credential.`
        : chosen && 'Ready';
  return (
    <Select label={label} value={value} onChange={(event) => onChange(event.target.value)} fault={fault} hint={hint ?? ' '}>
      {automatic ? (
        <option value="">Automatic</option>
      ) : (
        value === '' && (
          <option value="" disabled>
            Choose
          </option>
        )
      )}
      {ready.length > 0 && (
        <optgroup label="Ready">
          {ready.map((one) => (
            <option key={one.name}>{one.name}</option>
          ))}
        </optgroup>
      )}
      {waiting.length > 0 && (
        <optgroup label="Needs a key">
          {waiting.map((one) => (
            <option key={one.name}>{one.name}</option>
          ))}
        </optgroup>
      )}
      {value !== '' && !chosen && <option>{value}</option>}
    </Select>
  );
}
