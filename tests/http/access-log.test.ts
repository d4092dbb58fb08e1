import { describe, expect, test } from 'vitest';
import { createHandler } from '../../src/http/handler.ts';
import { after, fault, hang, pieces } from '../_kit/fake-adapter.ts';
import { fakeRouter } from '../_kit/fake-router.ts';
import { ask, type Asked, askChat, chatBody, chatPath, front, inner, listen, rawRequest, sendRaw, token, until } from './handler-kit.ts';

const streamBody = JSON.stringify({ ...(JSON.parse(chatBody) as object), stream: true });
const prompt = JSON.stringify({ prompt: 'Hello!' });
const named = JSON.stringify({ model: inner.model, prompt: 'Hello!' });
type Does = Parameters<typeof front>[1];

const cases: [string, Asked, Does, object][] = [
  ['an answer', {}, 'yes', { status: 200, provider: inner.provider, attempts: 1, cut: false }],
  ['a stream', { body: streamBody }, pieces('a', 'b'), { status: 200, provider: inner.provider, attempts: 1, cut: false }],
  ['a stream that breaks', { body: streamBody }, pieces('a', fault('driver')), { status: 200, attempts: 1, cut: false }],
  ['a failure', {}, fault('driver', { status: 500 }), { status: 502, provider: undefined, attempts: 1, cut: false }],
  ['a stream that fails before it begins', { body: streamBody }, fault('bad_request'), { status: 400, cut: false }],
  ['a failure that a flag tells', { path: '/api/query', body: prompt }, fault('driver', { status: 500 }), { status: 502, attempts: 1 }],
  ['a model that is not there', { path: '/api/generate', body: named }, fault('model_not_found'), { status: 404, attempts: 1 }],
  ['a wrong token', { headers: { authorization: 'Bearer x' } }, 'yes', { status: 401, caller: undefined }],
  ['a wrong host', { headers: { host: 'evil.com' } }, 'yes', { status: 403, route: undefined, caller: undefined }],
  ['a wrong origin', { headers: { origin: 'https://evil.com' } }, 'yes', { status: 403, caller: undefined }],
  ['a wrong path', { path: '/nothing' }, 'yes', { status: 404, route: undefined }],
  ['a wrong method', { method: 'DELETE', body: null }, 'yes', { status: 405, route: undefined, method: 'DELETE' }],
  ['a question of a browser', { method: 'OPTIONS', body: null }, 'yes', { status: 403, method: 'OPTIONS' }],
  ['a question with HEAD', { method: 'HEAD', path: '/v1/models', body: null }, 'yes', { status: 200, method: 'HEAD', cut: false }],
  ['a body that is no JSON', { body: '{' }, 'yes', { status: 400 }],
  ['a body that is none', { body: 'x', headers: { 'content-type': 'text/plain' } }, 'yes', { status: 415 }],
  ['a caller who had gone', { signal: AbortSignal.abort() }, 'yes', { status: 499, cut: true }],
];

describe.each(cases)('%s', (_, asked, does, expected) => {
  test('is one entry', async () => {
    const { handler, entries, behind } = front({ tokens: [token] }, does);
    const response = await askChat(handler, { ...asked, headers: { 'x-request-id': 'abc-1', ...asked.headers } });
    await response.text().catch(() => undefined);
    await behind.clock.settle();
    const usual = { requestId: 'abc-1', method: 'POST', status: response.status };
    expect(entries).toEqual([expect.objectContaining({ ...usual, ...expected })]);
    expect(Object.keys(entries[0] ?? {}).toSorted()).toEqual([
      'attempts',
      'caller',
      'cut',
      'method',
      'ms',
      'provider',
      'requestId',
      'route',
      'status',
    ]);
    expect(response.headers.get('x-inferlane-request-id')).toBe('abc-1');
    expect(JSON.stringify(entries)).not.toMatch(new RegExp(`${token}|Hello|yes`));
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('the disk is full');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the disk is full'))],
  ])('is answered as ever when the log %s', async (__, onAccess) => {
    const { handler, entries } = front({ tokens: [token], onAccess: onAccess as () => void }, does);
    const quiet = front({ tokens: [token] }, does);
    const headers = { 'x-request-id': 'abc-1', ...asked.headers };
    const [response, other] = [await askChat(handler, { ...asked, headers }), await askChat(quiet.handler, { ...asked, headers })];
    expect(response.status).toBe(other.status);
    expect(await response.text()).toBe(await other.text());
    expect(entries).toHaveLength(1);
  });
});

type Providers = Parameters<typeof fakeRouter>[0];
const long = 'Once upon a time there was a provider who broke off ';
const breaks = { does: pieces(long, fault('driver')), fake: { capabilities: { prefill: true } } };

/** The entry of one call, read to its end. */
const logged = async (providers: Providers, body: string, options: Parameters<typeof fakeRouter>[1] = {}): Promise<unknown> => {
  const { router, clock } = fakeRouter(providers, options);
  const entries: unknown[] = [];
  const handler = createHandler(router, { clock, onAccess: (entry) => entries.push(entry) });
  const response = await clock.run(askChat(handler, { body }));
  await clock.run(response.text());
  return entries[0];
};

describe('who answered, and how many were asked, is told as it was at the end', () => {
  test.each<[what: string, providers: Providers, provider: string, attempts: number]>([
    ['went on elsewhere', { a: breaks, b: { ...breaks, does: pieces('and another who went on.') } }, 'b', 2],
    ['broke again where it had gone on', { a: breaks, b: { ...breaks, does: pieces('and '.repeat(20), fault('driver')) } }, 'b', 2],
    ['broke, and nobody could go on with it', { a: breaks, b: breaks }, 'a', 2],
    ['began elsewhere', { a: fault('driver'), b: pieces('x') }, 'b', 2],
    ['began elsewhere and broke', { a: fault('driver'), b: pieces('x', fault('driver')) }, 'b', 2],
  ])('of a stream that %s', async (_, providers, provider, attempts) => {
    expect(await logged(providers, streamBody, { onStreamFailure: 'continue', maxAttempts: 2 })).toMatchObject({
      status: 200,
      provider,
      attempts,
    });
  });

  test('of a stream that would begin anew, which no API can tell', async () => {
    const entry = await logged({ a: pieces('x', fault('driver')), b: 'y' }, streamBody, { onStreamFailure: 'restart' });
    expect(entry).toMatchObject({ status: 200, provider: 'b', attempts: 2, cut: false });
  });

  test('of a stream whose reader leaves, the attempt under way included', async () => {
    const { router, clock } = fakeRouter({ a: fault('driver'), b: pieces('x', 'hang') });
    const entries: unknown[] = [];
    const handler = createHandler(router, { clock, onAccess: (entry) => entries.push(entry) });
    await (await askChat(handler, { body: streamBody })).body?.cancel();
    expect(entries).toMatchObject([{ provider: 'b', attempts: 2, cut: true }]);
  });

  test('of a call that failed: nobody answered, and all were asked', async () => {
    const entry = await logged({ a: fault('driver'), b: fault('out_of_memory') }, chatBody);
    expect(entry).toMatchObject({ provider: undefined, attempts: 2 });
  });

  test('of a call that the fault of its request ended, unless its error does not tell', async () => {
    expect(await logged({ a: fault('driver'), b: fault('bad_request') }, chatBody)).toMatchObject({ status: 400, attempts: undefined });
  });

  test('of a call that nobody was asked for', async () => {
    const { router, clock } = fakeRouter({ a: { does: 'yes', fake: { capabilities: { vision: false } } } });
    const entries: unknown[] = [];
    const handler = createHandler(router, { clock, onAccess: (entry) => entries.push(entry) });
    const content = [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }];
    await askChat(handler, { body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] }) });
    expect(entries).toMatchObject([{ status: 400, provider: undefined, attempts: 0 }]);
  });
});

test('what was cut short is told as cut', async () => {
  const { handler, entries, behind } = front({}, pieces('a', 'hang'));
  const left = await askChat(handler, { body: streamBody });
  await left.body?.cancel();
  const leaving = new AbortController();
  const stream = await askChat(handler, { body: streamBody, signal: leaving.signal });
  const reading = stream.text();
  await behind.clock.settle();
  leaving.abort();
  await reading.catch(() => undefined);
  expect(entries.map(({ status, cut }) => [status, cut])).toEqual([
    [200, true],
    [200, true],
  ]);
});

test('a stream is one entry when it ends, and no sooner', async () => {
  const { handler, entries, behind } = front({}, pieces('a', 700, 'b'));
  const reading = (await askChat(handler, { body: streamBody })).text();
  await behind.clock.settle();
  expect(entries).toEqual([]);
  await behind.clock.advance(700);
  await reading;
  expect(entries).toMatchObject([{ ms: 700, cut: false }]);
});

test('the time is that of the whole call', async () => {
  const { handler, entries, behind } = front({}, after(1_234, 'yes'));
  await behind.clock.run(askChat(handler));
  expect(entries).toMatchObject([{ ms: 1_234 }]);
});

test.each(['', ' ', 'a b', 'a\tb', 'x'.repeat(65), 'a/b', 'a_b', 'é', 'a,b', '{{7*7}}', '../x'])(
  'the id %j is not taken over',
  async (given) => {
    const { handler, entries } = front();
    const response = await ask(handler, { headers: { 'x-request-id': given } });
    expect(response.headers.get('x-inferlane-request-id')).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
    expect(entries[0]?.requestId).toBe(response.headers.get('x-inferlane-request-id'));
  },
);

test.each([
  [chatPath, 'x-request-id'],
  ['/v1/messages', 'request-id'],
])('a refusal of %s has its id where the official clients look for it: %s', async (path, name) => {
  const { handler, entries } = front({ tokens: [token] });
  for (const headers of [{}, { authorization: '' }, { host: 'evil.com' }]) {
    const response = await askChat(handler, { path, body: '{}', headers });
    expect([400, 401, 403]).toContain(response.status);
    if (response.status !== 403) expect(response.headers.get(name)).toBe(entries.at(-1)?.requestId);
  }
});

const failing = (): never => {
  throw new Error('the disk is full');
};

describe('over a socket', () => {
  test.each([
    ['an odd target', rawRequest('GET', '/v1/../admin'), 400, 'GET'],
    ['a method that no request has', rawRequest('TRACE', '/v1/models'), 405, 'TRACE'],
    ['a header too many', rawRequest('GET', '/v1/models').replace('\r\n\r\n', '\r\nhost: localhost\r\n\r\n'), 400, 'GET'],
    ['a target too long', rawRequest('GET', `/${'a'.repeat(9_000)}`), 414, 'GET'],
  ])('%s is one entry', async (_, bytes, status, method) => {
    const { handler, entries } = front();
    await using server = await listen(handler);
    const answer = await sendRaw(server.port, bytes);
    expect(answer.status).toBe(status);
    expect(entries).toEqual([expect.objectContaining({ status, method, route: undefined, cut: false })]);
    expect(answer.headers['x-inferlane-request-id']).toBe(entries[0]?.requestId);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
  });

  test('a log that throws does no harm', async () => {
    await using server = await listen(createHandler(fakeRouter({ a: 'yes' }).router, { onAccess: failing }));
    expect((await sendRaw(server.port, rawRequest('GET', '/v1/../admin'))).status).toBe(400);
    expect((await sendRaw(server.port, rawRequest('POST', chatPath, {}, chatBody))).status).toBe(200);
  });

  test('a client who goes before the answer is one entry', async () => {
    const { handler, entries, behind } = front({}, hang);
    await using server = await listen(handler);
    const leaving = new AbortController();
    const headers = { 'content-type': 'application/json' };
    const asked = fetch(`http://127.0.0.1:${server.port}${chatPath}`, { method: 'POST', headers, body: chatBody, signal: leaving.signal });
    await until(() => behind.fakes[inner.provider].calls.length === 1);
    leaving.abort();
    await expect(asked).rejects.toThrow();
    await until(() => entries.length > 0);
    expect(entries).toMatchObject([{ status: 499, cut: true, route: chatPath }]);
  });
});
