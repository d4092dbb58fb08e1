import { getEventListeners } from 'node:events';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { eventNames, createRouter, isRouterError, type Router } from '../../../src/index.ts';
import { type Canaries, createCanaries, type Hit } from '../_kit/canaries.ts';
import { createRandom, tally } from '../_kit/numbers.ts';
import { plantedChat, plantedProvider } from '../_kit/planted-chat.ts';
import { watchProcess } from '../_kit/process-watch.ts';
import { answerQuestions, startProgram } from '../_kit/program.ts';
import type { Question, Seen } from './server.ts';

// The application whose memory is watched: a process of its own. Needs --expose-gc.

export interface Order {
  readonly seed: number;
  readonly requests: number;
  readonly checkpoints: number;
  readonly routers: number;
}

export interface Point {
  /** Requests, or routers, so far. */
  readonly x: number;
  /** Heap in use after a collection, in bytes. */
  readonly y: number;
}

export interface Findings {
  readonly outcomes: Readonly<Record<string, number>>;
  readonly seen: Seen;
  readonly heap: readonly Point[];
  readonly rss: readonly Point[];
  readonly routers: readonly Point[];
  /** Of the signal that all calls shared, when nothing was in flight any more. */
  readonly listeners: number;
  /** How many of each kind keep the process alive, less those of the start; only what grew. */
  readonly handles: Readonly<Record<string, number>>;
  readonly unexpected: readonly string[];
  readonly hits: readonly Hit[];
  readonly announced: number;
}

const atOnce = 32;
/** The first part of the requests is warm-up: caches fill, code is compiled. */
const warmUp = 0.25;
/** Looking at a call for canaries costs more than the call. */
const lookedAt = 0.02;

answerQuestions<Order, Findings>(run);

async function run(order: Order): Promise<Findings> {
  const watch = watchProcess();
  await using server = await startProgram<Question, unknown>(new URL('./server.ts', import.meta.url));
  const url = `http://127.0.0.1:${String(await server.ask({ ask: 'port', seed: order.seed }))}`;
  const canaries = createCanaries(order.seed);
  using _output = canaries.watchOutput();
  const before = process.getActiveResourcesInfo();
  const { signal } = new AbortController();
  const router = openRouter(url, canaries);
  const { heap, rss, outcomes, announced } = await load(order, router, signal, canaries);
  const listeners = getEventListeners(signal, 'abort').length;
  const seen = (await server.ask({ ask: 'seen' })) as Seen;
  await router.close();
  const routers = await openAndClose(order.routers, url, canaries);
  await server.ask({ ask: 'drop' });
  await sleep(200);
  const handles = grown(before, process.getActiveResourcesInfo());
  watch.stop();
  return { outcomes, seen, heap, rss, routers, listeners, handles, unexpected: watch.seen, hits: canaries.hits, announced };
}

/** Four providers that fail often and are asked all the same. */
function openRouter(url: string, canaries: Canaries): Router {
  const provider = (secretIn: 'key' | 'url') => plantedProvider(canaries, `${url}/any`, secretIn);
  return createRouter({
    checkModels: false,
    health: false,
    pollMs: false,
    maxAttempts: 4,
    breaker: { failureThreshold: 1_000, minimumOutcomes: 1_000 },
    retry: { maxTokens: 1_000, tokensPerSuccess: 1 },
    providers: { one: provider('key'), two: provider('url'), three: provider('key'), four: provider('url') },
  });
}

interface Load {
  readonly heap: readonly Point[];
  readonly rss: readonly Point[];
  readonly outcomes: Readonly<Record<string, number>>;
  readonly announced: number;
}

async function load({ requests, checkpoints, seed }: Order, router: Router, signal: AbortSignal, canaries: Canaries): Promise<Load> {
  const random = createRandom(seed);
  const outcomes: string[] = [];
  let announced = 0;
  let isLooking = false;
  for (const name of eventNames) {
    router.on(name, (payload) => {
      announced += 1;
      if (isLooking) canaries.look(name, payload);
    });
  }
  const request = plantedChat(canaries, canaries.of.completion);
  const one = async (): Promise<void> => {
    isLooking = random() < lookedAt;
    outcomes.push(await call(router, request, signal, random, isLooking ? canaries : undefined));
  };
  const heap: Point[] = [];
  const rss: Point[] = [];
  const perCheckpoint = Math.ceil((requests * (1 - warmUp)) / checkpoints);
  let counts: Readonly<Record<string, number>> = {};
  for (let done = 0; done < requests;) {
    const batch = done === 0 ? requests - perCheckpoint * checkpoints : perCheckpoint;
    await many(batch, one);
    done += batch;
    counts = added(counts, tally(outcomes.splice(0)));
    heap.push({ x: done, y: await settledHeap() });
    rss.push({ x: done, y: process.memoryUsage.rss() });
  }
  return { heap, rss, outcomes: counts, announced };
}

/** So many in all, a few at a time; resolves when none is in flight. */
async function many(count: number, one: () => Promise<void>): Promise<void> {
  let begun = 0;
  const worker = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      await one();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

async function call(
  router: Router,
  request: ReturnType<typeof plantedChat>,
  signal: AbortSignal,
  random: () => number,
  canaries: Canaries | undefined,
): Promise<string> {
  try {
    if (random() < 0.5) {
      const { route } = await router.chat(request, { signal });
      canaries?.look('route', route);
      return 'answered';
    }
    const isLeft = random() < 0.1;
    const stream = await router.stream(request, { signal });
    for await (const chunk of stream) if (isLeft && chunk.choices.length > 0) break;
    canaries?.look('route', stream.route);
    return isLeft ? 'left' : 'answered';
  } catch (error) {
    canaries?.look('error', error);
    return isRouterError(error) ? error.code : 'foreign';
  }
}

/** After two collections, with a turn between them for what is cleaned up late. */
async function settledHeap(): Promise<number> {
  await sleep(30);
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.();
    await setImmediate();
  }
  return process.memoryUsage().heapUsed;
}

async function openAndClose(count: number, url: string, canaries: Canaries): Promise<Point[]> {
  const points: Point[] = [];
  // Until the compiler has done with what runs once for each router.
  const warm = 200;
  for (let opened = 1; opened <= count + warm; opened++) {
    const router = openRouter(url, canaries);
    for (const name of eventNames) router.on(name, () => undefined);
    await router.chat(plantedChat(canaries)).catch(() => undefined);
    await router.close();
    if (opened >= warm && (opened - warm) % Math.ceil(count / 10) === 0) points.push({ x: opened - warm, y: await settledHeap() });
  }
  return points;
}

function added(left: Readonly<Record<string, number>>, right: Readonly<Record<string, number>>): Record<string, number> {
  const sum: Record<string, number> = { ...left };
  for (const [name, count] of Object.entries(right)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

function grown(before: readonly string[], after: readonly string[]): Record<string, number> {
  const [then, now] = [tally(before), tally(after)];
  const changes = Object.entries(now).map(([kind, count]): [string, number] => [kind, count - (then[kind] ?? 0)]);
  return Object.fromEntries(changes.filter(([, change]) => change > 0));
}
