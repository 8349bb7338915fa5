/** Commands to a live call: with a key, or with the call's own unguessable URL as `monitor.controlUrl` gives it. */
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { AywaError } from '../../kernel/errors.ts';
import { equalInConstantTime, sha256 } from '../../kernel/ids.ts';
import { parseControl } from '../../wire/control.ts';
import { organizationOf } from '../auth.ts';
import type { Api, ApiDeps } from '../deps.ts';
import { answers, ById, Control, Obeyed } from '../schemas.ts';

const tags = ['Calls'];
const ByUrl = ById.extend({ token: z.string() });
/** The schema describes; the parser that every door shares judges. */
const validatorCompiler = () => (data: unknown) => ({ value: data });

export function controlRoutes(app: Api, { store, switchboard }: ApiDeps): void {
  app.post(
    '/call/:id/control',
    {
      schema: {
        tags,
        summary: 'Say something, add a message, mute or end a live call',
        params: ById,
        body: Control,
        response: answers(Obeyed),
      },
      validatorCompiler,
    },
    async (request, reply) => {
      const { id } = request.params;
      if (!(await store.calls.get(organizationOf(request), id))) throw new AywaError('not_found');
      return obey(id, request.body, reply);
    },
  );

  app.post(
    '/call/:id/control/:token',
    {
      schema: { tags, summary: 'The same, by the control URL of the call', params: ByUrl, body: Control, response: answers(Obeyed) },
      validatorCompiler,
    },
    async (request, reply) => {
      const { id, token } = request.params;
      const hash = (await store.calls.find(id))?.controlHash;
      // One answer for an unknown call and a wrong token, so that neither can be found by trying.
      if (!hash || !equalInConstantTime(hash, sha256(token))) throw new AywaError('not_found');
      return obey(id, request.body, reply);
    },
  );

  function obey(call: string, message: unknown, reply: FastifyReply): { status: 'ok' } {
    switchboard.control(call, parseControl(message));
    reply.code(200);
    return { status: 'ok' };
  }
}
