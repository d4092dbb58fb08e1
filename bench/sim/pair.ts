import { baselines, ours } from './policies.ts';
import { chats, cpuBox, fastGpu, machine } from './racks.ts';
import { runAll, type Scenario, type Table } from './scenario.ts';
import { failedCount, percentiles, shownCount, shownMs, shownShare, utilisation, wasted } from './tables.ts';
import type { PolicyRun } from './scenario.ts';
import { openLoad, type RequestKind } from './workload.ts';

/** Batch work: a document of some 1,500 tokens, a summary of some 300. */
const summaries: RequestKind = {
  intent: 'heavy',
  share: 0.02,
  prompt: { median: 1_500, spread: 0.4, most: 6_000 },
  answer: { median: 300, spread: 0.4, most: 1_500 },
};
const kinds = [{ ...chats, share: 0.98 }, summaries];
const machines = [machine('gpu', fastGpu, { slots: 2 }), machine('cpu', cpuBox)];

const policies = [
  ours('priority', 'as it comes', { options: { intents: {} } }),
  ours('expected-ttft', 'fast on either', { options: { intents: { fast: { order: [['gpu', 'cpu']] }, heavy: { balance: 'priority' } } } }),
  baselines.roundRobin,
  baselines.random,
  baselines.leastConnections,
  baselines.liteLlm,
  baselines.liteLlmTuned,
];

export const pair: Scenario = {
  letter: 'a',
  title: 'A GPU and a CPU',
  async run({ seed, isQuick }) {
    const count = isQuick ? 1_500 : 20_000;
    const runs = await runAll(policies, {
      machines,
      seed,
      workload: (clock, chance) => openLoad({ count, perSecond: 0.35, bursts: true, models: ['small'], kinds }, clock, chance),
    });
    return { about: about(count), tables: [tableOf(runs)], figures: [] };
  },
};

function tableOf(runs: readonly PolicyRun[]): Table {
  const rows = runs.map((run) => {
    const { name, sample, machines: all, spanMs } = run;
    const used = all.map((each) => shownShare(utilisation([each], spanMs)));
    const heavy = sample.firsts('heavy');
    return [
      name,
      ...percentiles(sample.firsts('fast')),
      ...[heavy.percentile(0.5), heavy.highest()].map(shownMs),
      ...used,
      shownShare(wasted(all)),
      failedCount(run),
    ];
  });
  const head = ['Policy', 'fast p50', 'fast p95', 'fast p99', 'heavy p50', 'heavy longest', 'GPU used', 'CPU used', 'wasted', 'failed'];
  return { title: 'Time to the first token', head, rows };
}

function about(count: number): string[] {
  return [
    'A fast GPU with two slots and a CPU box with one, as many have them at home.',
    `${shownCount(count)} requests, 0.35 in a second, in bursts; one in fifty is batch work (\`intent: 'heavy'\`), five times as long.`,
    'The router’s defaults know where each kind belongs: `fast` goes to the GPU first, `heavy` to the CPU. The others know no kinds.',
  ];
}
