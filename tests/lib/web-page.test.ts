import { describe, expect, test } from 'vitest';
import { classifyResponse } from '../../src/lib/classify.ts';
import { isWebPage } from '../../src/lib/web-page.ts';

type Headers = Readonly<Record<string, string>>;

const html: Headers = { 'content-type': 'text/html' };
const json: Headers = { 'content-type': 'application/json' };

function answer(status: number, bodyText: string, headers: Headers = {}) {
  return classifyResponse({ status, header: (name) => headers[name] ?? null, bodyText }, 0);
}

const isPage = (found: { readonly text: string }): boolean => found.text.startsWith('A web page came instead of an answer');

test.each<[string, Headers, boolean]>([
  ['ngrok', { 'ngrok-error-code': 'ERR_NGROK_3200' }, true],
  ['HTML', { 'content-type': 'Text/HTML; charset=utf-8' }, true],
  ['XHTML', { 'content-type': 'application/xhtml+xml' }, true],
  ['challenge', { 'cf-mitigated': 'challenge' }, true],
  ['JSON', json, false],
  ['JSON that tells of HTML', { 'content-type': 'application/json; about=text/html' }, false],
  ['another type that begins alike', { 'content-type': 'text/htmlx' }, false],
  ['no type', {}, false],
])('a page by its headers: %s', (_name, headers, expected) => {
  expect(isWebPage({ header: (name) => headers[name] ?? null })).toBe(expected);
});

describe('a tunnel’s number', () => {
  test.each<[string, string, Headers, string | undefined]>([
    ['in the header', '', { 'ngrok-error-code': 'ERR_NGROK_3200' }, 'ERR_NGROK_3200'],
    ['in the text', 'the endpoint is offline. ERR_NGROK_8012', {}, 'ERR_NGROK_8012'],
    ['in a text with a bracket', 'offline {ERR_NGROK_8012}', {}, 'ERR_NGROK_8012'],
    ['not what JSON quotes', '{"error":"ERR_NGROK_3200"}', {}, undefined],
    ['not what JSON behind blanks quotes', ' \n {"error":"ERR_NGROK_3200"}', {}, undefined],
    ['not what a list quotes', '["ERR_NGROK_3200"]', {}, undefined],
    ['not part of a word', 'xERR_NGROK_3200', {}, undefined],
    ['no number of six digits', 'ERR_NGROK_123456', {}, undefined],
  ])('%s', (_name, body, headers, reason) => {
    expect(answer(500, body, headers).reason).toBe(reason);
  });
});

describe('a proxy’s number', () => {
  test.each<[number, string, string | undefined]>([
    [403, 'error code: 1020', 'cloudflare 1020'],
    [429, 'error code: 1015', 'cloudflare 1015'],
    [502, '\n  error code: 502 \n\n', 'cloudflare 502'],
    [500, 'error code: 1033', 'cloudflare 1033'],
    [500, 'error code: 10', undefined],
    [500, 'error code: 12345', undefined],
    [500, 'error code: 1033 of ours', undefined],
    [500, 'error code: 1033!', undefined],
    [500, 'an error code: 1033', undefined],
    [500, '!error code: 1033', undefined],
    [500, 'error code: none', undefined],
    [519, '', undefined],
    [520, '', 'cloudflare 520'],
    [525, '', 'cloudflare 525'],
    [529, '', undefined],
    [530, '', 'cloudflare 530'],
    [531, '', undefined],
  ])('%i %j has the reason %s', (status, body, reason) => {
    expect(answer(status, body).reason).toBe(reason);
  });

  test.each([
    [522, 'connect'],
    [524, 'first-token'],
    [530, undefined],
  ])('status %i has the phase %s', (status, phase) => {
    expect(answer(status, `error code: ${status}`)).toMatchObject({ phase, reason: `cloudflare ${status}` });
  });

  test('529 is a busy API, not a proxy', () => {
    const body = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
    expect(answer(529, JSON.stringify(body))).toMatchObject({ text: 'Overloaded', reason: 'overloaded_error' });
  });

  test('a challenge for browsers is a refusal, whatever its status', () => {
    const refused = { code: 'auth', reason: 'cf-mitigated', text: expect.stringContaining('bot protection') as unknown };
    for (const status of [200, 403, 503]) expect(answer(status, '{}', { 'cf-mitigated': 'challenge' })).toMatchObject(refused);
  });
});

test.each<[number, string | undefined]>([
  [299, undefined],
  [300, 'redirect'],
  [399, 'redirect'],
  [400, undefined],
])('status %i has the reason %s', (status, reason) => {
  expect(answer(status, '').reason).toBe(reason);
});

describe('a page in the place of an answer', () => {
  test.each<[string, Headers, boolean]>([
    ['<p>gone</p>', html, true],
    ['', html, true],
    ['<p>{"error":"x"}</p>', html, true],
    ['{"error":"x"}', html, false],
    [' \n {"error":"x"}', html, false],
    [' \n <!DOCTYPE html>', {}, true],
    ['<HTML lang="en">', json, true],
    ['<htmlx>', {}, false],
    ['see <html> there', {}, false],
    ['<error>x</error>', {}, false],
    ['plain words', {}, false],
  ])('%j with %j: %s', (body, headers, expected) => {
    expect(isPage(answer(500, body, headers))).toBe(expected);
  });

  test('is not quoted', () => {
    expect(answer(502, '<html>secret</html>', html).text).not.toContain('secret');
  });

  test.each([
    [200, 'bad_response'],
    [400, 'bad_response'],
    [401, 'auth'],
    [404, 'bad_response'],
    [405, 'bad_response'],
    [413, 'bad_request'],
    [415, 'bad_response'],
    [422, 'bad_response'],
    [429, 'rate_limited'],
    [500, 'unavailable'],
    [501, 'bad_response'],
    [503, 'overloaded'],
  ])('with status %i is %s: it blames no request', (status, code) => {
    expect(answer(status, '<html></html>', html).code).toBe(code);
  });
});
