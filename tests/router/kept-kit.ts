import type { CacheOptions } from '../../src/config/cache-options.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import type { Call } from '../../src/core/adapter.ts';
import { answerToChunks } from '../../src/core/collect.ts';
import type { ChatAnswer, ChatChoice, ChatChunk, ChatRequest, ChunkBatches } from '../../src/core/types.ts';
import { sleep } from '../../src/lib/clock.ts';
import { type FakeProvider, type FakeRouter, fakeRouter } from '../_kit/fake-router.ts';

export const question: ChatRequest = { model: 'm', messages: [{ role: 'user', content: 'What is in the box?' }], temperature: 0 };

/** A store as a map: it forgets nothing by itself. */
export type MapStore = Map<string, unknown>;

/** What a provider answers with its next call; `n` is the number of the call, from 1. */
export type Answers = (n: number) => Partial<ChatChoice> | Error;

export interface Scene extends FakeRouter<'gpu'> {
  readonly store: MapStore;
  /** Requests that reached the provider. */
  readonly asked: { readonly signal: AbortSignal; readonly request: ChatRequest }[];
}

export interface SceneOptions extends Omit<RouterOptions, 'providers' | 'cache'> {
  readonly cache?: Partial<CacheOptions> | false | undefined;
  readonly answers?: Answers;
  /** Until the answer, or its first piece, is there; and between two pieces. */
  readonly afterMs?: number;
  readonly provider?: Omit<Extract<FakeProvider, { does: unknown }>, 'does' | 'fake'>;
}

const usual: Answers = (n) => ({ message: { role: 'assistant', content: `answer ${n}` } });

/** A router whose provider numbers its answers, so that a second one shows, over a store in memory. */
export function scene({ cache = {}, answers = usual, afterMs = 0, provider, ...options }: SceneOptions = {}): Scene {
  const store: MapStore = new Map();
  const asked: Scene['asked'] = [];
  let clock: FakeRouter<'gpu'>['clock'] | undefined;
  const take = async ({ signal, request, model = 'm' }: Call<ChatRequest>): Promise<ChatAnswer> => {
    asked.push({ signal, request });
    const answer = toAnswer(answers(asked.length), model);
    if (afterMs > 0 && clock !== undefined) await sleep(clock, afterMs, signal);
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const stream = async (call: Call<ChatRequest>): Promise<ChunkBatches> => {
    const answer = await take(call);
    return pieces(answer, async () => {
      call.signal.throwIfAborted();
      if (afterMs > 0 && clock !== undefined) await sleep(clock, afterMs, call.signal);
    });
  };
  const fake = { chat: take, stream, cutsPrompts: true, capabilities: { tools: true, jsonSchema: true, choices: true } } as object;
  const made = fakeRouter(
    { gpu: { does: 'unused', fake, ...provider } },
    { ...options, ...(cache !== false && { cache: { store, ...cache } }) },
  );
  ({ clock } = made);
  return { ...made, store, asked };
}

function toAnswer(choice: Partial<ChatChoice> | Error, model: string): ChatAnswer | Error {
  if (choice instanceof Error) return choice;
  const message = { role: 'assistant' as const, content: 'Yes.' };
  return {
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model,
    choices: [{ index: 0, message, finish_reason: 'stop', ...choice }],
    usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
  };
}

/** The text word by word, then the rest. */
async function* pieces(answer: ChatAnswer, next: () => Promise<void>): AsyncGenerator<readonly ChatChunk[]> {
  const [first, ...rest] = answerToChunks(answer) as [ChatChunk, ...ChatChunk[]];
  const [choice] = first.choices as [ChatChunk['choices'][number]];
  const words = (choice.delta.content ?? '').match(/\S+\s*/g) ?? [];
  yield [{ ...first, choices: [{ ...choice, delta: { ...choice.delta, content: words[0] ?? null } }] }];
  for (const content of words.slice(1)) {
    await next();
    yield [{ ...first, choices: [{ index: 0, delta: { content } }] }];
  }
  await next();
  yield rest;
  await next();
}

/**
 * Lets everything happen that waits for no time of the clock. Keys are made outside of the event loop's thread, which the clock does not
 * know of: those that were begun before are made when these are.
 */
export async function settled({ clock }: Pick<Scene, 'clock'>): Promise<void> {
  for (let round = 0; round < 5; round++) {
    await globalThis.crypto.subtle.digest('SHA-256', new Uint8Array(100_000));
    await clock.settle();
  }
}

/** Goes on when it is so; what it waits for is no time of a clock. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(setImmediate);
}
