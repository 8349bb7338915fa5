/** `/assistant`: create, list, read, patch, delete. Unknown fields are kept and given back, and named in a header. */
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { isObject, patchAssistant, unknownFields, validateAssistant } from '../../agent/definition.ts';
import { AywaError } from '../../kernel/errors.ts';
import type { AssistantContent, AssistantRow } from '../../store/assistants.ts';
import { mayDo, organizationOf } from '../auth.ts';
import type { Assistant as AssistantAnswer } from '../contract.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { createOnce } from '../once.ts';
import { presentAssistant, withoutResourceFields } from '../presenters.ts';
import { Assistant, answers, ById, CreateAssistant, ListQuery, UpdateAssistant } from '../schemas.ts';
import { warnOfUnknown } from '../warnings.ts';

const tags = ['Assistants'];
/** The schemas describe these bodies; the agent room judges them, because it knows what `null` and a patch mean. */
const judgedInside = () => (data: unknown) => ({ value: data });

export function assistantRoutes(app: Api, deps: ApiDeps): void {
  const { store, log } = deps;

  app.post(
    '/assistant',
    {
      schema: { tags, summary: 'Create an assistant', body: CreateAssistant, response: answers(Assistant, 201) },
      validatorCompiler: judgedInside,
    },
    (request, reply) =>
      createOnce(deps, request, reply, async () => {
        const content = contentOf(validateAssistant(request.body));
        warnOfUnknown(unknownFields(content.definition), request, reply, log);
        return present(request, await store.assistants.create(organizationOf(request), content));
      }),
  );

  app.get(
    '/assistant',
    { schema: { tags, summary: 'List assistants, newest first', querystring: ListQuery, response: answers(z.array(Assistant)) } },
    async (request) => (await store.assistants.list(organizationOf(request), request.query)).map((row) => present(request, row)),
  );

  app.get(
    '/assistant/:id',
    { schema: { tags, summary: 'Read an assistant', params: ById, response: answers(Assistant) } },
    async (request) => present(request, await store.assistants.get(organizationOf(request), request.params.id)),
  );

  app.patch(
    '/assistant/:id',
    {
      schema: { tags, summary: 'Change the fields that are sent', params: ById, body: UpdateAssistant, response: answers(Assistant) },
      validatorCompiler: judgedInside,
    },
    async (request, reply) => {
      const row = await store.assistants.update(organizationOf(request), request.params.id, ({ definition }) =>
        contentOf(patchAssistant(validateAssistant(definition), request.body)),
      );
      warnOfUnknown(unknownFields(isObject(request.body) ? withoutResourceFields(request.body) : {}), request, reply, log);
      return present(request, row);
    },
  );

  app.delete(
    '/assistant/:id',
    { schema: { tags, summary: 'Delete an assistant; answers what was deleted', params: ById, response: answers(Assistant) } },
    async (request) => present(request, await store.assistants.remove(organizationOf(request), request.params.id)),
  );
}

function contentOf(body: Readonly<Record<string, unknown>>): AssistantContent {
  const definition = withoutResourceFields(body);
  return { name: typeof definition.name === 'string' ? definition.name : null, definition };
}

function present(request: FastifyRequest, row: AssistantRow | undefined): AssistantAnswer {
  if (!row) throw new AywaError('not_found');
  return presentAssistant(row, mayDo(request, 'assistant:write'));
}
