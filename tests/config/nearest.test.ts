import { describe, expect, test } from 'vitest';
import { didYouMean, nearestName } from '../../src/config/nearest.ts';

describe('the nearest name', () => {
  const names = ['providers', 'models', 'timeouts', 'maxAttempts', 'url', 'apiKey'];

  test.each([
    ['provders', 'providers'],
    ['poviders', 'providers'],
    ['provdiers', 'providers'],
    ['providerss', 'providers'],
    ['MAX_ATTEMPTS', 'maxAttempts'],
    ['max-attempts', 'maxAttempts'],
    ['api_key', 'apiKey'],
    ['ulr', 'url'],
    ['retries', 'maxAttempts'],
    ['baseURL', 'url'],
  ])('of %s is %s', (name, expected) => {
    expect(nearestName(name, names)).toBe(expected);
  });

  test.each(['', 'xyz', 'something', 'constructor', 'a'.repeat(5_000)])('of %s is none', (name) => {
    expect(nearestName(name, names)).toBeUndefined();
  });

  test('is the one with the fewest errors', () => {
    expect(nearestName('gpu2', ['gpu1x', 'gpu3', 'gpu2x'])).toBe('gpu3');
    expect(nearestName('heavy', ['heavyx', 'heavy'])).toBe('heavy');
  });

  test("another library's word counts only where ours is an option", () => {
    expect(nearestName('retries', ['url'])).toBeUndefined();
  });

  test('a question is asked of words only', () => {
    expect([didYouMean('ulr', names), didYouMean(5, names), didYouMean('zzz', names)]).toEqual(['; did you mean "url"?', '', '']);
  });
});
