import { type BreakerRules, closedBreaker, step } from '../../../src/breaker/breaker.ts';
import { createRandom } from '../_kit/numbers.ts';

/** 100 outcomes a second. */
const everyMs = 10;
export const outcomesAnHour = 360_000;

/** How often it opens in one hour of random errors. It begins anew each time, so that no open time hides further errors. */
export function tripsInAnHour(rules: BreakerRules, errorRate: number, seed: number): number {
  const random = createRandom(seed);
  let state = closedBreaker;
  let trips = 0;
  for (let outcome = 0; outcome < outcomesAnHour; outcome++) {
    const type = random() < errorRate ? 'failure' : 'success';
    state = step(state, { type, generation: state.generation }, { nowMs: outcome * everyMs, random: 0.5 }, rules);
    if (state.is !== 'open') continue;
    trips += 1;
    state = closedBreaker;
  }
  return trips;
}

/** Outcomes until a provider that was well and fails from now on is open. */
export function outcomesUntilOpen(rules: BreakerRules): number {
  let state = closedBreaker;
  for (let outcome = 1 - 100; outcome <= 100; outcome++) {
    const type = outcome <= 0 ? 'success' : 'failure';
    state = step(state, { type, generation: state.generation }, { nowMs: outcome * everyMs, random: 0.5 }, rules);
    if (state.is === 'open') return outcome;
  }
  return Infinity;
}
