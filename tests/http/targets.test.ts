import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isPlainTarget } from '../../src/http/node-request.ts';
import { front, inner, type Listening, listen, rawRequest, sendRaw, token } from './handler-kit.ts';
import { reaching, refused } from './target-forms.ts';

const { handler, entries, behind } = front({ tokens: [token], basePath: '' });
const heard = entries as unknown[];
let server: Listening;

beforeAll(async () => {
  server = await listen(handler);
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => void heard.splice(0));

test('there are two hundred forms, and none of them twice', () => {
  const forms = [...refused, ...reaching.map(([target]) => target)];
  expect(forms.length).toBeGreaterThanOrEqual(200);
  expect(new Set(forms).size).toBe(forms.length);
});

describe.each(['GET', 'POST'])('%s', (method) => {
  const headers = { authorization: `Bearer ${token}` };
  const body = method === 'POST' ? '{}' : '';

  test.each(refused)('of %j reaches no route', async (target) => {
    const answer = await sendRaw(server.port, rawRequest(method, target, headers, body));
    expect([400, 404]).toContain(answer.status);
    // What Node's parser refuses itself comes to nobody's ears.
    if ('x-inferlane-request-id' in answer.headers) expect(entries).toMatchObject([{ route: undefined, status: answer.status, method }]);
    else expect(entries).toEqual([]);
    expect(answer.text).not.toMatch(/models|healthz|admin|evil|\.\./);
    expect(behind.fakes[inner.provider].calls).toHaveLength(0);
  });
});

test.each(reaching)('GET of %j reaches %s', async (target, route) => {
  const answer = await sendRaw(server.port, rawRequest('GET', target, { authorization: `Bearer ${token}` }));
  expect(entries).toMatchObject([{ route, status: answer.status }]);
});

test('what is let through is what the URL parser leaves as it is', () => {
  const all = [...refused, ...reaching.map(([target]) => target)];
  for (const target of all.filter(isPlainTarget)) {
    const { pathname, hash, host } = new URL(`http://localhost${target}`);
    expect({ pathname, hash, host }).toEqual({ pathname: target.split('?')[0], hash: '', host: 'localhost' });
  }
});

test.each([
  ['/llm/v1/models', 200],
  ['/llm/', 200],
  ['/llm', 200],
  ['/v1/models', 404],
  ['/', 404],
  ['/LLM/v1/models', 404],
  ['/llmx/v1/models', 404],
  ['/llm/llm/v1/models', 404],
  ['/llm//v1/models', 400],
  ['/llm/../v1/models', 400],
  ['/llm%2fv1/models', 404],
])('below a path, %s gets %i', async (target, status) => {
  await using below = await listen(front({ basePath: '/llm' }).handler);
  expect((await sendRaw(below.port, rawRequest('GET', target))).status).toBe(status);
});
