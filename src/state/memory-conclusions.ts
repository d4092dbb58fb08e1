import type { Clock } from '../lib/clock.ts';
import { between, longestKeepMs, memberMs, textOf } from './bounds.ts';
import { expiringMap } from './expiring-map.ts';
import { type Conclusion, mostConclusions, type SyncAsk, type Synced } from './store.ts';

interface MemorySynced extends Synced {
  readonly hasWritten: boolean;
  /** Something was too long to be written. */
  readonly isTooLong: boolean;
}

export interface MemoryConclusions {
  sync(ask: SyncAsk): MemorySynced;
}

interface Kept {
  readonly value: string;
  readonly version: number;
  readonly writtenMs: number;
  readonly endsMs: number;
}

/** `newestFence` gives the fence of the youngest lease of a name, 0 where there was none. */
export function memoryConclusions(clock: Clock, newestFence: (name: string) => number): MemoryConclusions {
  // In the order of versions: what is written anew moves to the end.
  const kept = new Map<string, Kept>();
  const members = expiringMap<true>();
  let version = 0;
  const prune = (nowMs: number): void => {
    for (const [name, { endsMs }] of kept) if (endsMs <= nowMs) kept.delete(name);
    for (const name of kept.keys()) if (kept.size > mostConclusions) kept.delete(name);
  };
  return {
    sync({ member, changes, sinceVersion }) {
      const nowMs = clock.nowMs();
      members.set(member, true, nowMs + memberMs, nowMs);
      const refused: string[] = [];
      const before = version;
      let isTooLong = false;
      for (const change of changes) {
        const { name, value, keepMs, fence = Infinity } = change;
        if (textOf(change) === undefined) isTooLong = true;
        else if (newestFence(name) > fence) refused.push(name);
        else {
          version = Math.max(version + 1, Math.floor(clock.wallMs() * 1_000));
          kept.delete(name);
          kept.set(name, { value, version, writtenMs: nowMs, endsMs: nowMs + between(keepMs, 0, longestKeepMs) });
        }
      }
      prune(nowMs);
      const conclusions = [...kept].flatMap(([name, one]) => (one.version > sinceVersion ? [conclusionOf(name, one, nowMs)] : []));
      return { version, conclusions, refused, members: members.size(nowMs), hasWritten: version > before, isTooLong };
    },
  };
}

function conclusionOf(name: string, { value, version, writtenMs }: Kept, nowMs: number): Conclusion {
  return { name, value, version, ageMs: nowMs - writtenMs };
}
