import { median } from '../../../bench/median.ts';
import type { Stage } from './stage.ts';

export interface ThroughputShown {
  readonly processes: number;
  readonly atOnce: number;
  readonly rounds: number;
  readonly ms: number;
  /** Calls per second of all processes together, one value for each round. */
  readonly withStore: readonly number[];
  readonly without: readonly number[];
  /** CPU time of a process for one call, in microseconds. */
  readonly cpuWithStore: readonly number[];
  readonly cpuWithout: readonly number[];
}

export const concurrency = 8;
const warmUps = 4;

/**
 * As many calls as fit, of processes whose router has a store and of others whose router has none. They take turns, and the order turns
 * with each round, so that whatever else the machine does meets both alike.
 */
export async function playThroughput(
  withStore: Stage['members'],
  without: Stage['members'],
  rounds: number,
  ms: number,
): Promise<ThroughputShown> {
  const race = async (members: Stage['members']): Promise<{ perSecond: number; cpuMicros: number }> => {
    const results = await Promise.all(members.map((member) => member.race(ms, concurrency)));
    const calls = results.reduce((sum, each) => sum + each.calls, 0);
    return {
      perSecond: results.reduce((sum, each) => sum + (each.calls / each.ms) * 1_000, 0),
      cpuMicros: (results.reduce((sum, each) => sum + each.cpuMs, 0) / calls) * 1_000,
    };
  };
  const shown = { withStore: [] as number[], without: [] as number[], cpuWithStore: [] as number[], cpuWithout: [] as number[] };
  // Until the compiler has done its work in all of them.
  for (let warmUp = 0; warmUp < warmUps; warmUp++) {
    await race(withStore);
    await race(without);
  }
  for (let round = 0; round < rounds; round++) {
    const turns = [
      async () => {
        const { perSecond, cpuMicros } = await race(withStore);
        shown.withStore.push(perSecond);
        shown.cpuWithStore.push(cpuMicros);
      },
      async () => {
        const { perSecond, cpuMicros } = await race(without);
        shown.without.push(perSecond);
        shown.cpuWithout.push(cpuMicros);
      },
    ];
    for (const turn of round % 2 === 0 ? turns : turns.toReversed()) await turn();
  }
  return { processes: withStore.length, atOnce: concurrency, rounds, ms, ...shown };
}

/** Of the values of one round by those of the other in the same round. */
export function ratiosOf(
  of: readonly number[],
  by: readonly number[],
): { readonly median: number; readonly low: number; readonly high: number } {
  const ratios = of.map((value, round) => value / (by[round] ?? Number.NaN));
  return { median: median(ratios), low: Math.min(...ratios), high: Math.max(...ratios) };
}
