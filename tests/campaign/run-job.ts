import { writeFile } from 'node:fs/promises';
import { jobs } from './jobs.ts';
import type { Size } from './_kit/job.ts';
import type { RunIdentity, Written } from './_kit/run-identity.ts';

// One job in a process of its own: node --expose-gc tests/campaign/run-job.ts NAME SIZE SEED FILE [RUN]
// RUN, as JSON: of which run of the campaign it is a part. Without one, its report stands for itself.
const [name = '', size = 'long', seed = '1', file = '', run = ''] = process.argv.slice(2);
const load = jobs[name];
if (load === undefined) throw new Error(`there is no job ${name}`);
const job = await load();
const startMs = performance.now();
const report = await job.run(size as Size, Number(seed));
const seconds = Math.round((performance.now() - startMs) / 100) / 10;
const written: Written = {
  name,
  about: job.about,
  size,
  seed: Number(seed),
  seconds,
  expected: job.figures,
  ...report,
  ...(run !== '' && { run: JSON.parse(run) as RunIdentity }),
};
await writeFile(file, JSON.stringify(written, null, 1));
// Nothing is closed by force: a job that leaves a handle behind runs into its time limit.
