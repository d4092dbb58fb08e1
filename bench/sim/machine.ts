import type { Device, LoadReport } from '../../src/index.ts';
import type { SimClock } from './clock.ts';
import { createPrefixCache } from './prefix-cache.ts';
import type { SimRequest } from './request.ts';

/** `busy`: 503. `error`: 500. `refused`: no connection. `broken`: the connection ended in the middle. */
export type FaultKind = 'busy' | 'error' | 'refused' | 'broken';

export interface Fault {
  readonly kind: FaultKind;
  readonly afterMs: number;
}

/** One server, as fast as it is and with as much memory as it has. Speeds are those of one slot and do not depend on the others. */
export interface MachineSpec {
  readonly id: string;
  readonly device: Device;
  /** Requests that it serves at once. More wait, first come first served. */
  readonly slots: number;
  readonly prefillMsPerToken: number;
  readonly decodeMsPerToken: number;
  /** The way there and back, and all that does not depend on the prompt. */
  readonly baseMs: number;
  /** Into memory, for a model that is not there. */
  readonly loadMs: number;
  /** Models that fit into memory; the least recently used one that is idle makes room. */
  readonly memoryModels: number;
  /** Models in memory at the start. */
  readonly loaded: readonly string[];
  /** Tokens of its KV cache; 0: nothing is kept from one request to the next. */
  readonly cacheTokens: number;
  /** What befalls a request that comes in now; undefined: it is served. */
  readonly faultAt?: (nowMs: number) => Fault | undefined;
}

/** What a machine tells about one request. `failed` ends it, and so does `done`. */
export interface Service {
  readonly request: SimRequest;
  /** The first token is out; the last one will be after `restMs`. */
  first(restMs: number): void;
  done(): void;
  failed(kind: FaultKind): void;
}

export interface MachineBooks {
  /** Requests that came in, whatever became of them. */
  asked: number;
  served: number;
  /** Time in which slots were taken, and how much of that was for nothing. */
  slotMs: number;
  wastedSlotMs: number;
  loads: number;
}

export interface Machine {
  readonly spec: MachineSpec;
  readonly books: MachineBooks;
  /** The result stops it, which frees its slot. */
  submit(service: Service): () => void;
  load(): LoadReport;
  models(): readonly string[];
  /** Whatever runs or waits breaks off. */
  breakOff(): void;
}

interface Job {
  readonly service: Service;
  state: 'waits' | 'runs' | 'over';
  startedMs: number;
  cancel: () => void;
}

interface Resident {
  readyMs: number;
  usedMs: number;
  running: number;
}

interface State {
  readonly spec: MachineSpec;
  readonly index: number;
  readonly clock: SimClock;
  readonly books: MachineBooks;
  readonly cache: ReturnType<typeof createPrefixCache>;
  readonly residents: Map<string, Resident>;
  readonly running: Set<Job>;
  /** Those that are over stay in it until they come to its front. */
  queue: Job[];
  front: number;
  waiting: number;
}

const nothing = (): void => undefined;

export function createMachine(spec: MachineSpec, index: number, clock: SimClock): Machine {
  const state: State = {
    spec,
    index,
    clock,
    books: { asked: 0, served: 0, slotMs: 0, wastedSlotMs: 0, loads: 0 },
    cache: createPrefixCache(spec.cacheTokens),
    residents: new Map(spec.loaded.map((model) => [model, { readyMs: 0, usedMs: 0, running: 0 }])),
    running: new Set(),
    queue: [],
    front: 0,
    waiting: 0,
  };
  return {
    spec,
    books: state.books,
    submit: (service) => submit(state, service),
    load: () => loadOf(state),
    models: () => [...state.residents.keys()],
    breakOff() {
      for (const job of [...state.running, ...state.queue.slice(state.front)]) end(state, job, 'broken');
    },
  };
}

function submit(state: State, service: Service): () => void {
  const { spec, clock, books } = state;
  books.asked += 1;
  const fault = spec.faultAt?.(clock.nowMs());
  if (fault !== undefined) return clock.at(fault.afterMs, () => service.failed(fault.kind));
  const job: Job = { service, state: 'waits', startedMs: 0, cancel: nothing };
  state.queue.push(job);
  state.waiting += 1;
  startAll(state);
  return () => end(state, job, 'stopped');
}

function startAll(state: State): void {
  while (state.running.size < state.spec.slots && state.waiting > 0) {
    const job = state.queue[state.front] as Job;
    if (job.state === 'waits') {
      const readyMs = roomFor(state, job.service.request.model);
      // Whoever is first waits for memory, and everybody behind waits as well.
      if (readyMs === undefined) return;
      state.waiting -= 1;
      start(state, job, readyMs);
    }
    state.front += 1;
    // Cut off now and then, or all that ever came would be kept.
    if (state.front === state.queue.length || state.front > 100) {
      state.queue = state.queue.slice(state.front);
      state.front = 0;
    }
  }
}

/** When the model will be in memory; undefined where no room can be made for it now. */
function roomFor({ spec, clock, residents, books }: State, model: string): number | undefined {
  const nowMs = clock.nowMs();
  const there = residents.get(model);
  if (there !== undefined) return Math.max(nowMs, there.readyMs);
  if (residents.size >= spec.memoryModels) {
    const idle = [...residents].filter(([, { running }]) => running === 0);
    if (idle.length === 0) return undefined;
    const [oldest] = idle.reduce((left, right) => (right[1].usedMs < left[1].usedMs ? right : left));
    residents.delete(oldest);
  }
  books.loads += 1;
  residents.set(model, { readyMs: nowMs + spec.loadMs, usedMs: nowMs, running: 0 });
  return nowMs + spec.loadMs;
}

function start(state: State, job: Job, readyMs: number): void {
  const { spec, clock, cache } = state;
  const { request } = job.service;
  const nowMs = clock.nowMs();
  job.state = 'runs';
  job.startedMs = nowMs;
  state.running.add(job);
  const resident = state.residents.get(request.model) as Resident;
  resident.running += 1;
  resident.usedMs = nowMs;
  const key = cacheKey(request);
  const found = key === undefined ? 0 : Math.min(cache.find(key), request.sharedTokens);
  request.startedMs = nowMs;
  request.foundTokens = found;
  request.machine = state.index;
  const firstMs = readyMs - nowMs + spec.baseMs + (request.promptTokens - found) * spec.prefillMsPerToken;
  const restMs = request.answerTokens * spec.decodeMsPerToken;
  job.cancel = clock.at(firstMs, () => {
    if (key !== undefined) cache.store(key, request.promptTokens);
    job.cancel = clock.at(restMs, () => {
      if (key !== undefined) cache.store(key, request.promptTokens + request.answerTokens);
      end(state, job, 'done');
    });
    job.service.first(restMs);
  });
}

function cacheKey({ session, model }: SimRequest): string | undefined {
  return session === undefined ? undefined : `${model} ${session}`;
}

/** Ends a job once, whatever becomes of it. */
function end(state: State, job: Job, how: 'done' | 'broken' | 'stopped'): void {
  const { state: before, service } = job;
  if (before === 'over') return;
  job.state = 'over';
  job.cancel();
  if (before === 'waits') state.waiting -= 1;
  else leaveSlot(state, job, how === 'done');
  if (how === 'done') service.done();
  if (how === 'broken') service.failed('broken');
  startAll(state);
}

function leaveSlot({ running, clock, books, residents }: State, job: Job, isWhole: boolean): void {
  running.delete(job);
  const ms = clock.nowMs() - job.startedMs;
  books.slotMs += ms;
  if (isWhole) books.served += 1;
  else books.wastedSlotMs += ms;
  (residents.get(job.service.request.model) as Resident).running -= 1;
}

function loadOf({ spec, clock, running, waiting, residents }: State): LoadReport {
  const nowMs = clock.nowMs();
  const resident = [...residents].filter(([, { readyMs }]) => readyMs <= nowMs).map(([id]) => ({ id }));
  return { running: running.size, waiting, slots: spec.slots, resident };
}
