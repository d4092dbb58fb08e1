import { describe, expect, test } from 'vitest';
import { defineAdapter } from '../../src/core/adapter.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { hopsOf } from '../../src/router/own-headers.ts';
import { fault } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello } from '../_kit/fake-router.ts';

const fails = (): never => {
  throw fault('driver');
};

test('each attempt is told how many routers the call has passed, and which attempt it is', async () => {
  const told: unknown[] = [];
  const adapter = defineAdapter({
    name: 'headers',
    chat: async ({ headers }) => {
      told.push(headers);
      return fails();
    },
    stream: fails,
    embed: fails,
  });
  const provider = { type: 'custom', adapter } as const;
  await failureOf(createRouter({ providers: { a: provider, b: provider } }).chat(hello, { hops: 1 }));
  expect(told).toEqual([1, 2].map((attempt) => ({ 'x-inferlane-hops': '2', 'x-inferlane-attempt': String(attempt) })));
});

describe('hopsOf', () => {
  test('reads the headers of a Request, and those of Node', () => {
    expect(hopsOf(new Headers({ 'X-Inferlane-Hops': '2' }))).toBe(2);
    expect(hopsOf({ 'x-inferlane-hops': '2', 'content-type': 'application/json' })).toBe(2);
    expect(['0', '12', '999'].map((value) => hopsOf({ 'x-inferlane-hops': value }))).toEqual([0, 12, 999]);
  });

  test.each([
    ['1, 2', 2],
    ['2,1', 2],
    ['3, many', 3],
    [' 1 ', 1],
    ['1\n', 1],
    ['9, 10', 10],
  ])('is the largest number where the header came more than once: %j', (value, count) => {
    expect(hopsOf({ 'x-inferlane-hops': value })).toBe(count);
    expect(hopsOf({ get: () => value })).toBe(count);
  });

  test('counts a loop that added a header of its own', () => {
    const headers = new Headers({ 'x-inferlane-hops': '3' });
    headers.append('x-inferlane-hops', '1');
    expect(hopsOf(headers)).toBe(3);
  });

  test('looks at the first ten of a header that never ends', () => {
    expect(hopsOf({ 'x-inferlane-hops': `${'1, '.repeat(9)}2, 3` })).toBe(2);
  });

  test.each([{}, { get: 'a value' }, { 'x-inferlane-hops': undefined }])('is 0 where there is none: %j', (headers) => {
    expect(hopsOf(headers)).toBe(0);
  });

  test.each(['', ' ', '-1', '1.5', '1e3', '0x10', '1 2', '1;2', 'many', '1000', ',', 'one, two', '٣', ['1', '2'], 2, null, {}])(
    'is 0 for what is no count: %j',
    (value) => {
      expect(hopsOf({ 'x-inferlane-hops': value })).toBe(0);
      if (typeof value === 'string') expect(hopsOf({ get: () => value })).toBe(0);
    },
  );
});

describe('a call that has passed three routers', () => {
  test.each([3, 4, 999])('is refused before anything is sent or told (%i)', async (hops) => {
    const { router, fakes, events } = fakeRouter({ a: 'never' });
    const calls = [router.chat(hello, { hops }), router.stream(hello, { hops }), router.embed({ model: 'm', input: 'x' }, { hops })];
    const message = expect.stringContaining(`has passed ${hops} routers already`) as string;
    for (const call of calls) expect(await failureOf(call)).toMatchObject({ code: 'loop_detected', message });
    expect(() => router.explain(hello, { hops })).toThrow(expect.objectContaining({ code: 'loop_detected' }));
    expect(fakes.a.calls).toHaveLength(0);
    // Like every call that cannot be carried out, it has not begun.
    expect(events.all).toEqual([]);
    expect(router.snapshot()).toMatchObject({ inFlight: 0 });
  });

  test.each([0, 1, 2])('is no such one yet (%i)', async (hops) => {
    const { router } = fakeRouter({ a: 'yes' });
    expect((await router.chat(hello, { hops })).route.provider).toBe('a');
  });

  test.each([-1, 1.5, Number.NaN, '1'])('is told by a whole number from 0, and not by %s', async (hops) => {
    const { router } = fakeRouter({ a: 'never' });
    expect(await failureOf(router.chat(hello, { hops: hops as number }))).toMatchObject({ code: 'invalid_request' });
  });
});
