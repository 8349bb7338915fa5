/** How a vendor's address is put together from its base URL. It never fails: the egress door judges the result. */

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/**
 * `base` + `path` + query, with an `http(s)` scheme: requests need it and websockets take it too, so that one `<VENDOR>_BASE_URL`
 * (which may be written as `ws(s)`) serves both. Lists repeat their name; `undefined` is left out.
 */
export function address(base: string, path: string, query: Query = {}): string {
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of typeof value === 'object' ? value : [value]) fields.append(name, String(one));
  }
  const tail = fields.size > 0 ? `?${fields}` : '';
  return `${base.replace(/^ws/, 'http').replace(/\/+$/, '')}${path}${tail}`;
}
