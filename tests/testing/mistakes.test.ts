import { expect, test } from 'vitest';
import { createRouter, isRouterError, textOf } from '../../src/index.ts';
import {
  after,
  type BackendKind,
  cutAfter,
  errorInStream,
  fakeBackend,
  garbageAt,
  inWrites,
  loading,
  outOfMemory,
  reply,
  type Script,
  slow,
  stallAfter,
  status,
  when,
  type Wire,
} from '../../src/testing/index.ts';
import { plainWire } from '../_kit/plain-wire.ts';

// Mistakes that the types refuse, made in JavaScript, and those that types cannot see: each is told at once, and says what to do.

function mistakeIn(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    if (isRouterError(error, 'invalid_config')) return error.message;
    throw error;
  }
  return 'nothing was wrong';
}

test.each([
  ['olama', "There is no type 'olama'. The types with a server are: "],
  ['toString', "There is no type 'toString'."],
  [undefined, "There is no type 'undefined'."],
  [null, "There is no type 'null'."],
  ['cpu', "'cpu' runs in the process of the router"],
  ['stub', "'stub' runs in the process of the router"],
  ['custom', 'a wire of your own'],
])('a type without a server is refused: %s', (kind, message) => {
  expect(mistakeIn(() => fakeBackend(kind as BackendKind))).toContain(message);
});

test('a list of the types names those that can be played, and no others', () => {
  const named = mistakeIn(() => fakeBackend('olama' as 'ollama'));
  expect(named).toMatch(/ollama, .*|, ollama/);
  expect(named).not.toMatch(/stub|custom/);
});

test.each<[string, Partial<Wire>]>([
  ['a name', { name: '' }],
  ['garbage()', { garbage: undefined as unknown as Wire['garbage'] }],
  ["whileLoading: 'answers', 'refuses' or 'waits'", { whileLoading: 'sleeps' as 'waits' }],
])('a wire without %s is refused', (part, change) => {
  expect(mistakeIn(() => fakeBackend({ ...plainWire, ...change }))).toBe(`Fake backend: this wire lacks ${part}.`);
});

test.each<[unknown, string]>([
  ['hello', '"hello" is none'],
  [500, '500 is none'],
  [null, 'null is none'],
  [reply, 'a function (it has to be called) is none'],
  [[reply(), reply], 'a function (it has to be called) is none'],
  [[[reply()]], 'a list in the place of one is none'],
  [{ text: 'hello' }, 'an object without answer and faults is none'],
  [[undefined], 'undefined is none'],
  [{ when: {}, steps: [[reply()]] }, 'a list in the place of one is none'],
  [{ when: {}, steps: reply() }, 'is none'],
])('what is no script is refused: %j', (script, message) => {
  const backend = fakeBackend(plainWire);
  expect(mistakeIn(() => fakeBackend(plainWire, script as Script))).toContain(message);
  expect(mistakeIn(() => backend.play(script as Script))).toContain("Fake backend 'plain': a script is one step or a list of them");
});

test.each<[string, Script]>([
  ["when() tells calls apart by the verbs 'chat', 'stream' and 'embed', and not by 'chats'", when({ verb: 'chats' as 'chat' }, reply())],
  ['outOfMemory() takes cuda, vulkan, rocm, host, and not "gpu"', outOfMemory('gpu' as 'cuda')],
  ['99 is no status', status(99)],
  ['"503" is no status', status('503' as unknown as number)],
  ['"pieces":-1', cutAfter(-1)],
  ['and \'fin\' or \'rst\', and not {"pieces":1,"how":"reset"}', cutAfter(1, 'reset' as 'rst')],
  ['stallAfter of a step takes a whole number of pieces from 0 on, and not 1.5', stallAfter(1.5)],
  ['garbageAt of a step', garbageAt(-1)],
  ['errorAt of a step', errorInStream(Number.NaN)],
  ['delayMs of a step takes milliseconds from 0 on, and not NaN', after(Number.NaN)],
  ['loadingMs of a step', loading(-5)],
  ['tokensPerSecond of a step takes a number above 0, and not 0', slow(0)],
  ['writes of a step', inWrites('two' as 'one')],
  ['tokensPerSecond of a step', when({ verb: 'stream' }, slow(-1))],
])('a step that could never be played is refused: %s', (message, script) => {
  expect(mistakeIn(() => fakeBackend(plainWire, script))).toContain(message);
});

test('what a server may say instead is named, each memory by itself', () => {
  expect(mistakeIn(() => fakeBackend('tgi', outOfMemory('vulkan')))).toContain(
    "this server knows no failure 'out-of-memory' (vulkan). Script another one: outOfMemory('cuda'), outOfMemory('rocm'), driverFault(), ",
  );
});

test.each(['box:80', 'box', 'ftp://box', 'http://two words', ''])('an address that no request goes to is refused: "%s"', (url) => {
  expect(mistakeIn(() => fakeBackend('vllm', reply(), { url }))).toBe(
    "Fake backend 'vllm': url is no address; write it like http://127.0.0.1:8000.",
  );
});

test.each(['vllm', 'openai', 'anthropic', 'together'] as const)(
  'an error in a stream of %s, which never says that its GPU is full, is a fault of its own',
  async (type) => {
    await using server = await fakeBackend(type, errorInStream(1, reply('One two three.'))).listen();
    await using router = createRouter({ providers: { box: { type, url: server.url, apiKey: 'key-of-the-test' } }, maxAttempts: 1 });
    let text = '';
    const read = async (): Promise<void> => {
      for await (const piece of textOf(await router.stream({ model: 'm', messages: [{ role: 'user', content: 'Hello!' }] }))) text += piece;
    };
    const error = await read().catch((reason: unknown) => reason);
    expect([text, isRouterError(error, 'stream_interrupted') && (error.cause as { code?: string }).code]).toEqual(['One ', 'unavailable']);
  },
);

test('an error in a stream without a step is told in the words of the server: out of memory, its own fault, or a mere status', async () => {
  const told: string[] = [];
  for (const unknown of [[], ['out-of-memory'], ['out-of-memory', 'server']]) {
    const wire: Wire = {
      ...plainWire,
      fail: (failure, call) => (unknown.includes(failure.kind) ? undefined : plainWire.fail(failure, call)),
    };
    await using server = await fakeBackend(wire, errorInStream(0)).listen();
    const answer = await fetch(`${server.url}/v1/chat/completions`, { method: 'POST', body: '{}' });
    told.push(`${answer.status} ${await answer.text()}`);
  }
  expect(told).toEqual(['out-of-memory', 'server', 'status'].map((kind) => `500 {"error":{"message":"${kind}"}}`));
});
