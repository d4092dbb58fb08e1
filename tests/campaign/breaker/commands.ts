import type { BreakerRules } from '../../../src/breaker/breaker.ts';
import { classicBreaker, defaults } from '../../../src/config/defaults.ts';
import type { Word } from '../../breaker/reference-model.ts';
import { pick } from '../_kit/numbers.ts';
import type { Duel } from './duel.ts';

type Random = () => number;

/** The defaults, the plain rules of old, or any others that the options allow. */
export function randomRules(random: Random): BreakerRules {
  const kind = random();
  if (kind < 0.4) return defaults.breaker;
  if (kind < 0.55) return classicBreaker;
  const openMs = pick([1, 1_000, 30_000, 300_000], random);
  return {
    failureThreshold: 1 + Math.floor(random() * 6),
    minimumOutcomes: pick([1, 2, 5, 10, 19, 20, 21, Infinity], random),
    failureRatio: Math.floor(random() * 21) / 20,
    windowMs: pick([1, 1_000, 60_000, 600_000], random),
    openMs,
    maxOpenMs: openMs * pick([1, 1.5, 2, 10], random),
    jitter: pick([0, 0.2, 0.5, 1], random),
  };
}

/** How calls end for a while. */
const moods: readonly (readonly Word[])[] = [
  ['success'],
  ['failure'],
  ['refused'],
  ['soft'],
  ['failure', 'success'],
  ['failure', 'failure', 'success'],
  ['soft', 'soft', 'soft', 'soft', 'success'],
  ['refused', 'failure'],
  ['refused', 'soft'],
  ['failure', 'soft'],
  ['abandon', 'failure', 'success'],
  ['success', 'failure', 'refused', 'soft', 'abandon'],
];

/** Up to 60 commands, with times at the borders of what the breaker is in. Stops where both sides differ. */
export function play(duel: Duel, random: Random): number {
  const count = 20 + Math.floor(random() * 41);
  let mood = pick(moods, random);
  for (let command = 1; command <= count; command++) {
    if (random() < 0.15) mood = pick(moods, random);
    playOne(duel, mood, random);
    if (!duel.agrees()) return command;
  }
  return count;
}

function playOne(duel: Duel, mood: readonly Word[], random: Random): void {
  const kind = random();
  if (kind < 0.2) return duel.call(random() < 0.05);
  if (kind < 0.4) return duel.settle(placeOf(duel, random), pick(mood, random));
  if (kind < 0.65) return duel.goTo(nextMs(duel, random));
  if (kind < 0.75) return duel.sign(pick(['well', 'dead'], random));
  const stepMs = pick([0, 0, 1, 10, 1_000], random);
  for (let left = 1 + Math.floor(random() * 24); left > 0; left--) {
    const before = duel.underWay().length;
    duel.call();
    if (duel.underWay().length > before) duel.settle(before, pick(mood, random));
    duel.goTo(duel.nowMs() + stepMs);
  }
}

/** Any call under way, the oldest or the newest. */
function placeOf(duel: Duel, random: Random): number {
  const { length } = duel.underWay();
  return pick([0, length - 1, Math.floor(random() * length)], random);
}

/** Right before, at and right after the moment at which something changes, or some time later. */
function nextMs(duel: Duel, random: Random): number {
  const state = duel.state();
  const nowMs = duel.nowMs();
  const near = pick([-1, 0, 0, 1], random);
  if (random() < 0.25) return nowMs + pick([0, 1, 999, 24_000, 60_000, 300_000, 600_001], random);
  if (state.is === 'open') return state.untilMs + near;
  if (state.is === 'half-open') return (state.leaseUntilMs ?? nowMs) + near;
  const first = state.recent[0];
  if (first !== undefined && random() < 0.5) return first.atMs + duel.rules.windowMs + near;
  return state.sinceMs === -Infinity ? nowMs + 1 : state.sinceMs + 600_000 + near;
}
