import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ChatRequest, Clock, ProviderOptions, Router, RouterSnapshot, StateStore } from '../../../src/index.ts';
import { createRouter, isRouterError } from '../../../src/index.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { redisStore } from '../../../src/state/redis.ts';
import { createCanaries } from '../_kit/canaries.ts';
import { plantedChat, plantedProvider } from '../_kit/planted-chat.ts';
import { answerQuestions } from '../_kit/program.ts';
import { machineMs } from './machine-time.ts';
import { playStorm, type StormKind, type StormReport } from './member-storm.ts';

// One process of the fleet. It holds two routers over the same backend: `shared`, which has the store, and `alone`, which has none and
// shows what the same calls at the same moment cost without one.

export interface MemberOptions {
  readonly number: number;
  readonly backendUrl: string;
  /** No router has a store where it is absent. */
  readonly storeUrl?: string | undefined;
  readonly prefix: string;
  readonly seed: number;
  /** How wrong the clocks of this process are. */
  readonly skewMs?: number | undefined;
  /** Limits of attempts are lost, as if what has slept had never seen them pass. */
  readonly losesLimits?: boolean | undefined;
  readonly deadlineMs?: number | undefined;
}

export type MemberQuestion =
  /** Other routers from now on; those of before are closed. */
  | { readonly ask: 'open'; readonly options: MemberOptions }
  | { readonly ask: 'load'; readonly perSecond: number; readonly beside: boolean }
  /** No calls any more; those under way are waited for. */
  | { readonly ask: 'rest' }
  /** Calls of `shared`, one after the other, until its breaker of `main` opens; 60 at most. */
  | { readonly ask: 'strike' }
  /** Calls of `shared`, all at once. */
  | { readonly ask: 'crowd'; readonly calls: number }
  | { readonly ask: 'close-circuit' }
  /** What `shared` has announced, from the `since`th on. */
  | { readonly ask: 'events'; readonly since: number }
  | { readonly ask: 'snapshot' }
  /** The longest that this process was late for a timer since it was asked last. */
  | { readonly ask: 'lag' }
  /** As many calls as fit, `atOnce` at a time, of the router with the store, or of the one without. */
  | { readonly ask: 'race'; readonly ms: number; readonly atOnce: number }
  | { readonly ask: 'storm'; readonly kind: StormKind; readonly failures: number }
  | { readonly ask: 'close' };

export interface Announced {
  readonly name: string;
  /** Of the machine. */
  readonly atMs: number;
  readonly provider: string | undefined;
  readonly text: string | undefined;
}

export interface Calls {
  calls: number;
  /** By the code of the error. */
  readonly failures: Record<string, number>;
  readonly answeredBy: Record<string, number>;
  /** Of those whose first attempt answered. */
  readonly plainMs: number[];
}

export interface LoadReport {
  readonly shared: Calls;
  readonly alone: Calls;
}

export interface MemberReply {
  readonly load?: LoadReport;
  readonly events?: readonly Announced[];
  readonly snapshot?: RouterSnapshot;
  readonly lagMs?: number;
  readonly calls?: Calls;
  readonly race?: { readonly calls: number; readonly ms: number; readonly cpuMs: number };
  readonly storm?: StormReport;
}

/** Short, so that a play sees several of them. */
const breaker = { openMs: 400, maxOpenMs: 1_600, minimumOutcomes: 1_000 } as const;
const watched = ['breaker:open', 'breaker:half-open', 'breaker:close', 'state:degraded', 'state:restored', 'config:warning'] as const;
const mostStrikes = 60;
const answerMs = 50;
const mostEvents = 50_000;

let shared: Router | undefined;
let alone: Router | undefined;
let store: StateStore | undefined;
let request: ChatRequest = { messages: [] };
let events: Announced[] = [];
let load: ReturnType<typeof startLoad> | undefined;
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();

async function open(options: MemberOptions): Promise<void> {
  await close();
  const { storeUrl, prefix, seed } = options;
  store = storeUrl === undefined ? undefined : timed(redisStore({ url: storeUrl, prefix }));
  request = plantedChat(createCanaries(seed));
  events = [];
  shared = openRouter(options, '', store);
  alone = openRouter(options, '-alone', undefined);
  for (const name of watched) {
    shared.on(name, (payload: object) => {
      const { provider, message, reason } = payload as { readonly provider?: string; readonly message?: string; readonly reason?: string };
      note(name, provider, message ?? reason);
    });
  }
}

function note(name: string, provider?: string, text?: string): void {
  if (events.length < mostEvents) events.push({ name, atMs: machineMs(), provider, text });
}

/** Notes when leave was asked for and no answer came in the time that the router gives it: then it decides for itself. */
function timed(inner: StateStore): StateStore {
  return {
    connect() {
      const connection = inner.connect();
      return {
        ...connection,
        async lease(ask) {
          const timer = setTimeout(note, answerMs, 'lease:late');
          try {
            return await connection.lease(ask);
          } catch (error) {
            note('lease:late');
            throw error;
          } finally {
            clearTimeout(timer);
          }
        },
      };
    },
  };
}

function openRouter(options: MemberOptions, kind: '' | '-alone', shares: StateStore | undefined): Router {
  const { number, backendUrl, seed, deadlineMs = 20_000 } = options;
  const canaries = createCanaries(seed);
  const providerAt = (part: string, secretIn: 'key' | 'url'): ProviderOptions => {
    const planted = plantedProvider(canaries, `${backendUrl}/${part}${kind}`, secretIn);
    return { ...planted, headers: { ...planted.headers, 'x-member': String(number) } };
  };
  return createRouter({
    providers: { main: providerAt('main', 'key'), spare: { ...providerAt('spare', 'url'), priority: 1 } },
    clock: clockOf(options),
    breaker,
    deadlineMs,
    health: false,
    checkModels: false,
    pollMs: false,
    // A bucket that is empty would hide what breakers do.
    retry: { maxTokens: 1_000 },
    store: shares,
  });
}

function clockOf({ skewMs = 0, losesLimits = false }: MemberOptions): Clock {
  return {
    nowMs: () => systemClock.nowMs() + skewMs,
    wallMs: () => systemClock.wallMs() + skewMs,
    schedule(delayMs, callback, background) {
      // What runs in the background is the router's own.
      if (losesLimits && background !== true && delayMs > 400) return () => undefined;
      return systemClock.schedule(delayMs, callback, background);
    },
  };
}

async function close(): Promise<void> {
  await rest();
  await Promise.all([shared?.close(), alone?.close()]);
  shared = alone = undefined;
}

function noCalls(): Calls {
  return { calls: 0, failures: {}, answeredBy: {}, plainMs: [] };
}

async function callOnce(router: Router | undefined, books: Calls): Promise<void> {
  if (router === undefined) return;
  books.calls += 1;
  const startMs = performance.now();
  try {
    const { route } = await router.chat(request);
    books.answeredBy[route.provider] = (books.answeredBy[route.provider] ?? 0) + 1;
    if (route.attempts.length === 1) books.plainMs.push(performance.now() - startMs);
  } catch (error) {
    const code = isRouterError(error) ? error.code : 'foreign';
    books.failures[code] = (books.failures[code] ?? 0) + 1;
  }
}

/** Each time one call of each router, and in turn the one or the other goes first: whatever the machine does meets both alike. */
function startLoad(perSecond: number, beside: boolean) {
  const [books, besideBooks] = [noCalls(), noCalls()];
  const underWay = new Set<Promise<void>>();
  const call = (router: Router | undefined, into: Calls): void => {
    const one = callOnce(router, into).finally(() => underWay.delete(one));
    underWay.add(one);
  };
  const turns = [() => call(shared, books), () => void (beside && call(alone, besideBooks))];
  const timer = setInterval(() => {
    for (const turn of turns) turn();
    turns.push(...turns.splice(0, 1));
  }, 1_000 / perSecond);
  return {
    async stop(): Promise<LoadReport> {
      clearInterval(timer);
      await Promise.all(underWay);
      return { shared: books, alone: besideBooks };
    },
  };
}

async function rest(): Promise<LoadReport | undefined> {
  const report = await load?.stop();
  load = undefined;
  return report;
}

async function strike(): Promise<Calls> {
  const books = noCalls();
  const before = events.length;
  const isOpen = (): boolean => events.slice(before).some(({ name, provider }) => name === 'breaker:open' && provider === 'main');
  while (books.calls < mostStrikes && !isOpen()) await callOnce(shared, books);
  return books;
}

async function crowd(calls: number): Promise<Calls> {
  const books = noCalls();
  await Promise.all(Array.from({ length: calls }, () => callOnce(shared, books)));
  return books;
}

async function race(ms: number, atOnce: number): Promise<Required<MemberReply>['race']> {
  const books = noCalls();
  const before = process.cpuUsage();
  const startMs = performance.now();
  const worker = async (): Promise<void> => {
    while (performance.now() - startMs < ms) await callOnce(shared, books);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const { user, system } = process.cpuUsage(before);
  if (Object.keys(books.failures).length > 0) throw new Error('A call of the race failed.');
  return { calls: books.calls, ms: performance.now() - startMs, cpuMs: (user + system) / 1_000 };
}

answerQuestions<MemberQuestion, MemberReply>(async (question) => {
  switch (question.ask) {
    case 'open':
      await open(question.options);
      return {};
    case 'load':
      await rest();
      load = startLoad(question.perSecond, question.beside);
      return {};
    case 'rest': {
      const report = await rest();
      return report === undefined ? {} : { load: report };
    }
    case 'strike':
      return { calls: await strike() };
    case 'crowd':
      return { calls: await crowd(question.calls) };
    case 'close-circuit':
      shared?.closeCircuit();
      return {};
    case 'events':
      return { events: events.slice(question.since) };
    case 'snapshot':
      return shared === undefined ? {} : { snapshot: shared.snapshot() };
    case 'lag': {
      const lagMs = delay.max / 1e6;
      delay.reset();
      return { lagMs };
    }
    case 'race':
      return { race: await race(question.ms, question.atOnce) };
    case 'storm':
      return { storm: await playStorm(store, question.kind, question.failures) };
    case 'close':
      await close();
      return {};
  }
});
