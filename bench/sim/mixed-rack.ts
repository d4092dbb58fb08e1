import { atMost, type Figure } from '../../tests/campaign/_kit/job.ts';
import { startMs } from './clock.ts';
import { baselines, ours } from './policies.ts';
import { capacityPerSecond, chats, milderRack, rackOfEight, weightOf } from './racks.ts';
import type { Cell } from './run.ts';
import { type PolicyRun, runAll, runOf, type Scenario, type Setting, type Table } from './scenario.ts';
import { policyTable, shownCount } from './tables.ts';
import { openLoad } from './workload.ts';

const expected = ours('expected-ttft');
const policies = [
  expected,
  ours('least-busy'),
  ours('weighted', 'by what each can do', { provider: weightOf }),
  baselines.roundRobin,
  baselines.random,
  baselines.leastConnections,
  baselines.liteLlm,
  baselines.liteLlmTuned,
];

const models = ['small', 'medium', 'large'];
const oneModel = rackOfEight();
const milder = milderRack();

/** Two models have room on each; what a machine holds at the start goes round. */
const threeModels = rackOfEight((index) => ({ memoryModels: 2, loaded: [0, 1].map((offset) => models[(index + offset) % 3] as string) }));

/** A machine that is gone for a while and breaks off what it does, and one that fails one request in ten. */
const outage = { fromMs: 120_000, untilMs: 240_000 };
const inTrouble = rackOfEight((index) => {
  if (index === 0) return { faultAt: (nowMs) => (isOut(nowMs) ? { kind: 'refused', afterMs: 2 } : undefined) };
  return index === 1 ? { faultAt: (nowMs) => (isTenth(nowMs) ? { kind: 'error', afterMs: 300 } : undefined) } : {};
});

function isOut(nowMs: number): boolean {
  return nowMs >= startMs + outage.fromMs && nowMs < startMs + outage.untilMs;
}

/** By the microsecond: no state that would be another one for the next policy. */
function isTenth(nowMs: number): boolean {
  return (Math.imul(Math.floor(nowMs * 1_000), 2_654_435_761) >>> 0) % 10 === 0;
}

export const mixedRack: Scenario = {
  letter: 'b',
  title: 'A mixed rack of 8',
  async run(setting) {
    const tables: Table[] = [];
    const figures: Figure[] = [];
    const count = setting.isQuick ? 1_500 : 20_000;
    for (const percent of [30, 70, 90]) {
      const runs = await oneModelAt(setting, percent, count);
      tables.push(policyTable(`One model, at ${percent}% of capacity: time to the first token`, runs));
      figures.push(...figuresOf(runs, `at ${percent}%`));
    }
    for (const percent of [30, 70, 90]) {
      const runs = await oneModelAt(setting, percent, count, { machines: milder });
      tables.push(policyTable(`A milder rack, at ${percent}% of capacity: time to the first token`, runs));
      figures.push(...figuresOf(runs, `on the milder rack, at ${percent}%`));
    }
    const inBursts = await oneModelAt(setting, 40, count, { bursts: true });
    tables.push(policyTable('One model, at 40% of capacity, in bursts: time to the first token', inBursts));
    const breaks = [{ machine: 0, atMs: outage.fromMs }];
    const troubled = await oneModelAt(setting, 50, count, { machines: inTrouble, breaks });
    tables.push(policyTable('One model, at 50% of capacity, an outage and errors: time to the first token', troubled));
    tables.push(policyTable('Three models, at 15% of capacity: time to the first token', await threeModelsAt(setting, 15, count)));
    return { about: about(count), tables, figures };
  },
};

interface Way extends Partial<Pick<Cell, 'machines' | 'breaks'>> {
  readonly bursts?: boolean;
}

function oneModelAt(
  { seed }: Setting,
  percent: number,
  count: number,
  { bursts = false, machines = oneModel, breaks = [] }: Way = {},
): Promise<PolicyRun[]> {
  const perSecond = (capacityPerSecond(machines, [chats]) * percent) / 100;
  return runAll(policies, {
    machines,
    breaks,
    seed: seed + percent,
    workload: (clock, chance) => openLoad({ count, perSecond, bursts, models: ['small'], kinds: [chats] }, clock, chance),
  });
}

function threeModelsAt({ seed }: Setting, percent: number, count: number): Promise<PolicyRun[]> {
  const perSecond = (capacityPerSecond(threeModels, [chats]) * percent) / 100;
  return runAll(policies, {
    machines: threeModels,
    seed: seed + percent,
    workload: (clock, chance) => openLoad({ count, perSecond, models, kinds: [chats] }, clock, chance),
  });
}

function figuresOf(runs: readonly PolicyRun[], where: string): Figure[] {
  const own = p99(runOf(runs, expected));
  return [
    atMost(`p99 of expected-ttft, by that of round-robin, ${where}`, 0.6, own / p99(runOf(runs, baselines.roundRobin))),
    atMost(`p99 of expected-ttft, by that of least-connections, ${where}`, 0.85, own / p99(runOf(runs, baselines.leastConnections))),
  ];
}

function p99({ sample }: PolicyRun): number {
  return sample.firsts().percentile(0.99);
}

function about(count: number): string[] {
  return [
    'Three fast GPUs, two slow ones, a fast one behind 80 ms, two CPU boxes; all are equals (`order: [["gpu", "remote", "cpu", "cloud"]]`).',
    `${shownCount(count)} requests in each table, Poisson or in bursts (three times the mean for 20 s, half of it for 80 s). Capacity is what the slots could serve if none were ever idle.`,
    'Three models are asked for by Zipf’s law, and a machine has memory for two: what is not there is loaded, which takes 6 to 15 s.',
    'The outage takes the first fast GPU from minute 2 to minute 4: what runs there breaks off, and connections are refused. The second one says 500 to one request in ten.',
    'On the milder rack the slowest machines take four times as long as the fastest, not forty times, so that round-robin overloads nobody at 30%.',
    'Where a policy sends a CPU box more than it can do, the wait there grows as long as the run lasts.',
  ];
}
