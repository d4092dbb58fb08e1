import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backoffMs, type Cooldown, noCooldown, rest } from '../../src/breaker/cooldown.ts';

const nowMs = 1_000_000;

/** Lengths of rests in a row, each begun when the one before has ended. */
function restsMs(count: number, random: number): number[] {
  let atMs = nowMs;
  let current = noCooldown;
  return Array.from({ length: count }, () => {
    current = rest(current, 'overloaded', undefined, atMs, random);
    const restMs = current.untilMs - atMs;
    atMs = current.untilMs;
    return restMs;
  });
}

describe('a rest', () => {
  test('lasts as long as the provider asked for', () => {
    expect(rest(noCooldown, 'overloaded', 120_000, nowMs, 0)).toEqual({
      untilMs: nowMs + 120_000,
      rests: 1,
      sinceMs: nowMs,
      reason: 'overloaded',
    });
  });

  test('was called for when that happened last, be it shorter than the one under way', () => {
    const long = rest(noCooldown, 'overloaded', 60_000, nowMs, 0);
    expect(rest(long, 'overloaded', 1_000, nowMs + 5, 0)).toMatchObject({ untilMs: nowMs + 60_000, sinceMs: nowMs + 5 });
    expect(rest(long, 'overloaded', 90_000, nowMs + 7, 0).sinceMs).toBe(nowMs + 7);
  });

  test('is 1 s, doubling to 30 s, where the provider says nothing', () => {
    expect(restsMs(7, 1)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  test('is never shorter than a quarter of that', () => {
    expect(restsMs(7, 0)).toEqual([250, 500, 1_000, 2_000, 4_000, 7_500, 7_500]);
  });

  test('that is under way is never shortened', () => {
    const long = rest(noCooldown, 'overloaded', 60_000, nowMs, 0);
    expect(rest(long, 'overloaded', 1_000, nowMs + 1, 0).untilMs).toBe(nowMs + 60_000);
  });

  test('of a model that is being loaded is 5 s at most', () => {
    const tired: Cooldown = { ...noCooldown, rests: 20, reason: 'model_loading' };
    expect(rest(tired, 'model_loading', undefined, nowMs, 1).untilMs).toBe(nowMs + 5_000);
  });

  test('names what called for it, the longer of two, and the later where they are as long', () => {
    const long = rest(noCooldown, 'quota_exhausted', 60_000, nowMs, 0);
    expect(rest(long, 'overloaded', 1_000, nowMs, 0).reason).toBe('quota_exhausted');
    expect(rest(long, 'rate_limited', 70_000, nowMs, 0).reason).toBe('rate_limited');
    expect(rest(long, 'rate_limited', 60_000, nowMs, 0).reason).toBe('rate_limited');
  });

  test('begins at 1 s again once there was a success', () => {
    expect(noCooldown).toEqual({ untilMs: -Infinity, rests: 0, sinceMs: -Infinity, reason: 'overloaded' });
  });

  test('ends, however many there were', () => {
    const tired: Cooldown = { ...noCooldown, rests: 100_000 };
    expect(rest(tired, 'overloaded', undefined, nowMs, 1).untilMs).toBe(nowMs + 30_000);
  });
});

describe('the pause before the same provider is tried again', () => {
  test('is at most 250 ms, doubling to 4 s', () => {
    expect([1, 2, 3, 4, 5, 6, 2_000].map((retry) => backoffMs(retry, 1))).toEqual([250, 500, 1_000, 2_000, 4_000, 4_000, 4_000]);
  });

  test('is anything from 1 ms to that, never nothing', () => {
    const property = fc.property(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0, max: 1, noNaN: true }), (retry, random) => {
      const pauseMs = backoffMs(retry, random);
      return pauseMs >= 1 && pauseMs <= Math.min(250 * 2 ** (retry - 1), 4_000);
    });
    fc.assert(property);
  });

  test('is spread over the whole of it', () => {
    expect([0.2, 0.5, 0.8].map((random) => backoffMs(1, random))).toEqual([50, 125, 200]);
  });
});
