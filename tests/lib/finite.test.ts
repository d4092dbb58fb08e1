import { describe, expect, it } from 'vitest';
import { areFinite } from '../../src/lib/finite.ts';

describe('a list of finite numbers', () => {
  it.each([[[]], [[0]], [[-0, 1, -1]], [[Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE]], [[0.1, 2 ** 53, 5e-324]]])(
    'is %j',
    (list) => expect(areFinite(list)).toBe(true),
  );

  // Most of these are numbers to an arithmetic that is not asked whether they are.
  it.each([Number.NaN, Infinity, -Infinity, '1', '', ' ', null, undefined, true, false, [], [1], {}, new Date(0), 1n])(
    'is none with %o in it',
    (other) => {
      for (const list of [[other], [other, 1], [1, other], [1, 2, other, 4]]) expect(areFinite(list)).toBe(false);
    },
  );

  it('is none with a hole in it', () => {
    const list = [1, 2, 3];
    delete list[1];
    expect(areFinite(list)).toBe(false);
  });
});
