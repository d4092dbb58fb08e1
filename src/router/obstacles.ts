import { errorCodes } from '../core/error-codes.ts';
import { restReason } from '../routing/gates.ts';
import type { Candidate, SkippedInPlan } from '../routing/plan.ts';
import { providerOf } from './engine.ts';
import type { Provider } from './provider.ts';
import { restUnderWay } from './readiness.ts';
import type { Run } from './run.ts';

// What speaks against a candidate at the moment of its turn, which its plan could not know.

/** Why a candidate is not asked. */
export type Why = Pick<SkippedInPlan, 'code' | 'reason' | 'readyAtMs'>;

/** `unfit`: no moment would change it, and nobody has to be told. */
type Hindrance = Why | 'unfit';

/** What speaks against a candidate at the moment of its turn. */
export function obstacleOf(
  run: Run<unknown>,
  { provider: id, model, isTrial }: Pick<Candidate, 'provider' | 'model' | 'isTrial'>,
  isFirst: boolean = run.attempts === 0,
): Hindrance | undefined {
  const { engine, plannedAtMs } = run;
  const provider = providerOf(engine, id);
  if (run.accepts?.(provider, model) === false) return 'unfit';
  if (!mayHold(run, id, model)) return 'unfit';
  const nowMs = engine.config.clock.nowMs();
  if (!isFirst && !provider.mayBeRetried()) return { code: 'no_provider', reason: onlyFirst, readyAtMs: undefined };
  if (provider.state.models.peek(model).missingUntilMs > nowMs) {
    return { code: 'model_not_found', reason: 'it has just said that it does not serve the model', readyAtMs: undefined };
  }
  // One whose pin is put to the test knows of that pin, but not of a younger one.
  if (provider.isPinned(model, isTrial === true ? plannedAtMs : -Infinity, nowMs)) {
    return { code: 'out_of_memory', reason: 'the model has just run out of memory there', readyAtMs: undefined };
  }
  const underTrial = isTrial === true ? undefined : onTrial(provider, model, nowMs);
  return underTrial ?? restOf(provider, model, nowMs) ?? heldNow(run, provider, model);
}

/** The reason of those that have no retry tokens. */
export const onlyFirst = 'it has failed so often of late that it gets first attempts only';

/** After a pin one call at a time finds out whether the model fits again, while there is somebody else to ask. */
function onTrial({ state }: Provider, model: string | undefined, nowMs: number): Hindrance | undefined {
  const { pin, inFlight } = state.models.peek(model);
  if (pin === undefined || pin.untilMs > nowMs || inFlight === 0) return undefined;
  return { code: 'out_of_memory', reason: 'another call finds out whether the model fits there again', readyAtMs: undefined };
}

function heldNow({ engine, call }: Run<unknown>, { config }: Provider, model: string | undefined): Hindrance | undefined {
  const held = engine.metering.obstacle?.(call, config, model);
  return held && { code: held.code, reason: held.reason, readyAtMs: held.readyAtMs };
}

function restOf(provider: Provider, model: string | undefined, nowMs: number): Hindrance | undefined {
  const readyAtMs = provider.readyAtMs(model, nowMs);
  if (readyAtMs === undefined) return { code: 'auth', reason: 'its credentials have just been refused', readyAtMs };
  if (readyAtMs <= nowMs) return undefined;
  const rest = restUnderWay(provider.state, provider.state.models.peek(model), nowMs);
  // Whichever of a rest and a breaker ends last.
  if (rest === undefined || readyAtMs > rest.untilMs) return { code: 'circuit_open', reason: 'its breaker has just opened', readyAtMs };
  return { code: rest.reason, reason: restReason(rest.reason), readyAtMs };
}

/** A prompt that was too long for one candidate is not sent to another that is known to hold no more. */
function mayHold({ failed, engine }: Run<unknown>, id: string, model: string | undefined): boolean {
  if (failed.length === 0) return true;
  const lengthOf = (provider: string, its: string | undefined): number | undefined => providerOf(engine, provider).contextLength(its);
  return failed.every(
    (each) =>
      errorCodes[each.error.code].next !== 'larger' || (lengthOf(id, model) ?? Infinity) > (lengthOf(each.provider, each.model) ?? 0),
  );
}
