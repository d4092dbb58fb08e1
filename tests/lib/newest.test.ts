import { expect, test } from 'vitest';
import { setNewest } from '../../src/lib/newest.ts';

test('what is set stands last, also where it was there before', () => {
  const map = new Map([
    ['a', 1],
    ['b', 2],
  ]);
  setNewest(map, 'a', 3, 3);
  setNewest(map, 'c', 4, 3);
  expect([...map]).toEqual([
    ['b', 2],
    ['a', 3],
    ['c', 4],
  ]);
});

test('beyond the most there may be, the one that was set longest ago goes, and none where nothing is added', () => {
  const map = new Map<string, number>();
  for (const key of ['a', 'b', 'a', 'c', 'b', '']) setNewest(map, key, 0, 2);
  expect([...map.keys()]).toEqual(['b', '']);
  setNewest(map, 'b', 1, 2);
  expect([...map.keys()]).toEqual(['', 'b']);
  setNewest(map, 'd', 0, 2);
  expect([...map.keys()]).toEqual(['b', 'd']);
});
