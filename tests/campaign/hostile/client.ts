import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRouter, isRouterError } from '../../../src/index.ts';
import { createCanaries, type Hit } from '../_kit/canaries.ts';
import { percentile } from '../_kit/numbers.ts';
import { plantedChat, plantedProvider } from '../_kit/planted-chat.ts';
import { watchProcess } from '../_kit/process-watch.ts';
import { answerQuestions, startProgram } from '../_kit/program.ts';
import { attacks } from './attacks.ts';
import { type Attack, patienceMs } from './pieces.ts';
import type { Question, Record } from './server.ts';

// The attacked application: a process of its own, whose memory and whose loop are watched. Asked with --expose-gc.

export interface Order {
  readonly seed: number;
  readonly rounds: number;
  /** Names; without any, all attacks. */
  readonly only?: readonly string[];
  /** Reads one bomb without any protection, after all the others. */
  readonly unprotected?: boolean;
}

/** What became of one attack. */
export interface Ending {
  readonly attack: string;
  /** `answer` of the attacker, `failover` to the healthy provider, or the code of the error. */
  readonly how: string;
  /** Codes of the attempts that failed before the answer; `foreign` for what is none of the router's errors. */
  readonly failed: readonly string[];
  readonly ms: number;
  /** Highest resident memory while it went on, less that before it. */
  readonly growthBytes: number;
  readonly lagP99Ms: number;
  readonly lagHighestMs: number;
  /** What the main thread computed between two looks at the clock, 99th percentile; whatever else the machine does is no part of it. */
  readonly busyP99Ms: number;
  readonly record: Record | null;
}

export interface Findings {
  readonly endings: readonly Ending[];
  readonly hits: readonly Hit[];
  readonly looked: number;
  /** Kinds of canaries that the server was sent, and so were planted. */
  readonly planted: readonly string[];
  readonly unexpected: readonly string[];
  /** Properties that every object has and should not. */
  readonly polluted: readonly string[];
  /** Growth and lag while one bomb is read by the platform's own fetch, which has no limit: what the rig must be able to see. */
  readonly unprotected: { readonly growthBytes: number } | undefined;
}

const sampleMs = 2;
const resolutionMs = 1;

answerQuestions<Order, Findings>(run);

async function run({ seed, rounds, only = [], unprotected = false }: Order): Promise<Findings> {
  const watch = watchProcess();
  const canaries = createCanaries(seed);
  using _output = canaries.watchOutput();
  await using server = await startProgram<Question, unknown>(new URL('./server.ts', import.meta.url));
  const url = `http://127.0.0.1:${String(await server.ask({ ask: 'port' }))}`;
  const names = Object.keys(attacks).filter((name) => only.length === 0 || only.includes(name));
  const one = (name: string) => suffer(name, url, canaries, server);
  // The first calls load code and warm up the compiler; they are no growth.
  for (const name of ['prototypes in an answer', 'prototypes in an event']) for (let count = 0; count < 5; count++) await one(name);
  growYoung();
  for (let count = 0; count < 6; count++) await one('text of ten megabytes');
  const endings: Ending[] = [];
  for (let round = 0; round < rounds; round++) for (const name of names) endings.push(await one(name));
  const plain = unprotected ? await readUnprotected(`${url}/${encodeURIComponent('bomb of gzip')}`) : undefined;
  const planted = (await server.ask({ ask: 'kinds' })) as string[];
  watch.stop();
  const polluted = ['polluted'].filter((key) => key in {});
  return { endings, hits: canaries.hits, looked: canaries.looked(), planted, unexpected: watch.seen, polluted, unprotected: plain };
}

function settledBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

async function suffer(
  name: string,
  url: string,
  canaries: ReturnType<typeof createCanaries>,
  server: { ask(question: Question): Promise<unknown> },
): Promise<Ending> {
  const attack = attacks[name];
  if (attack === undefined) throw new Error(`there is no attack ${name}`);
  const attacker = plantedProvider(canaries, `${url}/${encodeURIComponent(name)}`, 'key', attack.type);
  const headers = { ...attacker.headers, ...(attack.asksForPacking && { 'accept-encoding': 'gzip, deflate, br' }) };
  await using router = createRouter({
    checkModels: false,
    health: false,
    pollMs: false,
    deadlineMs: 20_000,
    timeouts: timeoutsFor(attack),
    providers: { attacker: { ...attacker, headers }, healthy: plantedProvider(canaries, `${url}/healthy`, 'url') },
  });
  canaries.watch(router);
  const request = plantedChat(canaries, canaries.of.completion);
  const baseline = settledBytes();
  const lag = monitorEventLoopDelay({ resolution: resolutionMs });
  let highest = 0;
  const busy: number[] = [];
  let usedMs = threadMs();
  const sampler = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage.rss());
    busy.push(threadMs() - usedMs);
    usedMs = threadMs();
  }, sampleMs);
  const startMs = performance.now();
  lag.enable();
  let how = 'failover';
  let failed: readonly string[] = [];
  try {
    const route = attack.verb === 'chat' ? (await router.chat(request)).route : await read(router.stream(request));
    canaries.look('route', route);
    if (route.provider === 'attacker') how = 'answer';
    failed = route.attempts.flatMap(({ error }) => (error === undefined ? [] : [error.code]));
  } catch (error) {
    canaries.look('error', error);
    how = isRouterError(error) ? error.code : 'foreign';
  }
  const ms = performance.now() - startMs;
  // What the attack still does after the caller has its answer counts as well.
  await sleep(20);
  lag.disable();
  clearInterval(sampler);
  highest = Math.max(highest, process.memoryUsage.rss());
  canaries.look('snapshot', router.snapshot());
  const record = (await server.ask({ ask: 'record', attack: name })) as Record | null;
  const nanoseconds = (value: number): number => Math.max(0, value / 1e6 - resolutionMs);
  return {
    attack: name,
    how,
    failed,
    ms,
    growthBytes: highest - baseline,
    lagP99Ms: nanoseconds(lag.percentile(99)),
    lagHighestMs: nanoseconds(lag.max),
    busyP99Ms: percentile(busy, 0.99),
    record,
  };
}

/** An application that has worked for a while, and has read some large answers, has its young generation at full size already. */
function growYoung(): void {
  let kept: unknown[] = [];
  for (let count = 0; count < 4_000_000; count++) {
    if (count % 300_000 === 0) kept = [];
    kept.push({ count });
  }
}

/** Where time is what is passed there is little of it; preparing the other attacks takes their server a while. */
function timeoutsFor({ verb, limit, ends, type }: Attack): { firstTokenMs: number; idleMs: number; totalMs: number } {
  const isTimed = 'ms' in limit;
  // One that may have to load its model first has more time for its first token, but not for all of its answer.
  const isWhole = verb === 'chat' || type === 'ollama';
  const streamMs = isTimed || ends === 'stream_interrupted' ? patienceMs : 10_000;
  return { firstTokenMs: isTimed ? patienceMs : 10_000, idleMs: streamMs, totalMs: isWhole && isTimed ? patienceMs : 15_000 };
}

/** Processor time of this thread. */
function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** Takes every token and keeps none. */
async function read(opening: ReturnType<ReturnType<typeof createRouter>['stream']>) {
  const stream = await opening;
  for await (const chunk of stream) void chunk;
  return stream.route;
}

async function readUnprotected(url: string): Promise<{ readonly growthBytes: number }> {
  const baseline = settledBytes();
  const text = await (await fetch(url)).text();
  return { growthBytes: text.length === 0 ? 0 : process.memoryUsage.rss() - baseline };
}
