/** `/call`: place one by phone, browser, websocket or text; list, read, rename and delete what is kept of them. */
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Assistant, mergeOverrides, unknownFields } from '../../agent/definition.ts';
import { notObeyed } from '../../agent/obedience.ts';
import { controlUrl } from '../../journal/control-url.ts';
import { AywaError } from '../../kernel/errors.ts';
import type { CallRow } from '../../store/calls.ts';
import { dial } from '../../switchboard/dial.ts';
import { kept } from '../../switchboard/kept.ts';
import { placeCall } from '../../switchboard/place-call.ts';
import { mayDo, organizationOf } from '../auth.ts';
import { type Door, orderOf } from '../call-order.ts';
import type { Call } from '../contract.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { createOnce } from '../once.ts';
import { presentCall, presentNewCall } from '../presenters.ts';
import { removeRecording } from '../recording.ts';
import {
  answers,
  ById,
  CallQuery,
  Call as CallShape,
  type CreateCall,
  CreateCall as CreateCallShape,
  DeleteCall,
  UpdateCall,
} from '../schemas.ts';

import { settingsOf } from '../vendor-settings.ts';
import { warn } from '../warnings.ts';

const tags = ['Calls'];

export function callRoutes(app: Api, deps: ApiDeps): void {
  const { store, config, log } = deps;
  const doors: readonly [string, Door, string][] = [
    ['/call', 'any', 'Place a call: by phone with `customer.number`, by websocket or text with `transport`'],
    ['/call/phone', 'phone', 'Place a phone call'],
    ['/call/web', 'web', 'Place a call that a browser joins'],
  ];
  for (const [path, door, summary] of doors) {
    app.post(path, { schema: { tags, summary, body: CreateCallShape, response: answers(CallShape, 201) } }, (request, reply) =>
      createOnce(deps, request, reply, async () => {
        const { call, assistant } = await create(deps, organizationOf(request), request.body, door);
        warn({ unknown: unknownIn(request.body), notObeyed: notObeyedIn(request.body, assistant) }, request, reply, log);
        return call;
      }),
    );
  }

  app.get(
    '/call',
    { schema: { tags, summary: 'List calls, newest first', querystring: CallQuery, response: answers(z.array(CallShape)) } },
    async (request) => {
      const { phoneNumberId, ...filter } = request.query;
      // Numbers are no resource here yet, so that no call belongs to one.
      if (phoneNumberId !== undefined) return [];
      return (await store.calls.list(organizationOf(request), filter)).map((row) => present(request, row));
    },
  );

  app.get('/call/:id', { schema: { tags, summary: 'Read a call', params: ById, response: answers(CallShape) } }, async (request) => {
    await kept(deps, request.params.id);
    return present(request, await store.calls.get(organizationOf(request), request.params.id));
  });

  app.patch(
    '/call/:id',
    { schema: { tags, summary: 'Rename a call', params: ById, body: UpdateCall, response: answers(CallShape) } },
    async (request) => {
      const { name } = request.body;
      const at = [organizationOf(request), request.params.id] as const;
      return present(request, await (name === undefined ? store.calls.get(...at) : store.calls.rename(...at, name)));
    },
  );

  app.delete(
    '/call/:id',
    {
      schema: {
        tags,
        summary: 'Delete what is stored of a call that is over',
        params: ById,
        body: DeleteCall,
        response: answers(CallShape),
      },
    },
    async (request) => {
      if (request.body.ids?.length)
        throw new AywaError('unsupported', {
          detail: 'Calls are deleted one by one.',
          faults: [{ path: 'ids', message: 'is not supported by this server' }],
        });
      const row = await store.calls.remove(organizationOf(request), request.params.id);
      if (row) await removeRecording(config.recordingsDir, row);
      return present(request, row);
    },
  );

  function present(request: FastifyRequest, row: CallRow | undefined): Call {
    if (!row) throw new AywaError('not_found');
    const { publicUrl } = config;
    return presentCall(row, publicUrl, mayDo(request, 'call:control') ? controlUrl(store.sealing, row, publicUrl) : undefined);
  }
}

function unknownIn(body: CreateCall): string[] {
  const here = Object.keys(body).filter((field) => !Object.hasOwn(CreateCallShape.shape, field));
  const { variableValues: _, 'tools:append': __, ...overrides } = body.assistantOverrides ?? {};
  return [...here, ...under('assistant', unknownFields(body.assistant ?? {})), ...under('assistantOverrides', unknownFields(overrides))];
}

/** What came with this request and is not obeyed; what was stored was told when it was. */
function notObeyedIn({ assistant, assistantOverrides }: CreateCall, used: Assistant): string[] {
  const before = notObeyed(used, settingsOf);
  const transient = assistant ? under('assistant', before) : [];
  if (!assistantOverrides) return transient;
  const sent = notObeyed(assistantOverrides, settingsOf);
  const after = notObeyed(mergeOverrides(used, assistantOverrides), settingsOf).filter((path) => !before.includes(path));
  return [...transient, ...under('assistantOverrides', [...new Set([...sent, ...after])])];
}

const under = (part: string, paths: readonly string[]) => paths.map((path) => `${part}.${path}`);

async function create(
  deps: ApiDeps,
  organization: string,
  body: CreateCall,
  door: Door,
): Promise<{ readonly call: Call; readonly assistant: Assistant }> {
  const order = await orderOf(deps, organization, body, door);
  const placed = await placeCall(deps, order);
  const { account } = order.leg;
  const providerCallId = account && order.to !== null ? await dial(deps, account, placed, order.to) : null;
  // A client may read the call as soon as it has this answer.
  await kept(deps, placed.row.id);
  const { calls, most } = deps.switchboard.capacity;
  const { publicUrl } = deps.config;
  const call = {
    ...presentNewCall(order, placed, { publicUrl, controlUrl: controlUrl(deps.store.sealing, placed.row, publicUrl) }, providerCallId),
    subscriptionLimits: { concurrencyBlocked: false, concurrencyLimit: most, remainingConcurrentCalls: Math.max(0, most - calls) },
  };
  return { call, assistant: order.assistant };
}
