import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createRouter } from '../../src/router/create-router.ts';
import { record } from '../_kit/events.ts';
import { fault } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';
import { loopback, type LoopbackRequest, type Script } from '../_kit/loopback.ts';
import { answers, event, sse } from '../_kit/openai-bytes.ts';
import { testClock } from '../_kit/test-clock.ts';

const key = 'sk-canary-key-0123456789abcdef';
const prompt = 'The canary prompt is that my grandmother hid the silver spoons under the third stair.';
const canaries = /canary-key|grandmother|silver spoons|third stair/;

const never = (): Promise<string> => new Promise(() => undefined);

/** Everything that can be seen of a value: what JSON, inspection and the texts of errors show. */
function shown(value: unknown): string {
  return [JSON.stringify(value), inspect(value, { depth: 20, showHidden: true, maxStringLength: null }), String(value)].join('\n');
}

/** A server that repeats the credentials and the prompt in whatever it says. */
const echo =
  (status: number) =>
  (request: LoopbackRequest): Script => {
    const said = `bad things at ${request.headers['authorization']} with ${JSON.stringify(request.body)}`;
    return { status, pieces: [JSON.stringify({ error: { message: said, type: 'server_error', code: said } })] };
  };

const asked = { model: 'tiny', messages: [{ role: 'user', content: prompt }] } as const;

describe('a key and a prompt', () => {
  test.each([400, 401, 404, 413, 429, 500, 503])('that a server repeats with status %i are nowhere to be seen', async (status) => {
    await using server = await loopback(echo(status));
    const router = createRouter({
      providers: { box: { type: 'openai-compatible', url: server.url, apiKey: key } },
      maxAttempts: 1,
      random: () => 0,
    });
    const events = record(router);
    const seen = [
      await failureOf(router.chat(asked)),
      await failureOf(router.stream(asked)),
      await failureOf(router.embed({ model: 'tiny', input: prompt })),
      await router.health(),
      router.snapshot(),
      router.explain(asked),
      router,
      events.all,
    ];
    expect(server.requests.length).toBeGreaterThan(0);
    for (const each of seen) expect(shown(each)).not.toMatch(canaries);
  });

  test('that a server repeats in the middle of a stream are nowhere to be seen', async () => {
    await using server = await loopback((request) => {
      const error = { message: `lost ${JSON.stringify(request.body)} of ${request.headers['authorization']}` };
      return { headers: sse, pieces: [event('Hello'), `data: ${JSON.stringify({ error })}\n\n`] };
    });
    const router = createRouter({ providers: { box: { type: 'openai-compatible', url: server.url, apiKey: key } } });
    const events = record(router);
    const stream = await router.stream(asked);
    const { text, failure } = await readAll(stream);
    expect(text).toBe('Hello');
    for (const each of [failure, stream.route, events.all, router.snapshot()]) expect(shown(each)).not.toMatch(canaries);
  });

  test('in a foreign error of an adapter are not in the route or the events’ traces', async () => {
    const { router } = fakeRouter({ a: { does: 'x', fake: { health: () => Promise.reject(new Error(`no ${key}`)) } } });
    expect(shown(await router.health())).not.toMatch(canaries);
  });
});

describe('a password in the url of a provider', () => {
  test.each([400, 401, 500])('is nowhere to be seen where the server names it with status %i, decoded', async (status) => {
    await using server = await loopback((request) => {
      const [, coded = ''] = String(request.headers['authorization']).split(' ');
      const [user, password] = Buffer.from(coded, 'base64').toString().split(':');
      const error = { message: `${user} may not enter with ${password}`, type: password, code: password };
      return { status, pieces: [JSON.stringify({ error })] };
    });
    const url = server.url.replace('//', '//keeper:canary-key-99@');
    const router = createRouter({
      checkModels: false,
      health: false,
      pollMs: false,
      maxAttempts: 1,
      providers: { box: { type: 'vllm', url } },
    });
    const events = record(router);
    const failure = await failureOf(router.chat(asked));
    expect(server.requests).toHaveLength(1);
    expect(shown(failure)).toContain('may not enter with [secret]');
    for (const each of [failure, router.snapshot(), events.all]) expect(shown(each)).not.toMatch(canaries);
  });
});

test('a prompt that a server gives as the type of its error is nowhere to be seen', async () => {
  await using server = await loopback((request) => {
    const { messages } = request.body as typeof asked;
    return { status: 400, pieces: [JSON.stringify({ error: { message: 'no', type: messages[0].content } })] };
  });
  const router = createRouter({
    checkModels: false,
    health: false,
    pollMs: false,
    providers: { box: { type: 'openai-compatible', url: server.url } },
  });
  const words = { model: 'tiny', messages: [{ role: 'user', content: 'grandmother_hid_the_silver_spoons' }] } as const;
  const failure = await failureOf(router.chat(words));
  expect(failure).toMatchObject({ code: 'bad_request', reason: undefined });
  expect(shown(failure)).not.toMatch(canaries);
});

describe('headers', () => {
  test('and the key of a provider go to that provider and to no other', async () => {
    await using first = await loopback(() => ({ status: 500, pieces: ['{}'] }));
    await using second = await loopback(() => answers('yes'));
    const router = createRouter({
      providers: {
        first: { type: 'openai-compatible', url: first.url, apiKey: key, headers: { 'x-team': 'one' } },
        second: { type: 'openai-compatible', url: second.url, headers: { 'x-other': 'two' } },
      },
    });
    await router.chat(hello);
    expect(first.requests[0]?.headers).toMatchObject({ authorization: `Bearer ${key}`, 'x-team': 'one' });
    expect(second.requests[0]?.headers).toMatchObject({ 'x-other': 'two' });
    expect(second.requests[0]?.headers).not.toHaveProperty('authorization');
    expect(second.requests[0]?.headers).not.toHaveProperty('x-team');
  });
});

describe('a key that a function gives', () => {
  test('is asked for before each request', async () => {
    await using server = await loopback(() => answers('yes'));
    let count = 0;
    const apiKey = async () => `key-number-${++count}`;
    const router = createRouter({ health: false, providers: { box: { type: 'openai-compatible', url: server.url, apiKey } } });
    await router.chat(hello);
    await router.chat(hello);
    expect(server.requests.map(({ headers }) => headers['authorization'])).toEqual(['Bearer key-number-1', 'Bearer key-number-2']);
  });

  test('is masked after others have taken its place: a server may still name it', async () => {
    const seen: unknown[] = [];
    await using server = await loopback(({ headers }) => {
      seen.push(headers['authorization']?.slice('Bearer '.length));
      return { status: 400, pieces: [JSON.stringify({ error: { message: `nobody has ${seen.join(' or ')}` } })] };
    });
    let count = 0;
    const apiKey = (): string => `canary-key-number-${++count}`;
    const router = createRouter({
      checkModels: false,
      health: false,
      pollMs: false,
      providers: { box: { type: 'openai-compatible', url: server.url, apiKey } },
    });
    await failureOf(router.chat(hello));
    const failure = await failureOf(router.chat(hello));
    expect(failure).toMatchObject({ message: expect.stringContaining('nobody has [secret] or [secret]') });
    expect(shown(failure)).not.toMatch(canaries);
  });

  test.each<[string, () => string | Promise<string>]>([
    [
      'throws',
      () => {
        throw new Error(`no ${key}`);
      },
    ],
    ['rejects', () => Promise.reject(new Error(`no ${key}`))],
    ['gives nothing', () => undefined as never],
    ['gives a line break', () => `${key}\n`],
  ])('that %s fails the attempt as auth, without what it said', async (_, apiKey) => {
    await using server = await loopback(() => answers('never asked'));
    const router = createRouter({ health: false, providers: { box: { type: 'openai-compatible', url: server.url, apiKey } } });
    const error = await failureOf(router.chat(hello));
    expect(error).toMatchObject({ attempts: [{ error: { code: 'auth', message: expect.stringContaining('box') } }] });
    expect(shown(error)).not.toMatch(canaries);
    expect(server.requests).toHaveLength(0);
  });

  test('that fails once does not disable the provider, which refused nothing', async () => {
    await using server = await loopback(() => answers('yes'));
    let count = 0;
    const apiKey = (): string => {
      if (count++ === 0) throw new Error('The vault is closed.');
      return key;
    };
    const router = createRouter({
      checkModels: false,
      health: false,
      pollMs: false,
      providers: { box: { type: 'openai-compatible', url: server.url, apiKey } },
    });
    const events = record(router);
    expect(await failureOf(router.chat(hello))).toMatchObject({ attempts: [{ error: { code: 'auth', reason: 'key_function_failed' } }] });
    expect(events.of('provider:down')).toEqual([]);
    expect(router.explain(hello)).toMatchObject({ candidates: [{ provider: 'box' }], skipped: [] });
    expect((await router.chat(hello)).choices[0].message.content).toBe('yes');
  });

  test('that hangs is given up after five seconds', async () => {
    const clock = testClock();
    const router = createRouter({
      clock,
      health: false,
      providers: { box: { type: 'openai-compatible', url: 'http://127.0.0.1:9999', apiKey: never } },
    });
    const call = outcomeOf(router.chat(hello));
    await clock.advance(4_999);
    expect(call.settled).toBe(false);
    await clock.advance(1);
    expect(call.error).toMatchObject({ attempts: [{ error: { code: 'auth' } }] });
    expect(clock.timers()).toBe(0);
  });
});

test('an error of an adapter keeps its cause only where that is ours', async () => {
  const { router } = fakeRouter({ a: fault('driver', { cause: fault('unavailable') }) });
  expect(await failureOf(router.chat(hello))).toMatchObject({ attempts: [{ error: { cause: { code: 'unavailable' } } }] });
});
