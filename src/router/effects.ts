import { errorCodes } from '../core/error-codes.ts';
import type { Announce } from '../core/events.ts';
import { type Cooldown, longRestMs, noCooldown, rest } from '../breaker/cooldown.ts';
import type { RouterConfig } from '../config/config.ts';
import { keyFunctionFailed } from '../lib/http-headers.ts';
import { nextPin } from '../routing/pins.ts';
import { plainName } from './model-name.ts';
import type { ModelState } from './model-state.ts';
import type { Outcome, Permit, ProviderState } from './provider-state.ts';

/** What an outcome says to the two breakers that an attempt passed. */
export interface Verdicts {
  readonly connection: 'success' | 'refused' | 'abandon';
  readonly model: 'success' | 'failure' | 'soft' | 'abandon';
}

export interface EffectContext {
  readonly id: string;
  readonly state: ProviderState;
  readonly router: RouterConfig;
  readonly announce: Announce;
  /** As in the provider's state, when the configuration was made that the attempt runs on. */
  readonly credentials: number;
}

/** The provider said that it lacks the model; it is asked again after this (backends change what they serve). */
const missingMs = 60_000;

type Failure = Outcome & { readonly type: 'failure' };

const left: Verdicts = Object.freeze({ connection: 'abandon', model: 'abandon' });
const answered: Verdicts = Object.freeze({ connection: 'success', model: 'success' });

/** Books what an outcome means beside the breakers: pins, rests, missing models, refused credentials. Returns their verdicts. */
export function bookOutcome(context: EffectContext, model: ModelState, permit: Permit, outcome: Outcome): Verdicts {
  if (outcome.type === 'none') return left;
  if (outcome.type === 'success') {
    bookSuccess(context, model, permit);
    return answered;
  }
  bookFailure(context, model, permit, outcome);
  return verdictsOf(outcome, model, context.router);
}

/** An answer to what was asked earlier says nothing against what the provider has said since. */
function bookSuccess({ id, state, announce }: EffectContext, model: ModelState, { model: name, sinceMs }: Permit): void {
  if (sinceMs >= state.rest.sinceMs) state.rest = noCooldown;
  if (sinceMs >= model.rest.sinceMs) {
    model.rest = noCooldown;
    model.loadingSinceMs = undefined;
  }
  if (model.pin !== undefined && sinceMs >= model.pin.sinceMs) {
    model.pin = undefined;
    announce('model:unpinned', { provider: id, model: name && plainName(name) });
  }
  // That long ago the credentials were refused.
  if (sinceMs < state.disabledUntilMs - longRestMs) return;
  state.disabledUntilMs = -Infinity;
  if (state.up === false) announce('provider:up', { provider: id });
  state.up = true;
}

function bookFailure(
  { id, state, router, announce, credentials }: EffectContext,
  model: ModelState,
  { model: name, pinTimes }: Permit,
  { error, loading }: Failure,
): void {
  const nowMs = router.clock.nowMs();
  if (loading) noteLoading(model, nowMs);
  switch (errorCodes[error.code].effect) {
    case 'pin':
      // Calls that were under way when the memory ran out tell of the same shortage, not of a second one.
      if (model.pin !== undefined && model.pin.times !== pinTimes) break;
      model.pin = { ...nextPin(model.pin, router.pinMs, nowMs), sinceMs: nowMs, wasGone: false };
      announce('model:pinned', { provider: id, model: name && plainName(name), untilMs: model.pin.untilMs, reason: error.code });
      break;
    case 'missing':
      model.missingUntilMs = nowMs + missingMs;
      announce('model:missing', { provider: id, model: name && plainName(name), untilMs: model.missingUntilMs });
      break;
    case 'disable':
      // Nothing was sent: it is the application's own function that failed, and the next call asks it again.
      if (error.reason === keyFunctionFailed) break;
      // They have been replaced since.
      if (credentials !== state.credentials) break;
      state.disabledUntilMs = nowMs + longRestMs;
      if (state.up !== false) announce('provider:down', { provider: id, reason: error.code });
      state.up = false;
      break;
    case 'cool':
    case 'rest': {
      const toldMs = errorCodes[error.code].effect === 'rest' ? (error.retryAfterMs ?? longRestMs) : error.retryAfterMs;
      // A model that is being loaded rests alone; everything else concerns the whole provider.
      const holder = error.code === 'model_loading' ? model : state;
      if (error.code === 'model_loading') noteLoading(model, nowMs);
      holder.rest = rest(sameRest(holder.rest, nowMs), error.code, toldMs, nowMs, router.random());
      announce('provider:cooldown', { provider: id, untilMs: holder.rest.untilMs, reason: error.code });
      break;
    }
    case 'none':
      break;
  }
}

/** Refusals during a rest come of the same crowd, so they may prolong it but do not count as one more in a row. */
function sameRest(current: Cooldown, nowMs: number): Cooldown {
  return current.untilMs > nowMs ? { ...current, rests: current.rests - 1 } : current;
}

/** The rests of one load follow each other closely; after a longer pause it is another load. */
function noteLoading(model: ModelState, nowMs: number): void {
  const isAnother = nowMs - Math.max(model.rest.untilMs, model.loadingSeenMs) > loadingGraceMs;
  if (model.loadingSinceMs === undefined || isAnother) model.loadingSinceMs = nowMs;
  model.loadingSeenMs = nowMs;
}

/** A load that takes longer than this is none (a model of 70B parameters takes 2 to 4 min). */
const loadingGraceMs = 300_000;

function verdictsOf({ error, hurried, loading }: Failure, model: ModelState, { clock }: RouterConfig): Verdicts {
  if (hurried) return left;
  const connected = error.status === undefined ? 'abandon' : 'success';
  const isLate = clock.nowMs() - (model.loadingSinceMs ?? Infinity) > loadingGraceMs;
  if (loading && !isLate) return { connection: connected, model: 'abandon' };
  const isStuck = error.code === 'model_loading' && isLate;
  switch (isStuck ? 'failure' : errorCodes[error.code].breaker) {
    case 'alive':
      // A probe has found the provider back; of calls like the others it proves nothing.
      return model.breaker.is === 'half-open' ? answered : { connection: 'success', model: 'abandon' };
    case 'ratio':
      return { connection: connected, model: 'soft' };
    case 'neutral':
      return { connection: connected, model: 'abandon' };
    case 'failure':
      return error.phase === 'connect' ? { connection: 'refused', model: 'abandon' } : { connection: connected, model: 'failure' };
  }
}
