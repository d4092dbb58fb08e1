import { createCanaries } from '../_kit/canaries.ts';
import { atLeast, atMost, exactly, type Figure, type Job, type Size } from '../_kit/job.ts';
import { percentile } from '../_kit/numbers.ts';
import { watchProcess } from '../_kit/process-watch.ts';
import { canaryFigures, figuresOfCanaries } from '../_kit/scanner.ts';
import { faults } from './faults.ts';
import type { LoadReport } from './member-program.ts';
import { playAll, type Shown, sizes } from './plays.ts';
import { detailOf, failuresOf, sum } from './detail.ts';
import { ratiosOf } from './throughput.ts';

const figures = {
  faults: 'faults of the store that were played',
  calls: 'calls while they lasted',
  failures: 'calls that failed',
  p50: 'added to a call, p50, in the fault in which it was most',
  p99: 'added to a call, p99 of all',
  silent: 'processes that did not say that the store was gone, and back',
  probes: 'probes that the backend saw',
  tooMany: 'faults with more probes at once than one, and one for each process without a store',
  disagreeing: 'processes that did not know the same a second later',
  openings: 'openings and closings that one process told the others of',
  late: 'of them those that were not known everywhere within a second',
  sleepers: 'processes that slept with the probe in their hands past their lease',
  tooEarly: 'probes before such a lease was over',
  believed: 'late results that were believed',
  crowds: 'callers at once at a breaker that was due',
  crowdFailures: 'of them those that failed',
  crowdProbes: 'crowds with more probes at once than that',
  unprobed: 'crowds of which nobody probed',
  overheard: 'processes of another application that heard of it',
  told: 'processes of the same application that did not',
  strayKeys: 'keys without the prefix of an application',
  attacks: 'attacks on all keys',
  hostileFailures: 'calls that failed while keys were attacked',
  overlong: 'breakers that were believed to be open for longer than the configuration allows',
  deaf: 'processes that did not hear of each other when the keys were gone',
  stormFailures: 'failures in the storms',
  stormLost: 'calls that failed in the storms',
  writes: 'writes of one process in a second, most',
  heap: 'heap per failure, most',
  ratio1: 'throughput of 1 process with a store, by that without',
  ratio2: 'throughput of 2 processes with a store, by that without',
  ratio4: 'throughput of 4 processes with a store, by that without',
  unexpected: 'rejections and warnings that nobody took',
} as const;

/** And as much longer as the processes were late for their own timers. */
const convergedMs = 1_000;

const ratioNames: Readonly<Record<number, string>> = { 1: figures.ratio1, 2: figures.ratio2, 4: figures.ratio4 };

export const job: Job = {
  name: 'fleet',
  about: 'processes that share a Redis lose no call to it, and know the same within a second of its being there',
  figures: [...Object.values(figures), ...Object.values(canaryFigures)],
  async run(size, seed) {
    const canaries = createCanaries(seed);
    const watch = watchProcess();
    const shown = await playAll(size, seed, canaries).finally(() => watch.stop());
    return {
      figures: [
        ...storyFigures(shown, size),
        ...probeFigures(shown, size),
        ...strangerFigures(shown, size),
        ...loadFigures(shown, size),
        exactly(figures.unexpected, 0, watch.seen.length),
        ...figuresOfCanaries(canaries.hits, shown.planted),
      ],
      detail: { ...detailOf(shown, size) },
      remarks: remarksOf(shown),
    };
  },
};

function storyFigures({ stories }: Shown, size: Size): Figure[] {
  const loads = stories.flatMap((story) => story.loads);
  const changes = stories.flatMap(({ openMs, closeMs }) => [...openMs, ...closeMs]);
  const late = stories.flatMap(({ fault, openMs, closeMs, lagMs }) =>
    [...openMs, ...closeMs].flatMap((ms) => (ms <= convergedMs + lagMs ? [] : [`${Math.round(ms)} ms (${fault})`])),
  );
  return [
    exactly(figures.faults, faults.length, stories.length),
    atLeast(figures.calls, faults.length * sizes[size].members * 10, sum(loads.map(({ shared }) => shared.calls))),
    exactly(figures.failures, 0, sum(loads.map(({ shared }) => failuresOf(shared.failures)))),
    mostAdded(figures.p50, 0.5, stories, size),
    added(figures.p99, 0.99, loads, size),
    exactly(figures.silent, 0, sum(stories.map(({ silent }) => silent))),
    atLeast(figures.probes, faults.length, sum(stories.map(({ probes }) => probes.count))),
    exactly(figures.tooMany, 0, stories.filter(({ probes, mostProbes }) => probes.atOnce > mostProbes).length),
    exactly(figures.disagreeing, 0, sum(stories.map(({ disagreeing }) => disagreeing))),
    atLeast(figures.openings, faults.length * 2 * (sizes[size].members - 1), changes.length),
    { name: figures.late, goal: '= 0', measured: late.length === 0 ? '0' : late.join(', '), holds: late.length === 0 },
  ];
}

/**
 * Beside what the same calls took at the same moments without a store. The quick form runs on machines that do other things as well, where
 * two lists of the same kind differ by a part of themselves.
 */
function added(name: string, share: number, loads: readonly LoadReport[], size: Size): Figure {
  const [shared = Number.NaN, alone = Number.NaN] = (['shared', 'alone'] as const).map((kind) =>
    percentile(
      loads.flatMap((load) => load[kind].plainMs),
      share,
    ),
  );
  return atMost(name, size === 'long' ? 5 : Number((5 + alone / 4).toFixed(1)), shared - alone, ' ms');
}

/** Of the fault in which it was most. */
function mostAdded(name: string, share: number, stories: Shown['stories'], size: Size): Figure {
  const all = stories.map(({ loads }) => added(name, share, loads, size));
  const worst =
    all.find(({ holds }) => !holds) ??
    all.toSorted((left, right) => Number.parseFloat(right.measured) - Number.parseFloat(left.measured))[0];
  return worst ?? { name, goal: 'some', measured: 'none', holds: false };
}

function probeFigures({ sleepers, crowds }: Shown, size: Size): Figure[] {
  const played = sleepers.filter(({ isPlayed }) => isPlayed);
  return [
    atLeast(figures.sleepers, size === 'long' ? 2 * sizes.long.sleepers : 1, played.length),
    exactly(figures.tooEarly, 0, sum(played.map(({ tooEarly }) => tooEarly))),
    exactly(figures.believed, 0, sum(played.map(({ believed }) => believed))),
    exactly(figures.crowds, sizes[size].members * sizes[size].callers, sum(crowds.map(({ calls }) => calls))),
    exactly(figures.crowdFailures, 0, sum(crowds.map(({ failures }) => failures))),
    exactly(figures.unprobed, 0, crowds.filter(({ probes }) => probes.count === 0).length),
    exactly(figures.crowdProbes, 0, crowds.filter(({ probes, mostProbes }) => probes.atOnce > mostProbes).length),
  ];
}

function strangerFigures({ neighbours, hostile }: Shown, size: Size): Figure[] {
  return [
    exactly(figures.overheard, 0, sum(neighbours.map(({ overheard }) => overheard))),
    exactly(figures.told, 0, sum(neighbours.map(({ heard, ofSame }) => ofSame - heard))),
    exactly(figures.strayKeys, 0, sum(neighbours.map(({ strayKeys, keys }) => (keys === 0 ? Number.NaN : strayKeys)))),
    exactly(figures.attacks, sizes[size].hostileRounds * 5, sum(hostile.map(({ attacks }) => attacks))),
    exactly(figures.hostileFailures, 0, sum(hostile.flatMap(({ loads }) => loads.map(({ shared }) => failuresOf(shared.failures))))),
    exactly(figures.overlong, 0, sum(hostile.map(({ overlong }) => overlong))),
    exactly(figures.deaf, 0, sum(hostile.map(({ deaf }) => deaf))),
  ];
}

function loadFigures({ storms, throughput }: Shown, size: Size): Figure[] {
  const { stormFailures, processes } = sizes[size];
  // Beside other programs, rounds of a moment differ by more than a store could add.
  const least = size === 'long' ? 0.97 : 0.6;
  return [
    atLeast(figures.stormFailures, 2.5 * 2 * Math.max(...processes) * stormFailures, sum(storms.map(({ failures }) => failures))),
    exactly(figures.stormLost, 0, sum(storms.map(({ lost }) => lost))),
    atMost(figures.writes, 10, Math.max(...storms.map(({ writesPerSecond }) => writesPerSecond))),
    atMost(
      figures.heap,
      size === 'long' ? 16 : 2_048,
      Math.max(...storms.filter(({ kind }) => kind === 'rests').map(({ bytesPerFailure }) => bytesPerFailure)),
      ' B',
    ),
    ...[1, 2, 4].map((count) => {
      const found = throughput.find((each) => each.processes === count);
      const name = ratioNames[count] ?? '';
      if (found === undefined) return { name, goal: 'long form only', measured: 'not measured', holds: size === 'quick' };
      return atLeast(name, least, ratiosOf(found.withStore, found.without).median);
    }),
  ];
}

function remarksOf({ stories, sleepers }: Shown): string[] {
  const strict = stories.filter(({ mostProbes }) => mostProbes === 1).length;
  const repeated = sum(stories.map((story) => story.repeated));
  const notPlayed = sleepers.filter(({ isPlayed }) => !isPlayed).length;
  return [
    `Of the faults that leave the store there, ${strict} found every process with it, and allowed one probe. The others gave some process no answer within 50 ms, because the machine was busy.`,
    ...(repeated === 0 ? [] : [`${repeated} processes said more often than once that the store was gone.`]),
    ...(notPlayed === 0 ? [] : [`${notPlayed} times a process that was to sleep got no leave in time, and it was tried again.`]),
  ];
}
