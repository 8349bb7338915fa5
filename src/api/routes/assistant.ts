/** `/assistant`: create, list, read, patch, delete. Unknown fields are kept and given back, and named in a header. */
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { isObject, patchAssistant, unknownFields, validateAssistant, within } from '../../agent/definition.ts';
import { judge } from '../../agent/make-plan.ts';
import { notObeyed } from '../../agent/obedience.ts';
import { AywaError } from '../../kernel/errors.ts';
import type { AssistantContent, AssistantRow } from '../../store/assistants.ts';
import { accessFor } from '../../switchboard/access.ts';
import { chosenBy } from '../../switchboard/place-call.ts';
import { mayDo, organizationOf } from '../auth.ts';
import type { Assistant as AssistantAnswer } from '../contract.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { createOnce } from '../once.ts';
import { presentAssistant, withoutResourceFields } from '../presenters.ts';
import { Assistant, answers, ById, CreateAssistant, ListQuery, UpdateAssistant } from '../schemas.ts';
import { settingsOf } from '../vendor-settings.ts';
import { warn } from '../warnings.ts';

const tags = ['Assistants'];
/** The schemas describe these bodies; the agent room judges them, because it knows what `null` and a patch mean. */
const judgedInside = () => (data: unknown) => ({ value: data });

export function assistantRoutes(app: Api, deps: ApiDeps): void {
  const { store, log } = deps;
  const chooser = async (organization: string) => chosenBy(await accessFor(deps, organization));

  app.post(
    '/assistant',
    {
      schema: { tags, summary: 'Create an assistant', body: CreateAssistant, response: answers(Assistant, 201) },
      validatorCompiler: judgedInside,
    },
    (request, reply) =>
      createOnce(deps, request, reply, async () => {
        const organization = organizationOf(request);
        const assistant = validateAssistant(request.body);
        const content = contentOf(assistant);
        const { lacking } = judge(assistant, await chooser(organization));
        warn({ unknown: unknownFields(content.definition), notObeyed: notObeyed(assistant, settingsOf), lacking }, request, reply, log);
        return present(request, await store.assistants.create(organization, content));
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
      const organization = organizationOf(request);
      const choose = await chooser(organization);
      let lacking: readonly string[] = [];
      let later: readonly string[] = [];
      const row = await store.assistants.update(organization, request.params.id, ({ definition }) => {
        const changed = patchAssistant(validateAssistant(definition), request.body);
        lacking = judge(changed, choose).lacking;
        later = notObeyed(changed, settingsOf);
        return contentOf(changed);
      });
      const sent = isObject(request.body) ? withoutResourceFields(request.body) : {};
      warn({ unknown: unknownFields(sent), notObeyed: within(sent, later), lacking }, request, reply, log);
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
