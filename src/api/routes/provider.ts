/** `/providers`: what an assistant can choose, and what each choice still needs. Keys are told as there or not, never shown. */
import { z } from 'zod';
import { PROVIDERS } from '../../providers/index.ts';
import { accessFor } from '../../switchboard/access.ts';
import { organizationOf } from '../auth.ts';
import type { ProviderList } from '../contract.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { answers, ProviderList as ProviderListShape } from '../schemas.ts';

export function providerRoutes(app: Api, deps: ApiDeps): void {
  // The settings do not change while the process runs.
  const settings = new Map(
    PROVIDERS.map((provider) => [provider, z.toJSONSchema(provider.settings, { io: 'input', unrepresentable: 'any' })]),
  );

  app.get(
    '/providers',
    {
      schema: { tags: ['Providers'], summary: 'Ears, brains and voices that an assistant can name', response: answers(ProviderListShape) },
    },
    async (request): Promise<ProviderList> => {
      const { all: variables } = await accessFor(deps, organizationOf(request));
      return {
        providers: PROVIDERS.map((provider) => {
          const variable = `${provider.env}_API_KEY`;
          return {
            kind: provider.kind,
            name: provider.name,
            configured: !provider.needsKey || Boolean(variables[variable]),
            needs: provider.needsKey ? variable : '',
            settings: settings.get(provider) ?? {},
          };
        }),
      };
    },
  );
}
