import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createAllowances } from '../../src/router/allowances.ts';
import { type TestClock, testClock } from '../_kit/test-clock.ts';
import { type Shelf, shelf, worstExcess } from './metering-kit.ts';

/** Some processes that spend of one limit, one at a time where there is leave. */
function group(clock: TestClock, count: number, perMinute: number, held: Shelf | undefined) {
  const all = Array.from({ length: count }, () => {
    const allowances = createAllowances(clock, held?.meters(), () => count);
    return { allowances, one: allowances.of('limit', perMinute) };
  });
  const spentMs: number[] = [];
  return {
    all,
    spentMs,
    /** True where it was let through. */
    ask(index: number, tokens = 1): boolean {
      const { allowances, one } = all[index % count] as (typeof all)[number];
      if (allowances.waitMs(one, tokens) > 0) {
        allowances.noteRefused(one, tokens);
        return false;
      }
      allowances.spend(one, tokens);
      spentMs.push(clock.nowMs());
      return true;
    },
  };
}

/** Pauses before each call: bursts, and stretches in which nobody calls. */
const pauses = fc.array(
  fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 400 }), fc.integer({ min: 1_000, max: 9_000 })),
  {
    minLength: 50,
    maxLength: 400,
  },
);

describe('one process', () => {
  test('never spends more than a minute’s worth and what came in since, over any stretch of time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 300 }), pauses, async (perMinute, waits) => {
        const clock = testClock();
        const { ask, spentMs } = group(clock, 1, perMinute, undefined);
        for (const ms of waits) {
          await clock.advance(ms);
          ask(0);
        }
        expect(worstExcess(spentMs, perMinute)).toBeLessThanOrEqual(perMinute + 1e-3);
      }),
      { numRuns: 60 },
    );
  });

  test('says exactly when there is something again, and lets one through then', async () => {
    const clock = testClock();
    const { ask, all } = group(clock, 1, 60, undefined);
    for (let call = 0; call < 60; call++) expect(ask(0)).toBe(true);
    const [{ allowances, one }] = all as [(typeof all)[number]];
    expect(allowances.waitMs(one, 1)).toBeCloseTo(1_000);
    await clock.advance(999);
    expect(ask(0)).toBe(false);
    await clock.advance(1);
    expect(ask(0)).toBe(true);
    expect(clock.timers()).toBe(0);
  });

  test('lets a call through that is larger than the whole limit, once nothing is owed, and makes up for it', async () => {
    const clock = testClock();
    const { ask, all } = group(clock, 1, 600, undefined);
    expect([ask(0, 1_800), ask(0)]).toEqual([true, false]);
    const [{ allowances, one }] = all as [(typeof all)[number]];
    expect(allowances.waitMs(one, 1)).toBeCloseTo(120_100);
  });

  test('that used less than it took has the rest again, and never more than all', async () => {
    const clock = testClock();
    const { ask, all } = group(clock, 1, 100, undefined);
    const [{ allowances, one }] = all as [(typeof all)[number]];
    ask(0, 100);
    allowances.giveBack(one, 40);
    expect([allowances.waitMs(one, 40), allowances.waitMs(one, 41) > 0]).toEqual([0, true]);
    allowances.giveBack(one, 1_000);
    expect([ask(0, 100), ask(0)]).toEqual([true, false]);
  });
});

describe('eight processes with a store', () => {
  test('never spend more together than a minute’s worth and what came in since', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 20, max: 2_000 }),
        pauses,
        fc.integer({ min: 0, max: 20 }),
        async (perMinute, waits, latencyMs) => {
          const clock = testClock();
          const held = Object.assign(shelf(clock, 8), { latencyMs });
          const { ask, spentMs } = group(clock, 8, perMinute, held);
          for (const [index, ms] of waits.entries()) {
            await clock.advance(ms);
            // Each pause ends in calls at several of them.
            for (let more = 0; more <= index % 4; more++) ask(index * 5 + more);
          }
          expect(worstExcess(spentMs, perMinute)).toBeLessThanOrEqual(perMinute + 1e-3);
        },
      ),
      { numRuns: 40 },
    );
  });

  test.each([60, 600, 3_000])('keep to %i a minute under ten times that, and use at least nine tenths of it', async (perMinute) => {
    const clock = testClock();
    const { ask, spentMs } = group(clock, 8, perMinute, shelf(clock, 8));
    const minutes = 2;
    const stepMs = 50;
    const calls = (perMinute * 10 * stepMs) / 60_000;
    let due = 0;
    for (let at = 0, call = 0; at < minutes * 60_000; at += stepMs) {
      await clock.advance(stepMs);
      for (due += calls; due >= 1; due -= 1) ask(call++);
    }
    expect(worstExcess(spentMs, perMinute)).toBeLessThanOrEqual(perMinute + 1e-3);
    expect(spentMs.length).toBeGreaterThan(perMinute * minutes * 0.9);
  });

  test('are let through at once after a pause: no call waits for the store', async () => {
    const clock = testClock();
    const held = shelf(clock, 8);
    const { ask } = group(clock, 8, 60, held);
    await clock.advance(30_000);
    expect(Array.from({ length: 8 }, (_, index) => ask(index))).toEqual(Array(8).fill(true));
    expect(held.asks.take).toBe(0);
    await clock.advance(1_000);
    expect(held.taken.get('limit')).toBeGreaterThanOrEqual(8);
  });

  test('give back what they have taken and not spent, after 2 to 4 s', async () => {
    const clock = testClock();
    const held = shelf(clock, 8);
    const { all, ask, spentMs } = group(clock, 8, 6_000, held);
    for (let call = 0; call < 400; call++) {
      ask(call % 2);
      await clock.advance(5);
    }
    const ahead = (): number => (held.taken.get('limit') ?? 0) - spentMs.length;
    expect(ahead()).toBeGreaterThan(10);
    await clock.advance(4_100);
    // What the store has no room for is nobody's.
    expect(ahead()).toBeLessThan(5);
    expect(Math.min(...all.map(({ one }) => one.owed))).toBeGreaterThan(-1);
  });

  test('settle when they are closed', async () => {
    const clock = testClock();
    const held = shelf(clock, 8);
    const { ask, all, spentMs } = group(clock, 8, 6_000, held);
    for (let call = 0; call < 500; call++) ask(call);
    await clock.advance(50);
    for (const { allowances } of all) void allowances.close();
    await clock.advance(50);
    expect(held.taken.get('limit')).toBeCloseTo(spentMs.length);
  });

  test('keep to a part of the limit each while the store is gone, and to all of it within a second after it is back', async () => {
    const clock = testClock();
    const held = Object.assign(shelf(clock, 8), { isGone: true });
    const { ask, spentMs } = group(clock, 8, 600, held);
    const press = async (forMs: number): Promise<number> => {
      const before = spentMs.length;
      for (let at = 0; at < forMs; at += 20) {
        await clock.advance(20);
        for (let index = 0; index < 8; index++) ask(index);
      }
      return spentMs.length - before;
    };
    const inFirst = await press(60_000);
    // A quarter of a minute's worth is in their hands.
    expect(inFirst).toBeLessThanOrEqual(600 + 150 + 8);
    expect(await press(60_000)).toBeGreaterThan(560);
    held.isGone = false;
    // The store is full, and whoever asks gets of it.
    expect(await press(1_000)).toBeGreaterThan(200);
    expect(worstExcess(spentMs, 600)).toBeLessThanOrEqual(600 + 150 + 8);
  });

  test('ask a store that is gone no more than a few times a second', async () => {
    const clock = testClock();
    const held = Object.assign(shelf(clock, 1), { isGone: true });
    const { ask } = group(clock, 1, 60_000, held);
    for (let call = 0; call < 1_000; call++) {
      ask(0);
      await clock.advance(10);
    }
    expect(held.asks.take).toBeLessThanOrEqual(40);
  });
});
