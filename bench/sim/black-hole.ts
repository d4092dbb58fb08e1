import { atMost, type Figure } from '../../tests/campaign/_kit/job.ts';
import type { MachineSpec } from './machine.ts';
import { baselines, ours, type Policy } from './policies.ts';
import { capacityPerSecond, chats, fastGpu, machine } from './racks.ts';
import { runCell } from './run.ts';
import type { PolicyRun, Scenario } from './scenario.ts';
import { failedCount, percentiles, shownShare } from './tables.ts';
import { openLoad, type Workload } from './workload.ts';

const own = [ours('expected-ttft'), ours('least-busy'), ours('weighted'), ours('priority')];
const policies = [...own, baselines.roundRobin, baselines.random, baselines.leastConnections, baselines.liteLlm, baselines.liteLlmTuned];

/** Requests that meet the fault; the share is of these. */
const count = 1_000;
const good = ['good1', 'good2'].map((id) => machine(id, fastGpu));
const perSecond = capacityPerSecond(good, [chats]) / 2;

interface Ill extends PolicyRun {
  readonly share: number;
}

/** The first of three answers 503 in 50 ms, from request `from` on. */
async function fallIll({ name, client }: Policy, seed: number, from: number): Promise<Ill> {
  const state = { isIll: from === 0, asked: 0 };
  const faultAt: NonNullable<MachineSpec['faultAt']> = () => {
    if (!state.isIll) return undefined;
    state.asked += 1;
    return { kind: 'busy', afterMs: 50 };
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
    const runs: (readonly [Ill, Ill])[] = [];
    for (const policy of policies) runs.push([await fallIll(policy, seed, 0), await fallIll(policy, seed, 500)]);
    const rows = runs.map(([always, later]) => [
      always.name,
      ...[always, later].flatMap((run) => [shownShare(run.share), ...percentiles(run.sample.firsts()).slice(1), failedCount(run)]),
    ]);
    const head = ['Policy', 'its share', 'p95', 'p99', 'failed', 'its share, ill later', 'p95', 'p99', 'failed'];
    return {
      about,
      tables: [{ title: 'Attempts at the one that is ill, for each request', head, rows }],
      figures: runs.flatMap(figuresOf),
    };
  },
};

/** Less than 5% of 1,000. */
function figuresOf([always, later]: readonly [Ill, Ill]): Figure[] {
  if (!own.some(({ name }) => name === always.name)) return [];
  return [
    atMost(`share of a provider that only says 503, ${always.name}`, 4.9, always.share * 100, '%'),
    atMost(`share of one that begins to say 503, ${later.name}`, 4.9, later.share * 100, '%'),
  ];
}

const about = [
  `Three fast GPUs at half of what the two good ones can do; the first one refuses ${count.toLocaleString('en-US')} requests with 503 within 50 ms: from the first on, or after 500 that it served.`,
];
