import { expect, test } from 'vitest';
import { billionsIn } from '../../src/lib/parameter-count.ts';

test.each([
  ['8.0B', 8],
  ['7B', 7],
  ['70.6B', 70.6],
  ['137M', 0.137],
  ['270m', 0.27],
  ['334.09M', 0.33409],
  ['22K', 0.000_022],
  ['1T', 1_000],
  ['8x7B', 56],
  ['35B-A3B', 35],
  ['30b-a3.3b', 30],
])('%s is %d billion', (text, billions) => {
  expect(billionsIn(text)).toBeCloseTo(billions, 12);
});

test.each(['', '0B', 'unknown', '8', 'B', '17B-16E', 'E4B', '8B parameters', '1e3B', null, undefined, 8, {}])(
  '%j tells nothing',
  (text) => {
    expect(billionsIn(text)).toBeUndefined();
  },
);
