import pTimeout from 'p-timeout';
import type { Clock } from './clock.ts';

/** The promise, or `error` after `limitMs`: for work of others that cannot be aborted, such as hooks and key providers. */
export function bounded<Value>(promise: Promise<Value>, limitMs: number, error: Error, clock: Clock): Promise<Value> {
  let cancel: (() => void) | undefined;
  return pTimeout(promise, {
    milliseconds: limitMs,
    message: error,
    // p-timeout asks for the platform's pair; ours runs on the clock, so that tests can run it by hand.
    customTimers: {
      setTimeout: ((callback: () => void, delayMs: number) => {
        cancel = clock.schedule(delayMs, callback);
        return 1;
      }) as unknown as typeof setTimeout,
      clearTimeout: (() => cancel?.()) as typeof clearTimeout,
    },
  });
}
