import { createRouter, defineAdapter, type Adapter, type ChatChunk, isRouterError, type Router, RouterError } from '../src/index.ts';
import { sleep } from '../src/lib/clock.ts';
import { collectMetrics } from '../src/telemetry/prometheus.ts';
import { testClock, type TestClock } from '../src/testing/index.ts';
import { readExposition } from '../tests/telemetry/exposition.ts';
import type { Scrape } from './dashboard-values.ts';

const scrapeMs = 15_000;
const minuteMs = 60_000;
const large = 'llama-3.3-70b';
const small = 'qwen3-8b';

/** What a server does at this moment. */
interface Mood {
  failure: RouterError | undefined;
  /** To the first piece of an answer. */
  firstMs: number;
  /** From one to the next. */
  pieceMs: number;
  /** Has no room for the large model. */
  isFull: boolean;
  /** One of so many streams breaks in the middle. */
  breaksEvery: number;
}

interface Played {
  readonly adapter: Adapter;
  readonly mood: Mood;
}

function play(clock: TestClock, mood: Mood): Played {
  let streams = 0;
  async function* answer(model: string, signal: AbortSignal): AsyncGenerator<ChatChunk[]> {
    const count = (streams += 1);
    const pieces = 12 + Math.floor(clock.random() * 40);
    const head = { id: 'c', object: 'chat.completion.chunk', created: 1, model } as const;
    for (let piece = 0; piece < pieces; piece++) {
      await sleep(clock, piece === 0 ? mood.firstMs * (0.6 + clock.random()) : mood.pieceMs, signal);
      if (piece > 4 && count % mood.breaksEvery === 0) throw new RouterError('unavailable', 'The connection broke.');
      yield [{ ...head, choices: [{ index: 0, delta: { content: 'word ' }, finish_reason: piece === pieces - 1 ? 'stop' : null }] }];
    }
    const usage = { prompt_tokens: 200 + Math.floor(clock.random() * 900), completion_tokens: pieces * 8 };
    yield [{ ...head, choices: [], usage: { ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens } }];
  }
  const adapter = defineAdapter({
    name: 'played',
    modelName: 'optional',
    chat: () => Promise.reject(new RouterError('unsupported', 'Streams only.')),
    stream: async ({ model = small, signal }) => {
      if (mood.failure !== undefined) throw mood.failure;
      if (mood.isFull && model === large) throw new RouterError('out_of_memory', 'CUDA out of memory.');
      return answer(model, signal);
    },
  });
  return { adapter, mood };
}

/** Half an hour of a small company: a server dies and comes back, another one runs out of memory, a cloud asks for a pause. */
export async function halfAnHour(): Promise<readonly Scrape[]> {
  const clock = testClock({ seed: 7 });
  const usual = { failure: undefined, isFull: false, breaksEvery: Infinity };
  const [big, second, cpu, cloud] = [
    play(clock, { ...usual, firstMs: 180, pieceMs: 25 }),
    play(clock, { ...usual, firstMs: 320, pieceMs: 45 }),
    play(clock, { ...usual, firstMs: 1_300, pieceMs: 110 }),
    play(clock, { ...usual, firstMs: 600, pieceMs: 30 }),
  ];
  const router = createRouter({
    providers: {
      'gpu-a': { type: 'custom', adapter: big.adapter, device: 'gpu', cost: 'free', priority: 2, maxConcurrent: 30 },
      'gpu-b': { type: 'custom', adapter: second.adapter, device: 'gpu', cost: 'free', priority: 2, maxConcurrent: 3 },
      cpu: { type: 'custom', adapter: cpu.adapter, device: 'cpu', cost: 'free', priority: 3, maxConcurrent: 2 },
      cloud: { type: 'custom', adapter: cloud.adapter, device: 'cloud', cost: 'paid', priority: 4, maxConcurrent: 4 },
    },
    allowPaid: true,
    prices: { date: '2026-11-21', source: 'the picture', priceOf: () => ({ inputPerMillionUsd: 0.5, outputPerMillionUsd: 1.5 }) },
    queue: { timeoutMs: 20_000 },
    pinMs: 8 * minuteMs,
    onStreamFailure: 'restart',
    health: false,
    clock,
    random: clock.random,
  });
  const metrics = collectMetrics(router);
  const scrapes: Scrape[] = [];
  for (let atMs = 0; atMs <= 30 * minuteMs; atMs += scrapeMs) {
    setMoods(atMs / minuteMs, { big, second, cloud });
    await traffic(router, clock, atMs);
    const samples = readExposition(await metrics.text()).flatMap((family) => family.samples);
    scrapes.push({ atMs: clock.wallMs(), samples });
  }
  await router.close({ drainMs: 0 });
  return scrapes;
}

const dead = new RouterError('unavailable', 'It cannot be reached: ECONNREFUSED.', { phase: 'connect', reason: 'ECONNREFUSED' });

function setMoods(minute: number, { big, second, cloud }: Readonly<Record<'big' | 'second' | 'cloud', Played>>): void {
  big.mood.firstMs = minute > 6 && minute < 8 ? 900 : 180;
  big.mood.breaksEvery = minute > 7 && minute < 8 ? 5 : Infinity;
  big.mood.failure = minute >= 8 && minute < 16 ? dead : undefined;
  second.mood.isFull = minute >= 12.5 && minute < 14;
  cloud.mood.failure = minute >= 11 && minute < 12.2 ? new RouterError('rate_limited', 'Slow down.', { retryAfterMs: 45_000 }) : undefined;
}

/** The calls of one scrape's time, more and more of them towards the middle. */
async function traffic(router: Router, clock: TestClock, atMs: number): Promise<void> {
  const perSecond = 1.6 + 1.4 * Math.sin((Math.PI * atMs) / (30 * minuteMs)) + 0.4 * Math.sin(atMs / 90_000);
  const calls = Math.round((perSecond * scrapeMs) / 1_000);
  for (let call = 0; call < calls; call++) {
    void ask(router, clock);
    await clock.advance(scrapeMs / calls);
  }
}

async function ask(router: Router, clock: TestClock): Promise<void> {
  const isLarge = clock.random() < 0.35;
  const model = isLarge ? large : small;
  const intent = clock.random() < 0.2 ? 'heavy' : 'fast';
  const leaves = clock.random() < 0.03;
  try {
    for await (const _chunk of await router.stream({ model, messages: [{ role: 'user', content: 'Hello!' }] }, { intent }))
      if (leaves) break;
  } catch (error) {
    if (!isRouterError(error)) throw error;
  }
}
