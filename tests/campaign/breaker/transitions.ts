import { admits, type BreakerInput, type BreakerRules, type BreakerSign, type BreakerState } from '../../../src/breaker/breaker.ts';
import type { Turn } from './duel.ts';

/** Everything that a breaker can do; one that was never seen would be a case that nobody tried. */
export const transitions = [
  'closed to open: consecutive failures of a quiet provider',
  'closed to open: consecutive failures and the ratio',
  'closed to open: refused connections',
  'closed to open: overload',
  'kept closed by the ratio',
  'open to half-open',
  'open to half-open, before its time',
  'asked before its time',
  'half-open to closed',
  'half-open to open: failure',
  'half-open to open: refused',
  'probe given back',
  'asked while the lease lasts',
  'lease expired',
  'ramp 1 to 2',
  'ramp 2 to 4',
  'ramp 4 to 8',
  'ramp 8 to any number',
  'ramp begins again after a failure',
  'open time doubled',
  'open time at its longest',
  'open time begins anew after 10 healthy minutes',
  'open time goes on before that',
  'said to be well: open time ends',
  'said to be well after its time',
  'said to be well while closed',
  'said to be well while half-open',
  'no sign of life: closed to open',
  'no sign of life: open time begins anew after 10 healthy minutes',
  'no sign of life: open time goes on before that',
  'no sign of life while open',
  'no sign of life while half-open',
  'late by 1 generation',
  'late by 2 generations',
  'late by 3 generations',
  'late by 4 generations or more',
  'classic: closed to open',
  'classic: closed at once, without a ramp',
] as const;
export type Transition = (typeof transitions)[number];

export type Seen = Record<Transition, number>;

export function nothingSeen(): Seen {
  return Object.fromEntries(transitions.map((name) => [name, 0])) as Seen;
}

/** Counts what one step was. */
export function note(seen: Seen, from: BreakerState, turn: Turn, to: BreakerState, rules: BreakerRules): void {
  for (const name of namesOf(from, turn, to, rules)) seen[name] += 1;
}

function* namesOf(from: BreakerState, { input, nowMs }: Turn, to: BreakerState, rules: BreakerRules): Generator<Transition> {
  if (input.type === 'well' || input.type === 'dead') return yield* ofSign(from, input.type, to, nowMs);
  if (input.type !== 'probe' && input.generation !== from.generation) {
    const age = from.generation - input.generation;
    const ages = ['late by 1 generation', 'late by 2 generations', 'late by 3 generations', 'late by 4 generations or more'] as const;
    if (to === from) yield ages[Math.min(age, 4) - 1] as Transition;
    return;
  }
  const isClassic = rules.minimumOutcomes === Infinity;
  if (from.is === 'closed') yield* fromClosed(from, input.type, to, nowMs, rules);
  if (from.is === 'open' && to.is === 'half-open') yield nowMs < from.untilMs ? 'open to half-open, before its time' : 'open to half-open';
  if (from.is === 'half-open' && to.is === 'closed') {
    yield 'half-open to closed';
    if (isClassic && to.ramp === Infinity) yield 'classic: closed at once, without a ramp';
  }
  if (from.is === 'half-open' && to.is === 'open')
    yield input.type === 'refused' ? 'half-open to open: refused' : 'half-open to open: failure';
  if (from.is === 'half-open' && to.is === 'half-open')
    yield input.type === 'probe' && from.leaseUntilMs !== undefined ? 'lease expired' : 'probe given back';
  if (to.is === 'open' && from.is === 'half-open' && rules.jitter === 0) {
    if (to.untilMs - nowMs === rules.openMs * 2 ** from.opens) yield 'open time doubled';
    if (to.untilMs - nowMs === rules.maxOpenMs) yield 'open time at its longest';
  }
}

/** Named by what it was before, so that a sign which has to change nothing is counted too. */
function* ofSign(from: BreakerState, type: BreakerSign['type'], to: BreakerState, nowMs: number): Generator<Transition> {
  if (type === 'well') {
    if (from.is !== 'open') yield `said to be well while ${from.is}`;
    else yield nowMs < from.untilMs ? 'said to be well: open time ends' : 'said to be well after its time';
    return;
  }
  if (from.is !== 'closed') return yield `no sign of life while ${from.is}`;
  yield 'no sign of life: closed to open';
  if (from.opens > 0) {
    yield to.opens === 1
      ? 'no sign of life: open time begins anew after 10 healthy minutes'
      : 'no sign of life: open time goes on before that';
  }
}

function* fromClosed(
  from: BreakerState & { readonly is: 'closed' },
  type: BreakerInput['type'],
  to: BreakerState,
  nowMs: number,
  rules: BreakerRules,
): Generator<Transition> {
  const known = from.recent.slice(-19).filter(({ atMs }) => nowMs - atMs <= rules.windowMs).length + 1;
  const isHard = type === 'failure' || type === 'refused';
  const inARow = from.failures + (isHard ? 1 : 0);
  if (to.is === 'closed') {
    const steps = { 1: 'ramp 1 to 2', 2: 'ramp 2 to 4', 4: 'ramp 4 to 8', 8: 'ramp 8 to any number' } as const;
    if (to.ramp > from.ramp) yield steps[from.ramp as keyof typeof steps];
    if (isHard && to.ramp < from.ramp) yield 'ramp begins again after a failure';
    if (isHard && inARow >= rules.failureThreshold) yield 'kept closed by the ratio';
    return;
  }
  if (rules.minimumOutcomes === Infinity) yield 'classic: closed to open';
  else if (type === 'refused' && from.refusals + 1 >= rules.failureThreshold) yield 'closed to open: refused connections';
  else if (inARow < rules.failureThreshold || !isHard) yield 'closed to open: overload';
  else
    yield known < rules.minimumOutcomes
      ? 'closed to open: consecutive failures of a quiet provider'
      : 'closed to open: consecutive failures and the ratio';
  if (from.opens > 0 && to.is === 'open') {
    yield to.opens === 1 ? 'open time begins anew after 10 healthy minutes' : 'open time goes on before that';
  }
}

/** Counts a call that was turned away. */
export function noteRefusal(seen: Seen, state: BreakerState, nowMs: number): void {
  if (admits(state, nowMs, 0) !== 'no') return;
  if (state.is === 'open') seen['asked before its time'] += 1;
  if (state.is === 'half-open') seen['asked while the lease lasts'] += 1;
}
