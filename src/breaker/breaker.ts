/**
 * A circuit breaker as a pure reducer over plain data: no timers, no events, no randomness of its own. Time and random
 * numbers are part of the input, so that the same list of inputs always gives the same states.
 */

export interface BreakerRules {
  /** Consecutive failures that open it. */
  readonly failureThreshold: number;
  /** Outcomes within `windowMs` from which on the ratio has a say. Infinity: never. */
  readonly minimumOutcomes: number;
  /** Share of the recent outcomes, 0 to 1, that must have failed. */
  readonly failureRatio: number;
  readonly windowMs: number;
  readonly openMs: number;
  readonly maxOpenMs: number;
  /** Share by which an open time is stretched or shortened, 0 to 1. */
  readonly jitter: number;
}

type Verdict = 'success' | 'failure' | 'soft';

interface Outcome {
  readonly atMs: number;
  readonly verdict: Verdict;
}

interface Memory {
  /** Grows with every change of `is`; a verdict of an older generation changes nothing. */
  readonly generation: number;
  /** How often it opened without a long healthy time between: the exponent of the open time. */
  readonly opens: number;
  /** The last outcomes, `remembered` of them at most. */
  readonly recent: readonly Outcome[];
}

export type BreakerState = Memory &
  (
    | {
        readonly is: 'closed';
        readonly failures: number;
        /** Consecutive failures to connect at all. */
        readonly refusals: number;
        readonly sinceMs: number;
        /** Calls let in at once after a recovery: 1, 2, 4, 8, then without limit. */
        readonly ramp: number;
      }
    /** `held`: it is not probed before somebody has leave to; others share what is known of it. */
    | { readonly is: 'open'; readonly untilMs: number; readonly held?: true }
    /** `leaseUntilMs`: until when the one probe has to answer; undefined while no probe is out. */
    | { readonly is: 'half-open'; readonly leaseUntilMs: number | undefined; readonly held?: true }
  );

export type BreakerInput =
  /** `early`: before the open time is over, because there is nobody else. */
  | { readonly type: 'probe'; readonly leaseMs: number; readonly early?: boolean }
  /** `refused`: no connection came about; `soft`: the provider had no room, which is no failure of its own. */
  | { readonly type: 'success' | 'failure' | 'refused' | 'soft'; readonly generation: number }
  /** The attempt ended without a verdict: the caller left, or the fault was not the provider's. */
  | { readonly type: 'abandon'; readonly generation: number };

/** Beside calls: it was asked how it is, and says that it is well, which is worth a probe; or gives no sign of life. */
export type BreakerSign = { readonly type: 'well' } | { readonly type: 'dead' };

/** What a moment brings in from outside: the clock, and a number from 0 to 1. */
export interface Moment {
  readonly nowMs: number;
  readonly random: number;
}

const remembered = 20;
/** Of the outcomes that are remembered, how many must be failures or refusals for lack of room to open it for overload. */
const softThreshold = 16;
const rampLimit = 8;
/** After this long without opening, the next open time starts from the beginning. */
const healthyMs = 600_000;

export const closedBreaker: BreakerState = Object.freeze({
  is: 'closed',
  generation: 0,
  opens: 0,
  recent: Object.freeze([]),
  failures: 0,
  refusals: 0,
  sinceMs: -Infinity,
  ramp: Infinity,
});

/**
 * May a call go through now? `probe`: yes, as the one that tests a recovery; the caller must then step with `probe` before
 * it sends anything. `inFlight` counts the calls that are under way already.
 */
export function admits(state: BreakerState, nowMs: number, inFlight: number): 'yes' | 'probe' | 'no' {
  switch (state.is) {
    case 'closed':
      return inFlight < state.ramp ? 'yes' : 'no';
    case 'open':
      return !state.held && nowMs >= state.untilMs ? 'probe' : 'no';
    case 'half-open':
      if (state.held) return 'no';
      return state.leaseUntilMs === undefined || nowMs >= state.leaseUntilMs ? 'probe' : 'no';
  }
}

/** The next state. Inputs that do not fit the state, and verdicts of an older generation, leave it as it is. */
export function step(state: BreakerState, input: BreakerInput | BreakerSign, moment: Moment, rules: BreakerRules): BreakerState {
  if (input.type === 'probe') return toHalfOpen(state, input, moment);
  if (input.type === 'well' || input.type === 'dead') return afterSign(state, input.type, moment, rules);
  if (input.generation !== state.generation || state.is === 'open') return state;
  if (state.is === 'half-open') return afterProbe(state, input.type, moment, rules);
  return input.type === 'abandon' ? state : afterCall(state, input.type, moment, rules);
}

function afterSign(state: BreakerState, type: BreakerSign['type'], moment: Moment, rules: BreakerRules): BreakerState {
  if (type === 'dead') return state.is === 'closed' ? toOpen(state, opensBefore(state, moment), moment, rules) : state;
  return state.is === 'open' ? { ...state, untilMs: Math.min(state.untilMs, moment.nowMs) } : state;
}

function toHalfOpen(state: BreakerState, { leaseMs, early = false }: BreakerInput & { type: 'probe' }, { nowMs }: Moment): BreakerState {
  if (state.is === 'closed') return state;
  const isDue = admits(state, nowMs, 0) === 'probe';
  if (!isDue && !(early && state.is === 'open')) return state;
  const opens = Math.max(0, state.opens + growth(state, isDue));
  return { is: 'half-open', generation: state.generation + 1, opens, recent: state.recent, leaseUntilMs: nowMs + leaseMs };
}

/**
 * A probe that outlived its lease counts as failed: the next one starts with a generation that ignores it. One that was not due yet, and
 * fails, proves nothing new: the open time stays as long as it was.
 */
function growth(state: BreakerState, isDue: boolean): number {
  if (state.is === 'half-open') return state.leaseUntilMs === undefined ? 0 : 1;
  return isDue ? 0 : -1;
}

function afterProbe(
  state: BreakerState & { readonly is: 'half-open' },
  type: Exclude<BreakerInput['type'], 'probe'>,
  moment: Moment,
  rules: BreakerRules,
): BreakerState {
  if (type === 'success') return toClosed(state, moment.nowMs, rules);
  if (type === 'failure' || type === 'refused') return toOpen(state, state.opens, moment, rules);
  return { ...state, leaseUntilMs: undefined };
}

/** Closes one whatever it has seen: after a probe that succeeded, or because somebody who knows says so. */
export function toClosed({ generation, opens }: BreakerState, nowMs: number, rules: BreakerRules): BreakerState {
  // Rules without a ratio are the plain ones of old: closed is closed.
  const ramp = Number.isFinite(rules.minimumOutcomes) ? 1 : Infinity;
  return { is: 'closed', generation: generation + 1, opens, recent: [], failures: 0, refusals: 0, sinceMs: nowMs, ramp };
}

function afterCall(
  state: BreakerState & { readonly is: 'closed' },
  type: 'success' | 'failure' | 'refused' | 'soft',
  moment: Moment,
  rules: BreakerRules,
): BreakerState {
  const verdict: Verdict = type === 'refused' ? 'failure' : type;
  const recent = withNewest(state.recent, { atMs: moment.nowMs, verdict });
  const failures = type === 'success' ? 0 : type === 'soft' ? state.failures : state.failures + 1;
  const refusals = type === 'refused' ? state.refusals + 1 : 0;
  const next = { ...state, recent, failures, refusals, ramp: nextRamp(state.ramp, verdict) };
  if (!trips(next, type, moment.nowMs, rules)) return next;
  return toOpen(next, opensBefore(state, moment), moment, rules);
}

/** One copy, of just the size: there are two for every call. */
function withNewest(recent: readonly Outcome[], newest: Outcome): readonly Outcome[] {
  if (recent.length < remembered) return [...recent, newest];
  const copy = recent.slice();
  for (let at = 1; at < copy.length; at++) copy[at - 1] = copy[at] as Outcome;
  copy[copy.length - 1] = newest;
  return copy;
}

/** A long healthy time is forgiveness for what was before. */
function opensBefore({ sinceMs, opens }: BreakerState & { readonly is: 'closed' }, { nowMs }: Moment): number {
  return nowMs - sinceMs >= healthyMs ? 0 : opens;
}

function trips(
  { recent, failures, refusals }: BreakerState & { readonly is: 'closed' },
  type: 'success' | 'failure' | 'refused' | 'soft',
  nowMs: number,
  rules: BreakerRules,
): boolean {
  if (type === 'success') return false;
  if (refusals >= rules.failureThreshold) return true;
  const known = recent.filter(({ atMs }) => nowMs - atMs <= rules.windowMs);
  const bad = known.filter(({ verdict }) => verdict !== 'success').length;
  if (Number.isFinite(rules.minimumOutcomes) && known.length >= remembered && bad >= softThreshold) return true;
  if (failures < rules.failureThreshold) return false;
  return known.length < rules.minimumOutcomes || bad >= known.length * rules.failureRatio;
}

function toOpen(state: Memory, opens: number, { nowMs, random }: Moment, rules: BreakerRules): BreakerState {
  const plainMs = Math.min(rules.openMs * 2 ** opens, rules.maxOpenMs);
  const openMs = Math.min(plainMs * (1 + rules.jitter * (2 * random - 1)), rules.maxOpenMs);
  return openUntil(state, nowMs + openMs, opens + 1);
}

/** Opens one whatever it has seen, by its own rules or because somebody who knows says so. `opens`: how often it has opened by then. */
export function openUntil({ generation, recent }: Memory, untilMs: number, opens: number): BreakerState & { readonly is: 'open' } {
  return { is: 'open', generation: generation + 1, opens, recent, untilMs };
}

/** The same one while it is held, or no longer; a closed one stays as it is. */
export function withHeld(state: BreakerState, isHeld: boolean): BreakerState {
  if (state.is === 'closed' || (state.held === true) === isHeld) return state;
  const { held: _held, ...rest } = state;
  return isHeld ? { ...rest, held: true } : rest;
}

/** A failure while a recovery ramps up lets it begin again; a refusal for lack of room lets it stay where it is. */
function nextRamp(ramp: number, verdict: Verdict): number {
  if (ramp === Infinity || verdict === 'soft') return ramp;
  if (verdict === 'failure') return 1;
  return ramp >= rampLimit ? Infinity : ramp * 2;
}
