import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { maxTimerMs, sleep, systemClock, timerDelay } from '../../src/lib/clock.ts';
import { outcomeOf } from '../_kit/fake-router.ts';
import { testClock } from '../_kit/test-clock.ts';

test.each([
  [5, 5],
  [0, 0],
  [-1, 0],
  [Number.NaN, 0],
  [Infinity, maxTimerMs],
  [2 ** 31, maxTimerMs],
])('a delay of %d ms becomes %d ms, which a platform timer can hold', (given, held) => {
  expect(timerDelay(given)).toBe(held);
});

describe('the clock of the platform', () => {
  test('goes forward and calls back', async () => {
    const startMs = systemClock.nowMs();
    await new Promise<void>((resolve) => void systemClock.schedule(1, resolve));
    expect(systemClock.nowMs()).toBeGreaterThan(startMs);
    expect(systemClock.wallMs()).toBeGreaterThan(1_700_000_000_000);
  });

  test('does not call back what was cancelled, nor at once what is due in a month', async () => {
    let calls = 0;
    const cancel = systemClock.schedule(1, () => calls++);
    const cancelMonth = systemClock.schedule(2_678_400_000, () => calls++, true);
    cancel();
    await new Promise<void>((resolve) => void systemClock.schedule(10, resolve));
    cancelMonth();
    expect(calls).toBe(0);
  });
});

describe('sleep', () => {
  test('ends in time and leaves no listener', async () => {
    const clock = testClock();
    const { signal } = new AbortController();
    const slept = outcomeOf(sleep(clock, 50, signal));
    await clock.advance(49);
    expect(slept.settled).toBe(false);
    await clock.advance(1);
    expect(slept.settled).toBe(true);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('rejects with the reason at once when it is aborted, and leaves no timer', async () => {
    const clock = testClock();
    const controller = new AbortController();
    const slept = outcomeOf(sleep(clock, 50, controller.signal));
    controller.abort('why');
    await clock.settle();
    expect(slept.error).toBe('why');
    expect(clock.timers()).toBe(0);
  });

  test('does not begin where the signal has aborted before', async () => {
    const clock = testClock();
    await expect(sleep(clock, 50, AbortSignal.abort('why'))).rejects.toBe('why');
    expect(clock.delays).toEqual([]);
  });
});
