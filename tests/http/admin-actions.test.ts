import { expect, test } from 'vitest';
import type { ProviderTest, Router } from '../../src/index.ts';
import type { AdminPlaygroundFrame, AdminTestedFailover } from '../../src/http/admin-contract.ts';
import { fault, hang, pieces } from '../_kit/fake-adapter.ts';
import { adminServer, errorOf, framesOf, hello, readerOf, servedBy } from './admin-kit.ts';

const api = '/admin/api';

test('one provider is tested by asking it, and it alone', async () => {
  const { post, fakes, changes, clock } = adminServer({ gpu: fault('driver'), cpu: 'ok' });
  const well = (await (await post(`${api}/test-provider`, { provider: 'cpu', model: 'tiny' })).json()) as ProviderTest;
  expect(well).toMatchObject({ ok: true, provider: 'cpu', model: 'tiny', health: { provider: 'cpu' } });
  const ill = (await (await post(`${api}/test-provider`, { provider: 'gpu' })).json()) as ProviderTest;
  expect(ill).toMatchObject({ ok: false, health: { provider: 'gpu' } });
  expect(ill.error?.message).toContain('gpu: it said driver.');
  expect(Object.values(fakes).map(({ calls }) => calls.length)).toEqual([1, 1]);
  const atMs = clock.wallMs();
  expect(changes).toEqual([
    { atMs, action: 'test-provider', keys: ['cpu'], ok: true },
    { atMs, action: 'test-provider', keys: ['gpu'], ok: false },
  ]);
});

test('failover is tested for each provider', async () => {
  const { post, changes } = adminServer();
  const { tests } = (await (await post(`${api}/test-failover`, {})).json()) as AdminTestedFailover;
  expect(tests.map(({ without, provider, ok }) => [without, provider, ok])).toEqual([
    ['gpu', 'cpu', true],
    ['cpu', 'gpu', true],
  ]);
  expect(changes).toMatchObject([{ action: 'test-failover', keys: [], ok: true }]);
});

test('a failover that fails is told as that', async () => {
  const { post, changes } = adminServer({ gpu: 'ok', cpu: fault('driver') });
  const { tests } = (await (await post(`${api}/test-failover`, {})).json()) as AdminTestedFailover;
  expect(tests.map(({ without, ok }) => [without, ok])).toEqual([
    ['gpu', false],
    ['cpu', true],
  ]);
  expect(changes).toMatchObject([{ action: 'test-failover', ok: false }]);
});

test('a test of which nobody waits for the outcome ends', async () => {
  const { post, fakes, clock } = adminServer({ gpu: hang });
  const controller = new AbortController();
  const answer = post(`${api}/test-provider`, { provider: 'gpu' }, { signal: controller.signal });
  while (fakes['gpu']?.calls.length === 0) await clock.settle();
  controller.abort();
  expect((await answer).status).toBe(499);
  expect(fakes['gpu']?.calls.map(({ signal }) => signal.aborted)).toEqual([true]);
});

test('pins are taken away: all of them, or those of a provider, and counted', async () => {
  const { post, router, changes } = adminServer({ gpu: fault('out_of_memory'), cpu: 'ok' });
  const pin = (): Promise<unknown> => router.chat({ ...hello, model: 'big' });
  await pin();
  expect(await (await post(`${api}/unpin`, { provider: 'cpu' })).json()).toEqual({ count: 0 });
  expect(await (await post(`${api}/unpin`, { provider: 'gpu', model: 'other' })).json()).toEqual({ count: 0 });
  expect(await (await post(`${api}/unpin`, { provider: 'gpu', model: 'big' })).json()).toEqual({ count: 1 });
  await pin();
  expect(await (await post(`${api}/unpin`, {})).json()).toEqual({ count: 1 });
  expect(changes.map(({ action, keys }) => [action, ...keys])).toEqual([['unpin', 'cpu'], ['unpin', 'gpu'], ['unpin', 'gpu'], ['unpin']]);
});

test('circuits are closed by a router that can, and counted', async () => {
  const base = adminServer();
  const asked: unknown[] = [];
  const closeCircuit = (which: unknown): number => (asked.push(which), 2);
  const { post, changes } = servedBy({ ...base.router, closeCircuit } as Router, base.options, base.clock);
  expect(await (await post(`${api}/close-circuit`, { provider: 'gpu', model: 'm' })).json()).toEqual({ count: 2 });
  expect(asked).toEqual([{ provider: 'gpu', model: 'm' }]);
  expect(changes).toEqual([{ atMs: base.clock.wallMs(), action: 'close-circuit', keys: ['gpu'], ok: true }]);
});

test.each(['test-provider', 'unpin', 'close-circuit', 'playground'])(
  '%s acts upon nothing that is not configured, and does not repeat the name',
  async (action) => {
    const { post, changes, fakes } = adminServer();
    const response = await post(`${api}/${action}`, {
      provider: 'http://169.254.169.254/canary',
      ...(action === 'playground' && { prompt: 'hi' }),
    });
    expect(response.status).toBe(404);
    const error = await errorOf(response);
    expect(error['code']).toBe('unknown_provider');
    expect(JSON.stringify(error)).not.toMatch(/canary|169\.254/);
    expect(changes).toEqual([]);
    expect(Object.values(fakes).flatMap(({ calls }) => calls)).toEqual([]);
  },
);

const refusals: readonly (readonly [string, unknown, string])[] = [
  ['test-provider', {}, 'provider'],
  ['test-provider', { provider: 7 }, 'provider'],
  ['test-provider', { provider: 'gpu', url: 'http://canary' }, 'url'],
  ['test-failover', { providers: ['canary'] }, 'providers'],
  ['test-failover', ['canary'], 'The body'],
  ['unpin', { model: '' }, 'model'],
  ['unpin', { model: 'canary'.repeat(50) }, 'model'],
  ['playground', {}, 'prompt'],
  ['playground', { prompt: ' \n' }, 'prompt'],
  ['playground', { prompt: 'canary', maxTokens: 0 }, 'maxTokens'],
  ['playground', { prompt: 'canary', intent: 'canary' }, 'intent must be one of'],
  ['playground', { prompt: 'canary', intent: 'constructor' }, 'intent must be one of'],
  ['playground', { prompt: 'canary', messages: [] }, 'messages'],
];

test.each(refusals)('%s with %j is 400 with the field, and nothing of it is repeated', async (action, body, field) => {
  const { post, fakes } = adminServer();
  const response = await post(`${api}/${action}`, body);
  expect(response.status).toBe(400);
  const { message } = await errorOf(response);
  expect(message).toContain(field);
  expect(message).not.toContain('canary');
  expect(Object.values(fakes).flatMap(({ calls }) => calls)).toEqual([]);
});

async function playground(server: ReturnType<typeof adminServer>, ask: object): Promise<readonly AdminPlaygroundFrame[]> {
  const response = await server.post(`${api}/playground`, ask);
  expect(response.status).toBe(200);
  return (await framesOf(response)) as AdminPlaygroundFrame[];
}

test('the playground shows the plan, then the answer, then the way that it took', async () => {
  const server = adminServer({ gpu: fault('driver'), cpu: pieces('Good ', 'day') });
  const frames = await playground(server, { prompt: 'Hello!', intent: 'heavy', model: 'm', maxTokens: 7 });
  expect(frames).toMatchObject([
    { type: 'plan', plan: { verb: 'stream', intent: 'heavy', candidates: [{ provider: 'gpu' }, { provider: 'cpu' }] } },
    { type: 'text', text: 'Good ' },
    { type: 'text', text: 'day' },
    { type: 'route', text: expect.stringMatching(/^cpu \(m\) answered[^]*gpu \(m\) +failed/) },
  ]);
  const [{ request, verb, model } = {}] = server.fakes['cpu']?.calls ?? [];
  expect({ request, verb, model }).toMatchObject({
    verb: 'stream',
    model: 'm',
    request: { max_tokens: 7, messages: [{ role: 'user', content: 'Hello!' }] },
  });
});

test('the playground asks one provider alone where one is named', async () => {
  const server = adminServer();
  expect(await playground(server, { prompt: 'hi', provider: 'cpu' })).toMatchObject([
    { plan: { candidates: [{ provider: 'cpu' }] } },
    { text: 'from cpu' },
    {},
  ]);
  expect(server.fakes['gpu']?.calls).toEqual([]);
});

test('a playground where nobody answers says why, in the place of an answer', async () => {
  const frames = await playground(adminServer({ gpu: fault('driver') }), { prompt: 'secret prompt' });
  expect(frames.map(({ type }) => type)).toEqual(['plan', 'error']);
  expect(frames[1]).toMatchObject({ code: 'all_failed', message: expect.stringContaining('gpu: it said driver.') });
  expect(JSON.stringify(frames)).not.toContain('secret prompt');
});

test('an answer that breaks off keeps its text, and the way and the reason come after it', async () => {
  const frames = await playground(adminServer({ gpu: pieces('Good ', fault('driver')) }), { prompt: 'hi' });
  expect(frames.map(({ type }) => type)).toEqual(['plan', 'text', 'route', 'error']);
  expect(frames[2]).toMatchObject({ text: expect.stringContaining('broke off') });
  expect(frames[3]).toMatchObject({ code: 'stream_interrupted' });
});

test('leaving the playground ends the call', async () => {
  const { post, fakes, clock } = adminServer({ gpu: pieces('Good ', 'hang') });
  const { next, leave } = readerOf(await post(`${api}/playground`, { prompt: 'hi' }));
  await next();
  expect(await next()).toContain('Good ');
  void next();
  await clock.settle();
  await leave();
  await clock.settle();
  expect(fakes['gpu']?.calls.map(({ signal }) => signal.aborted)).toEqual([true]);
  expect(fakes['gpu']?.openStreams()).toBe(0);
});
