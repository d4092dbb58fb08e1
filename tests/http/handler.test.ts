import { describe, expect, test } from 'vitest';
import { allCapabilities } from '../../src/core/capabilities.ts';
import { createHandler } from '../../src/http/handler.ts';
import { createRouter, type ErrorCode, errorCodes, RouterError } from '../../src/index.ts';
import { fault, hang } from '../_kit/fake-adapter.ts';
import { loopback } from '../_kit/loopback.ts';
import { fakeRouter } from '../_kit/fake-router.ts';
import { ask, askChat, chatBody, chatPath, front, inner, refusalIn } from './handler-kit.ts';

test('a router that is closed is told in the shape of the route, and looking still works', async () => {
  const { handler, behind, entries } = front();
  await behind.router.close();
  expect(await refusalIn(await askChat(handler))).toMatchObject({ status: 503, code: 'closed' });
  const anthropic = await ask(handler, {
    method: 'POST',
    path: '/v1/messages',
    body: JSON.stringify({ ...(JSON.parse(chatBody) as object), max_tokens: 1 }),
  });
  expect([anthropic.status, ((await anthropic.json()) as { type: string }).type]).toEqual([503, 'error']);
  expect((await ask(handler, { path: '/healthz' })).status).toBeLessThan(504);
  expect(entries).toHaveLength(3);
});

test('a call under way when the router closes ends with it', async () => {
  const { handler, behind, entries } = front({}, hang);
  const calling = askChat(handler);
  await behind.clock.settle();
  const closing = behind.router.close({ drainMs: 100 });
  await behind.clock.advance(100);
  await closing;
  expect((await calling).status).toBe(503);
  expect(entries).toMatchObject([{ status: 503, cut: false }]);
});

test('a request without a signal, as some platforms have it, is answered', async () => {
  const { handler, entries } = front();
  const request = new Request(`http://localhost${chatPath}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: chatBody,
  });
  for (const signal of [undefined, null]) {
    const bare = new Proxy(request.clone(), {
      get: (target, name) => {
        const value: unknown = name === 'signal' ? signal : Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    expect((await handler(bare)).status).toBe(200);
  }
  expect(entries.map(({ cut }) => cut)).toEqual([false, false]);
});

test('a caller who had gone before anything began costs no call', async () => {
  const { handler, behind } = front();
  const refusal = await refusalIn(await askChat(handler, { signal: AbortSignal.abort() }));
  expect(refusal).toMatchObject({ status: 499, code: 'caller_gone' });
  expect(behind.fakes[inner.provider].calls).toHaveLength(0);
});

test('a signal that many requests share keeps no listener', async () => {
  const { handler } = front();
  const shared = new AbortController().signal;
  let added = 0;
  const counting = new Proxy(shared, {
    get: (target, name) => {
      if (name === 'addEventListener') added += 1;
      if (name === 'removeEventListener') added -= 1;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  for (let count = 0; count < 20; count++) {
    const request = new Request(`http://localhost${chatPath}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: chatBody,
    });
    Object.defineProperty(request, 'signal', { value: counting });
    expect((await handler(request)).status).toBe(200);
  }
  expect(added).toBe(0);
});

describe('the name of a model', () => {
  const names: [string, string][] = [
    ['line breaks', 'a\r\nset-cookie: x=1'],
    ['a NUL', 'a\0b'],
    ['a way up', '../../admin'],
    ['dots', '..'],
    ['dots in disguise', '%2e%2e%2fadmin'],
    ['a backslash', 'a\\b'],
    ['a query', 'a?b=c'],
    ['a fragment', 'a#b'],
    ['ten kilobytes', 'x'.repeat(10_240)],
    ['colours of a terminal', '\u001b[31mred'],
    ['markup', '<img src=x onerror=alert(1)>'],
    ['another direction', '\u202eabc'],
  ];

  test.each(names)('may hold %s, which reach no header and no terminal', async (_, model) => {
    const message = `The model ${model} does not exist.`;
    const body = JSON.stringify({ ...(JSON.parse(chatBody) as object), model });
    await using upstream = await loopback(() => ({
      status: 404,
      pieces: [JSON.stringify({ error: { message, code: 'model_not_found' } })],
    }));
    const router = createRouter({ health: false, providers: { box: { type: 'openai-compatible', url: upstream.url } } });
    for (const handler of [createHandler(router), front().handler]) {
      const response = await askChat(handler, { body });
      const text = await response.text();
      expect([200, 400, 404]).toContain(response.status);
      expect(response.headers.get('content-type')).toBe('application/json');
      for (const [, value] of response.headers) expect(value).not.toContain(model);
      expect(response.headers.has('set-cookie')).toBe(false);
      // What a terminal or a log would act upon is escaped.
      expect(text).not.toMatch(/\p{Cc}/u);
      expect(text.length).toBeLessThan(11_000);
    }
    for (const { path } of upstream.requests) expect(path).toBe('/v1/chat/completions');
    await router.close();
  });

  test.each(names)('that holds %s is of no model in a path', async (_, model) => {
    const response = await ask(front().handler, { path: `/v1/models/${encodeURIComponent(model)}` });
    expect([404, 414]).toContain(response.status);
    expect(await response.text()).not.toMatch(/\p{Cc}|<img|\.\.|xxxx/u);
  });
});

test.each(['https://images.example/cat.png', 'http://169.254.169.254/latest/meta-data', 'data:image/png;base64,AAAA'])(
  'the address of a picture is passed on as it is, and fetched by nobody here: %s',
  async (url) => {
    const fetched: unknown[] = [];
    const original = globalThis.fetch;
    globalThis.fetch = (...given) => (fetched.push(given), original(...given));
    try {
      const { handler, behind } = front({}, { does: 'yes', fake: { capabilities: allCapabilities } });
      const content = [{ type: 'image_url', image_url: { url } }];
      const response = await askChat(handler, { body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] }) });
      expect(fetched).toEqual([]);
      const [call] = behind.fakes[inner.provider].calls;
      if (call === undefined) expect(response.status).toBe(400);
      else expect(call.request).toMatchObject({ messages: [{ content }] });
    } finally {
      globalThis.fetch = original;
    }
  },
);

describe('a stand-in for an answer', () => {
  test('is marked by a header', async () => {
    const router = createRouter({ health: false, providers: { gpu: { type: 'stub' } } });
    const response = await askChat(createHandler(router));
    expect(response.status).toBe(200);
    expect(response.headers.get('x-inferlane-degraded')).toBe('true');
    const stream = await askChat(createHandler(router), { body: JSON.stringify({ ...(JSON.parse(chatBody) as object), stream: true }) });
    await stream.text();
    expect(stream.headers.get('x-inferlane-degraded')).toBe('true');
    await router.close();
  });

  test('is given by nobody who was not told to', async () => {
    const { handler, behind } = front({}, fault('unavailable'));
    const response = await behind.clock.run(askChat(handler));
    expect(response.status).toBeGreaterThanOrEqual(500);
    expect(response.headers.has('x-inferlane-degraded')).toBe(false);
  });

  test('is not what a model gives', async () => {
    expect((await askChat(front().handler)).headers.has('x-inferlane-degraded')).toBe(false);
  });
});

const scene = (): Parameters<typeof createHandler>[0] => fakeRouter({ free: 'free', paid: { does: 'paid', cost: 'paid' } }).router;

describe('the headers of a call', () => {
  test('that has passed three routers are the end of it', async () => {
    const { handler, behind } = front();
    expect((await askChat(handler, { headers: { 'x-inferlane-hops': '2' } })).status).toBe(200);
    const refusal = await refusalIn(await askChat(handler, { headers: { 'x-inferlane-hops': '3' } }));
    expect(refusal).toMatchObject({ status: 508, code: 'loop_detected' });
    expect(behind.fakes[inner.provider].calls).toHaveLength(1);
  });

  test.each([
    ['x-inferlane-intent', ['', 'a b', '-a', 'a/b', 'x'.repeat(65), 'chat, code', '../x']],
    ['x-inferlane-provider', [' ', 'a b', '__proto__', 'a:b', 'x'.repeat(65)]],
    ['x-inferlane-session', ['a b', 'x'.repeat(257), 'é', 'a, b']],
    ['x-inferlane-deadline-ms', ['0', '-1', '1.5', '1e3', 'soon', '1000000000', '0x10', '5, 6']],
  ])('%s are refused where they are wrong', async (name, values) => {
    const { handler, behind } = front();
    for (const value of values) {
      const request = new Request(`http://localhost${chatPath}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', [name]: value },
        body: chatBody,
      });
      const refusal = await refusalIn(await handler(request));
      expect(refusal, value).toMatchObject({ status: 400, param: name });
      if (value.length > 3) expect(refusal.text).not.toContain(value);
    }
    expect(behind.fakes[inner.provider].calls).toHaveLength(0);
  });

  test('say who is to answer, and the answer says who did and after how many', async () => {
    const { router, clock } = fakeRouter({ first: fault('driver'), second: 'yes', third: 'no' });
    const handler = createHandler(router, { clock });
    const stream = JSON.stringify({ ...(JSON.parse(chatBody) as object), stream: true });
    for (const [headers, provider, attempts] of [
      [{}, 'second', '2'],
      [{ 'x-inferlane-provider': 'third' }, 'third', '1'],
    ] as const) {
      for (const body of [chatBody, stream]) {
        const response = await askChat(handler, { headers, body });
        await response.text();
        expect([response.headers.get('x-inferlane-provider'), response.headers.get('x-inferlane-attempts')]).toEqual([provider, attempts]);
      }
    }
  });

  test('name no provider that costs money, unless the operator lets them', async () => {
    const headers = { 'x-inferlane-provider': 'paid' };
    const refused = await askChat(createHandler(scene()), { headers });
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect((await askChat(createHandler(scene(), { mayNamePaid: true }), { headers })).headers.get('x-inferlane-provider')).toBe('paid');
  });

  test('bound the time of a call', async () => {
    const { handler, behind } = front({}, hang);
    const calling = askChat(handler, { headers: { 'x-inferlane-deadline-ms': '250' } });
    await behind.clock.settle();
    await behind.clock.advance(250);
    expect(await refusalIn(await calling)).toMatchObject({ status: 504 });
  });
});

const codes = Object.keys(errorCodes) as ErrorCode[];

test.each(codes)('a failure tells neither address, key, host nor stack of what is behind: %s', async (code) => {
  const text = `${inner.url}/v1?key=sk-secret and 10.1.2.3:9001 said no`;
  const { handler, behind } = front({}, new RouterError(code, text, { status: 500, reason: text, cause: new RouterError('driver', text) }));
  const streamBody = JSON.stringify({ ...(JSON.parse(chatBody) as object), stream: true });
  for (const body of [chatBody, streamBody]) {
    const response = await behind.clock.run(askChat(handler, { body }));
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(await response.text()).not.toMatch(/hidden\.internal|9001|sk-secret|10\.1\.2|\bat .*:\d/);
  }
});
