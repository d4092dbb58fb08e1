import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { collect } from '../src/router/chat-stream.ts';
import { createRouter } from '../src/router/create-router.ts';
import { after, fault, hang, pieces } from './_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello, outcomeOf, readAll } from './_kit/fake-router.ts';
import { loopback } from './_kit/loopback.ts';
import { answers, streams } from './_kit/openai-bytes.ts';

test('a thousand calls on one signal leave no listener on it', async () => {
  const { router } = fakeRouter({
    a: (call) => (call % 3 === 0 ? fault('driver', { status: 500 }) : 'yes'),
    b: pieces('one', fault('driver')),
  });
  const { signal } = new AbortController();
  for (let count = 0; count < 250; count++) {
    await outcomeOf(router.chat(hello, { signal }));
    await collect(await router.stream(hello, { signal })).catch(() => undefined);
    for await (const _ of await router.stream(hello, { signal })) break;
    await router.health({ signal });
  }
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

test('calls over a real socket leave no listener on their signal', async () => {
  await using server = await loopback(({ body }) => ((body as { stream?: boolean }).stream === true ? streams('a', 'b') : answers('yes')));
  const router = createRouter({ providers: { box: { type: 'openai-compatible', url: server.url } } });
  const { signal } = new AbortController();
  for (let count = 0; count < 50; count++) {
    await router.chat(hello, { signal });
    await readAll(await router.stream(hello, { signal }));
  }
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

test('a hundred calls at once on one signal make no warning', async () => {
  const warnings: unknown[] = [];
  const listen = (warning: unknown): void => void warnings.push(warning);
  process.on('warning', listen);
  const { router, clock } = fakeRouter({ a: hang });
  const controller = new AbortController();
  const calls = Array.from({ length: 100 }, () => outcomeOf(router.chat(hello, { signal: controller.signal })));
  await clock.settle();
  controller.abort('enough');
  await clock.settle();
  process.off('warning', listen);
  expect(warnings).toEqual([]);
  expect(calls.every(({ error }) => error === 'enough')).toBe(true);
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
});

test('when all is quiet there is no timer left, however the calls ended', async () => {
  const { router, clock } = fakeRouter({
    a: [fault('rate_limited', { retryAfterMs: 500 }), after(100, 'yes'), hang, pieces('one', 'hang'), pieces('one', 50, 'two')],
  });
  const first = outcomeOf(router.chat(hello));
  await clock.advance(1_000);
  const second = outcomeOf(router.chat(hello, { deadlineMs: 300 }));
  await clock.advance(300);
  for await (const _ of await router.stream(hello)) break;
  const third = outcomeOf(router.stream(hello).then(collect));
  await clock.advance(1_000);
  expect([first.settled, second.settled, third.settled]).toEqual([true, true, true]);
  expect(clock.timers()).toBe(0);
});

test('what is learnt of models is bounded, however many names callers send', async () => {
  const { router } = fakeRouter({ a: fault('model_not_found', { status: 404 }) });
  for (let count = 0; count < 1_500; count++) await failureOf(router.chat({ ...hello, model: `name-${count}` }));
  expect(router.snapshot().providers[0]?.models.length).toBeLessThanOrEqual(1_000);
});

test('a hundred routers made and closed leave nothing on a signal that they shared', async () => {
  const { signal } = new AbortController();
  for (let count = 0; count < 100; count++) {
    const { router } = fakeRouter({ a: 'yes' });
    await router.chat(hello, { signal });
    await router.close();
  }
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});
