import { expect, test } from 'vitest';
import { newRun } from '../_kit/run-identity.ts';
import type { CallsDetail, FleetDetail } from './detail.ts';
import { histogramOf } from './histogram.ts';
import { fleetPageOf } from './page-text.ts';
import { sizes } from './plays.ts';

const calls: CallsDetail = {
  calls: 1_234,
  failures: 0,
  plain: { count: 3, p50: 2, p90: 3, p99: 4.5, highest: 2_000 },
  histogram: histogramOf([1, 1.5, 2_000]),
};
const detail: FleetDetail = {
  sizes: sizes.long,
  stories: [
    {
      fault: 'gone',
      cutOff: 8,
      members: 8,
      probes: { count: 9, atOnce: 3, members: 8 },
      mostProbes: 8,
      silent: 0,
      repeated: 0,
      disagreeing: 0,
      openMs: [300, 700],
      closeMs: [20, 30],
      lagMs: 12,
      shared: calls,
      alone: { ...calls, plain: { ...calls.plain, p99: 4 } },
    },
  ],
  sleepers: [],
  crowds: [],
  neighbours: [],
  hostile: [],
  storms: [
    {
      kind: 'rests',
      isHanging: true,
      failures: 10,
      failuresPerSecond: 5,
      lost: 0,
      writesPerSecond: 3.21,
      writes: 6,
      bytesPerFailure: 7,
      grownBytes: 70,
    },
  ],
  throughput: [
    {
      processes: 2,
      atOnce: 8,
      rounds: 3,
      ms: 100,
      withStore: [98, 50, 97],
      without: [100, 100, 100],
      cpuWithStore: [1, 1, 1],
      cpuWithout: [1, 1, 1],
    },
  ],
};
const figures = [{ name: 'calls that failed', goal: '= 0', measured: '0', holds: true }];
const report = { name: 'fleet', about: '', size: 'long', seed: 7, seconds: 9, expected: [], figures, run: newRun(7, 'long'), detail };

test('the page of the fleet has the longest waits, what was added, and ratios of the same round', () => {
  const page = fleetPageOf(report, 'Redis 7.0.15');
  expect(page).toContain('Redis 7.0.15');
  expect(page).toMatch(/\| gone +\| 1,234 +\| 0 +\| 9 +\| 3 +\| 8 +\| 700 +\| 30 +\| 12 /);
  expect(page).toMatch(/\| gone +\| 2\.0 +\| 2\.0 +\| 4\.5 +\| 4\.0 +\| 0\.5 /);
  expect(page).toMatch(/\| gone +\| with +\| 1 +\| 1 +\| 0 /);
  expect(page).toMatch(/\| 2 +\| 0\.970 \(0\.50 to 0\.98\) /);
  expect(page).toMatch(/never answers +\| 10 +\| 5 +\| 3\.2 /);
  expect(page).not.toMatch(/NaN|undefined|Infinity/);
});

test('the page of the fleet is not written of a quick run, or of a job that was run by itself', () => {
  expect(() => fleetPageOf({ ...report, size: 'quick' }, '')).toThrow('long form');
  const { run: _, ...alone } = report;
  expect(() => fleetPageOf(alone, '')).toThrow('long form');
});
