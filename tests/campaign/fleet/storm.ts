import { slopeOf } from '../leak/slope.ts';
import type { StormKind } from './member-storm.ts';
import type { Stage } from './stage.ts';

export interface StormShown {
  readonly kind: StormKind;
  readonly isHanging: boolean;
  readonly failures: number;
  readonly failuresPerSecond: number;
  readonly lost: number;
  /** Batches of changes that one process wrote in a second, on average over all of them. */
  readonly writesPerSecond: number;
  readonly writes: number;
  /** Of the process that grew most. */
  readonly bytesPerFailure: number;
  /** Of the process that grew most, over the second half. */
  readonly grownBytes: number;
}

/** All processes fail as fast as they can. `isHanging`: the store takes all and answers nothing. */
export async function playStorm(stage: Stage, kind: StormKind, failuresEach: number, isHanging: boolean): Promise<StormShown> {
  const { members, redis } = stage;
  await redis.reset();
  await stage.open();
  const before = await writesOf(stage);
  if (isHanging) members.forEach(({ proxy }) => proxy.hang());
  const reports = await stage.all((member) => member.storm(kind, failuresEach));
  members.forEach(({ proxy }) => proxy.heal());
  const writes = (await writesOf(stage)) - before;
  const longestMs = Math.max(...reports.map((report) => report.ms));
  // Of the second half: before it, code is still being compiled, and what is bounded is still filling.
  const settled = reports.map(({ heap }) => heap.slice(Math.floor(heap.length / 2)));
  return {
    kind,
    isHanging,
    failures: reports.reduce((sum, report) => sum + report.failures, 0),
    failuresPerSecond: reports.reduce((sum, report) => sum + (report.failures / report.ms) * 1_000, 0),
    lost: reports.reduce((sum, { lost }) => sum + lost, 0),
    writesPerSecond: writes / (longestMs / 1_000) / members.length,
    writes,
    bytesPerFailure: Math.max(...settled.map((heap) => slopeOf(heap).perStep)),
    grownBytes: Math.max(...settled.map((heap) => (heap.at(-1)?.y ?? Number.NaN) - (heap[0]?.y ?? Number.NaN))),
  };
}

/** Each batch of changes is told to the others in one message, so that those are counted. */
async function writesOf({ redis }: Stage): Promise<number> {
  const info = String(await redis.command('INFO', 'commandstats'));
  return Number(/^cmdstat_publish:calls=(\d+)/m.exec(info)?.[1] ?? 0);
}
