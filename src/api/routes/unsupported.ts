/** Answers for resources that this server does not have: an empty list, or a 400 that says so. The list of them is `api/unsupported.ts`. */
import { AywaError } from '../../kernel/errors.ts';
import type { Api } from '../deps.ts';
import { UNSUPPORTED } from '../unsupported.ts';

const EMPTY_PAGE = { results: [], metadata: { itemsPerPage: 100, totalItems: 0, currentPage: 1, totalPages: 0, hasNextPage: false } };

export function unsupportedRoutes(app: Api): void {
  for (const { path, list } of UNSUPPORTED) {
    app.get(path, { schema: { hide: true } }, async () => (list === 'array' ? [] : EMPTY_PAGE));
    app.post(path, { schema: { hide: true } }, async () => {
      throw new AywaError('unsupported', { detail: `${path.slice(1)} is not supported by this server.` });
    });
  }
}
