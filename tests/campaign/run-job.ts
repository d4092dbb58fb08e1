import { writeFile } from 'node:fs/promises';
import { jobs } from './jobs.ts';
import type { Size } from './_kit/job.ts';

// One job in a process of its own: node --expose-gc tests/campaign/run-job.ts NAME SIZE SEED FILE
const [name = '', size = 'long', seed = '1', file = ''] = process.argv.slice(2);
const load = jobs[name];
if (load === undefined) throw new Error(`there is no job ${name}`);
const job = await load();
const startMs = performance.now();
const report = await job.run(size as Size, Number(seed));
const seconds = Math.round((performance.now() - startMs) / 100) / 10;
await writeFile(
  file,
  JSON.stringify({ name, about: job.about, size, seed: Number(seed), seconds, expected: job.figures, ...report }, null, 1),
);
// Nothing is closed by force: a job that leaves a handle behind runs into its time limit.
