import { expect, test } from 'vitest';
import { facts, planned } from '../_kit/candidates.ts';

const limit = { code: 'rate_limited', reason: 'is at its limit', readyAtMs: 5 } as const;

test('what a limit or a budget says is no reason to put a pin to the test there', () => {
  const pinned = facts('gpu', { pinnedUntilMs: 9 });
  expect(planned([pinned]).order).toEqual(['gpu']);
  expect(planned([{ ...pinned, held: limit }]).order).toEqual([]);
});

test('a rest and an open breaker are told of before it', () => {
  const held = facts('gpu', { held: limit, openUntilMs: 7 });
  expect(planned([held]).skipped).toEqual(['gpu: circuit_open, its breaker is open']);
});
