import {
  type Call,
  type ChatChunk,
  type ChatRequest,
  createRouter,
  defineAdapter,
  type Device,
  type RouterError,
  type RouterOptions,
} from '../../src/index.ts';
import { createReplayClock, type ReplayClock } from '../../src/testing/simulation/clock.ts';
import { sleep } from '../../src/lib/clock.ts';
import { seededRandom } from '../../src/testing/seeded-random.ts';

/** A server: how fast it is while it has little to do, and what befalls it. */
export interface Box {
  readonly id: string;
  readonly device: Device;
  readonly weight: number;
  readonly maxConcurrent: number;
  readonly firstMs: number;
  readonly tokenMs: number;
  /** By the time since the beginning. */
  readonly faultAt?: (ms: number, random: () => number) => RouterError | undefined;
}

export interface Day {
  readonly lines: readonly string[];
  /** The configuration, with other weights for the first two. */
  readonly options: (first: number, second: number) => RouterOptions;
}

const startMs = 1_700_000_000_000;

/** Streams of a Poisson process, answers of 20 to 220 tokens, and what `router.record()` wrote of them. */
export async function recordDay(
  boxes: readonly Box[],
  { calls, perMs, seed }: { calls: number; perMs: number; seed: number },
): Promise<Day> {
  const clock = createReplayClock(startMs);
  const random = seededRandom(seed);
  const adapters = boxes.map((box) => adapterOf(box, clock, random));
  const options: Day['options'] = (...weights) => ({
    balance: 'weighted',
    providers: Object.fromEntries(
      boxes.map(({ id, device, weight, maxConcurrent }, index) => [
        id,
        { type: 'custom' as const, adapter: adapters[index], device, weight: weights[index] ?? weight, maxConcurrent },
      ]),
    ) as RouterOptions['providers'],
  });
  const [first, second] = boxes;
  const quiet = { clock, random: seededRandom(seed + 1), health: false, pollMs: false, checkModels: false } as const;
  const router = createRouter({ ...options(first?.weight ?? 1, second?.weight ?? 1), ...quiet });
  const lines: string[] = [];
  router.record((line) => lines.push(line));
  let over = 0;
  let atMs = 0;
  for (let call = 0; call < calls; call += 1) {
    atMs -= perMs * Math.log(1 - random());
    const tokens = 20 + Math.floor(random() * 200);
    clock.schedule(atMs, () => void ask(router, tokens).finally(() => (over += 1)));
  }
  await clock.run(() => over === calls);
  return { lines, options };
}

async function ask(router: ReturnType<typeof createRouter>, tokens: number): Promise<void> {
  const stream = await router.stream({
    model: 'm',
    user: String(tokens),
    messages: [{ role: 'user', content: 'Tell me more. '.repeat(12) }],
  });
  for await (const _chunk of stream);
}

function adapterOf({ id, firstMs, tokenMs, faultAt }: Box, clock: ReplayClock, random: () => number): ReturnType<typeof defineAdapter> {
  return defineAdapter({
    name: id,
    async stream(call) {
      const fault = faultAt?.(clock.nowMs() - startMs, random);
      await sleep(clock, fault === undefined ? firstMs * (0.8 + 0.4 * random()) : 20, call.signal);
      if (fault !== undefined) throw fault;
      return answer(call, tokenMs, clock);
    },
  });
}

async function* answer(
  { request, model = 'm', signal }: Call<ChatRequest>,
  tokenMs: number,
  clock: ReplayClock,
): AsyncGenerator<readonly ChatChunk[]> {
  const tokens = Number(request.user);
  const base = { id: 'c', object: 'chat.completion.chunk', created: 0, model } as const;
  yield [{ ...base, choices: [{ index: 0, delta: { content: 'tokens' } }] }];
  await sleep(clock, tokens * tokenMs, signal);
  const usage = { prompt_tokens: 40, completion_tokens: tokens, total_tokens: 40 + tokens };
  yield [{ ...base, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage }];
}
