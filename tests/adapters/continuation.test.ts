import { describe, expect, test } from 'vitest';
import type { AdapterContext } from '../../src/adapters/context.ts';
import { begunIn, chunksWithoutBegun, withoutBegun } from '../../src/adapters/openai-begun.ts';
import { adapters } from '../../src/adapters/registry.ts';
import type { Call } from '../../src/core/adapter.ts';
import { collectChunks } from '../../src/core/collect.ts';
import { type ProviderType, providerTypes } from '../../src/core/provider-types.ts';
import type { ChatAnswer, ChatChunk, ChatMessage, ChatRequest, ChunkBatches } from '../../src/core/types.ts';
import { adapterContext } from '../_kit/adapter-context.ts';
import { gather } from '../_kit/byte-stream.ts';
import { continuedFields } from '../_kit/continued-fields.ts';
import { loopback } from '../_kit/loopback.ts';
import { recording } from '../_kit/recordings.ts';

const messages: readonly ChatMessage[] = [
  { role: 'user', content: 'Count.' },
  { role: 'assistant', content: '1 2 3' },
];
const callOf = (continues: boolean, request: Partial<ChatRequest> = {}): Call<ChatRequest> => ({
  request: { messages, ...request },
  model: 'tiny',
  signal: new AbortController().signal,
  requestId: 'r1',
  continues,
});

/** The body of a stream, whatever becomes of it. */
async function bodyOf(
  type: ProviderType,
  call: Call<ChatRequest>,
  options: Partial<AdapterContext> = {},
): Promise<Record<string, unknown>> {
  await using box = await loopback(() => ({ status: 500, pieces: ['{}'] }));
  await adapters[type](adapterContext(box.url, type, options))
    .stream(call)
    .catch(() => undefined);
  return (box.requests[0]?.body ?? {}) as Record<string, unknown>;
}

describe('an adapter', () => {
  test('declares that it continues only where its server is known to', () => {
    const able = (Object.keys(providerTypes) as ProviderType[]).filter(
      (type) => adapters[type](adapterContext('http://box.test', type, { dialect: 'tgi' })).capabilities.prefill,
    );
    expect(able.toSorted()).toEqual([...Object.keys(continuedFields), 'remote-gpu'].toSorted());
    for (const dialect of ['auto', 'notebook', 'proxy'] as const) {
      expect(adapters['remote-gpu'](adapterContext('http://box.test', 'remote-gpu', { dialect })).capabilities.prefill, dialect).toBe(
        false,
      );
    }
  });

  test.each(Object.entries(continuedFields) as [ProviderType, object][])(
    'tells %s to continue, by these fields and no others: %j',
    async (type, added) => {
      const asked = await bodyOf(type, callOf(true));
      const usual = await bodyOf(type, callOf(false));
      expect(asked).toEqual({ ...usual, ...added });
      for (const name of Object.keys(added)) expect(usual).not.toHaveProperty(name);
      expect(asked['messages']).toEqual(messages);
    },
  );

  test('tells it last, and keeps the other switches of the template', async () => {
    const own = { chat_template_kwargs: { enable_thinking: true, language: 'fr' }, add_generation_prompt: true, top_k: 5 };
    expect(await bodyOf('sglang', callOf(true, { extra: { sglang: own } }))).toMatchObject({
      ...continuedFields.vllm,
      chat_template_kwargs: { enable_thinking: false, thinking: false, language: 'fr' },
      top_k: 5,
    });
  });

  test.each(['openai', 'nvidia', 'together', 'huggingface', 'lmstudio', 'openai-compatible', 'anthropic'] as const)(
    'that cannot sends %s what it always sends',
    async (type) => {
      expect(await bodyOf(type, callOf(true))).toEqual(await bodyOf(type, callOf(false)));
    },
  );

  test('leaves the line of the answer open where the prompt is one text', async () => {
    const { inputs } = await bodyOf('remote-gpu', callOf(true), { dialect: 'tgi' });
    expect(inputs).toBe('User: Count.\nAssistant: 1 2 3');
    const { inputs: usual } = await bodyOf('remote-gpu', callOf(false), { dialect: 'tgi' });
    expect(usual).toBe('User: Count.\nAssistant: 1 2 3\nAssistant:');
  });
});

describe('llama.cpp, recorded', () => {
  const { status, headers, body } = recording('llama-server/chat_continued_stream');
  const script = { status, headers: { 'content-type': headers['content-type'] ?? '' }, pieces: [body] };

  test('gives the rest of a stream alone', async () => {
    await using box = await loopback(() => script);
    const chunks = await adapters.llamacpp(adapterContext(box.url, 'llamacpp')).stream(callOf(true));
    expect((await collectChunks(chunks)).choices[0]).toMatchObject({ message: { content: ' 4 5 6 7' }, finish_reason: 'length' });
  });

  test('gives all of the text as a whole answer, so that the rest is asked for as a stream', async () => {
    const whole = new TextDecoder().decode(recording('llama-server/chat_continued').body);
    expect(whole).toContain('"content":"1 2 3 4 5 6 7"');
    await using box = await loopback(() => script);
    const answer = await adapters.llamacpp(adapterContext(box.url, 'llamacpp')).chat(callOf(true));
    expect(answer.choices[0]?.message.content).toBe(' 4 5 6 7');
    expect(box.requests[0]?.body).toMatchObject({ stream: true });
  });
});

const head = { id: 'c', object: 'chat.completion.chunk', created: 0, model: 'm' } as const;

function chunk(content: string | undefined, finish_reason: 'stop' | null = null): ChatChunk {
  return { ...head, choices: [{ index: 0, delta: content === undefined ? {} : { content }, finish_reason }] };
}

async function restOf(begun: string, ...contents: readonly (string | undefined)[]): Promise<string> {
  const chunks = contents.map((content, at) => chunk(content, at === contents.length - 1 ? 'stop' : null));
  const batches = (async function* (): ChunkBatches {
    for (const each of chunks) yield [each];
  })();
  const read = await gather(chunksWithoutBegun(batches, begun));
  expect(read).toHaveLength(chunks.length);
  return read.map(({ choices }) => choices[0]?.delta.content ?? '').join('');
}

const answer = (content: string | null): ChatAnswer => ({
  id: 'c',
  object: 'chat.completion',
  created: 0,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
});

describe('the beginning of an answer that repeats it', () => {
  test.each<[string, readonly (string | undefined)[], string]>([
    ['in one piece with what is new', ['1 2 3 4', ' 5', undefined], ' 4 5'],
    ['in a piece of its own', ['1 2 3', ' 4', undefined], ' 4'],
    ['in many pieces', ['1', ' ', '2 3', ' 4', undefined], ' 4'],
    ['after a chunk without text', [undefined, '', '1 2 3 4', undefined], ' 4'],
    ['alone', ['1 2 3', undefined], ''],
    ['in the chunk that ends it', ['1 2 3 4'], ' 4'],
    ['twice', ['1 2 31 2 3', undefined], '1 2 3'],
  ])('is taken off a stream: %s', async (_how, contents, rest) => {
    expect(await restOf('1 2 3', ...contents)).toBe(rest);
  });

  test.each<[string, readonly (string | undefined)[], string]>([
    ['another text', ['One', ' two', undefined], 'One two'],
    ['a text that parts from it', ['1 ', '2 ', '4', undefined], '1 2 4'],
    ['a text that ends before it does', ['1 ', '2', undefined], '1 2'],
  ])('is not looked for further in %s', async (_what, contents, text) => {
    expect(await restOf('1 2 3', ...contents)).toBe(text);
  });

  test.each<[string, readonly string[], string]>([
    ['in one piece', ['1 2'], '1 2'],
    ['in several', ['1', ' ', '2'], '1 2'],
    ['as another text', ['1 ', '4'], '1 4'],
    ['with nothing', [''], ''],
  ])('is not held back for ever in a stream that ends early, without a reason: %s', async (_how, contents, text) => {
    const batches = (async function* (): ChunkBatches {
      for (const content of contents) yield [chunk(content)];
    })();
    const read = await gather(chunksWithoutBegun(batches, '1 2 3'));
    expect(read.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(text);
    expect(read.every(({ id, object, created, model }) => id === 'c' && object === head.object && created === 0 && model === 'm')).toBe(
      true,
    );
  });

  test('may be nothing at all', async () => {
    expect(await restOf('', '1', undefined)).toBe('1');
  });

  test('is taken off a whole answer, once', () => {
    const textOf = (content: string | null): unknown => withoutBegun(answer(content), '1 2').choices[0]?.message.content;
    expect([textOf('1 2 3'), textOf('1 21 2'), textOf('3'), textOf(null)]).toEqual([' 3', '1 2', '3', null]);
  });

  test('is the text of the last message, in parts as well', () => {
    const parts = ['1 ', '2'].map((text) => ({ type: 'text' as const, text }));
    expect(begunIn({ messages })).toBe('1 2 3');
    expect(begunIn({ messages: [{ role: 'assistant', content: parts }] })).toBe('1 2');
    expect(begunIn({ messages: [{ role: 'assistant', content: null }] })).toBe('');
  });

  test('a reader that leaves in the middle of it ends the stream below', async () => {
    let ended = false;
    const batches = (async function* (): ChunkBatches {
      try {
        for (;;) yield [chunk('1')];
      } finally {
        ended = true;
      }
    })();
    for await (const _ of chunksWithoutBegun(batches, '1 2 3')) break;
    expect(ended).toBe(true);
  });
});
