import type { Clock } from '../lib/clock.ts';
import { type Cap, roll, takeAnswer, takeFresh } from './cap.ts';
import type { Meters } from './allowance.ts';

/** Tells the store what was spent, and hears what all have, in the background. */
export interface Flush {
  /** A call asks for it: what others have spent is worth knowing. */
  watch(cap: Cap): void;
  soon(): void;
  /** Of what is left of a budget, how many parts are made, of which this process may have one. */
  parts(): number;
  close(): Promise<void>;
}

/** The store is told, and asked, so often at most. */
const flushMs = 1_000;

interface FlushOptions {
  readonly clock: Clock;
  readonly meters: Meters;
  readonly caps: ReadonlyMap<string, Cap>;
  /** Called with each whose sum was heard. */
  readonly told: (cap: Cap) => void;
  /** How many processes there are, as long as the store does not say. */
  readonly processes: () => number;
}

/**
 * Between two answers of the store each of the others may have told it twice of its part, and have spent it once more. Where it does not
 * answer that holds as well: they may have told it since it last answered here.
 */
const tellings = 3;

export function createFlush({ clock, meters, caps, told, processes }: FlushOptions): Flush {
  let lastMs = -Infinity;
  let out: Promise<void> | undefined;
  let isClosed = false;
  let cancel: (() => void) | undefined;
  const due = (): Cap[] => [...caps.values()].filter(({ freshUsd, isWatched }) => isWatched || freshUsd > 0);
  const flush = async (list: readonly Cap[]): Promise<void> => {
    lastMs = clock.nowMs();
    for (const cap of list) roll(cap, clock.wallMs());
    const sent = list.map(takeFresh);
    const sums = await meters.add(list.map(({ name, windowMs }, index) => ({ name, windowMs, amount: sent[index]?.amount ?? 0 })));
    out = undefined;
    list.forEach((cap, index) => {
      takeAnswer(cap, sent[index]?.usd ?? 0, sums?.[index], clock);
      told(cap);
    });
    if (due().length > 0) soon();
  };
  const begin = (): void => {
    cancel = undefined;
    const list = due();
    if (list.length > 0) out = flush(list);
  };
  const soon = (): void => {
    if (cancel !== undefined || out !== undefined || isClosed) return;
    cancel = clock.schedule(Math.max(0, lastMs + flushMs - clock.nowMs()), begin, true);
  };
  return {
    watch(cap) {
      if (cap.isWatched && cancel !== undefined) return;
      cap.isWatched = true;
      soon();
    },
    soon,
    parts() {
      const members = meters.members ?? processes();
      return members === 1 ? 1 : tellings * members;
    },
    async close() {
      isClosed = true;
      cancel?.();
      await out;
      const left = [...caps.values()].filter(({ freshUsd }) => freshUsd > 0);
      if (left.length > 0) await flush(left);
    },
  };
}
