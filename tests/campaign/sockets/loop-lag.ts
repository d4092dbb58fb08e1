/** How late the event loop of this process was, so that a late call can be told from a late process. */
export interface LoopLag {
  /**
   * The two longest latenesses together, in milliseconds, that were seen since `fromMs` (of `performance.now()`); up to a minute back.
   * Two, because a limit that wakes up late gives the loop one more turn before it judges.
   */
  worstSince(fromMs: number): number;
  stop(): void;
}

const tickMs = 10;
const rememberedMs = 60_000;

export function watchLoop(): LoopLag {
  let seen: { readonly atMs: number; readonly lagMs: number }[] = [];
  let lastMs = performance.now();
  const lagNow = (): number => Math.max(0, performance.now() - lastMs - tickMs);
  const timer = setInterval(() => {
    const atMs = performance.now();
    const lagMs = lagNow();
    lastMs = atMs;
    if (lagMs > 1) seen.push({ atMs, lagMs });
    if (seen.length > 20_000) seen = seen.filter((each) => atMs - each.atMs < rememberedMs).slice(-10_000);
  }, tickMs);
  return {
    worstSince(fromMs) {
      let [worstMs, nextMs] = [lagNow(), 0];
      for (let at = seen.length - 1; at >= 0; at--) {
        const { atMs, lagMs } = seen[at] as (typeof seen)[number];
        if (atMs < fromMs) break;
        if (lagMs > worstMs) [worstMs, nextMs] = [lagMs, worstMs];
        else nextMs = Math.max(nextMs, lagMs);
      }
      return worstMs + nextMs;
    },
    stop: () => clearInterval(timer),
  };
}
