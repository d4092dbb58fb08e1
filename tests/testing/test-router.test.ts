import { setupServer } from 'msw/node';
import { expect, test } from 'vitest';
import { collect, createRouter, type RouterOptions, systemClock } from '../../src/index.ts';
import {
  createTestRouter,
  fakeBackend,
  loading,
  queueFull,
  recordEvents,
  reply,
  slow,
  stallAfter,
  stallBeforeHeaders,
  testClock,
} from '../../src/testing/index.ts';
import { hello } from '../_kit/fake-router.ts';
import { plainWire } from '../_kit/plain-wire.ts';

test('a router waits, fails over and answers without any real time', async () => {
  const clock = testClock();
  await using silent = await fakeBackend(plainWire, stallBeforeHeaders(), { clock }).listen();
  await using cold = await fakeBackend({ ...plainWire, whileLoading: 'waits' }, loading(20_000, reply('at last')), { clock }).listen();
  const type = 'openai-compatible';
  await using kit = createTestRouter({ providers: { silent: { type, url: silent.url }, cold: { type, url: cold.url } } }, { clock });
  const startMs = clock.nowMs();
  const answer = await clock.run(kit.router.chat(hello));
  expect([answer.choices[0]?.message.content, answer.route.provider, clock.nowMs() - startMs]).toEqual(['at last', 'cold', 80_000]);
  expect(kit.events.lines()).toContain('failover silent to cold: timeout');
});

test('the same through msw', async () => {
  const clock = testClock();
  const busy = fakeBackend(plainWire, queueFull(), { clock, url: 'http://busy.test' });
  const free = fakeBackend(plainWire, slow(1, reply('one two three')), { clock, url: 'http://free.test' });
  const server = setupServer(...busy.handlers, ...free.handlers);
  server.listen({ onUnhandledFrame: 'error' });
  const type = 'openai-compatible';
  await using kit = createTestRouter({ providers: { busy: { type, url: busy.url }, free: { type, url: free.url } } }, { clock });
  const answer = await clock.run(kit.router.stream(hello).then(collect));
  server.close();
  expect([answer.choices[0]?.message.content, kit.events.of('failover')[0]?.to]).toEqual(['one two three', 'free']);
});

test('asks for nothing but what the test asks', async () => {
  await using server = await fakeBackend(plainWire).listen();
  await using kit = createTestRouter({ providers: { a: { type: 'openai-compatible', url: server.url, defaultModel: 'm' } } });
  await kit.clock.advance(60_000);
  expect(server.requests).toEqual([]);
});

async function retryDelays(seed: number): Promise<readonly number[]> {
  await using server = await fakeBackend(plainWire, [queueFull(), queueFull(), reply()]).listen();
  await using kit = createTestRouter({ providers: { a: { type: 'openai-compatible', url: server.url } } }, { seed });
  await kit.clock.run(kit.router.chat(hello));
  return kit.events.of('retry').map(({ delayMs }) => delayMs);
}

test('waits the same times in every run with one seed', async () => {
  const delays = await retryDelays(1);
  expect(delays).not.toEqual([]);
  expect(await retryDelays(1)).toEqual(delays);
  expect(await retryDelays(2)).not.toEqual(delays);
});

test('stands on the test clock whatever clock the options name', async () => {
  const options: RouterOptions = { providers: { a: { type: 'stub' } }, clock: systemClock };
  await using kit = createTestRouter(options);
  expect(kit.router.snapshot().nowMs).toBe(1_000_000);
});

test('closes without being told to go on, and leaves no timer', async () => {
  const clock = testClock();
  await using server = await fakeBackend(plainWire, stallAfter(0), { clock }).listen();
  const kit = createTestRouter({ providers: { a: { type: 'openai-compatible', url: server.url } } }, { clock });
  const calls = [kit.router.chat(hello), kit.router.chat(hello)].map((call) => call.catch((error: { code: string }) => error.code));
  await clock.settle();
  await kit.close();
  await clock.settle();
  expect([await Promise.all(calls), clock.timers(), server.aborted]).toEqual([['closed', 'closed'], 0, 2]);
});

test('records every event in order, from the moment it is asked to', async () => {
  const router = createRouter({ providers: { last: { type: 'stub' } } });
  await router.chat(hello);
  const events = recordEvents(router);
  await router.chat(hello);
  expect(events.names()).toEqual(['request:start', 'attempt:start', 'attempt:end', 'request:end']);
  expect(events.lines()).toEqual(['request:start', 'attempt:start last', 'attempt:end last', 'request:end last']);
  expect(events.of('attempt:start')).toEqual([expect.objectContaining({ provider: 'last', attempt: 1 })]);
  events.clear();
  expect(events.all).toEqual([]);
  await router.close();
});
