import type { Visit } from './backend-program.ts';
import type { Member } from './stage.ts';

/** What the backend saw while nobody but a probe had any business there. */
export interface Probes {
  readonly count: number;
  /** Most that were under way at one moment. */
  readonly atOnce: number;
  /** How many members sent one. */
  readonly members: number;
}

/** Calls that came in from `fromMs` on and before the first good answer was out: with it the breaker closes and calls flow again. */
export function probesIn(visits: readonly Visit[], fromMs: number): Probes {
  const firstGoodMs = Math.min(...visits.flatMap(({ ok, endedMs = Infinity, atMs }) => (ok === true && atMs >= fromMs ? [endedMs] : [])));
  const probes = visits.filter(({ atMs }) => atMs >= fromMs && atMs <= firstGoodMs);
  return { count: probes.length, atOnce: mostAtOnce(probes), members: new Set(probes.map(({ member }) => member)).size };
}

function mostAtOnce(visits: readonly Visit[]): number {
  const counts = visits.map(({ atMs }) => visits.filter((each) => each.atMs <= atMs && (each.endedMs ?? Infinity) > atMs).length);
  return Math.max(0, ...counts);
}

/** Members that had no store at some moment from `fromMs` to `toMs`: they said so, or a question of theirs was not answered in time. */
export function cutOffIn(members: readonly Member[], fromMs: number, toMs: number): number {
  return members.filter(({ heard }) => {
    if (heard.some(({ name, atMs }) => name === 'lease:late' && atMs >= fromMs && atMs <= toMs)) return true;
    let sinceMs: number | undefined;
    const spans: [number, number][] = [];
    for (const { name, atMs } of heard) {
      if (name === 'state:degraded') sinceMs = atMs;
      if (name !== 'state:restored' || sinceMs === undefined) continue;
      spans.push([sinceMs, atMs]);
      sinceMs = undefined;
    }
    if (sinceMs !== undefined) spans.push([sinceMs, Infinity]);
    return spans.some(([begins, ends]) => begins <= toMs && ends >= fromMs);
  }).length;
}

export function countOf({ heard }: Member, name: string, sinceMs: number): number {
  return heard.filter((each) => each.name === name && each.atMs >= sinceMs).length;
}
