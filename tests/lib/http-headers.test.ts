import { describe, expect, test } from 'vitest';
import { createHeaders, type HeaderSource, type KeySource } from '../../src/lib/http-headers.ts';
import { Secret } from '../../src/lib/secret.ts';
import { failureOf, outcomeOf } from '../_kit/fake-router.ts';
import { testClock } from '../_kit/test-clock.ts';

const headersWith = (apiKey: KeySource | undefined, headers = {}, clock = testClock()) =>
  createHeaders({ provider: 'box', headers, keyHeader: 'authorization', apiKey, clock });

test('ask for bytes whose size is known, name us, and say what is sent', async () => {
  expect(await headersWith(undefined).of('application/json', true)).toEqual({
    accept: 'application/json',
    'accept-encoding': 'identity',
    'user-agent': 'inferlane',
    'content-type': 'application/json',
  });
  expect(await headersWith(undefined).of('*/*', false)).not.toHaveProperty('content-type');
});

test('carry the key as a bearer token, and the provider’s own headers over everything', async () => {
  const headers = headersWith(new Secret('k'), { authorization: 'Basic x', 'user-agent': 'mine', 'x-team': 'a' });
  expect(await headers.of('*/*', false)).toMatchObject({ authorization: 'Basic x', 'user-agent': 'mine', 'x-team': 'a' });
  expect(await headersWith(new Secret('k')).of('*/*', false)).toMatchObject({ authorization: 'Bearer k' });
});

test('capitals in a name make no second header of it', async () => {
  const headers = headersWith(new Secret('k'), { Authorization: 'Basic x', 'User-Agent': 'mine' });
  expect(Object.keys(await headers.of('*/*', false)).toSorted()).toEqual(['accept', 'accept-encoding', 'authorization', 'user-agent']);
  expect(await headers.of('*/*', false)).toMatchObject({ authorization: 'Basic x', 'user-agent': 'mine' });
  const keyed = createHeaders({ provider: 'box', headers: {}, keyHeader: 'Authorization', apiKey: new Secret('k'), clock: testClock() });
  expect(await keyed.of('*/*', false)).toMatchObject({ authorization: 'Bearer k' });
});

test('what one request gets is not what another one changes', async () => {
  const headers = headersWith(new Secret('k'));
  const first = await headers.of('*/*', false);
  first['authorization'] = 'changed';
  expect((await headers.of('*/*', false))['authorization']).toBe('Bearer k');
});

test('know their secrets, those of a function from the last time on', async () => {
  expect(headersWith(new Secret('k'), { a: 'value' }).secrets()).toEqual(['k', 'value']);
  const headers = headersWith(() => 'from-a-function');
  expect(headers.secrets()).toEqual([]);
  await headers.of('*/*', false);
  expect(headers.secrets()).toEqual(['from-a-function']);
});

describe('the keys that a function gave', () => {
  const changing = (...keys: readonly string[]) => {
    const left = [...keys];
    return headersWith(() => left.shift() ?? 'none is left', { a: 'value' });
  };

  test('stay secrets while others take their place: requests with them may be under way', async () => {
    const headers = changing('first', 'second');
    await headers.of('*/*', false);
    await headers.of('*/*', false);
    expect(headers.secrets()).toEqual(['first', 'second', 'value']);
  });

  test('are known once each, and the sixteen that were used last', async () => {
    const names = Array.from({ length: 16 }, (_, index) => `key-${index}`);
    const headers = changing(...names, 'key-0', 'key-16');
    for (let count = 0; count < names.length; count++) await headers.of('*/*', false);
    expect(headers.secrets()).toEqual([...names, 'value']);
    await headers.of('*/*', false);
    await headers.of('*/*', false);
    expect(headers.secrets()).toEqual([...names.slice(2), 'key-0', 'key-16', 'value']);
  });
});

const asked = async (source: HeaderSource): Promise<unknown> => source.of('*/*', false);

describe('a key function', () => {
  test.each(['', 'with blank', 'line\nbreak', 'ümlaut', 3, null])('that gives %j is refused, without the value', async (value) => {
    const error = await failureOf(asked(headersWith(() => value as string)));
    expect(error).toMatchObject({ code: 'auth', provider: 'box', message: expect.not.stringContaining(String(value) || '\0') });
  });

  test('that never answers is given up after five seconds, and no timer stays', async () => {
    const clock = testClock();
    const built = outcomeOf(asked(headersWith(() => new Promise<string>(() => undefined), {}, clock)));
    await clock.advance(4_999);
    expect(built.settled).toBe(false);
    await clock.advance(1);
    expect(built.error).toMatchObject({ code: 'auth' });
    expect(clock.timers()).toBe(0);
  });

  test('that answers leaves no timer', async () => {
    const clock = testClock();
    await headersWith(async () => 'k', {}, clock).of('*/*', false);
    expect(clock.timers()).toBe(0);
  });
});
