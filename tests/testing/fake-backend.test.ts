import { setImmediate } from 'node:timers/promises';
import { getResponse } from 'msw';
import { describe, expect, test } from 'vitest';
import {
  cutAfter,
  embed,
  empty,
  errorInStream,
  fakeBackend,
  garbageAt,
  html,
  inWrites,
  loading,
  modelMissing,
  models,
  outOfMemory,
  queueFull,
  reply,
  resident,
  serverError,
  slow,
  stallAfter,
  stallBeforeHeaders,
  status,
  type Step,
  when,
  type Wire,
} from '../../src/testing/index.ts';
import { ask, forms, open, readBody } from '../_kit/backend-forms.ts';
import { plainWire } from '../_kit/plain-wire.ts';
import { testClock } from '../_kit/test-clock.ts';

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setImmediate();
}

describe.each(forms)('a fake backend over %s', (form) => {
  test('answers a chat, a stream and an embedding', async () => {
    const backend = fakeBackend(plainWire, reply('yes'));
    await using server = await open(backend, form);
    expect(await (await ask(server.url, 'chat')).json()).toMatchObject({ choices: [{ message: { content: 'yes' } }] });
    expect(await (await ask(server.url, 'stream')).text()).toContain('{"content":"yes"}');
    backend.play(embed(3));
    expect(await (await ask(server.url, 'embed')).json()).toMatchObject({ data: [{ embedding: [0.5, 0.5, 0.5] }] });
  });

  test.each<[string, Step, number, string]>([
    ['out of memory', outOfMemory(), 500, '{"error":{"message":"out-of-memory"}}'],
    ['a full queue', queueFull(), 503, '{"error":{"message":"queue-full"}}'],
    ['a status', status(418, { message: 'tea' }), 418, '{"error":{"message":"tea"}}'],
    ['nothing', empty(), 200, ''],
    ['a web page', html(), 502, '<html>Bad gateway</html>'],
    ['a status without a body', status(204), 204, ''],
  ])('tells %s', async (_name, step, code, text) => {
    await using server = await open(fakeBackend(plainWire, step), form);
    const response = await ask(server.url);
    expect({ status: response.status, text: await response.text() }).toEqual({ status: code, text });
  });

  test.each(['fin', 'rst'] as const)('cuts a stream with %s, and what it sent before arrives', async (how) => {
    await using server = await open(fakeBackend(plainWire, inWrites('one', cutAfter(2, how))), form);
    const { text, broke } = await readBody(await ask(server.url, 'stream'));
    expect([text.includes('"Hello "'), text.includes('"from "'), text.includes('"a "'), broke]).toEqual([true, true, false, true]);
  });

  test.each(['fin', 'rst'] as const)('cuts a whole answer with %s', async (how) => {
    await using server = await open(fakeBackend(plainWire, cutAfter(2, how)), form);
    const { text, broke } = await readBody(await ask(server.url));
    expect([text.startsWith('{"id"'), text.endsWith('}'), broke]).toEqual([true, false, true]);
  });

  test('puts garbage and errors into a stream, and ends it as the protocol has it', async () => {
    const backend = fakeBackend(plainWire, [garbageAt(1), errorInStream(1, serverError())]);
    await using server = await open(backend, form);
    const garbled = await readBody(await ask(server.url, 'stream'));
    const failed = await readBody(await ask(server.url, 'stream'));
    expect([garbled.text.includes('{"garbage\n\n'), garbled.text.includes('[DONE]'), garbled.broke]).toEqual([true, true, false]);
    expect([failed.text.endsWith('{"error":{"message":"server"}}\n\n'), failed.broke]).toEqual([true, false]);
  });

  test.each(['bytes', 'one'] as const)('sends the same body in writes of %s', async (writes) => {
    const backend = fakeBackend(plainWire, [reply('Grüße 👋'), inWrites(writes, reply('Grüße 👋'))]);
    await using server = await open(backend, form);
    const whole = await (await ask(server.url, 'stream')).text();
    expect(await (await ask(server.url, 'stream')).text()).toBe(whole);
  });

  test('waits on the clock it was given: before the head, and between the pieces', async () => {
    const clock = testClock();
    const backend = fakeBackend(plainWire, slow(2, { ...reply('a b c'), faults: { delayMs: 700 } }), { clock });
    await using server = await open(backend, form);
    const startMs = clock.nowMs();
    const response = await clock.run(ask(server.url, 'stream'));
    const headMs = clock.nowMs() - startMs;
    await clock.run(response.text());
    expect([headMs, clock.nowMs() - startMs]).toEqual([700, 1_700]);
  });

  test('says nothing before the head, until the client leaves', async () => {
    const backend = fakeBackend(plainWire, stallBeforeHeaders());
    await using server = await open(backend, form);
    const leaving = new AbortController();
    const asked = ask(server.url, 'chat', { signal: leaving.signal }).catch((error: unknown) => error);
    await until(() => backend.calls.length === 1);
    expect([backend.calls[0]?.aborted, backend.aborted]).toEqual([false, 0]);
    leaving.abort();
    await asked;
    await until(() => backend.aborted === 1);
    expect(backend.calls[0]?.aborted).toBe(true);
  });

  test('says nothing behind a piece, until the client leaves', async () => {
    const backend = fakeBackend(plainWire, stallAfter(1));
    await using server = await open(backend, form);
    const response = await ask(server.url, 'stream');
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    expect(backend.aborted).toBe(0);
    await reader.cancel();
    await until(() => backend.aborted === 1);
    expect(backend.calls[0]?.aborted).toBe(true);
  });

  test('holds no timer for a client that left', async () => {
    const clock = testClock();
    const backend = fakeBackend(plainWire, slow(1), { clock });
    await using server = await open(backend, form);
    const leaving = new AbortController();
    await ask(server.url, 'stream', { signal: leaving.signal });
    await until(() => clock.timers() === 1);
    leaving.abort();
    await until(() => backend.aborted === 1);
    await clock.settle();
    expect(clock.timers()).toBe(0);
  });

  test('holds no timer for a client that left while the model loads, and keeps the step for the next', async () => {
    const clock = testClock();
    const backend = fakeBackend({ ...plainWire, whileLoading: 'waits' }, [loading(100, reply('a')), reply('b')], { clock });
    await using server = await open(backend, form);
    const leaving = new AbortController();
    const asked = ask(server.url, 'chat', { signal: leaving.signal }).catch(() => undefined);
    await until(() => clock.timers() === 1);
    leaving.abort();
    await asked;
    await until(() => backend.aborted === 1);
    await clock.settle();
    const timers = clock.timers();
    await clock.advance(100);
    expect([timers, (await (await ask(server.url)).text()).includes('"a"')]).toEqual([0, true]);
  });

  test('counts no call as left whose client goes as soon as it has read the last piece', async () => {
    const backend = fakeBackend(plainWire);
    await using server = await open(backend, form);
    const response = await ask(server.url, 'stream');
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    for (let text = ''; !text.includes('[DONE]');) text += new TextDecoder().decode((await reader.read()).value);
    await reader.cancel();
    await testClock().settle();
    expect(backend.aborted).toBe(0);
  });

  test('counts no call as left that was answered to its end, or that it cut itself', async () => {
    const backend = fakeBackend(plainWire, [reply(), cutAfter(1), reply()]);
    await using server = await open(backend, form);
    for (let count = 0; count < 3; count++) await readBody(await ask(server.url, 'stream'));
    await setImmediate();
    expect([backend.calls.length, backend.aborted]).toEqual([3, 0]);
  });

  test('writes down what was asked', async () => {
    const backend = fakeBackend(plainWire);
    await using server = await open(backend, form);
    await ask(`${server.url}`, 'stream', { model: 'x', headers: { Authorization: 'Bearer k' } });
    expect(backend.calls[0]).toMatchObject({
      verb: 'stream',
      method: 'POST',
      path: '/v1/chat/completions',
      body: { model: 'x', stream: true },
      model: 'x',
      headers: { authorization: 'Bearer k' },
      aborted: false,
    });
  });

  test('keeps requests for its state apart from calls, and the query with the path', async () => {
    const backend = fakeBackend(plainWire);
    await using server = await open(backend, form);
    await fetch(`${server.url}/v1/models?all=1`);
    await fetch(`${server.url}/nowhere`);
    await ask(server.url);
    expect(backend.calls.map(({ verb }) => verb)).toEqual(['chat']);
    expect(backend.requests.map(({ verb, path, body }) => [verb, path, typeof body])).toEqual([
      ['models', '/v1/models?all=1', 'undefined'],
      [undefined, '/nowhere', 'undefined'],
      ['chat', '/v1/chat/completions', 'object'],
    ]);
  });

  test('tells its models, and how many calls are under way, until they are over', async () => {
    const backend = fakeBackend(plainWire, [models(['a']), resident(['a']), stallAfter(0)]);
    await using server = await open(backend, form);
    const stateOf = async (): Promise<unknown> => (await fetch(`${server.url}/load`)).json();
    expect(await (await fetch(`${server.url}/v1/models`)).json()).toEqual({ data: [{ id: 'a' }] });
    expect(await stateOf()).toEqual({ running: 0, waiting: 0 });
    const leaving = new AbortController();
    await Promise.all([1, 2].map(() => ask(server.url, 'stream', { signal: leaving.signal })));
    expect(await stateOf()).toEqual({ running: 2, waiting: 0 });
    leaving.abort();
    await until(() => backend.aborted === 2);
    expect(await stateOf()).toEqual({ running: 0, waiting: 0 });
  });

  test('says of a path that it does not have, in the words of its kind', async () => {
    const wire: Wire = { ...plainWire, verbOf: () => 'about' };
    await using server = await open(fakeBackend(plainWire), form);
    expect((await fetch(`${server.url}/nowhere`)).status).toBe(404);
    await using untold = await open(fakeBackend(wire, [], { url: 'http://untold.test' }), form);
    expect((await fetch(`${untold.url}/version`)).status).toBe(404);
  });

  test('answers calls at once each with its own step', async () => {
    const backend = fakeBackend(
      plainWire,
      Array.from({ length: 50 }, (_, at) => reply(`number ${at}`)),
    );
    await using server = await open(backend, form);
    const answers = await Promise.all(Array.from({ length: 50 }, async () => (await ask(server.url, 'stream')).text()));
    const numbers = answers.map((text) => Number(/"(\d+)"/.exec(text)?.[1]));
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, at) => at));
  });

  test('plays another script from now on, and ends a call under way by the old one', async () => {
    const clock = testClock();
    const backend = fakeBackend({ ...plainWire, whileLoading: 'waits' }, [models(['a']), loading(100, reply('old'))], { clock });
    await using server = await open(backend, form);
    const under = ask(server.url);
    await until(() => clock.timers() === 1);
    backend.play(reply('new'));
    const next = await (await ask(server.url)).text();
    const old = await (await clock.run(under)).text();
    expect([next.includes('new'), old.includes('old')]).toEqual([true, true]);
    expect(await (await fetch(`${server.url}/v1/models`)).json()).toEqual({ data: [{ id: 'a' }] });
  });

  test('answers while it loads, and then with the step', async () => {
    const clock = testClock();
    await using server = await open(fakeBackend(plainWire, [loading(100, reply('a')), reply('b')], { clock }), form);
    const codes = [(await ask(server.url)).status, (await ask(server.url)).status];
    await clock.advance(100);
    const texts = [await (await ask(server.url)).text(), await (await ask(server.url)).text()];
    expect(codes).toEqual([503, 503]);
    expect(texts.map((text) => /"content":"(.)"/.exec(text)?.[1])).toEqual(['a', 'b']);
  });

  test('refuses while it loads, without a byte', async () => {
    const clock = testClock();
    const backend = fakeBackend({ ...plainWire, whileLoading: 'refuses' }, loading(100), { clock });
    await using server = await open(backend, form);
    await expect(ask(server.url)).rejects.toThrow('fetch failed');
    await clock.advance(100);
    expect([(await ask(server.url)).status, backend.aborted]).toEqual([200, 0]);
  });

  test('lets calls wait while it loads, and gives each a step of its own', async () => {
    const clock = testClock();
    const backend = fakeBackend({ ...plainWire, whileLoading: 'waits' }, [loading(100, reply('a')), reply('b')], { clock });
    await using server = await open(backend, form);
    const asked = [ask(server.url), ask(server.url)];
    await until(() => clock.timers() === 2);
    await clock.advance(99);
    expect(clock.timers()).toBe(2);
    const answers = await clock.run(Promise.all(asked));
    const texts = await Promise.all(answers.map(async (answer) => /"content":"(.)"/.exec(await answer.text())?.[1]));
    expect(texts.toSorted()).toEqual(['a', 'b']);
  });

  test('says what is wrong with a script that it can only find at the call', async () => {
    const wire: Wire = { ...plainWire, fail: (failure, call) => (call.verb === 'embed' ? undefined : plainWire.fail(failure, call)) };
    await using server = await open(fakeBackend(wire, outOfMemory()), form);
    const response = await ask(server.url, 'embed');
    expect(response.status).toBe(501);
    expect(await response.text()).toContain("this server knows no failure 'out-of-memory' (cuda) in an answer to embed");
  });
});

test('both forms play one script and keep one record', async () => {
  const backend = fakeBackend(plainWire, [reply('a'), reply('b')]);
  await using first = await open(backend, 'msw');
  await using second = await backend.listen();
  const texts = [await (await ask(first.url)).text(), await (await ask(second.url)).text()];
  expect(texts.map((text) => /"content":"(.)"/.exec(text)?.[1])).toEqual(['a', 'b']);
  expect([backend.calls.length, second.calls.length]).toEqual([2, 2]);
});

test.each([
  [modelMissing(), "Fake backend 'plain': this server knows no failure 'model-missing'. Script another one: "],
  [[reply(), when({ verb: 'embed' }, modelMissing())], "this server knows no failure 'model-missing' in an answer to embed."],
  [modelMissing(), "outOfMemory('host'), queueFull(), loading(), serverError(), status(), empty(), html()."],
  [errorInStream(1, modelMissing()), "no failure 'model-missing'"],
])('a failure that the server does not know is refused when the script is given: %#', (script, message) => {
  const backend = fakeBackend(plainWire);
  expect(() => fakeBackend(plainWire, script)).toThrow(message);
  expect(() => backend.play(script)).toThrow(message);
});

test('a server that cannot say that it loads may not be told to', () => {
  const wire: Wire = { ...plainWire, fail: () => undefined };
  expect(() => fakeBackend(wire, loading(10))).toThrow("no failure 'loading'");
  expect(() => fakeBackend({ ...wire, whileLoading: 'waits' }, loading(10))).not.toThrow();
});

test('a script that was refused leaves the old one in place', async () => {
  const backend = fakeBackend(plainWire, reply('old'));
  expect(() => backend.play([models(['x']), modelMissing()])).toThrow();
  await using server = await backend.listen();
  expect(await (await ask(server.url)).text()).toContain('old');
});

test.each([
  [undefined, 'http://plain.test'],
  ['http://box.test:8080/', 'http://box.test:8080'],
  ['https://box.test/v1', 'https://box.test'],
  ['https://box.test/some/proxy/', 'https://box.test/some/proxy'],
])('the address %s becomes %s, and the paths below it are those of the server', async (url, expected) => {
  const backend = fakeBackend(plainWire, [], { url });
  await using server = await open(backend, 'msw');
  const response = await ask(server.url);
  expect([backend.url, response.status, backend.calls[0]?.path]).toEqual([expected, 200, '/v1/chat/completions']);
});

test('a handler whose answer is left without an abort knows it as well', async () => {
  const backend = fakeBackend(plainWire, stallAfter(1));
  const request = new Request(`${backend.url}/v1/chat/completions`, { method: 'POST', body: '{"stream":true}' });
  const response = await getResponse([...backend.handlers], request);
  await response?.body?.cancel();
  expect(backend.aborted).toBe(1);
});

test('a handler whose client leaves while the request is read knows it as well', async () => {
  const backend = fakeBackend(plainWire, stallBeforeHeaders());
  const leaving = new AbortController();
  const request = new Request(`${backend.url}/v1/chat/completions`, { method: 'POST', body: '{}', signal: leaving.signal });
  const asked = getResponse([...backend.handlers], request);
  leaving.abort();
  await asked;
  expect(backend.aborted).toBe(1);
});

test('a wire says itself where a request names its model', async () => {
  const backend = fakeBackend({ ...plainWire, modelOf: (path) => path.split('/').at(-1) }, when({ model: 'completions' }, reply('rule')));
  await using server = await open(backend, 'msw');
  expect(await (await ask(server.url)).text()).toContain('rule');
});
