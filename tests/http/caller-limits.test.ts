import { expect, test } from 'vitest';
import { createHandler } from '../../src/http/handler.ts';
import { fakeRouter } from '../_kit/fake-router.ts';
import { ask, otherToken, token } from './handler-kit.ts';

const question = { model: 'm', messages: [{ role: 'user', content: 'Hello!' }] };

const apis = [
  ['/v1/chat/completions', question, { error: { type: 'rate_limit_error', code: 'rate_limited', param: null } }],
  ['/v1/embeddings', { model: 'm', input: 'a' }, { error: { type: 'rate_limit_error', code: 'rate_limited' } }],
  ['/v1/messages', { ...question, max_tokens: 9 }, { type: 'error', error: { type: 'rate_limit_error' } }],
  ['/api/chat', { ...question, stream: false }, { error: expect.any(String) as string }],
] as const;

test.each(apis)('%s tells a caller over its limit of the router so with 429, a time, and nothing of others', async (path, body, shape) => {
  const { router, clock } = fakeRouter({ gpu: '1' }, { limits: { caller: { rpm: 2 } } });
  const handler = createHandler(router, { clock, tokens: [token, otherToken] });
  const post = (key: string): Promise<Response> =>
    ask(handler, { method: 'POST', path, body: JSON.stringify(body), headers: { authorization: `Bearer ${key}` } });
  for (let call = 0; call < 2; call++) expect((await post(token)).status).toBe(200);
  const refused = await post(token);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '30']);
  const told = await refused.text();
  expect(JSON.parse(told)).toMatchObject(shape);
  expect(told).not.toContain('gpu');
  expect((await post(otherToken)).status).toBe(200);
});
