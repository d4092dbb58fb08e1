/** Time, as the engine sees it. Everything that waits or measures goes through one of these, so tests can run it by hand. */
export interface Clock {
  /** Milliseconds that only ever grow; their origin means nothing. */
  nowMs(): number;
  /** Milliseconds since 1970. Only for reading HTTP dates and stamping answers: it may jump. */
  wallMs(): number;
  /** Calls back once after `delayMs`; the result cancels it. `background` timers do not keep the process alive. */
  schedule(delayMs: number, callback: () => void, background?: boolean): () => void;
}

/** The longest delay a platform timer holds; a longer one fires at once (2^31 - 1 ms, about 24.8 days). */
export const maxTimerMs = 2_147_483_647;

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  schedule(delayMs, callback, background = false) {
    const timer: unknown = setTimeout(callback, timerDelay(delayMs));
    if (background) unref(timer);
    return () => clearTimeout(timer as ReturnType<typeof setTimeout>);
  },
};

/** Numbers from 0 (inclusive) to 1 (exclusive): for jitter and back-off, never for ids. */
export const systemRandom: () => number = Math.random;

/** Waits, or rejects at once with the signal's reason when it aborts. */
export function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const onAbort = (): void => {
      cancel();
      reject(signal.reason as Error);
    };
    const cancel = clock.schedule(delayMs, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** A delay that a platform timer can hold: NaN and negatives become 0, everything longer than `maxTimerMs` becomes that. */
export function timerDelay(delayMs: number): number {
  return delayMs > 0 ? Math.min(delayMs, maxTimerMs) : 0;
}

/** Node's timers are objects with `unref`; browsers and Workers return numbers, which keep nothing alive. */
function unref(timer: unknown): void {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer) (timer as { unref(): void }).unref();
}
