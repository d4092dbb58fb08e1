import { atLeast, atMost, type Figure } from '../../tests/campaign/_kit/job.ts';
import { aboutDocuments } from './documents.ts';
import { baselines, equals, ours } from './policies.ts';
import { capacityPerSecond, fastGpu, machine } from './racks.ts';
import { type PolicyRun, runAll, runOf, type Scenario, type Setting, type Table } from './scenario.ts';
import { failedCount, imbalance, jain, percentiles, shownCount, shownMs, shownShare, utilisation } from './tables.ts';
import { type Conversations, conversations, meanOf } from './workload.ts';

const machines = Array.from({ length: 6 }, (_, index) => machine(`worker${index}`, fastGpu, { cacheTokens: 150_000 }));

const lengths: Pick<Conversations, 'model' | 'systemTokens' | 'turns' | 'question' | 'answer' | 'thinkMs'> = {
  model: 'small',
  systemTokens: 1_000,
  turns: { median: 8, spread: 0.6, most: 40 },
  question: { median: 250, spread: 0.6, most: 2_000 },
  answer: { median: 120, spread: 0.5, most: 600 },
  thinkMs: 8_000,
};

const byKey = ours('expected-ttft', 'session keys', { namesSessions: true });
const learned = ours('expected-ttft', 'prompts alone');
const forgetful = ours('least-busy', 'no affinity', { options: { intents: { fast: { ...equals.fast, affinity: false } } } });
const learnedByLoad = ours('least-busy', 'prompts alone');
const sticky = [byKey, learned, ours('least-busy', 'session keys', { namesSessions: true }), learnedByLoad];
const policies = [
  ...sticky,
  forgetful,
  baselines.prefixOnly,
  baselines.roundRobin,
  baselines.random,
  baselines.leastConnections,
  baselines.liteLlm,
  baselines.liteLlmTuned,
];

/** Where every turn finds all that was said before in a cache. */
const warmRequest = { intent: 'fast', share: 1, prompt: lengths.question, answer: lengths.answer };
const perSecondAtMost = capacityPerSecond(machines, [warmRequest]) / meanOf(lengths.turns);

const documents = { model: 'small', documents: 24, documentTokens: 3_000, question: lengths.question, answer: lengths.answer };
const byPrompt = [learned, learnedByLoad];
const forDocuments = [...byPrompt, forgetful, baselines.prefixOnly, baselines.roundRobin, baselines.leastConnections];

export const multiTurn: Scenario = {
  letter: 'f',
  title: 'Conversations of many turns',
  async run(setting) {
    const [few, many] = setting.isQuick ? [60, 500] : [600, 3_000];
    const low = await at(setting, 0.2, few);
    const high = await at(setting, 0.65, many);
    const beyond = await at(setting, 0.85, many);
    const hot = await onDocuments(setting, setting.isQuick ? 2_000 : 20_000);
    return {
      about: about(few, many),
      tables: [
        tableOf('At 20% of capacity', low),
        tableOf('At 65% of capacity', high),
        tableOf('At 85% of capacity', beyond),
        tableOf('Questions about 24 documents, at 85% of capacity', hot),
      ],
      figures: [
        ...sticky.flatMap((policy) => figuresOf(runOf(low, policy), runOf(high, policy), runOf(high, forgetful))),
        ...byPrompt.flatMap((policy) => loadFigures(runOf(hot, policy), runOf(hot, forgetful), 'where most ask about few documents')),
      ],
    };
  },
};

function at({ seed }: Setting, share: number, sessions: number): Promise<PolicyRun[]> {
  const load = { ...lengths, sessions, perSecond: perSecondAtMost * share };
  return runAll(policies, { machines, seed, workload: (clock, chance) => conversations(load, clock, chance) });
}

function onDocuments({ seed }: Setting, count: number): Promise<PolicyRun[]> {
  const load = { ...documents, count, perSecond: capacityPerSecond(machines, [warmRequest]) * 0.85 };
  return runAll(forDocuments, { machines, seed, workload: (clock, chance) => aboutDocuments(load, clock, chance) });
}

function tableOf(when: string, runs: readonly PolicyRun[]): Table {
  const rows = runs.map((run) => {
    const { name, sample, machines: all, spanMs } = run;
    const queues = sample.queues();
    return [
      name,
      shownShare(sample.hitShare()),
      ...percentiles(sample.firsts()),
      ...[queues.percentile(0.95), queues.percentile(0.99)].map(shownMs),
      shownShare(utilisation(all, spanMs)),
      imbalance(all, spanMs).toFixed(2),
      jain(sample.waitsBySession()).toFixed(2),
      failedCount(run),
    ];
  });
  const head = ['Policy', 'hits', 'p50', 'p95', 'p99', 'queue p95', 'queue p99', 'used', 'busiest ÷ mean', 'fairness of waits', 'failed'];
  return { title: `${when}: cache hits, time to the first token, time in the queue`, head, rows };
}

function figuresOf(low: PolicyRun, high: PolicyRun, reference: PolicyRun): Figure[] {
  return [
    atLeast(`cache hits at low load, ${low.name}`, 90, low.sample.hitShare() * 100, '%'),
    ...loadFigures(high, reference, 'at high load'),
  ];
}

function loadFigures(run: PolicyRun, reference: PolicyRun, when: string): Figure[] {
  return [
    atMost(`p95 of the queue ${when}, by that of least-busy without affinity, ${run.name}`, 1.2, queueP95(run) / queueP95(reference)),
    atMost(`busiest worker by the mean ${when}, ${run.name}`, 1.5, imbalance(run.machines, run.spanMs)),
  ];
}

function queueP95({ sample }: PolicyRun): number {
  return sample.queues().percentile(0.95);
}

function about(few: number, many: number): string[] {
  return [
    `Six equal GPUs of four slots, each with 150,000 tokens of KV cache. ${shownCount(few)} conversations at 20% of capacity, ${shownCount(many)} at 65% and at 85%: some 8 turns each, at most 40, that all begin with the same 1,000 tokens, and 8 s to think after each answer. Capacity is that of caches that hold everything.`,
    'A hit is a token that was computed somewhere before and is found where the request goes, from the second turn on.',
    'The next turn comes when the answer is there, so turns come later where answers do; what is asked is the same for all.',
    'At 65% whoever loses most of the caches has the workers nearly full, and that is the high load of the figures. At 85% there is no room for misses: where many turns are computed anew, the workers have more to do than they can.',
    'Last, single questions with a document of 3,000 tokens before each, three in ten about the same one: more than a worker can serve. Whoever follows caches alone buries the one that has read it.',
    'Fairness of waits is Jain’s index over the mean waits of all conversations: 1 where all wait alike.',
  ];
}
