import { subscribe } from 'node:diagnostics_channel';

// Loaded before the program of every process that is measured, ours and the others alike.

/** What a process has used and done since its start. */
export interface Sample {
  readonly cpuMicros: number;
  readonly rssBytes: number;
  /** Requests that came to its server. */
  readonly served: number;
}

let served = 0;
subscribe('http.server.request.start', () => (served += 1));

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  const sample: Sample = { cpuMicros: user + system, rssBytes: process.memoryUsage.rss(), served };
  process.send?.(sample);
});
process.on('disconnect', () => process.exit(0));
