import type { ErrorCode } from '../core/error-codes.ts';
import type { BreakerState } from '../breaker/breaker.ts';
import type { Cooldown } from '../breaker/cooldown.ts';
import type { ModelState } from './model-state.ts';
import type { ProviderState } from './provider-state.ts';

/**
 * Why a provider, or one of its models, is or is not asked. Six situations that need different things: `warming` loads the model and
 * needs time · `saturated` has no room now · `limited` asked for a pause, or has no credit left · `misconfigured` refuses the
 * credentials · `out-of-memory` does not hold the model · `open` fails, and is left alone until a probe; `probing`: that probe is due
 * or under way.
 */
export type Situation = 'ok' | 'warming' | 'saturated' | 'limited' | 'misconfigured' | 'out-of-memory' | 'open' | 'probing';

/** What concerns all models of a provider. */
export function situationOf({ disabledUntilMs, connection, rest }: ProviderState, nowMs: number): Situation {
  if (disabledUntilMs > nowMs) return 'misconfigured';
  return breaking(connection, nowMs) ?? resting(rest, nowMs) ?? 'ok';
}

/** What concerns one model alone. */
export function modelSituationOf({ pin, breaker, rest }: Readonly<ModelState>, nowMs: number): Situation {
  if (pin !== undefined && pin.untilMs > nowMs) return 'out-of-memory';
  return breaking(breaker, nowMs) ?? resting(rest, nowMs) ?? 'ok';
}

function breaking(breaker: BreakerState, nowMs: number): Situation | undefined {
  if (breaker.is === 'closed') return undefined;
  return breaker.is === 'open' && breaker.untilMs > nowMs ? 'open' : 'probing';
}

const words: { readonly [Code in ErrorCode]?: Situation } = { model_loading: 'warming', overloaded: 'saturated' };

function resting({ untilMs, reason }: Cooldown, nowMs: number): Situation | undefined {
  return untilMs > nowMs ? (words[reason] ?? 'limited') : undefined;
}
