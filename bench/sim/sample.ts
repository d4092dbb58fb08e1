import type { SimClock } from './clock.ts';
import type { SimRequest } from './request.ts';

/** What happened to the requests of one run. */
export interface Sample {
  first(request: SimRequest): void;
  done(request: SimRequest): void;
  failed(why: string): void;
  /** Times to the first token, of requests that were answered, by intent. */
  firsts(intent?: string): Numbers;
  /** Times in which requests waited for a slot, the router's own queue included. */
  queues(intent?: string): Numbers;
  answered(intent?: string): number;
  failures(): ReadonlyMap<string, number>;
  /** Of the tokens that some machine had computed before, those that were found in a cache. */
  hitShare(): number;
  /** The mean wait of each session. */
  waitsBySession(): readonly number[];
  /** Which machine served each request, in the order in which they ended. */
  readonly servedBy: readonly number[];
}

/** A growing list of numbers, for millions. */
export interface Numbers {
  readonly count: number;
  add(value: number): void;
  /** The value that `share` (0 to 1) of the others do not exceed. */
  percentile(share: number): number;
  mean(): number;
  highest(): number;
}

export function createNumbers(): Numbers {
  let values = new Float64Array(1_024);
  let count = 0;
  let sorted = true;
  const sort = (): void => {
    if (!sorted) values.subarray(0, count).sort();
    sorted = true;
  };
  return {
    get count() {
      return count;
    },
    add(value) {
      if (count === values.length) {
        const longer = new Float64Array(count * 2);
        longer.set(values);
        values = longer;
      }
      values[count++] = value;
      sorted = false;
    },
    percentile(share) {
      sort();
      return count === 0 ? Number.NaN : (values[Math.max(0, Math.ceil(count * share) - 1)] as number);
    },
    mean: () => values.subarray(0, count).reduce((sum, value) => sum + value, 0) / count,
    highest() {
      sort();
      return count === 0 ? Number.NaN : (values[count - 1] as number);
    },
  };
}

interface Books {
  readonly firsts: Numbers;
  readonly queues: Numbers;
}

export function createSample(clock: SimClock): Sample {
  const all: Books = { firsts: createNumbers(), queues: createNumbers() };
  const byIntent = new Map<string, Books>();
  const failures = new Map<string, number>();
  const sessions = new Map<string, Numbers>();
  const servedBy: number[] = [];
  const tokens = { found: 0, shared: 0 };
  const booksOf = (intent: string): Books => {
    const books = byIntent.get(intent) ?? { firsts: createNumbers(), queues: createNumbers() };
    if (!byIntent.has(intent)) byIntent.set(intent, books);
    return books;
  };
  const of = (intent: string | undefined): Books => (intent === undefined ? all : booksOf(intent));
  return {
    first({ arrivedMs, intent }) {
      const ms = clock.nowMs() - arrivedMs;
      all.firsts.add(ms);
      booksOf(intent).firsts.add(ms);
    },
    done({ arrivedMs, startedMs, intent, foundTokens, sharedTokens, session, machine }) {
      const waitedMs = startedMs - arrivedMs;
      all.queues.add(waitedMs);
      booksOf(intent).queues.add(waitedMs);
      tokens.found += foundTokens;
      tokens.shared += sharedTokens;
      servedBy.push(machine);
      if (session === undefined) return;
      const waits = sessions.get(session) ?? createNumbers();
      waits.add(waitedMs);
      sessions.set(session, waits);
    },
    failed: (why) => void failures.set(why, (failures.get(why) ?? 0) + 1),
    firsts: (intent) => of(intent).firsts,
    queues: (intent) => of(intent).queues,
    answered: (intent) => of(intent).queues.count,
    failures: () => failures,
    hitShare: () => tokens.found / tokens.shared,
    waitsBySession: () => [...sessions.values()].map((waits) => waits.mean()),
    servedBy,
  };
}
