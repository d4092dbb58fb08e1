import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { explicitRetryAfterMs, maxRetryAfterMs, minRetryAfterMs, retryAfterMs } from '../../src/lib/retry-after.ts';

const wallMs = Date.UTC(2026, 10, 21, 12, 0, 0);

function wait(headers: Readonly<Record<string, string>>): number | undefined {
  return retryAfterMs((name) => headers[name] ?? null, wallMs);
}

describe('retry-after', () => {
  test.each([
    ['2', 2000],
    [' 2 ', 2000],
    ['1.5', 1500],
    ['1.25', 1250],
    ['1.0001', 1001],
    ['1e1', 10_000],
    ['1E+01', 10_000],
    ['0.1', minRetryAfterMs],
    ['300', 300_000],
    ['301', maxRetryAfterMs],
    ['99999999', maxRetryAfterMs],
    ['2147483648', maxRetryAfterMs],
    ['1e300', maxRetryAfterMs],
    ['1e999', maxRetryAfterMs],
    ['9'.repeat(400), maxRetryAfterMs],
    ['Sat, 21 Nov 2026 12:00:05 GMT', 5000],
    ['Saturday, 21-Nov-26 12:00:05 GMT', 5000],
    ['Sat Nov 21 12:00:05 2026', 5000],
    [' Sat, 21 Nov 2026 12:00:05 GMT ', 5000],
    ['Fri, 31 Dec 2027 23:59:59 GMT', maxRetryAfterMs],
  ])('%s', (value, expected) => {
    expect(wait({ 'retry-after': value })).toBe(expected);
  });

  test.each([
    '',
    '0',
    '0.0',
    '-1',
    '-0',
    'NaN',
    'Infinity',
    '-Infinity',
    'soon',
    '2s',
    '0x10',
    '1_000',
    '1,5',
    '2, 5',
    '+2',
    'e5',
    'Sat, 21 Nov 2026 11:59:59 GMT',
    'Sat, 21 Nov 2026 12:00:00 GMT',
    'Sat, 21 Nov 2026 12:00:05 GMT, Sat, 21 Nov 2026 12:00:09 GMT',
    'Sat, 99 Nov 2026 12:00:05 GMT',
    '2026-11-21T12:00:05Z',
  ])('%j says nothing', (value) => {
    expect(wait({ 'retry-after': value })).toBeUndefined();
  });

  test('no header, no wait', () => {
    expect(wait({})).toBeUndefined();
  });
});

describe('order', () => {
  const all = {
    'retry-after-ms': '1500',
    'retry-after': '2',
    'x-ratelimit-reset-requests': '3s',
    'x-ratelimit-reset-tokens': '4s',
    'x-ratelimit-reset-after': '5',
  };

  test.each(
    Object.entries({ 'retry-after-ms': 1500, 'retry-after': 2000, 'x-ratelimit-reset-requests': 3000, 'x-ratelimit-reset-tokens': 4000 }),
  )('%s comes before all that follow', (name, expected) => {
    const headers = Object.entries(all);
    expect(wait(Object.fromEntries(headers.slice(headers.findIndex(([key]) => key === name))))).toBe(expected);
  });

  test('the last resort', () => {
    expect(wait({ 'x-ratelimit-reset-after': '5' })).toBe(5000);
  });

  test('what cannot be read is passed over', () => {
    expect(wait({ ...all, 'retry-after-ms': 'soon', 'retry-after': '0' })).toBe(3000);
  });

  test('the limit that is used up tells the wait', () => {
    expect(wait({ 'x-ratelimit-reset-requests': '1s', 'x-ratelimit-reset-tokens': '9s', 'x-ratelimit-remaining-tokens': '0' })).toBe(9000);
  });

  test.each(['1', '00', '0 left', ''])('a limit of which %j remains is not used up', (remaining) => {
    const resets = { 'x-ratelimit-reset-requests': '1s', 'x-ratelimit-reset-tokens': '9s' };
    expect(wait({ ...resets, 'x-ratelimit-remaining-tokens': remaining })).toBe(1000);
    expect(wait({ ...resets, 'x-ratelimit-remaining-tokens': ' 0 ' })).toBe(9000);
  });

  test('the limits are no explicit wait', () => {
    expect(explicitRetryAfterMs((name) => (name === 'x-ratelimit-reset-requests' ? '3s' : null), wallMs)).toBeUndefined();
  });
});

describe('durations', () => {
  test.each([
    ['1s', 1000],
    ['6m0s', maxRetryAfterMs],
    ['4m30s', 270_000],
    ['20ms', minRetryAfterMs],
    ['1h2m3s', maxRetryAfterMs],
    ['1.5s', 1500],
    [' 1.25s ', 1250],
    ['2m59.56s', 179_560],
    ['900000us', 900],
    ['7', 7000],
    ['', undefined],
    ['s', undefined],
    ['1x', undefined],
    ['-1s', undefined],
    ['0s', undefined],
    ['1s 2s', undefined],
    ['x1s', undefined],
    ['1sx', undefined],
    ['1s-2s', undefined],
    ['1.1.5s', undefined],
    ['1s'.repeat(32), 32_000],
    [`${'1s'.repeat(32)}1`, undefined],
    ['900000000ns', 900],
    ['900000µs', 900],
    ['1s'.repeat(100), undefined],
  ])('%s', (value, expected) => {
    expect(wait({ 'x-ratelimit-reset-requests': value })).toBe(expected);
  });
});

test('whatever the headers say, the wait is within the limits', () => {
  const value = fc.oneof(
    fc.string(),
    fc.double().map(String),
    fc.integer().map(String),
    fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
  );
  fc.assert(
    fc.property(fc.constantFrom('retry-after-ms', 'retry-after', 'x-ratelimit-reset-tokens'), value, (name, text) => {
      const waitMs = wait({ [name]: text });
      expect(waitMs === undefined || (waitMs >= minRetryAfterMs && waitMs <= maxRetryAfterMs)).toBe(true);
    }),
  );
});
