import { errorCodes } from '../core/error-codes.ts';
import type { RouterError } from '../core/errors.ts';
import type { Announce } from '../core/events.ts';
import { longRestMs, noCooldown, rest } from '../breaker/cooldown.ts';
import type { RouterConfig } from '../config/config.ts';
import { nextPin } from '../routing/pins.ts';
import type { ModelState } from './model-state.ts';
import type { Outcome, Permit, ProviderState } from './provider.ts';

/** What an outcome says to the two breakers that an attempt passed. */
export interface Verdicts {
  readonly connection: 'success' | 'refused' | 'abandon';
  readonly model: 'success' | 'failure' | 'soft' | 'abandon';
}

export interface EffectContext {
  readonly id: string;
  readonly config: RouterConfig;
  readonly announce: Announce;
}

/** The provider said that it lacks the model; it is asked again after this (backends change what they serve). */
const missingMs = 60_000;

const left: Verdicts = Object.freeze({ connection: 'abandon', model: 'abandon' });
const answered: Verdicts = Object.freeze({ connection: 'success', model: 'success' });

/** Books what an outcome means beside the breakers: pins, rests, missing models, refused credentials. Returns their verdicts. */
export function applyEffect(context: EffectContext, state: ProviderState, permit: Permit, outcome: Outcome): Verdicts {
  if (outcome.type === 'none') return left;
  const model = state.models.of(permit.model);
  if (outcome.type === 'success') {
    afterSuccess(context, state, model, permit.model);
    return answered;
  }
  sideEffect(context, state, model, permit.model, outcome.error);
  return verdictsOf(outcome.error, outcome.ms, context.config);
}

function afterSuccess({ id, announce }: EffectContext, state: ProviderState, model: ModelState, name: string | undefined): void {
  state.rest = noCooldown;
  model.rest = noCooldown;
  state.disabledUntilMs = -Infinity;
  if (model.pin !== undefined) {
    model.pin = undefined;
    announce('model:unpinned', { provider: id, model: name });
  }
  if (state.up === false) announce('provider:up', { provider: id });
  state.up = true;
}

function sideEffect(
  { id, config, announce }: EffectContext,
  state: ProviderState,
  model: ModelState,
  name: string | undefined,
  error: RouterError,
): void {
  const nowMs = config.clock.nowMs();
  switch (errorCodes[error.code].effect) {
    case 'pin':
      model.pin = nextPin(model.pin, config.pinMs, nowMs);
      announce('model:pinned', { provider: id, model: name, untilMs: model.pin.untilMs, reason: error.code });
      break;
    case 'missing':
      model.missingUntilMs = nowMs + missingMs;
      announce('model:missing', { provider: id, model: name, untilMs: model.missingUntilMs });
      break;
    case 'disable':
      state.disabledUntilMs = nowMs + longRestMs;
      state.up = false;
      announce('provider:down', { provider: id, reason: error.code });
      break;
    case 'cool':
    case 'rest': {
      const toldMs = errorCodes[error.code].effect === 'rest' ? (error.retryAfterMs ?? longRestMs) : error.retryAfterMs;
      // A model that is being loaded rests alone; everything else concerns the whole provider.
      const holder = error.code === 'model_loading' ? model : state;
      holder.rest = rest(holder.rest, toldMs, nowMs, config.random());
      announce('provider:cooldown', { provider: id, untilMs: holder.rest.untilMs, reason: error.code });
      break;
    }
    case 'none':
      break;
  }
}

function verdictsOf(error: RouterError, ms: number, { timeouts }: RouterConfig): Verdicts {
  // The caller's deadline says little about the provider, unless the provider had its full time to begin.
  if (error.phase === 'deadline' && ms < timeouts.firstTokenMs) return left;
  const connected = error.status === undefined ? 'abandon' : 'success';
  switch (errorCodes[error.code].breaker) {
    case 'alive':
      return answered;
    case 'ratio':
      return { connection: connected, model: 'soft' };
    case 'neutral':
      return { connection: connected, model: 'abandon' };
    case 'failure':
      return error.phase === 'connect' ? { connection: 'refused', model: 'abandon' } : { connection: connected, model: 'failure' };
  }
}
