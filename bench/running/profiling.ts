import { writeFile } from 'node:fs/promises';
import { type HeapProfiler, type Profiler, Session } from 'node:inspector/promises';

// Where the time, or the memory, of a process goes while it does something. In the process of the candidate.

export type ProfileKind = 'cpu' | 'heap';

/** `file` is what the developer tools of a browser open. */
export async function profiled(kind: ProfileKind, file: string, work: () => Promise<void>): Promise<void> {
  const session = new Session();
  session.connect();
  try {
    const profile = kind === 'cpu' ? await cpuOf(session, work) : await heapOf(session, work);
    await writeFile(file, JSON.stringify(profile));
  } finally {
    session.disconnect();
  }
}

async function cpuOf(session: Session, work: () => Promise<void>): Promise<Profiler.Profile> {
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 100 });
  await session.post('Profiler.start');
  await work();
  return (await session.post('Profiler.stop')).profile;
}

/** What was allocated, kept or not. */
async function heapOf(session: Session, work: () => Promise<void>): Promise<HeapProfiler.SamplingHeapProfile> {
  const collected = { includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true };
  await session.post('HeapProfiler.startSampling', { samplingInterval: 16_384, ...collected });
  await work();
  return (await session.post('HeapProfiler.stopSampling')).profile;
}

export interface TopRow {
  readonly name: string;
  /** Of all. */
  readonly share: number;
}

interface Frame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

/** Waiting, and the profiler itself. */
const notOwn: ReadonlySet<string> = new Set(['(idle)', 'post']);

/** The functions that took most by themselves. */
export function topOfCpu({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile, count: number): TopRow[] {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const sums = new Map<string, number>();
  samples.forEach((id, index) => {
    const frame = frames.get(id);
    if (frame !== undefined && !notOwn.has(frame.functionName)) add(sums, frame, timeDeltas[index] ?? 0);
  });
  return topOf(sums, count);
}

export function topOfHeap({ head }: HeapProfiler.SamplingHeapProfile, count: number): TopRow[] {
  const sums = new Map<string, number>();
  const visit = ({ callFrame, selfSize, children }: HeapProfiler.SamplingHeapProfileNode): void => {
    add(sums, callFrame, selfSize);
    children.forEach(visit);
  };
  visit(head);
  return topOf(sums, count);
}

function add(sums: Map<string, number>, { functionName, url, lineNumber }: Frame, value: number): void {
  const place = url === '' ? '' : `  ${url.replace(/^.*\/(?=node_modules|dist|bench)/, '')}:${lineNumber + 1}`;
  const name = `${functionName || '(anonymous)'}${place}`;
  sums.set(name, (sums.get(name) ?? 0) + value);
}

function topOf(sums: ReadonlyMap<string, number>, count: number): TopRow[] {
  const all = [...sums.values()].reduce((sum, value) => sum + value, 0);
  return [...sums]
    .sort(([, left], [, right]) => right - left)
    .slice(0, count)
    .map(([name, value]) => ({ name, share: value / all }));
}
