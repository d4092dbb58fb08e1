/**
 * How much longer one character takes in 64 KiB than in 8 KiB: about 1 for linear work, 8 for quadratic. The best of
 * several runs, so that a busy machine does not matter.
 */
export function slowdown(work: (chars: number) => unknown): number {
  const small = 8 * 1024;
  const large = 64 * 1024;
  best(() => work(large), 2);
  const smallMs = best(() => repeat(8, () => work(small)), 7);
  const largeMs = best(() => work(large), 7);
  // What takes no longer than reading the input cannot have grown; the clock is too coarse for it.
  const scanMs = best(() => repeat(8, () => plainScan(large)), 7);
  return largeMs <= scanMs ? 1 : largeMs / smallMs;
}

function best(run: () => unknown, times: number): number {
  let bestMs = Number.POSITIVE_INFINITY;
  for (let time = 0; time < times; time++) {
    const startedMs = performance.now();
    run();
    bestMs = Math.min(bestMs, performance.now() - startedMs);
  }
  return bestMs;
}

function repeat(times: number, run: () => unknown): void {
  for (let time = 0; time < times; time++) run();
}

function plainScan(chars: number): number {
  const text = 'x'.repeat(chars);
  let sum = 0;
  for (let at = 0; at < chars; at++) sum += text.charCodeAt(at);
  return sum;
}
