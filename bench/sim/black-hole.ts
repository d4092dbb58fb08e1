import { atMost, type Figure } from '../../tests/campaign/_kit/job.ts';
import type { FaultKind, MachineSpec } from './machine.ts';
import { baselines, ours, type Policy } from './policies.ts';
import { capacityPerSecond, chats, fastGpu, machine } from './racks.ts';
import { runCell } from './run.ts';
import type { PolicyRun, Scenario } from './scenario.ts';
import { failedCount, percentiles, shownShare } from './tables.ts';
import { openLoad, type Workload } from './workload.ts';

const own = [ours('expected-ttft'), ours('least-busy'), ours('weighted'), ours('priority')];
/** No window has ever outcomes enough, so that nothing is left but that a failure counts as slow: an error 500 is no reason to rest. */
const options = { breaker: { failureThreshold: 1_000, minimumOutcomes: 1_000, windowMs: 1 } };
const unbroken = [ours('expected-ttft', 'no breaker', { options }), ours('least-busy', 'no breaker', { options })] as const;
const policies = [...own, baselines.roundRobin, baselines.random, baselines.leastConnections, baselines.liteLlm, baselines.liteLlmTuned];

/** Requests that meet the fault; the share is of these. */
const count = 1_000;
const good = ['good1', 'good2'].map((id) => machine(id, fastGpu));
const perSecond = capacityPerSecond(good, [chats]) / 2;

interface Ill extends PolicyRun {
  readonly share: number;
}

/** The first of three fails within 50 ms, from request `from` on. */
async function fallIll({ name, client }: Policy, seed: number, from: number, kind: FaultKind): Promise<Ill> {
  const state = { isIll: from === 0, asked: 0 };
  const faultAt: NonNullable<MachineSpec['faultAt']> = () => {
    if (!state.isIll) return undefined;
    state.asked += 1;
    return { kind, afterMs: 50 };
  };
  const run = await runCell({
    machines: [machine('ill', fastGpu, { faultAt }), ...good],
    client,
    seed,
    workload(clock, chance): Workload {
      const load = openLoad({ count: from + count, perSecond, models: ['small'], kinds: [chats] }, clock, chance);
      const begin: Workload['begin'] = (send) =>
        load.begin((request) => {
          if (request.id >= from) state.isIll = true;
          send(request);
        });
      return { ...load, begin };
    },
  });
  return { name, ...run, share: state.asked / count };
}

export const blackHole: Scenario = {
  letter: 'd',
  title: 'One of three says 503 within 50 ms',
  async run({ seed }) {
    const [saying503, saying500] = [await runsOf(policies, seed, 'busy'), await runsOf(unbroken, seed, 'error')];
    return {
      about,
      tables: [
        { title: 'Attempts at the one that is ill, for each request', head, rows: saying503.map(rowOf) },
        { title: 'The same where it says 500, and nobody has a breaker', head, rows: saying500.map(rowOf) },
      ],
      figures: [...saying503, ...saying500].flatMap(figuresOf),
    };
  },
};

/** Ill from the first request on, and later. */
type Both = readonly [always: Ill, later: Ill];

async function runsOf(all: readonly Policy[], seed: number, kind: FaultKind): Promise<Both[]> {
  const runs: Both[] = [];
  for (const policy of all) runs.push([await fallIll(policy, seed, 0, kind), await fallIll(policy, seed, 500, kind)]);
  return runs;
}

const head = ['Policy', 'its share', 'p95', 'p99', 'failed', 'its share, ill later', 'p95', 'p99', 'failed'];

function rowOf(both: Both): string[] {
  const cells = both.flatMap((run) => [shownShare(run.share), ...percentiles(run.sample.firsts()).slice(1), failedCount(run)]);
  return [both[0].name, ...cells];
}

/** Less than 5% of 1,000. */
function figuresOf([always, later]: Both): Figure[] {
  const says = always.name === unbroken[0].name ? 500 : 503;
  if (says === 503 && !own.some(({ name }) => name === always.name)) return [];
  return [
    atMost(`share of a provider that only says ${says}, ${always.name}`, 4.9, always.share * 100, '%'),
    atMost(`share of one that begins to say ${says}, ${later.name}`, 4.9, later.share * 100, '%'),
  ];
}

const about = [
  `Three fast GPUs at half of what the two good ones can do; the first one refuses ${count.toLocaleString('en-US')} requests with 503 within 50 ms: from the first on, or after 500 that it served.`,
  'A 503 is a reason to rest as well. Where it says 500 instead, and the router’s breakers are as good as off, nothing is left but what it has learned: that a failure costs time. `least-busy` counts failures as work alone.',
];
