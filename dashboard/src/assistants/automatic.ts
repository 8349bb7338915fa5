/** What the runtime takes where an assistant names no provider: the first whose key is set, else the keyless lab. */
import type { ProviderList } from '../../../src/api/contract.ts';

type Provider = ProviderList['providers'][number];

export function automaticChoice({ providers }: ProviderList, kind: Provider['kind']): Provider | undefined {
  const offered = providers.filter((one) => one.kind === kind && one.configured);
  // One that needs no key may need an address instead, which nobody can choose for the assistant.
  return offered.find((one) => one.needs !== '') ?? offered.find((one) => one.name === 'lab');
}
