import type { PriceTable } from '../../index.ts';
import type { TracedCall } from './trace.ts';

/** Half of the values, and 95 of 100, do not exceed these milliseconds; undefined where there are none. */
export interface Spread {
  readonly p50: number | undefined;
  readonly p95: number | undefined;
}

/** One provider's part in a run. */
export interface ProviderFigures {
  /** Calls that it answered. */
  readonly requests: number;
  /** Of all answers, 0 to 1. */
  readonly share: number;
  /** Calls of the router to it, and those of them that failed. */
  readonly attempts: number;
  readonly failures: number;
  /** Streams only, from the start of the call. */
  readonly firstTokenMs: Spread;
  /** From the start of the call to its end. */
  readonly wholeMs: Spread;
  /** By `prices`, of a paid one; 0 for a free one, undefined where the price of an answer is not known. */
  readonly costUsd: number | undefined;
}

/** What became of the calls of a trace, as it was or as it is replayed. */
export interface RunFigures {
  readonly calls: number;
  readonly answered: number;
  /** The caller left before the end. */
  readonly left: number;
  /** Failed for the caller. */
  readonly notAnswered: number;
  /** Those, by the code of the error. */
  readonly errors: Readonly<Record<string, number>>;
  /** Calls that went from one provider to another. */
  readonly failovers: number;
  readonly firstTokenMs: Spread;
  readonly wholeMs: Spread;
  /** Of all calls: most wait for no slot at all. */
  readonly queuedMs: Spread;
  readonly costUsd: number | undefined;
  readonly providers: Readonly<Record<string, ProviderFigures>>;
}

/** What prices go by. */
export interface Priced {
  readonly prices: PriceTable | undefined;
  /** The type of a paid provider; undefined for a free one. */
  readonly paidType: (provider: string) => string | undefined;
}

export interface Tally {
  add(call: TracedCall): void;
  figures(): RunFigures;
}

interface Books {
  requests: number;
  attempts: number;
  failures: number;
  costUsd: number | undefined;
  readonly firsts: number[];
  readonly wholes: number[];
}

export function createTally(ids: Iterable<string>, priced: Priced): Tally {
  const books = new Map<string, Books>();
  const of = (id: string): Books => {
    const known = books.get(id) ?? { requests: 0, attempts: 0, failures: 0, costUsd: 0, firsts: [], wholes: [] };
    books.set(id, known);
    return known;
  };
  for (const id of ids) of(id);
  const total = { calls: 0, answered: 0, left: 0, notAnswered: 0, failovers: 0 };
  const errors: Record<string, number> = {};
  const queued: number[] = [];
  return {
    add(call) {
      total.calls += 1;
      queued.push(call.queuedMs);
      total.failovers += Number(hasFailedOver(call));
      for (const { provider, error } of call.attempts) {
        of(provider).attempts += 1;
        if (error !== undefined && error !== 'aborted' && error !== 'closed') of(provider).failures += 1;
      }
      if (call.outcome === 'failed') {
        total.notAnswered += 1;
        const code = call.error ?? 'unknown';
        errors[code] = (errors[code] ?? 0) + 1;
      } else if (call.outcome === 'answered') {
        total.answered += 1;
        noteAnswer(call, of, priced);
      } else total.left += 1;
    },
    figures() {
      const all = [...books.values()];
      const costs = all.map(({ costUsd }) => costUsd);
      return {
        ...total,
        errors,
        firstTokenMs: spread(all.flatMap(({ firsts }) => firsts)),
        wholeMs: spread(all.flatMap(({ wholes }) => wholes)),
        queuedMs: spread(queued),
        costUsd: costs.includes(undefined) ? undefined : costs.reduce<number>((sum, cost) => sum + (cost ?? 0), 0),
        providers: Object.fromEntries(Array.from(books, ([id, book]) => [id, providerFigures(book, total.answered)])),
      };
    },
  };
}

function noteAnswer(call: TracedCall, of: (id: string) => Books, { prices, paidType }: Priced): void {
  const attempt = call.attempts.findLast(({ error }) => error === undefined);
  if (attempt === undefined) return;
  const book = of(attempt.provider);
  book.requests += 1;
  book.wholes.push(call.ms);
  if (attempt.firstContentMs !== undefined) book.firsts.push(attempt.startMs + attempt.firstContentMs);
  const type = paidType(attempt.provider);
  if (type === undefined || book.costUsd === undefined) return;
  const price = prices?.priceOf(type, attempt.model ?? '');
  const { promptTokens, answerTokens } = call.usage ?? { promptTokens: call.promptTokens, answerTokens: 0 };
  const cost = price && (promptTokens * price.inputPerMillionUsd + answerTokens * price.outputPerMillionUsd) / 1_000_000;
  book.costUsd = cost === undefined ? undefined : book.costUsd + cost;
}

function hasFailedOver({ attempts }: TracedCall): boolean {
  return attempts.some(
    ({ provider, error }, index) => error !== undefined && attempts[index + 1] !== undefined && attempts[index + 1]?.provider !== provider,
  );
}

function providerFigures({ requests, attempts, failures, costUsd, firsts, wholes }: Books, answered: number): ProviderFigures {
  const share = answered === 0 ? 0 : requests / answered;
  return { requests, share, attempts, failures, firstTokenMs: spread(firsts), wholeMs: spread(wholes), costUsd };
}

function spread(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number | undefined => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
  return { p50: at(0.5), p95: at(0.95) };
}
