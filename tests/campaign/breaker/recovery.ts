import { admits, type BreakerState, step } from '../../../src/breaker/breaker.ts';
import type { Duel } from './duel.ts';

/**
 * How long a provider that is healthy from now on, and gets a call every `everyMs`, takes to be closed without a limit again; Infinity
 * where that takes longer than it may. Calls under way end when their lease does, and tell nothing.
 */
export function recoveryMs(duel: Duel, everyMs: number, random: () => number): number {
  const { rules, leaseMs } = duel;
  const startMs = duel.nowMs();
  const endMs = startMs + leaseMs + rules.maxOpenMs + 20 * everyMs;
  let state = duel.state();
  let underWay = duel.underWay().filter((generation) => generation === state.generation).length;
  for (let nowMs = startMs; nowMs <= endMs; nowMs += everyMs) {
    const moment = { nowMs, random: random() };
    if (underWay > 0 && nowMs - startMs >= leaseMs) {
      state = step(state, { type: 'abandon', generation: state.generation }, moment, rules);
      underWay = 0;
    }
    if (isWellAgain(state, nowMs)) return nowMs - startMs;
    const answer = admits(state, nowMs, underWay);
    if (answer === 'no') continue;
    if (answer === 'probe') {
      state = step(state, { type: 'probe', leaseMs }, moment, rules);
      underWay = 0;
    }
    state = step(state, { type: 'success', generation: state.generation }, moment, rules);
  }
  return Infinity;
}

function isWellAgain(state: BreakerState, nowMs: number): boolean {
  return state.is === 'closed' && admits(state, nowMs, 1_000_000) === 'yes';
}

/** True where the same inputs lead to the same state again, with every state on the way frozen. */
export function replays(duel: Duel, first: BreakerState): boolean {
  let state = first;
  for (const { input, nowMs, random } of duel.inputs) {
    state = Object.freeze(step(state, input, { nowMs, random }, duel.rules));
    Object.freeze(state.recent);
  }
  return JSON.stringify(state) === JSON.stringify(duel.state());
}
