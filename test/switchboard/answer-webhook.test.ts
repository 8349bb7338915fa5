/** What a webhook gets back: a document as it is, or nothing while the call is answered by a request of ours. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CarrierAccount, CarrierAnswer } from '../../src/carriers/carrier.ts';
import { accountOf } from '../../src/carriers/index.ts';
import { createEgress } from '../../src/kernel/egress.ts';
import { silentLog } from '../../src/kernel/log.ts';
import { rootScope } from '../../src/kernel/scope.ts';
import { answerWebhook } from '../../src/switchboard/answer-webhook.ts';
import type { PlacingDeps } from '../../src/switchboard/deps.ts';
import { acme } from '../carriers/acme.ts';

const scope = rootScope('test');
const deps = { scope, egress: createEgress('any'), log: silentLog } as unknown as PlacingDeps;
const asked: string[] = [];
let status = 200;
let answered = () => {};
let server: Server;
let account: CarrierAccount;

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      asked.push(`${request.url} ${request.headers.authorization} ${body}`);
      response.writeHead(status).end('{}');
      answered();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const names = { ACME_ACCOUNT_ID: 'acc-1', ACME_API_TOKEN: 'token', ACME_SIGNING_KEY: 'key', ACME_BASE_URL: baseUrl };
  account = accountOf(acme, names);
});
afterAll(async () => {
  await scope.close('done');
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
beforeEach(() => {
  asked.length = 0;
  status = 200;
});

const request = {
  providerCallId: 'call_0123456789abcdef',
  mediaUrl: 'wss://voice.example.com/telephony/acme/media/t0k3n',
  continueUrl: 'https://voice.example.com/telephony/acme/continue/call-1',
  parameters: { call_id: 'call-1' },
};
const reply = (answer: CarrierAnswer, of: CarrierAccount | undefined = account) => {
  const failed = Promise.withResolvers<string>();
  return { document: answerWebhook(deps, answer, of, failed.resolve), failed: failed.promise };
};

describe('the answer to a webhook', () => {
  it('is the document of a carrier that has one', () => {
    const document = { contentType: 'text/xml', body: '<Response/>' };
    expect(reply(document).document).toBe(document);
    expect(asked).toEqual([]);
  });

  it('is empty for a carrier that is answered by REST, which is asked once', async () => {
    const done = new Promise<void>((resolve) => {
      answered = resolve;
    });
    expect(reply(acme.answer(request)).document.body).toBe('');
    await done;
    expect(asked).toEqual([`/v1/calls/call_0123456789abcdef/answer Bearer token {"mediaUrl":"${request.mediaUrl}"}`]);
  });

  it('says when the carrier refuses it, or nobody knows the account', async () => {
    status = 422;
    expect(await reply(acme.answer(request)).failed).toContain('Acme answered 422');
    expect(await reply(acme.refuse(null)).failed).toMatch(/./);
    const failed = Promise.withResolvers<string>();
    answerWebhook(deps, acme.answer(request), undefined, failed.resolve);
    expect(await failed.promise).toContain('account');
  });
});
