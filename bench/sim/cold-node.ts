import { exactly } from '../../tests/campaign/_kit/job.ts';
import { baselines, ours, type Policy } from './policies.ts';
import { fastGpu, machine } from './racks.ts';
import { newRequest, type SimRequest } from './request.ts';
import { runCell } from './run.ts';
import type { Scenario } from './scenario.ts';
import { shownMs } from './tables.ts';
import type { Workload } from './workload.ts';

/** One question: so many calls of so long stand at the warm node, and the other one would have to load the model for so long. */
interface Case {
  readonly serviceMs: number;
  readonly queued: number;
  readonly loadMs: number;
}

const expected = ours('expected-ttft');
const policies = [
  expected,
  ours('least-busy'),
  baselines.leastConnections,
  baselines.liteLlm,
  baselines.liteLlmTuned,
  baselines.roundRobin,
];
const promptTokens = 200;

/** Near a tie either is right. */
const margin = 1.25;

const cases: readonly Case[] = [2_000, 6_000, 15_000].flatMap((serviceMs) =>
  [1, 2, 4].flatMap((queued) => [1_000, 4_000, 12_000, 30_000].map((loadMs) => ({ serviceMs, queued, loadMs }))),
);
const clear = cases.filter((each) => Math.max(waitMs(each) / each.loadMs, each.loadMs / waitMs(each)) >= margin);

/** The first of those that stand there is half done. */
function waitMs({ serviceMs, queued }: Case): number {
  return (queued - 0.5) * serviceMs;
}

/** Where the request in question goes: to the node that has the model, or to the one that would have to load it, at once or in the end. */
async function choiceOf(
  { client }: Policy,
  { serviceMs, queued, loadMs }: Case,
  seed: number,
): Promise<'warm' | 'cold' | 'cold, too late'> {
  const answerTokens = Math.round((serviceMs - fastGpu.baseMs - promptTokens * fastGpu.prefillMsPerToken) / fastGpu.decodeMsPerToken);
  const common = { slots: 1, memoryModels: 1, loadMs };
  const asked: SimRequest[] = [];
  // Each node has served the model before, and the cold one was given another since.
  const pauseMs = Math.max(loadMs, serviceMs) * 2 + 11_000;
  const warmUp = ['warm', 'cold', 'warm', 'warm', 'warm'].map((only, index) => ({ only, model: 'asked', atMs: index * pauseMs }));
  const away = { only: 'cold', model: 'other', atMs: 5 * pauseMs };
  const beginsMs = 7 * pauseMs;
  const standing = Array.from({ length: queued }, () => ({ only: 'warm', model: 'asked', atMs: beginsMs }));
  const script = [...warmUp, away, ...standing, { model: 'asked', atMs: beginsMs + serviceMs / 2 }];
  await runCell({
    machines: [machine('warm', fastGpu, { ...common, loaded: ['asked'] }), machine('cold', fastGpu, { ...common, loaded: ['other'] })],
    client,
    seed,
    workload(clock): Workload {
      let settled = 0;
      return {
        begin(send) {
          for (const [id, { atMs, ...what }] of script.entries()) {
            const all = { id, intent: 'fast', promptTokens, answerTokens, session: undefined, sharedTokens: 0 };
            const messages = [{ role: 'user' as const, content: `${id} `.padEnd(promptTokens * 4, 'word ') }];
            clock.at(atMs, () => {
              const request = newRequest({ ...all, ...what, arrivedMs: clock.nowMs(), messages });
              asked.push(request);
              send(request);
            });
          }
        },
        settled: () => void (settled += 1),
        isOver: () => settled === script.length,
      };
    },
  });
  const { machine: chosen, startedMs, arrivedMs } = asked.at(-1) as SimRequest;
  if (chosen === 0) return 'warm';
  return startedMs === arrivedMs ? 'cold' : 'cold, too late';
}

export const coldNode: Scenario = {
  letter: 'e',
  title: 'The warm node is busy, the idle one is cold',
  async run({ seed }) {
    const rows: string[][] = [];
    let right = 0;
    for (const policy of policies) {
      const wrong: Case[] = [];
      for (const each of clear) {
        const should = waitMs(each) > each.loadMs ? 'cold' : 'warm';
        if ((await choiceOf(policy, each, seed)) !== should) wrong.push(each);
      }
      if (policy === expected) right = clear.length - wrong.length;
      rows.push([policy.name, `${clear.length - wrong.length} of ${clear.length}`, wrong.map(shownCase).join('; ')]);
    }
    const head = ['Policy', 'right', 'wrong where: wait at the warm one, load of the cold one'];
    const figures = [exactly('decisions of expected-ttft between a queue and a load that were right', clear.length, right)];
    return { about, tables: [{ title: 'Where the next request goes', head, rows }], figures };
  },
};

function shownCase(each: Case): string {
  return `${shownMs(waitMs(each))}, ${shownMs(each.loadMs)}`;
}

const about = [
  'Two nodes with one slot and memory for one model. Some calls stand at the one that has the model; the other one is idle, and would have to load it first.',
  `A decision is right where the request goes to the cold node, and at once, if, and only if, the wait at the warm one is longer than the load. ${cases.length - clear.length} of ${cases.length} cases are left out, where the two differ by less than a quarter.`,
];
