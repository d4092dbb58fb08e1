import { besideFetch, ofRouters, servers } from '../scenarios/index.ts';
import type { Run } from './run.ts';
import { baseTable, bundleTable, goalTable, importTable, plainTable, ratioTable } from './tables.ts';

export function versionsOf({ candidates }: Run): string {
  return [...new Set(candidates.flatMap(({ packages }) => packages))].join(', ');
}

/** What a run prints. */
export function report(run: Run): string {
  const half = besideFetch.findIndex(({ id }) => id === 'paced');
  const tables = [
    ratioTable(besideFetch.slice(0, half), run),
    ratioTable(besideFetch.slice(half), run),
    baseTable(besideFetch, run),
    plainTable(servers, run),
    plainTable(ofRouters, run),
    goalTable(run),
    importTable(run),
    bundleTable(run),
  ];
  return [`Node ${run.node}, ${versionsOf(run)}`, machineOf(run), ...tables.filter((text) => text !== '')].join('\n\n');
}

export function machineOf({ cpu, cores, isPinned, rounds, seconds, loadBefore, loadAfter }: Run): string {
  const where = isPinned ? 'server and clients on a core each' : 'nobody has a core of its own';
  return `${cpu}, ${cores} cores, ${where}, load ${loadBefore.toFixed(1)} before and ${loadAfter.toFixed(1)} at the end; ${rounds} rounds, ${seconds} s`;
}
