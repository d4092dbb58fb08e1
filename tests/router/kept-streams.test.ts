import { describe, expect, test } from 'vitest';
import { collect } from '../../src/router/chat-stream.ts';
import type { AssistantMessage, ChatAnswer, ChatChunk, ChatCompletion } from '../../src/core/types.ts';
import { answerToChunks, collectChunks } from '../../src/core/collect.ts';
import { failureOf, fakeRouter, readAll } from '../_kit/fake-router.ts';
import { readParts } from '../_kit/stream-parts.ts';
import { fault, pieces } from '../_kit/fake-adapter.ts';
import { question, scene, type Scene, settled, until } from './kept-kit.ts';

const message: AssistantMessage = {
  role: 'assistant',
  content: 'It is a cat.',
  reasoning_content: 'Look inside.',
  thinking_blocks: [{ type: 'thinking', thinking: 'Look inside.', signature: 's' }],
  tool_calls: [
    { id: 't1', type: 'function', function: { name: 'look', arguments: '{"at":"box"}' } },
    { id: 't2', type: 'function', function: { name: 'open', arguments: '{}' } },
  ],
};

const rich = (): Scene =>
  scene({ answers: () => ({ message: structuredClone(message), finish_reason: 'tool_calls', logprobs: { content: [{ token: 'It' }] } }) });

function plain({ route: _route, ...answer }: ChatCompletion): ChatAnswer {
  return answer;
}

async function streamed({ router }: Scene): Promise<ChatCompletion> {
  return collect(await router.stream(question));
}

describe('a stream of a kept answer', () => {
  test('gives what a chat has brought in, with its tools, its thoughts and its usage', async () => {
    const made = rich();
    const first = await made.router.chat(question);
    await settled(made);
    const second = await streamed(made);
    expect(plain(second)).toEqual(plain(first));
    expect(second.route).toMatchObject({ provider: 'gpu', cached: true, attempts: [] });
    expect(made.asked).toHaveLength(1);
  });

  test('and a chat what a stream has brought in', async () => {
    const made = rich();
    const first = await streamed(made);
    await settled(made);
    const second = await made.router.chat(question);
    expect([plain(second), second.route.cached]).toEqual([plain(first), true]);
  });

  test('comes in chunks as a provider sends them, and each reader has his own', async () => {
    const made = scene();
    await made.router.chat(question);
    await settled(made);
    const chunks: ChatChunk[] = [];
    for await (const chunk of await made.router.stream({ ...question, stream_options: { include_usage: true } })) chunks.push(chunk);
    expect(
      chunks.map(({ object, choices, usage }) => [object, choices[0]?.delta.content, choices[0]?.finish_reason, usage?.total_tokens]),
    ).toEqual([
      ['chat.completion.chunk', 'answer 1', null, undefined],
      ['chat.completion.chunk', undefined, 'stop', undefined],
      ['chat.completion.chunk', undefined, undefined, 5],
    ]);
    (chunks[0] as ChatChunk).choices.pop();
    expect((await readAll(await made.router.stream(question))).text).toBe('answer 1');
  });

  test('is told as one call that ended', async () => {
    const made = scene();
    await made.router.chat(question);
    await settled(made);
    made.events.clear();
    await readAll(await made.router.stream(question));
    expect(made.events.lines()).toEqual(['request:start', 'request:end gpu']);
    expect(made.events.of('request:end')[0]).toMatchObject({ cached: true, attempts: 0, abandoned: false });
    expect(made.router.snapshot().inFlight).toBe(0);
  });

  test('puts together to the answer that was cut into it', async () => {
    const answer: ChatAnswer = plain(await rich().router.chat(question));
    const batches = (async function* () {
      yield answerToChunks(answer);
    })();
    expect(await collectChunks(batches)).toEqual(answer);
  });
});

describe('a stream is kept', () => {
  test('only when it was read to its end', async () => {
    const made = scene({ answers: () => ({ message: { role: 'assistant', content: 'one two three' } }) });
    const stream = await made.router.stream(question);
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content?.startsWith('two')) break;
    await settled(made);
    expect(made.store.size).toBe(0);
    await readAll(await made.router.stream(question));
    await settled(made);
    expect(made.store.size).toBe(1);
  });

  test('not when its reader went away, though every piece had come', async () => {
    const made = scene({ afterMs: 100 });
    const opening = made.router.stream(question);
    await until(() => made.asked.length === 1);
    const reading = (await made.clock.run(opening))[Symbol.asyncIterator]();
    await reading.next();
    for (let chunk = 0; chunk < 3; chunk++) await made.clock.run(reading.next());
    const last = reading.next();
    await reading.return?.();
    await last;
    await settled(made);
    expect(made.store.size).toBe(0);
  });

  test('not when it broke after its last piece', async () => {
    const broken = async function* (): AsyncGenerator<readonly ChatChunk[]> {
      yield answerToChunks(plain(await scene().router.chat(question)));
      throw fault('unavailable');
    };
    const store = new Map<string, unknown>();
    const made = fakeRouter({ gpu: { does: 'unused', fake: { stream: async () => broken() } as object } }, { cache: { store } });
    const reading = (await made.router.stream(question))[Symbol.asyncIterator]();
    for (let chunk = 0; chunk < 3; chunk++) await reading.next();
    expect(await failureOf(reading.next())).toMatchObject({ code: 'stream_interrupted' });
    expect((await reading.next()).done).toBe(true);
    await settled(made);
    expect(store.size).toBe(0);
  });

  test('not when it broke', async () => {
    const made = fakeRouter({ gpu: pieces('one', fault('unavailable')) }, { cache: { store: new Map() } });
    const stream = await made.router.stream(question);
    expect((await readAll(stream)).failure).toMatchObject({ code: 'stream_interrupted' });
    await settled(made);
    expect(made.router.snapshot().cache).toEqual({ hits: 0, misses: 1, shared: 0 });
    await readAll(await made.router.stream(question));
    expect(made.fakes.gpu.calls).toHaveLength(2);
  });

  test.each(['restart', 'continue'] as const)('not when another provider went on (%s)', async (onStreamFailure) => {
    const store = new Map<string, unknown>();
    const end = { finish_reason: 'stop' as const };
    const whole = async function* (): AsyncGenerator<ChatChunk[]> {
      const head = { id: 'c', object: 'chat.completion.chunk' as const, created: 1, model: 'm' };
      yield [{ ...head, choices: [{ index: 0, delta: { content: 'two' } }] }];
      yield [{ ...head, choices: [{ index: 0, delta: {}, ...end }] }];
    };
    const fake = { stream: async () => whole(), capabilities: { prefill: true } } as object;
    const made = fakeRouter(
      { gpu: pieces('one ', fault('unavailable')), cpu: { does: 'unused', fake } },
      { cache: { store }, onStreamFailure },
    );
    const { parts, failure } = await readParts(await made.router.stream(question));
    await settled(made);
    expect([parts[1]?.startsWith('<'), failure, store.size]).toEqual([true, undefined, 0]);
  });

  test('not when its caller went away while it was read', async () => {
    const made = scene({ answers: () => ({ message: { role: 'assistant', content: 'one two three' } }) });
    const controller = new AbortController();
    const stream = await made.router.stream(question, { signal: controller.signal });
    const reading = stream[Symbol.asyncIterator]();
    await reading.next();
    controller.abort(new Error('Enough.'));
    expect(await failureOf(reading.next())).toEqual(new Error('Enough.'));
    await settled(made);
    expect(made.store.size).toBe(0);
  });
});
