/** What vendors say when something is wrong, as errors of the table: the right code, what to do about it, never a key. */
import { describe, expect, it } from 'vitest';
import { AywaError, type ErrorCode } from '../../src/kernel/errors.ts';
import { closure, refusal, reported, vendorFault } from '../../src/providers/faults.ts';

const VENDOR = { name: 'acme', kind: 'tts', env: 'ACME' } as const;
const ACCESS = { apiKey: 'sk-very-secret-key', baseUrl: 'https://acme.example' };

describe('what a vendor says', () => {
  it.each<[string, ErrorCode]>([
    ['quota_exceeded This request exceeds your quota.', 'provider_quota'],
    ['Your credit balance is too low to access the API.', 'provider_quota'],
    ['insufficient_quota: You exceeded your current quota', 'provider_quota'],
    ['invalid_api_key', 'provider_auth'],
    ['Incorrect API key provided: sk-very-secret-key', 'provider_auth'],
    ['API key not valid. Please pass a valid API key.', 'provider_auth'],
    ['rate_limit_error: slow down', 'provider_rate'],
    ['Too many concurrent requests', 'provider_rate'],
    ['overloaded_error: Overloaded', 'provider_network'],
    ['voice_not_found: no such voice', 'provider_invalid'],
  ])('"%s" is %s', (words, code) => {
    const error = vendorFault(VENDOR, ACCESS, reported(words));
    expect(error.code).toBe(code);
    expect(error.message).not.toContain(ACCESS.apiKey);
  });

  it.each<[number, string, ErrorCode]>([
    [1008, 'A voice with this id does not exist.', 'provider_invalid'],
    [1008, 'quota_exceeded', 'provider_quota'],
    [3000, 'invalid_request_error.invalid_api_key', 'provider_auth'],
    [1011, 'NET-0001', 'provider_network'],
    [1006, '', 'provider_network'],
  ])('a websocket closed with %i "%s" is %s', (code, reason, expected) => {
    expect(closure(code, reason).code).toBe(expected);
  });

  it.each<[number, unknown, ErrorCode, string]>([
    [400, { error: { code: 400, message: 'API key not valid.', status: 'INVALID_ARGUMENT' } }, 'provider_auth', ''],
    [400, { error: { message: 'max_tokens is too large' } }, 'provider_invalid', 'max_tokens is too large'],
    [404, { detail: { status: 'voice_not_found', message: 'No such voice' } }, 'provider_invalid', 'No such voice'],
    [400, { err_code: 'Bad Request', err_msg: 'No such model' }, 'provider_invalid', 'No such model'],
    [400, [{ error: { message: 'in a list' } }], 'provider_invalid', 'in a list'],
    [429, { error: { message: 'Slow down' } }, 'provider_rate', 'Slow down'],
    [529, { error: { type: 'overloaded_error', message: 'Overloaded' } }, 'provider_network', 'Overloaded'],
  ])('an answer %i %j is %s', (status, body, code, words) => {
    const error = refusal(status, 'https://acme.example/v1', JSON.stringify(body));
    expect(error.code).toBe(code);
    expect(error.detail).toContain(words);
  });

  it('may be a page of HTML, which is not repeated', () => {
    expect(refusal(502, 'https://acme.example', '<html>nginx</html>').detail).toBe('acme.example answered 502.');
  });
});

describe('what the operator reads', () => {
  it.each<[ErrorCode, string]>([
    ['provider_auth', 'ACME_API_KEY'],
    ['provider_quota', 'ACME_API_KEY'],
    ['provider_network', 'ACME_BASE_URL'],
    ['provider_timeout', 'ACME_BASE_URL'],
    ['egress_denied', 'ACME_BASE_URL'],
    ['provider_invalid', '`voice`'],
  ])('of %s names %s', (code, name) => {
    const { message } = vendorFault(VENDOR, ACCESS, new AywaError(code, { detail: `it said ${ACCESS.apiKey}` }));
    expect(message).toContain('acme: it said [key].');
    expect(message).toContain(name);
  });

  it('of unreadable data does not repeat the data', () => {
    const error = vendorFault(VENDOR, ACCESS, new SyntaxError('Unexpected token in "the caller\'s card is 4111"'));
    expect(error.code).toBe('provider_garbage');
    expect(error.message).not.toContain('4111');
  });
});
