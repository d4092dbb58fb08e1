import type { Job } from './_kit/job.ts';

/** Every job of the campaign, in the order in which they run. Loaded one at a time, each in a process of its own. */
export const jobs: Readonly<Record<string, () => Promise<Job>>> = {
  hostile: async () => (await import('./hostile/job.ts')).job,
  leak: async () => (await import('./leak/job.ts')).job,
  redirects: async () => (await import('./redirects/job.ts')).job,
  stall: async () => (await import('./stall/job.ts')).job,
  readers: async () => (await import('./readers/job.ts')).job,
  breaker: async () => (await import('./breaker/job.ts')).job,
  parsing: async () => (await import('./parsing/job.ts')).job,
  simulator: async () => (await import('./simulator/job.ts')).job,
  kills: async () => (await import('./kills/job.ts')).job,
  aborts: async () => (await import('./aborts/job.ts')).job,
  herd: async () => (await import('./herd/job.ts')).job,
  sockets: async () => (await import('./sockets/job.ts')).job,
  load: async () => (await import('./load/job.ts')).job,
  fleet: async () => (await import('./fleet/job.ts')).job,
  'mutation-breaker': async () => (await import('./mutation/job.ts')).mutationJob('breaker'),
  'mutation-attempts': async () => (await import('./mutation/job.ts')).mutationJob('attempts'),
  'mutation-permits': async () => (await import('./mutation/job.ts')).mutationJob('permits'),
  'mutation-waiting': async () => (await import('./mutation/job.ts')).mutationJob('waiting'),
  'mutation-streams': async () => (await import('./mutation/job.ts')).mutationJob('streams'),
  'mutation-stream-formats': async () => (await import('./mutation/job.ts')).mutationJob('stream-formats'),
  'mutation-classification': async () => (await import('./mutation/job.ts')).mutationJob('classification'),
  'mutation-redaction': async () => (await import('./mutation/job.ts')).mutationJob('redaction'),
  'mutation-gates': async () => (await import('./mutation/job.ts')).mutationJob('gates'),
  'mutation-lanes': async () => (await import('./mutation/job.ts')).mutationJob('lanes'),
  'mutation-routing': async () => (await import('./mutation/job.ts')).mutationJob('routing'),
  'mutation-machines': async () => (await import('./mutation/job.ts')).mutationJob('machines'),
};

/** How long a job may take. The tests of one area run once for each change in it, which has no room in the ten minutes of the others. */
export function limitMsOf(name: string): number {
  return name.startsWith('mutation-') ? 1_800_000 : 600_000;
}
