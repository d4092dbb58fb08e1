import type { Clock } from '../../src/lib/clock.ts';
import type { Meters } from '../../src/router/allowance.ts';
import { memoryStore } from '../../src/state/memory.ts';

/** One store in the middle of several processes, on a clock that the test moves. */
export interface Shelf {
  /** What one process has of it. */
  meters(): Meters;
  /** Nothing answers. */
  isGone: boolean;
  /** How long each way there takes. */
  latencyMs: number;
  /** Everything that was taken, less what was given back, by name. */
  readonly taken: Map<string, number>;
  readonly asks: { take: number; add: number };
}

export function shelf(clock: Clock, members: number): Shelf {
  const store = memoryStore({ clock });
  const wait = (ms: number): Promise<void> => new Promise((resolve) => void clock.schedule(ms, resolve));
  const made: Shelf = {
    isGone: false,
    latencyMs: 2,
    taken: new Map(),
    asks: { take: 0, add: 0 },
    meters() {
      const connection = store.connect();
      const ask = async <Answer>(work: () => Promise<Answer>): Promise<Answer | undefined> => {
        await wait(made.latencyMs);
        const answer = made.isGone ? undefined : await work();
        await wait(made.latencyMs);
        return answer;
      };
      return {
        members,
        take(asks) {
          made.asks.take += 1;
          return ask(async () => {
            const told = await connection.take(asks);
            asks.forEach(({ name }, index) => made.taken.set(name, (made.taken.get(name) ?? 0) + (told[index]?.given ?? 0)));
            return told;
          });
        },
        add(asks) {
          made.asks.add += 1;
          return ask(() => connection.add(asks));
        },
      };
    },
  };
  return made;
}

/** The most that was spent in any stretch of time beyond what came in during it, by the moments of spending in order. */
export function worstExcess(spentMs: readonly number[], perMinute: number): number {
  const perMs = perMinute / 60_000;
  let worst = 0;
  let least = Infinity;
  spentMs.forEach((atMs, index) => {
    // Over [from, at]: index - from + 1 - perMs * (at - from's moment).
    least = Math.min(least, index - perMs * atMs);
    worst = Math.max(worst, index + 1 - perMs * atMs - least);
  });
  return worst;
}
