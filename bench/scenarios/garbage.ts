import { GCProfiler } from 'node:v8';
import { type Block, figure, measured } from './scenario.ts';

/** `measured`, and the bytes that `work` takes from the heap of JavaScript, most of which it leaves to the collector. */
export async function measuredWithGarbage(units: number, work: () => Promise<void>): Promise<Block> {
  const profiler = new GCProfiler();
  let usedBytes = process.memoryUsage().heapUsed;
  profiler.start();
  const block = await measured(units, work);
  const { statistics } = profiler.stop();
  let takenBytes = 0;
  // The heap grows between two collections alone.
  for (const { beforeGC, afterGC } of statistics) {
    takenBytes += beforeGC.heapStatistics.usedHeapSize - usedBytes;
    usedBytes = afterGC.heapStatistics.usedHeapSize;
  }
  takenBytes += process.memoryUsage().heapUsed - usedBytes;
  return { ...block, figures: { takenKb: takenBytes / 1_024 } };
}

export const kilobytesPerUnit = (block: Block): number => figure('takenKb')(block) / block.units;
