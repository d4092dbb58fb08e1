import { type Clock, isRouterError, type RouterEvents } from '../../../src/index.ts';
import type { CallPlan } from './load.ts';
import type { Complain } from './violations.ts';

/** One attempt as the events tell of it. */
export interface AttemptRecord {
  readonly number: number;
  readonly provider: string;
  readonly model: string | undefined;
  readonly startMs: number;
  readonly startOrder: number;
  readonly startWallMs: number;
  endMs: number | undefined;
  endOrder: number | undefined;
  error: unknown;
  failed: boolean;
  aborted: boolean;
  /** The wall clock went on without the router's while it ran, as when a process is suspended: its failure counts for nothing. */
  slept: boolean;
}

/** One request as the events tell of it. */
export interface RequestRecord {
  readonly plan: CallPlan;
  readonly requestId: string;
  readonly startMs: number;
  readonly attempts: AttemptRecord[];
  hedges: number;
  /** Attempts under way when another one began, at most. */
  mostBeside: number;
  notices: number;
  /** Times that it went into a queue. */
  waits: number;
  end: 'end' | 'error' | undefined;
  endMs: number;
  error: unknown;
}

export interface Ledger {
  readonly requests: ReadonlyMap<number, RequestRecord>;
  readonly open: { count: number; readonly byProvider: Map<string, number> };
  /** The plan of the call that is being made right now: its start is announced before the call returns. */
  expect(plan: CallPlan): void;
  of(requestId: string): RequestRecord | undefined;
  on<Name extends keyof RouterEvents>(name: Name, payload: RouterEvents[Name]): void;
}

const sleepMs = 10_000;

/** Keeps the books of a run from its events alone, and complains where their order makes no sense. */
export function createLedger(clock: Clock, next: () => number, complain: Complain): Ledger {
  const books: Books = { clock, next, complain, byId: new Map(), requests: new Map(), open: { count: 0, byProvider: new Map() } };
  let expected: CallPlan | undefined;
  const listeners: { [Name in keyof RouterEvents]?: (payload: RouterEvents[Name]) => void } = {
    'request:start'({ requestId }) {
      if (expected === undefined) return odd(books, undefined, 'a start that nobody asked for');
      startRequest(books, requestId, expected);
      expected = undefined;
    },
    'attempt:start': (payload) => startAttempt(books, payload),
    'attempt:end': (payload) => void endAttempt(books, payload),
    'attempt:error'(payload) {
      const attempt = endAttempt(books, payload);
      if (attempt !== undefined) Object.assign(attempt, { failed: true, error: payload.error, aborted: payload.aborted });
    },
    'request:end': (payload) => endRequest(books, payload, 'end', undefined),
    'request:error': (payload) => endRequest(books, payload, 'error', payload.error),
    hedge({ requestId }) {
      const record = live(books, requestId, 'a hedge');
      if (record !== undefined) record.hedges += 1;
    },
    'queue:enter'({ requestId }) {
      const record = live(books, requestId, 'a wait');
      if (record !== undefined) record.waits += 1;
    },
    'queue:leave': ({ requestId }) => void live(books, requestId, 'an end of a wait'),
    'stream:reset': ({ requestId }) => note(live(books, requestId, 'a reset')),
    'stream:resumed': ({ requestId }) => note(live(books, requestId, 'a resumption')),
    failover: ({ requestId }) => void live(books, requestId, 'a failover'),
    retry: ({ requestId }) => void live(books, requestId, 'a retry'),
    'stream:interrupted': ({ requestId }) => void live(books, requestId, 'an interruption'),
  };
  return {
    requests: books.requests,
    open: books.open,
    expect: (plan) => void (expected = plan),
    of: (requestId) => books.byId.get(requestId),
    on: (name, payload) => listeners[name]?.(payload),
  };
}

interface Books {
  readonly clock: Clock;
  readonly next: () => number;
  readonly complain: Complain;
  readonly byId: Map<string, RequestRecord>;
  readonly requests: Map<number, RequestRecord>;
  readonly open: Ledger['open'];
}

function odd({ complain }: Books, record: RequestRecord | undefined, what: string): void {
  complain('order of events', `request ${record?.plan.index ?? '?'}: ${what}`);
}

/** The request that an event is about, which must have begun and not ended. */
function live(books: Books, requestId: string, what: string): RequestRecord | undefined {
  const record = books.byId.get(requestId);
  if (record === undefined) odd(books, record, `${what} of a request that never began`);
  else if (record.end !== undefined) odd(books, record, `${what} after its end`);
  return record;
}

function count({ open: { byProvider } }: Books, provider: string, by: number): void {
  byProvider.set(provider, (byProvider.get(provider) ?? 0) + by);
}

function startRequest({ clock, byId, requests, open }: Books, requestId: string, plan: CallPlan): void {
  const none = { hedges: 0, mostBeside: 0, notices: 0, waits: 0, end: undefined, endMs: Infinity, error: undefined };
  const record: RequestRecord = { plan, requestId, startMs: clock.nowMs(), attempts: [], ...none };
  byId.set(requestId, record);
  requests.set(plan.index, record);
  open.count += 1;
}

function startAttempt(books: Books, { requestId, attempt, provider, model }: RouterEvents['attempt:start']): void {
  const { clock, next } = books;
  const record = live(books, requestId, 'an attempt');
  if (record === undefined) return;
  const { attempts } = record;
  if (attempt !== attempts.length + 1) odd(books, record, `attempt ${attempt} follows attempt ${attempts.length}`);
  record.mostBeside = Math.max(record.mostBeside, attempts.filter(({ endMs }) => endMs === undefined).length);
  const begun = { startMs: clock.nowMs(), startOrder: next(), startWallMs: clock.wallMs() };
  const none = { endMs: undefined, endOrder: undefined, error: undefined, failed: false, aborted: false, slept: false };
  attempts.push({ number: attempt, provider, model, ...begun, ...none });
  count(books, provider, 1);
}

function endAttempt(books: Books, payload: RouterEvents['attempt:end'] | RouterEvents['attempt:error']): AttemptRecord | undefined {
  const { clock, next } = books;
  const record = live(books, payload.requestId, 'an end of an attempt');
  const attempt = record?.attempts[payload.attempt - 1];
  if (attempt === undefined) return void odd(books, record, `attempt ${payload.attempt} ends and never began`);
  if (attempt.endMs !== undefined) odd(books, record, `attempt ${payload.attempt} ends twice`);
  if (attempt.provider !== payload.provider) odd(books, record, `attempt ${payload.attempt} ends at another provider`);
  attempt.endMs = clock.nowMs();
  attempt.slept = clock.wallMs() - attempt.startWallMs - (attempt.endMs - attempt.startMs) > sleepMs;
  attempt.endOrder = next();
  count(books, attempt.provider, -1);
  return attempt;
}

function endRequest(
  books: Books,
  { requestId, attempts }: RouterEvents['request:end'] | RouterEvents['request:error'],
  end: 'end' | 'error',
  error: unknown,
): void {
  const record = live(books, requestId, 'an end');
  if (record === undefined) return;
  const { mostBeside, hedges } = record;
  if (record.attempts.some(({ endMs }) => endMs === undefined)) odd(books, record, 'it ends before its attempts');
  if (mostBeside > Math.min(1, hedges)) odd(books, record, `${mostBeside + 1} attempts at once, ${hedges} hedges told`);
  if (attempts !== record.attempts.length) odd(books, record, `it says ${attempts} attempts of ${record.attempts.length}`);
  Object.assign(record, { end, endMs: books.clock.nowMs(), error });
  books.open.count -= 1;
}

function note(record: RequestRecord | undefined): void {
  if (record !== undefined) record.notices += 1;
}

/** The code of an error of an attempt; undefined where it is none of ours. */
export function codeOf(error: unknown): string | undefined {
  return isRouterError(error) ? error.code : undefined;
}
