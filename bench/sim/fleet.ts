import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { exactly } from '../../tests/campaign/_kit/job.ts';
import { baselines, ours } from './policies.ts';
import { capacityPerSecond, chats, rackOfEight } from './racks.ts';
import { type PolicyRun, runAll, type Scenario } from './scenario.ts';
import { policyHead, policyRow, shownCount } from './tables.ts';
import { openLoad } from './workload.ts';

const racks = 25;
const machines = Array.from({ length: racks }, (_, rack) => rackOfEight(() => ({}), `rack${rack}-`)).flat();
const perSecond = capacityPerSecond(machines, [chats]) * 0.7;

const own = [ours('expected-ttft'), ours('least-busy')];
const policies = [...own, baselines.roundRobin, baselines.random, baselines.leastConnections, baselines.liteLlm, baselines.liteLlmTuned];

export interface FleetTask {
  /** Of the list of policies. */
  readonly policy: number;
  readonly seed: number;
  readonly count: number;
}

export interface FleetResult {
  readonly row: readonly string[];
  readonly answered: number;
}

/** Called in a worker of its own: a million requests keep a processor busy for a while. */
export async function fleetRun({ policy, seed, count }: FleetTask): Promise<FleetResult> {
  const [run] = await runAll(policies.slice(policy, policy + 1), {
    machines,
    seed,
    workload: (clock, chance) => openLoad({ count, perSecond, models: ['small'], kinds: [chats] }, clock, chance),
  });
  return { row: policyRow(run as PolicyRun), answered: (run as PolicyRun).sample.answered() };
}

export const fleet: Scenario = {
  letter: 'c',
  title: 'A fleet of 200',
  isLong: true,
  async run({ seed, isQuick }) {
    // A million requests of ours take a quarter of an hour: SIM_FLEET=50000 asks for fewer, and the page says how many there were.
    const count = isQuick ? 5_000 : Number(process.env['SIM_FLEET'] ?? 1_000_000);
    const results: FleetResult[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      for (let policy = next++; policy < policies.length; policy = next++) results[policy] = await inWorker({ policy, seed, count });
    };
    await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work));
    const figures = own.map(({ name }, policy) => exactly(`requests answered by ${name}`, count, results[policy]?.answered ?? 0));
    const table = { title: 'At 70% of capacity: time to the first token', head: policyHead(machines), rows: results.map(({ row }) => row) };
    const about = `${racks} racks as in (b), one model, ${shownCount(count)} requests, ${perSecond.toFixed(0)} in a second, Poisson.`;
    return { about: [about], tables: [table], figures };
  },
};

function inWorker(task: FleetTask): Promise<FleetResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./fleet-worker.ts', import.meta.url), { workerData: task });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)));
  });
}
