import { expect, test } from 'vitest';
import { budgets, overruns } from '../scripts/byte-budgets.ts';
import manifest from '../package.json' with { type: 'json' };

const sizes = { '.': { own: 30_000, whole: 60_000 } };

test('what is within its budget is no overrun', () => {
  expect(overruns(sizes, { '.': { own: 30_000, whole: 60_000 } })).toEqual([]);
});

test('what is above its budget is told with how far it is', () => {
  expect(overruns(sizes, { '.': { own: 29_999, whole: 100 } })).toEqual([
    '. has 30000 bytes without dependencies, 1 above its budget of 29999',
    '. has 60000 bytes with dependencies, 59900 above its budget of 100',
  ]);
});

test('what has no budget is told where to get one', () => {
  expect(overruns(sizes, {})).toEqual(['. has no budget; give it a row in scripts/byte-budgets.ts']);
});

test('every entry point and command has a budget, and nothing else', () => {
  const entries = Object.entries(manifest.exports).flatMap(([name, target]) => (typeof target === 'string' ? [] : [name]));
  expect(Object.keys(budgets).sort()).toEqual([...entries, 'createRouter of .', ...Object.keys(manifest.bin)].sort());
});
