import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { afterFailure, afterSuccess, allowsRetry, type RetryRules } from '../../src/breaker/retry-tokens.ts';
import { availableRetry, defaults } from '../../src/config/defaults.ts';

const rules: RetryRules = { maxTokens: 20, tokensPerSuccess: 0.2 };

function times(count: number, change: (tokens: number) => number, from: number): number {
  return Array.from({ length: count }).reduce<number>(change, from);
}

test('the rules are 20 tokens and 0.2 for a success, and 50 and 0.5 for availability', () => {
  expect(defaults.retry).toEqual({ maxTokens: 20, tokensPerSuccess: 0.2 });
  expect(availableRetry).toEqual({ maxTokens: 50, tokensPerSuccess: 0.5 });
});

describe('tokens', () => {
  test('are taken out by failures one by one, down to none', () => {
    expect([1, 9, 20, 21, 1_000].map((failures) => times(failures, afterFailure, 20))).toEqual([19, 11, 0, 0, 0]);
  });

  test('come back by shares, up to what there was', () => {
    const add = (tokens: number): number => afterSuccess(tokens, rules);
    expect(times(5, add, 10)).toBeCloseTo(11, 9);
    expect(times(1_000, add, 0)).toBe(20);
    expect(add(19.9)).toBe(20);
  });

  test('allow second attempts while more than half of them are left', () => {
    expect([20, 10.2, 10, 9.9, 0].map((tokens) => allowsRetry(tokens, rules))).toEqual([true, true, false, false, false]);
    expect([25.5, 25].map((tokens) => allowsRetry(tokens, availableRetry))).toEqual([true, false]);
  });

  test('allow none with a single token that was taken, and again with its return', () => {
    const single: RetryRules = { maxTokens: 1, tokensPerSuccess: 1 };
    expect(allowsRetry(1, single)).toBe(true);
    expect(allowsRetry(afterFailure(1), single)).toBe(false);
    expect(allowsRetry(afterSuccess(0, single), single)).toBe(true);
  });
});

test('whatever happens, failures that second attempts may add are bounded by half of the tokens and the share of the successes', () => {
  const some = fc.record({ maxTokens: fc.integer({ min: 2, max: 100 }), tokensPerSuccess: fc.double({ min: 0.01, max: 5, noNaN: true }) });
  const property = fc.property(some, fc.array(fc.boolean(), { maxLength: 500 }), (given, outcomes) => {
    let tokens = given.maxTokens;
    let whileAllowed = 0;
    let successes = 0;
    for (const isGood of outcomes) {
      if (isGood) successes += 1;
      else if (allowsRetry(tokens, given)) whileAllowed += 1;
      tokens = isGood ? afterSuccess(tokens, given) : afterFailure(tokens);
      if (!(tokens >= 0 && tokens <= given.maxTokens)) return false;
    }
    return whileAllowed <= given.maxTokens / 2 + given.tokensPerSuccess * successes + 1;
  });
  fc.assert(property);
});
