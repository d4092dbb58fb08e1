import { errorCodes, isRouterError, type RetryOptions } from '../../../src/index.ts';
import { mayBeTheCallers } from './circuits.ts';
import type { AttemptRecord } from './ledger.ts';

/** The retry tokens of each provider, at most: only what surely counts against it is taken out. */
export interface Tokens {
  ended(attempt: AttemptRecord): void;
  /** True where not even the most that can be left allows more than first attempts. */
  areUsedUp(provider: string): boolean;
}

const usual = { maxTokens: 20, tokensPerSuccess: 0.2 };
const available = { maxTokens: 50, tokensPerSuccess: 0.5 };
const roundingTokens = 1e-6;

export function createTokens(retry: RetryOptions | 'availability' | undefined): Tokens {
  const { maxTokens, tokensPerSuccess } = retry === 'availability' ? available : { ...usual, ...retry };
  const most = maxTokens ?? usual.maxTokens;
  const left = new Map<string, number>();
  const of = (provider: string): number => left.get(provider) ?? most;
  return {
    ended(attempt) {
      const { provider, failed } = attempt;
      if (!failed) left.set(provider, Math.min(most, of(provider) + (tokensPerSuccess ?? usual.tokensPerSuccess)));
      else if (surelyCounts(attempt)) left.set(provider, Math.max(0, of(provider) - 1));
    },
    areUsedUp: (provider) => of(provider) <= most / 2 - roundingTokens,
  };
}

/** Whether it is held against the provider, whatever stood behind it. */
export function surelyCounts({ error, aborted, slept }: AttemptRecord): boolean {
  if (aborted || slept || !isRouterError(error) || mayBeTheCallers(error)) return false;
  return ['failure', 'ratio'].includes(errorCodes[error.code].breaker);
}
