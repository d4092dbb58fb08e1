import type { Job } from './_kit/job.ts';

/** Every job of the campaign, in the order in which they run. Loaded one at a time, each in a process of its own. */
export const jobs: Readonly<Record<string, () => Promise<Job>>> = {};
