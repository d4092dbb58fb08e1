import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HeapProfiler, Profiler } from 'node:inspector';
import { gatewayCandidate } from '../candidates/index.ts';
import { startCandidate, startGateway, startServer } from './processes.ts';
import { type ProfileKind, topOfCpu, topOfHeap } from './profiling.ts';

export interface ProfileAsk {
  readonly kind: ProfileKind;
  readonly name: string;
  readonly scenario: string;
  /** Of the scenario, each as long as in a run; as many go before and are not looked at. */
  readonly blocks: number;
}

/** One candidate alone. Prints where its own time goes, and where the whole profile lies. */
export async function profile({ kind, name, scenario, blocks }: ProfileAsk): Promise<void> {
  const folder = new URL('../profiles/', import.meta.url).pathname;
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${name.replace(/[^\w-]+/g, '-')}.${scenario}.${kind}profile`);
  const server = await startServer();
  const gateway = name === gatewayCandidate ? await startGateway() : undefined;
  const candidate = await startCandidate({ name, places: server.places, gateway });
  try {
    if (!candidate.can.includes(scenario)) throw new Error(`${name} cannot do ${scenario}; it can do ${candidate.can.join(', ')}.`);
    await candidate.profile(scenario, { kind, file, blocks });
  } finally {
    await Promise.all([candidate.stop(), gateway?.stop()]);
    server.stop();
  }
  const text = await readFile(file, 'utf8');
  const top =
    kind === 'cpu'
      ? topOfCpu(JSON.parse(text) as Profiler.Profile, 25)
      : topOfHeap(JSON.parse(text) as HeapProfiler.SamplingHeapProfile, 25);
  console.log(`${name}, ${scenario}, ${blocks} blocks: ${kind === 'cpu' ? 'self time' : 'bytes allocated'}, as a share of all`);
  for (const row of top) console.log(`${(row.share * 100).toFixed(1).padStart(6)} %  ${row.name}`);
  console.log(file);
}
