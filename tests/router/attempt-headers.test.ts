import { describe, expect, test } from 'vitest';
import type { CallOptions } from '../../src/config/call-options.ts';
import { type ProviderType, providerTypes } from '../../src/core/provider-types.ts';
import { createRouter } from '../../src/router/create-router.ts';
import type { Router } from '../../src/router/router.ts';
import { record } from '../_kit/events.ts';
import { failureOf, hello } from '../_kit/fake-router.ts';
import { type Loopback, loopback } from '../_kit/loopback.ts';
import { answers } from '../_kit/openai-bytes.ts';

const quiet = { checkModels: false, health: false, pollMs: false } as const;
const types = (Object.keys(providerTypes) as ProviderType[]).filter((type) => providerTypes[type].runs === 'network');

type HeadersFor = NonNullable<CallOptions['headersFor']>;

function oneBox(box: Loopback, options: object = {}): Router {
  return createRouter({ ...quiet, providers: { box: { type: 'openai-compatible', url: box.url, ...options } } });
}

/** What arrives at a server of a call with such headers, and what the router has to say about them. */
async function arrived(headersFor: HeadersFor, options: object = {}): Promise<{ headers: Record<string, string>; warnings: string[] }> {
  await using box = await loopback(() => answers('Hi!'));
  await using router = oneBox(box, options);
  const events = record(router);
  await router.chat(hello, { headersFor });
  const [request] = box.requests;
  if (box.requests.length !== 1 || request === undefined) throw new Error(`${box.requests.length} requests came`);
  return {
    headers: request.headers,
    warnings: events.of('config:warning').flatMap(({ path, message }) => (path === 'headersFor' ? [message] : [])),
  };
}

describe('headers for attempts', () => {
  test.each(types)('reach a server of type %s with each verb, and are asked for with each attempt', async (type) => {
    await using box = await loopback(() => ({ status: 500, pieces: ['{}'] }));
    const dialect = type === 'remote-gpu' && ({ dialect: 'notebook' } as const);
    const provider = { type, url: box.url, apiKey: 'key', cost: 'free', ...dialect } as const;
    await using router = createRouter({ ...quiet, providers: { one: provider, two: provider } });
    const asked: string[] = [];
    const headersFor: HeadersFor = ({ requestId, provider: id, attempt }) => {
      const name = `${requestId} ${id} ${attempt}`;
      asked.push(name);
      return { 'X-Trace': name };
    };
    const options = { requestId: 'r', headersFor };
    const calls = [
      () => router.chat(hello, options),
      () => router.stream(hello, options),
      () => router.embed({ model: 'm', input: 'Hello!' }, options),
    ];
    for (const call of calls) await failureOf(call());
    const posts = box.requests.filter(({ method }) => method === 'POST');
    expect(posts.map(({ headers }) => headers['x-trace'])).toEqual(asked);
    expect(asked.length).toBeGreaterThan(1);
    expect(asked.slice(0, 2)).toEqual(['r one 1', 'r two 2']);
  });

  test('cannot replace a credential, nor anything that the adapter sends', async () => {
    const stray = { authorization: 'Bearer stolen', Cookie: 'a=b', 'x-api-key': 'k', Accept: 'text/html', 'content-type': 'text/plain' };
    const { headers, warnings } = await arrived(() => ({ ...stray, 'x-inferlane-hops': '0', traceparent: 'kept' }), { apiKey: 'key' });
    expect(headers).toMatchObject({
      authorization: 'Bearer key',
      accept: 'application/json',
      'content-type': 'application/json',
      'x-inferlane-hops': '1',
      traceparent: 'kept',
    });
    expect(headers).not.toHaveProperty('cookie');
    expect(headers).not.toHaveProperty('x-api-key');
    expect(warnings.toSorted()[0]).toMatch(/^accept is sent by the adapter/);
    expect(warnings).toHaveLength(6);
  });

  test('cannot give credentials to a server that has none', async () => {
    expect((await arrived(() => ({ Authorization: 'Bearer mine' }))).headers).not.toHaveProperty('authorization');
  });

  test('cannot replace what the provider is configured to send', async () => {
    const { headers } = await arrived(() => ({ 'x-team': 'other', baggage: 'a=b' }), { headers: { 'X-Team': 'ours' } });
    expect(headers).toMatchObject({ 'x-team': 'ours', baggage: 'a=b' });
  });

  test.each<[string, () => unknown]>([
    ['a line break', () => ({ a: 'one\r\nauthorization: Bearer stolen' })],
    ['a name with a space', () => ({ 'a b': 'c' })],
    ['a name without letters', () => ({ '': 'c' })],
    ['a character that no header carries', () => ({ a: '…' })],
    ['a value that is no text', () => ({ a: 1 })],
    ['nothing', () => null],
    [
      'an error',
      () => {
        throw new Error('with the prompt');
      },
    ],
  ])('that are %s are left out with a warning, and the call goes on', async (_name, headersFor) => {
    const { headers, warnings } = await arrived(headersFor as HeadersFor);
    expect(Object.keys(headers).filter((name) => !/^(?:accept|content|host|connection|user-agent|x-inferlane|sec-)/.test(name))).toEqual(
      [],
    );
    expect(headers).not.toHaveProperty('authorization');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).not.toContain('prompt');
  });

  test('have 8 KB in all', async () => {
    const { headers, warnings } = await arrived(() => ({ a: 'x'.repeat(8_000), b: 'y'.repeat(200), c: 'z'.repeat(100) }));
    expect([headers['a']?.length, headers['b']?.length, headers['c']?.length]).toEqual([8_000, undefined, 100]);
    expect(warnings).toHaveLength(1);
  });

  test('that cannot be sent are told of once, however many calls there are', async () => {
    await using box = await loopback(() => answers('Hi!'));
    await using router = oneBox(box);
    const events = record(router);
    for (let call = 0; call < 3; call++) await router.chat(hello, { headersFor: () => ({ cookie: 'a=b' }) });
    router.update({ ...quiet, providers: { box: { type: 'openai-compatible', url: box.url } } });
    await router.chat(hello, { headersFor: () => ({ cookie: 'a=b' }) });
    expect(events.of('config:warning').filter(({ path }) => path === 'headersFor')).toHaveLength(1);
  });

  test('that cannot be sent are told of a hundred times at most, whatever their names', async () => {
    const headers = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`proxy-${index}`, 'x']));
    expect((await arrived(() => headers)).warnings).toHaveLength(100);
  });

  test('that cannot be sent are told of once where calls may share a request, too', async () => {
    await using box = await loopback(() => answers('Hi!'));
    await using router = createRouter({ ...quiet, singleFlight: true, providers: { box: { type: 'openai-compatible', url: box.url } } });
    const events = record(router);
    for (let call = 0; call < 3; call++) await router.chat(hello, { cache: true, headersFor: () => ({ cookie: 'a=b' }) });
    expect(box.requests).toHaveLength(3);
    expect(events.of('config:warning').filter(({ path }) => path === 'headersFor')).toHaveLength(1);
  });
});
