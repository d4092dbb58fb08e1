import { expect, test } from 'vitest';
import { type Job, shortcomings } from './job.ts';

/** Fixed, so that a failure of one run is a failure of the next; the long form takes others. */
export const quickSeed = 20_261_121;

/** The quick form of a job as a test: every figure has to hold, and every figure has to be there. */
export function proves(job: Job, timeoutMs = 60_000): void {
  test(job.about, { timeout: timeoutMs }, async () => {
    const report = await job.run('quick', quickSeed);
    expect(shortcomings(job, report)).toEqual([]);
  });
}
