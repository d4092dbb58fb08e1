import { describe, expect, test } from 'vitest';
import { createRouter } from '../../src/router/create-router.ts';
import { cutAfter, errorInStream, fakeBackend, type FakeCall, type ListeningBackend, reply, type Step } from '../../src/testing/index.ts';
import { continuedFields } from '../_kit/continued-fields.ts';
import { hello } from '../_kit/fake-router.ts';
import { readParts, readText } from '../_kit/stream-parts.ts';

type Kind = 'vllm' | 'llamacpp' | 'ollama' | 'sglang' | 'textgen' | 'tgi';

const kinds = ['vllm', 'llamacpp', 'ollama', 'sglang', 'textgen', 'tgi'] as const satisfies readonly Kind[];
const text = 'The quick brown fox jumps over the lazy dog, again and again.';

interface Pair extends AsyncDisposable {
  readonly first: ListeningBackend;
  readonly second: ListeningBackend;
  readonly router: ReturnType<typeof createRouter>;
}

/** Two servers on real sockets, the second behind the first. */
async function pair(kind: Kind, step: Step, secondKind: Kind, onStreamFailure: 'restart' | 'continue'): Promise<Pair> {
  const first = await fakeBackend(kind, step).listen();
  const second = await fakeBackend(secondKind, reply(text)).listen();
  const router = createRouter({
    checkModels: false,
    health: false,
    pollMs: false,
    onStreamFailure,
    providers: {
      first: { type: kind, url: first.url, device: 'gpu' },
      second: { type: secondKind, url: second.url, device: 'gpu', priority: 1 },
    },
  });
  return {
    first,
    second,
    router,
    async [Symbol.asyncDispose]() {
      await router.close();
      await first.close();
      await second.close();
    },
  };
}

function bodyOf(call: FakeCall | undefined): { readonly messages: readonly unknown[] } {
  return call?.body as { messages: unknown[] };
}

const breaks: readonly [string, Step][] = [
  ['is reset', cutAfter(2, 'rst', reply(text))],
  ['is cut off', cutAfter(2, 'fin', reply(text))],
  ['tells of an error', errorInStream(2, reply(text))],
];

describe.each(breaks)('a stream that %s after two tokens', (_, step) => {
  test.each(kinds)('is continued by a second %s, which is asked in its own words', async (kind) => {
    await using both = await pair('vllm', step, kind, 'continue');
    const stream = await both.router.stream({ ...hello, max_tokens: 50 });
    const { parts, failure } = await readParts(stream);
    expect(failure).toBeUndefined();
    expect(parts.filter((part) => part.startsWith('<resumed: first to second'))).toHaveLength(1);
    expect(parts.filter((part) => !part.startsWith('<')).join('')).toBe(text);
    expect(stream.route).toMatchObject({ provider: 'second', attempts: [{ provider: 'first' }, { provider: 'second' }] });
    const body = bodyOf(both.second.calls[0]);
    expect(body).toMatchObject(continuedFields[kind]);
    expect(body.messages).toEqual([...hello.messages, { role: 'assistant', content: 'The quick' }]);
    expect(JSON.stringify(body)).toContain(kind === 'ollama' ? '"num_predict":48' : ':48');
    // What the first one was asked was a usual call.
    expect(both.first.calls[0]?.body).not.toHaveProperty('continue_final_message');
  });

  test.each(kinds)('is restarted by a second %s, which gets a usual call', async (kind) => {
    await using both = await pair('llamacpp', step, kind, 'restart');
    expect(await readText(await both.router.stream(hello))).toEqual({ text, failure: undefined });
    const body = bodyOf(both.second.calls[0]);
    expect(body.messages).toEqual(hello.messages);
    for (const field of Object.keys(continuedFields[kind])) expect(body).not.toHaveProperty(field);
  });
});

test.each(kinds)('a stream of %s may break and be continued', async (kind) => {
  await using both = await pair(kind, cutAfter(3, 'rst', reply(text)), 'vllm', 'continue');
  expect(await readText(await both.router.stream(hello))).toEqual({ text, failure: undefined });
  expect(bodyOf(both.second.calls[0]).messages.at(-1)).toEqual({
    role: 'assistant',
    content: 'The quick brown',
  });
});

test('the text is the same wherever the stream breaks', async () => {
  const count = text.split(' ').length;
  for (let pieces = 1; pieces < count; pieces++) {
    await using both = await pair('ollama', cutAfter(pieces, 'rst', reply(text)), 'llamacpp', 'continue');
    expect(await readText(await both.router.stream(hello)), `after ${pieces} pieces`).toEqual({ text, failure: undefined });
  }
});

test('a server that begins anew is not believed, and the stream is interrupted', async () => {
  await using both = await pair('vllm', cutAfter(5, 'rst', reply(text)), 'vllm', 'continue');
  // A template that does not know of begun answers.
  both.second.play({ ...reply(), answer: { text: `\n${text}` } });
  const { parts, failure } = await readParts(await both.router.stream(hello, { maxAttempts: 2 }));
  expect(parts.join('')).toBe('The quick brown fox jumps ');
  expect(failure).toMatchObject({
    code: 'stream_interrupted',
    provider: 'first',
    attempts: [{ provider: 'first' }, { provider: 'second', error: { code: 'unsupported' } }],
  });
});

test('a reader who leaves while the rest is awaited closes that connection', async () => {
  await using both = await pair('vllm', cutAfter(2, 'rst', reply(text)), 'vllm', 'continue');
  both.second.play({ ...reply(text), faults: { stallBeforeHeaders: true } });
  const iterator = (await both.router.stream(hello))[Symbol.asyncIterator]();
  await iterator.next();
  const waiting = (async () => {
    while ((await iterator.next()).done !== true);
  })();
  while (both.second.calls.length === 0) await new Promise((resolve) => void setTimeout(resolve, 1));
  await iterator.return?.();
  await waiting;
  while (both.second.openSockets() > 0) await new Promise((resolve) => void setTimeout(resolve, 1));
  expect(both.second.aborted).toBe(1);
});
