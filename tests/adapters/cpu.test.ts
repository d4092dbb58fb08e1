import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Adapter, defineAdapter } from '../../src/core/adapter.ts';
import { chain, count } from '../tiny-model/models.ts';
import { batchesOf, chatCall, cpuOf, modelFolder, textOf, watchedLibrary } from './cpu-kit.ts';

const text = 'Hello from a tiny model.';
const folder = modelFolder();
const watched = watchedLibrary();
const loopWatched = watchedLibrary();
let cpu: Adapter;
let counter: Adapter;
/** Goes on until its context window is full, for longer than a test may take. */
let endless: Adapter;

beforeAll(() => {
  cpu = cpuOf({ modelPath: folder.write('chain.gguf', chain()) }, watched.load);
  counter = cpuOf({ modelPath: folder.write('count.gguf', count({ n: 60 })) });
  const slow = chain({ loop: true, layers: 4, ff: 2048, ctx: 16_384 });
  endless = cpuOf({ modelPath: folder.write('loop.gguf', slow), contextSize: 16_384 }, loopWatched.load);
});

afterAll(async () => {
  for (const adapter of [cpu, counter, endless]) await adapter.close?.();
  folder.remove();
});

/** Waits until no call holds the model any more. */
async function idle(adapter: Adapter): Promise<void> {
  await vi.waitFor(async () => expect(await adapter.load?.(new AbortController().signal)).toMatchObject({ running: 0, waiting: 0 }), {
    timeout: 5_000,
  });
}

describe('a chat', () => {
  test('is answered by the model, with real token counts', async () => {
    const answer = await cpu.chat(chatCall());
    expect(answer).toMatchObject({
      id: 'chatcmpl-request-1',
      object: 'chat.completion',
      // The router dates it, by its own clock.
      created: 0,
      model: 'chain',
      choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
      // 6 pieces of text and the end of the turn.
      usage: { completion_tokens: 7 },
    });
    const { prompt_tokens = 0, total_tokens } = answer.usage ?? {};
    expect(prompt_tokens).toBeGreaterThan(5);
    expect(total_tokens).toBe(prompt_tokens + 7);
  });

  test('ends with "length" at max_tokens, and has exactly that many', async () => {
    const answer = await counter.chat(chatCall({ max_tokens: 4 }));
    expect(answer.choices[0]).toMatchObject({ message: { content: '1 2 3 4' }, finish_reason: 'length' });
    expect(answer.usage?.completion_tokens).toBe(4);
  });

  test('prefers max_completion_tokens to max_tokens', async () => {
    expect(await textOf(counter, { max_completion_tokens: 2, max_tokens: 9 })).toBe('1 2');
  });

  test.each([['7'], [['nothing', '7']]])('ends before the stop text %o', async (stop) => {
    const answer = await counter.chat(chatCall({ stop }));
    expect(answer.choices[0]?.message.content?.trim()).toBe('1 2 3 4 5 6');
    expect(answer.choices[0]?.finish_reason).toBe('stop');
  });

  test('takes all sampling parameters together', async () => {
    const request = { temperature: 1.5, top_p: 0.9, seed: -3, presence_penalty: -0.5, frequency_penalty: 0.5 };
    expect(await textOf(cpu, request)).toBe(text);
  });

  test('does not let a message write control tokens', async () => {
    const countOf = async (content: string): Promise<number> =>
      (await cpu.chat(chatCall({ messages: [{ role: 'user', content }], max_tokens: 1 }))).usage?.prompt_tokens ?? 0;
    expect((await countOf('<|im_end|>')) - (await countOf(''))).toBeGreaterThan(5);
  });

  test('leaves nothing of itself in the context', async () => {
    await cpu.chat(chatCall());
    await idle(cpu);
    expect(watched.tokensLeft()).toEqual([0]);
  });

  test('whose prompt is longer than the context window is refused before anything runs', async () => {
    const messages = [{ role: 'user' as const, content: 'word '.repeat(600) }];
    await expect(cpu.chat(chatCall({ messages }))).rejects.toMatchObject({ code: 'context_length', provider: 'local' });
    expect(await textOf(cpu)).toBe(text);
  });

  test('ends with "length" when the context window is full, and forgets no message to go on', async () => {
    const looping = cpuOf({ modelPath: folder.write('short.gguf', chain({ loop: true })), contextSize: 256 });
    const answer = await looping.chat(chatCall());
    await looping.close?.();
    expect(answer.choices[0]?.finish_reason).toBe('length');
    expect(answer.usage?.total_tokens).toBeLessThanOrEqual(256);
  });
});

describe('a stream', () => {
  test('gives the text of the chat piece by piece, then the reason and the usage', async () => {
    const batches = await batchesOf(await cpu.stream(chatCall()));
    const chunks = batches.flat();
    expect(batches.length).toBeGreaterThan(3);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(text);
    expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant');
    expect(chunks.filter((chunk) => chunk.choices[0]?.delta.role)).toHaveLength(1);
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 7 } });
  });

  test('is what the chat is made of', async () => {
    const derived = defineAdapter({ name: 'derived', stream: cpu.stream });
    expect((await derived.chat(chatCall())).choices).toEqual((await cpu.chat(chatCall())).choices);
  });

  test('that is aborted rejects with the reason itself, and the next call is served', async () => {
    const controller = new AbortController();
    const reason = { why: 'the user left' };
    const read = async (): Promise<void> => {
      for await (const _ of await endless.stream(chatCall({}, controller.signal))) controller.abort(reason);
    };
    await expect(read()).rejects.toBe(reason);
    expect(await textOf(endless, { max_tokens: 1 })).toBe('Hello');
    await idle(endless);
    expect(loopWatched.tokensLeft()).toEqual([0]);
  });

  test('that its reader leaves stops, and the next call is served', async () => {
    for await (const _ of await endless.stream(chatCall())) break;
    expect(await textOf(endless, { max_tokens: 1 })).toBe('Hello');
  });

  test('that is left before it was read stops too', async () => {
    const batches = await endless.stream(chatCall());
    await batches[Symbol.asyncIterator]().return?.();
    expect(await textOf(endless, { max_tokens: 1 })).toBe('Hello');
  });

  test('lets go of the signal it was given', async () => {
    const { signal } = new AbortController();
    const [added, removed] = [vi.spyOn(signal, 'addEventListener'), vi.spyOn(signal, 'removeEventListener')];
    await cpu.chat(chatCall({}, signal));
    await idle(cpu);
    expect(added).toHaveBeenCalled();
    expect(removed.mock.calls.length).toBe(added.mock.calls.length);
  });
});

describe('calls at the same time', () => {
  test('are served in the order they came', async () => {
    const order: number[] = [];
    const calls = [1, 2, 3, 4].map(async (n) => {
      const answer = await counter.chat(chatCall({ max_tokens: 5 - n }));
      order.push(n);
      return answer.choices[0]?.message.content;
    });
    expect(await Promise.all(calls)).toEqual(['1 2 3 4', '1 2 3', '1 2', '1']);
    expect(order).toEqual([1, 2, 3, 4]);
  });

  test('are reported as running and waiting', async () => {
    const controller = new AbortController();
    const running = await endless.stream(chatCall({}, controller.signal));
    const waiting = endless.chat(chatCall({}, controller.signal));
    await vi.waitFor(async () => expect(await endless.load?.(controller.signal)).toMatchObject({ running: 1, waiting: 1, slots: 1 }));
    controller.abort('enough');
    await expect(waiting).rejects.toBe('enough');
    await expect(batchesOf(running)).rejects.toBe('enough');
  });

  test('do not hold each other up when one that waits is aborted', async () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const running = await endless.stream(chatCall({}, first.signal));
    const leaving = endless.chat(chatCall({}, second.signal));
    const staying = textOf(endless, { max_tokens: 1 });
    second.abort('gone');
    await expect(leaving).rejects.toBe('gone');
    first.abort('over');
    await expect(batchesOf(running)).rejects.toBe('over');
    expect(await staying).toBe('Hello');
  });

  test('share one load of the library and of the model', async () => {
    const library = watchedLibrary();
    const adapter = cpuOf({ modelPath: folder.path('chain.gguf') }, library.load);
    expect(library.counts.imports).toBe(0);
    expect(await Promise.all([textOf(adapter), textOf(adapter)])).toEqual([text, text]);
    await adapter.close?.();
    expect(library.counts).toEqual({ imports: 1, starts: 1, models: 1 });
  });
});
