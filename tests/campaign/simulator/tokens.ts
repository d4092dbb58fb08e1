import { errorCodes, isRouterError, type RetryOptions } from '../../../src/index.ts';
import { mayBeTheCallers } from './circuits.ts';
import type { AttemptRecord } from './ledger.ts';
import type { ProviderPlan } from './scenario.ts';

/** The retry tokens of each provider, at most: only what surely counts against it is taken out. */
export interface Tokens {
  ended(attempt: AttemptRecord): void;
  /** True where not even the most that can be left allows more than first attempts. */
  areUsedUp(provider: string): boolean;
}

const usual = { maxTokens: 20, tokensPerSuccess: 0.2 };
const available = { maxTokens: 50, tokensPerSuccess: 0.5 };
const roundingTokens = 1e-6;

export function createTokens(retry: RetryOptions | 'availability' | undefined, providers: readonly ProviderPlan[]): Tokens {
  const { maxTokens, tokensPerSuccess } = retry === 'availability' ? available : { ...usual, ...retry };
  const most = maxTokens ?? usual.maxTokens;
  const left = new Map<string, number>();
  const of = (provider: string): number => left.get(provider) ?? most;
  return {
    ended(attempt) {
      const { provider, failed } = attempt;
      if (!failed) left.set(provider, Math.min(most, of(provider) + (tokensPerSuccess ?? usual.tokensPerSuccess)));
      else if (surelyCounts(attempt, providers)) left.set(provider, Math.max(0, of(provider) - 1));
    },
    areUsedUp: (provider) => of(provider) <= most / 2 - roundingTokens,
  };
}

/** Whether it is held against the provider, whatever stood behind it. */
export function surelyCounts({ provider, error, aborted, slept }: AttemptRecord, providers: readonly ProviderPlan[]): boolean {
  if (aborted || slept || !isRouterError(error) || mayBeTheCallers(error)) return false;
  if (error.code === 'timeout' && providers.some((plan) => plan.id === provider && mayLoad(plan))) return false;
  return ['failure', 'ratio'].includes(errorCodes[error.code].breaker);
}

/** Whoever loads models when they are asked for may have been loading one, and how long that takes is no fault. */
function mayLoad({ type, memory, tells }: ProviderPlan): boolean {
  return type === 'ollama' || memory !== undefined || tells !== undefined;
}
