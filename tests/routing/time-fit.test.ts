import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectedMs, noFit, type TimeFit, withTime } from '../../src/routing/time-fit.ts';

type Observation = readonly [tokens: number, ms: number];

const minuteMs = 60_000;
const lengths = [60, 4_000, 300, 1_200, 90, 700, 2_500, 150, 6_000, 450];

const fitOf = (observations: readonly Observation[], from: TimeFit = noFit): TimeFit =>
  observations.reduce((fit, [tokens, ms]) => withTime(fit, tokens, ms, 0), from);

/** What a server with a straight line takes for `count` prompts of all lengths. */
const line = (count: number, base: number, perToken: number): Observation[] =>
  Array.from({ length: count }, (_, index) => lengths[index % lengths.length] ?? 0).map((tokens) => [tokens, base + perToken * tokens]);

const at = (fit: TimeFit, tokens: number, nowMs = 0): number => expectedMs(fit, tokens, nowMs) ?? Number.NaN;

/** Numbers from 0 to 1, the same ones for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const anyFit = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 100_000 }), fc.double({ min: 0, max: 1e6, noNaN: true })), { minLength: 1, maxLength: 40 })
  .map((observations) => fitOf(observations));

describe('what it learns', () => {
  test('nothing is expected of a provider that nobody has asked', () => {
    expect(expectedMs(noFit, 500, 0)).toBeUndefined();
  });

  test('one answer is enough to expect as much for a prompt as long', () => {
    expect(at(withTime(noFit, 800, 350, 0), 800)).toBe(350);
  });

  test.each([
    [0, 1],
    [400, 0],
    [50, 0.05],
    [300, 4],
  ])('a server that takes %d ms and %d ms per token is known after 10 prompts, also for lengths that it never saw', (base, perToken) => {
    const fit = fitOf(line(10, base, perToken));
    for (const tokens of [70, 1_000, 8_000]) {
      const takes = base + perToken * tokens;
      expect(Math.abs(at(fit, tokens) - takes)).toBeLessThan(0.05 * takes + 5);
    }
  });

  test('the long prompts, whose times vary by seconds, do not blur what is known of the short ones', () => {
    const random = seeded(1);
    let [fit, off] = [noFit, 0];
    for (let index = 0; index < 5_000; index += 1) {
      const tokens = Math.round(50 * 160 ** random());
      fit = withTime(fit, tokens, (50 + tokens) * (0.7 + 0.6 * random()), 0);
      off += Math.abs(at(fit, 60) / 110 - 1) / 5_000;
    }
    expect(off).toBeLessThan(0.3);
  });

  test('where all prompts were equally long, longer ones count in proportion and shorter ones like those', () => {
    const fit = fitOf(Array.from({ length: 20 }, () => [500, 1_000]));
    expect(at(fit, 2_000)).toBeCloseTo(4_000, 6);
    expect(at(fit, 50)).toBeCloseTo(1_000, 6);
  });

  test('lengths that differ by next to nothing make no steep line of chance', () => {
    const fit = fitOf(Array.from({ length: 20 }, (_, index) => [500 + (index % 3), 1_000 + 300 * ((index * 7) % 4)]));
    const middle = at(fit, 501);
    expect(at(fit, 5_000)).toBeGreaterThan(8 * middle);
    expect(at(fit, 50)).toBeGreaterThan(0.8 * middle);
  });

  test('prompts whose length nobody knows get what prompts take on average', () => {
    expect(at(fitOf([0, 0, 0].map((tokens) => [tokens, 120])), 0)).toBeCloseTo(120, 6);
    expect(at(fitOf([[400, 200]]), Number.NaN)).toBe(200);
  });
});

describe('accident and change', () => {
  const usual = fitOf(line(20, 100, 0.5));

  test('one answer a hundred times slower than usual makes less than twice of what is expected', () => {
    for (const tokens of lengths) {
      const after = withTime(usual, tokens, 100 * at(usual, tokens), 0);
      for (const other of lengths) expect(at(after, other) / at(usual, other)).toBeLessThan(2);
    }
  });

  test('five usual answers later it is all but forgotten', () => {
    for (const tokens of lengths) {
      const after = fitOf(line(5, 100, 0.5), withTime(usual, tokens, 100 * at(usual, tokens), 0));
      for (const other of lengths) expect(at(after, other) / at(usual, other)).toBeLessThan(1.5);
    }
  });

  test('one that was the very first is forgotten after 10 usual ones', () => {
    const after = fitOf(line(10, 100, 0.5), withTime(noFit, 600, 40_000, 0));
    for (const tokens of lengths) expect(at(after, tokens) / (100 + 0.5 * tokens)).toBeLessThan(1.5);
  });

  test('one answer that came at once makes no more than half of what is expected vanish', () => {
    for (const tokens of lengths) expect(at(withTime(usual, tokens, 1, 0), 600) / at(usual, 600)).toBeGreaterThan(0.5);
  });

  test.each([4, 0.25])('a server that now takes %d times as long is known as such after 10 answers', (times) => {
    const after = fitOf(line(10, 100 * times, 0.5 * times), usual);
    for (const tokens of [200, 1_000, 5_000]) {
      const ratio = at(after, tokens) / (times * (100 + 0.5 * tokens));
      expect(ratio).toBeGreaterThan(0.8);
      expect(ratio).toBeLessThan(1.25);
    }
  });
});

describe('a memory without news', () => {
  const slow = fitOf(line(20, 0, 4));

  test('is believed for a minute, then halved every five', () => {
    const shares = [0, 1, 6, 11, 16].map((minutes) => at(slow, 1_000, minutes * minuteMs) / at(slow, 1_000));
    expect(shares).toEqual([1, 1, 0.5, 0.25, 0.125]);
  });

  test('counts again in full as soon as an answer is as slow as ever', () => {
    const after = withTime(slow, 1_000, 4_000, 16 * minuteMs);
    expect(at(after, 1_000, 16 * minuteMs)).toBeCloseTo(4_000, 0);
  });

  test('weighs less against what is seen after it', () => {
    const shortlyAfter = withTime(slow, 1_000, 8_000, minuteMs);
    const longAfter = withTime(slow, 1_000, 8_000, 60 * minuteMs);
    expect(at(shortlyAfter, 1_000, minuteMs)).toBeLessThan(6_000);
    expect(at(longAfter, 1_000, 60 * minuteMs)).toBeGreaterThan(7_900);
  });

  test('does not grow where a clock runs backwards', () => {
    expect(at(withTime(noFit, 500, 1_000, minuteMs), 500, -60 * minuteMs)).toBe(1_000);
  });
});

describe('whatever was seen', () => {
  /** Rounding may cost the last digits. */
  const nothingMs = 1e-6;

  test('no prompt is expected to take less than nothing, nor less than a shorter one', () => {
    fc.assert(
      fc.property(anyFit, fc.array(fc.nat({ max: 200_000 }), { minLength: 2, maxLength: 8 }), (fit, tokens) => {
        const times = [0, ...tokens.sort((left, right) => left - right)].map((length) => at(fit, length));
        times.forEach((ms, index) => {
          expect(ms).toBeGreaterThanOrEqual(0);
          expect(ms).toBeGreaterThanOrEqual((times[index - 1] ?? 0) * (1 - 1e-9) - nothingMs);
        });
      }),
    );
  });

  test('a prompt twice as long is never expected to take more than twice as long: there is no negative fixed cost', () => {
    fc.assert(
      fc.property(anyFit, fc.integer({ min: 1, max: 100_000 }), (fit, tokens) => {
        expect(at(fit, 2 * tokens)).toBeLessThanOrEqual(2 * at(fit, tokens) * (1 + 1e-9) + nothingMs);
      }),
    );
  });

  test.each([
    ['a length that is no number', Number.NaN, 100],
    ['a negative length', -5, 100],
    ['a time that is no number', 100, Number.NaN],
    ['a negative time', 100, -5],
  ])('%s is no observation', (_name, tokens, ms) => {
    const before = fitOf(line(5, 100, 1));
    expect(withTime(before, tokens, ms, 0)).toBe(before);
  });

  test('even figures beyond all measure leave a number', () => {
    const fit = fitOf([
      [Infinity, Infinity],
      [10, 20],
      [Infinity, 0],
    ]);
    for (const tokens of [0, 100, Infinity, Number.NaN, -1]) expect(at(fit, tokens)).toBeGreaterThanOrEqual(0);
    expect(at(fit, Infinity)).toBeLessThan(Infinity);
  });
});
