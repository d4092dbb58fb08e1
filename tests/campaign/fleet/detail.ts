import type { Size } from '../_kit/job.ts';
import { type Spread, spreadOf } from '../_kit/numbers.ts';
import { histogramOf } from './histogram.ts';
import type { HostileShown } from './hostile.ts';
import type { LoadReport } from './member-program.ts';
import { type Shown, type Sizes, sizes } from './plays.ts';
import type { StoryShown } from './story.ts';

/** Calls of one kind of router while a fault lasted. */
export interface CallsDetail {
  readonly calls: number;
  readonly failures: number;
  /** In milliseconds, of those whose first attempt answered. */
  readonly plain: Spread;
  readonly histogram: readonly number[];
}

export interface StoryDetail extends Omit<StoryShown, 'loads'> {
  readonly shared: CallsDetail;
  readonly alone: CallsDetail;
}

/** What the page is made of. */
export interface FleetDetail extends Omit<Shown, 'stories' | 'hostile' | 'planted'> {
  readonly sizes: Sizes;
  readonly stories: readonly StoryDetail[];
  readonly hostile: readonly (Omit<HostileShown, 'loads'> & { readonly calls: number })[];
}

export function detailOf(shown: Shown, size: Size): FleetDetail {
  const { stories, hostile, sleepers, crowds, neighbours, storms, throughput } = shown;
  const callsOf = (loads: readonly LoadReport[]): number => sum(loads.map(({ shared }) => shared.calls));
  return {
    sleepers,
    crowds,
    neighbours,
    storms,
    throughput,
    sizes: sizes[size],
    stories: stories.map(({ loads, ...story }) => ({ ...story, shared: callsDetail(loads, 'shared'), alone: callsDetail(loads, 'alone') })),
    hostile: hostile.map(({ loads, ...more }) => ({ ...more, calls: callsOf(loads) })),
  };
}

function callsDetail(loads: readonly LoadReport[], kind: 'shared' | 'alone'): CallsDetail {
  const plainMs = loads.flatMap((load) => load[kind].plainMs);
  return {
    calls: sum(loads.map((load) => load[kind].calls)),
    failures: sum(loads.map((load) => failuresOf(load[kind].failures))),
    plain: spreadOf(plainMs),
    histogram: histogramOf(plainMs),
  };
}

export function failuresOf(failures: Readonly<Record<string, number>>): number {
  return sum(Object.values(failures));
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
