import { systemText } from './cpu-files.ts';

/** Bytes that this process may take now without pushing others out; undefined where that is not known. */
export type FreeMemory = () => Promise<number | undefined>;

/**
 * What the system counts as available, which includes what it can give up at once, such as cached files; in a container, what is left
 * of its limit. macOS counts only what lies idle, which is next to nothing on any of its machines, so nothing is known there.
 */
export const freeMemory: FreeMemory = async () => {
  const { process } = globalThis;
  const available = process?.platform === 'darwin' ? undefined : process?.availableMemory?.();
  if (available === undefined) return undefined;
  const [machine, groups] = [await systemText('/proc/meminfo'), await systemText('/proc/self/cgroup')];
  if (machine === undefined) return available;
  for (const folder of groupFolders(groups ?? '')) {
    const statistics = await systemText(`${folder}/memory.stat`);
    if (statistics !== undefined) return withCache(available, statistics, machine);
  }
  return available;
};

/** Where the statistics of this process's control group may lie. In a container they often lie at the root, whatever path it is told. */
export function groupFolders(groups: string): readonly string[] {
  const first = /^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:(.*)$/m.exec(groups)?.[1] ?? '';
  const second = /^0::(.*)$/m.exec(groups)?.[1] ?? '';
  return [`memory${first}`, 'memory', second.slice(1), ''].map((path) => `/sys/fs/cgroup/${path}`);
}

/**
 * Of a group's limit, its cached files count as used, although they are given up before the limit is met. What is left of the limit is
 * then no more than what the machine has.
 */
export function withCache(available: number, statistics: string, machine: string): number {
  const bytes = (name: string): number => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(statistics)?.[1] ?? 0);
  // Version 1 counts the groups inside of this one apart, with a prefix.
  const cached = bytes('total_active_file') + bytes('total_inactive_file') || bytes('active_file') + bytes('inactive_file');
  const kibibytes = Number(/^MemAvailable:\s+(\d+) kB$/m.exec(machine)?.[1] ?? NaN);
  return Number.isNaN(kibibytes) ? available : Math.min(available + cached, kibibytes * 1_024);
}
