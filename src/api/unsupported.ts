/**
 * Resources that clients of Vapi ask for and that this server does not have. A list answers empty and a create answers 400 with a
 * sentence, so that dashboards and configuration pulls go on; never 501, which the SDK would repeat.
 */

/** `array`: the list is bare. `page`: it is `{ results, metadata }`. */
export const UNSUPPORTED: readonly { readonly path: string; readonly list: 'array' | 'page' }[] = [
  { path: '/phone-number', list: 'array' },
  { path: '/tool', list: 'array' },
  { path: '/squad', list: 'array' },
  { path: '/file', list: 'array' },
  { path: '/token', list: 'array' },
  { path: '/workflow', list: 'array' },
  { path: '/v2/knowledge-base', list: 'array' },
  { path: '/chat', list: 'page' },
  { path: '/session', list: 'page' },
  { path: '/campaign', list: 'page' },
  { path: '/v2/campaign', list: 'page' },
  { path: '/structured-output', list: 'page' },
  { path: '/eval', list: 'page' },
  { path: '/eval/run', list: 'page' },
  { path: '/eval/simulation', list: 'page' },
  { path: '/eval/simulation/scenario', list: 'page' },
  { path: '/eval/simulation/personality', list: 'page' },
  { path: '/eval/simulation/suite', list: 'page' },
  { path: '/eval/simulation/run', list: 'page' },
  { path: '/reporting/insight', list: 'page' },
  { path: '/reporting/board', list: 'page' },
  { path: '/observability/scorecard', list: 'page' },
  { path: '/v2/phone-number', list: 'page' },
  { path: '/logs', list: 'page' },
];
