import { surelyCounts } from './tokens.ts';
import type { AttemptRecord, RequestRecord } from './ledger.ts';
import { mayServe } from './possible.ts';
import type { ProviderPlan, Scenario } from './scenario.ts';
import type { Complain } from './violations.ts';

/** Whether the last attempt of a call went to one of the best of those that were left, as far as the events can say who that is. */
export interface LastAttempts {
  started(request: RequestRecord, attempt: AttemptRecord): void;
  ended(attempt: AttemptRecord): void;
  closed(request: RequestRecord): void;
  /** Calls whose last attempt could have gone to a worse place, and to a better one. */
  readonly weighed: () => number;
}

interface Options {
  readonly scenario: Scenario;
  nowMs(): number;
  /** A breaker of the provider has opened once, or something else put it out. */
  wasOut(provider: string): boolean;
  /** The call would have to wait for a slot there. */
  isFull(request: RequestRecord, provider: string): boolean;
  readonly complain: Complain;
}

/** Whoever has failed once for sure has a worse record than who never has, however well it did since. */
export function createLastAttempts({ scenario, nowMs, wasOut, isFull, complain }: Options): LastAttempts {
  const { providers, settings } = scenario;
  /** When a model of a provider first failed in a way that is held against it. */
  const failedAtMs = new Map<string, number>();
  /** Providers of which any attempt at all has failed. */
  const blemished = new Set<string>();
  const doubts = new Map<RequestRecord, string>();
  let weighed = 0;
  const isWorse = (provider: string, model: string | undefined): boolean => (failedAtMs.get(keyOf(provider, model)) ?? Infinity) < nowMs();
  const isPerfect = ({ id }: ProviderPlan): boolean => !blemished.has(id) && !wasOut(id);
  return {
    started(request, attempt) {
      const { plan, attempts } = request;
      const most = Math.min(5, plan.maxAttempts ?? settings.maxAttempts);
      if (attempt.number !== most || attempt.number === 1) return;
      // Who takes up a begun answer has to be able to, and an attempt at the same provider again is no choice among several.
      if (plan.verb === 'stream' && (plan.onStreamFailure ?? settings.onStreamFailure ?? 'error') !== 'error') return;
      const tried = new Set(attempts.filter((each) => each !== attempt).map(({ provider }) => provider));
      if (tried.has(attempt.provider)) return;
      const left = providers.filter((each) => !tried.has(each.id) && mayServe(plan, each, scenario));
      // Whoever waited got the first slot there was.
      if (request.waits > 0) return;
      const chosen = providers.find(({ id }) => id === attempt.provider);
      // A good record is no reason to pay, nor to go to who stands behind the others.
      const isLike = ({ cost, priority }: ProviderPlan): boolean =>
        (cost === 'free' || chosen?.cost === 'paid') && priority <= (chosen?.priority ?? 0);
      const best = left.find((each) => isPerfect(each) && isLike(each) && !isFull(request, each.id));
      if (best === undefined || !left.some(({ id }) => isWorse(id, attempt.model))) return;
      weighed += 1;
      if (!isWorse(attempt.provider, attempt.model)) return;
      doubts.set(request, `request ${plan.index}: its last attempt went to ${attempt.provider}, and ${best.id} had never failed`);
    },
    ended({ provider, model, ...attempt }) {
      if (!attempt.failed) return;
      blemished.add(provider);
      const key = keyOf(provider, model);
      if (surelyCounts({ provider, model, ...attempt }, providers) && !failedAtMs.has(key)) failedAtMs.set(key, nowMs());
    },
    closed(request) {
      const doubt = doubts.get(request);
      doubts.delete(request);
      // A hedge stays with providers that cost the same.
      if (doubt !== undefined && request.hedges === 0) complain('last attempt at the best', doubt);
    },
    weighed: () => weighed,
  };
}

function keyOf(provider: string, model: string | undefined): string {
  return `${provider}/${model ?? ''}`;
}
