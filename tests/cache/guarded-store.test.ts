import { describe, expect, test } from 'vitest';
import { type GuardedStore, guardStore } from '../../src/cache/guarded-store.ts';
import { outcomeOf } from '../_kit/fake-router.ts';
import { type TestClock, testClock } from '../_kit/test-clock.ts';

interface Scene {
  readonly clock: TestClock;
  readonly store: GuardedStore;
  /** What the store was asked. */
  readonly asked: string[];
  /** How often trouble was told of. */
  readonly told: () => number;
}

/** A guarded store that does with each question what `answer` says. */
function scene(answer: () => unknown): Scene {
  const clock = testClock();
  const asked: string[] = [];
  let told = 0;
  const ask = (what: string) => (): unknown => {
    asked.push(what);
    return answer();
  };
  const options = { ttlMs: 1_000, timeoutMs: 50, clock, onTrouble: () => void (told += 1) };
  return { clock, asked, told: () => told, store: guardStore({ ...options, store: { get: ask('get'), set: ask('set') } }) };
}

describe('a store in trouble', () => {
  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('redis://user:secret@host is gone');
      },
    ],
    ['rejects', () => Promise.reject(new Error('gone'))],
  ])('that %s has nothing, and is told of once', async (_how, answer) => {
    const { store, told } = scene(answer);
    expect(await store.read('k')).toBeUndefined();
    await store.write('k', 'v');
    expect(told()).toBe(1);
  });

  test('that hangs is waited for no longer than the limit', async () => {
    const { clock, store } = scene(() => new Promise(() => undefined));
    const reading = outcomeOf(store.read('k'));
    await clock.advance(49);
    expect(reading.settled).toBe(false);
    await clock.advance(1);
    expect(reading).toEqual({ settled: true, value: undefined });
  });

  test('that fails three times in a row is left alone for ten seconds, and then asked by one', async () => {
    let isWell = false;
    const { clock, store, asked } = scene(() => {
      if (!isWell) throw new Error('gone');
      return 'v';
    });
    for (let call = 0; call < 5; call++) await store.read('k');
    expect(asked).toHaveLength(3);
    await clock.advance(9_999);
    await store.write('k', 'v');
    expect(asked).toHaveLength(3);
    await clock.advance(1);
    await Promise.all([store.read('k'), store.read('k'), store.read('k')]);
    expect(asked).toHaveLength(4);
    await clock.advance(10_000);
    isWell = true;
    expect(await store.read('k')).toBe('v');
    expect(await Promise.all([store.read('k'), store.read('k')])).toEqual(['v', 'v']);
  });

  test('that fails now and then goes on being asked', async () => {
    let call = 0;
    const { store, asked } = scene(() => {
      call += 1;
      if (call % 3 !== 0) throw new Error('gone');
      return 'v';
    });
    for (let read = 0; read < 9; read++) await store.read('k');
    expect(asked).toHaveLength(9);
  });
});

test('a store that is well is asked with the key, the value and the time to live', async () => {
  const calls: unknown[] = [];
  const clock = testClock();
  const kept = { get: (...all: unknown[]) => calls.push(['get', ...all]), set: (...all: unknown[]) => calls.push(['set', ...all]) };
  const store = guardStore({ store: kept, ttlMs: 1_000, timeoutMs: 50, clock, onTrouble: () => undefined });
  await store.read('k');
  await store.write('k', 'v');
  expect(calls).toEqual([
    ['get', 'k'],
    ['set', 'k', 'v', 1_000],
  ]);
  expect(clock.timers()).toBe(0);
});
