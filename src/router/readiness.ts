import { admits, type BreakerState } from '../breaker/breaker.ts';
import type { CandidateFacts } from '../routing/facts.ts';
import { countOf, type LetIn } from './breaker-ramp.ts';
import type { ModelState } from './model-state.ts';
import type { ProviderState } from './provider-state.ts';

// When a provider may be asked for a model: what its rests and its breakers say together. Times on the router's clock.

/** The rest that is under way and ends last: the provider's, or that of the model alone. */
export function restUnderWay(state: ProviderState, model: Readonly<ModelState>, nowMs: number): CandidateFacts['rests'] {
  const { untilMs, reason } = model.rest.untilMs > state.rest.untilMs ? model.rest : state.rest;
  return untilMs > nowMs ? { untilMs, reason } : undefined;
}

/** When both rests are over; in the past where there is none. */
function restsUntil(state: ProviderState, model: Readonly<ModelState>): number {
  return Math.max(state.rest.untilMs, model.rest.untilMs);
}

/** In the past where it may be asked already; undefined where waiting does not help. */
export function readyAt(state: ProviderState, model: Readonly<ModelState>, nowMs: number): number | undefined {
  if (state.disabledUntilMs > nowMs) return undefined;
  return Math.max(
    restsUntil(state, model),
    barrierOf(state.connection, state.letIn, nowMs)?.untilMs ?? -Infinity,
    barrierOf(model.breaker, model.letIn, nowMs)?.untilMs ?? -Infinity,
  );
}

/**
 * When somebody may look at a provider behind its breakers. While a probe is out, the next moment may do: the time it may take at most
 * says nothing about when it ends.
 */
export function opensAt(state: ProviderState, model: Readonly<ModelState>): number {
  return Math.max(restsUntil(state, model), openUntil(state.connection), openUntil(model.breaker));
}

function openUntil(breaker: BreakerState): number {
  return breaker.is === 'open' ? breaker.untilMs : -Infinity;
}

/** The breaker that lets nothing through: that of the connection before that of the model. */
export function barrier(state: ProviderState, model: Readonly<ModelState>, nowMs: number): Barrier | undefined {
  return barrierOf(state.connection, state.letIn, nowMs) ?? barrierOf(model.breaker, model.letIn, nowMs);
}

interface Barrier {
  readonly untilMs: number;
  /** It has just been open, and now finds out with few calls whether the provider is back. */
  readonly isRecovering: boolean;
}

/** While a recovery is being tested, or ramps up, the next moment may do; the lease of a probe is only the longest that it can take. */
const recoveryMs = 1_000;

function barrierOf(state: BreakerState, letIn: LetIn, nowMs: number): Barrier | undefined {
  if (admits(state, nowMs, countOf(letIn, state.generation)) !== 'no') return undefined;
  // One that is due, and held, waits for leave to probe.
  return state.is === 'open' && state.untilMs > nowMs
    ? { untilMs: state.untilMs, isRecovering: false }
    : { untilMs: nowMs + recoveryMs, isRecovering: true };
}
