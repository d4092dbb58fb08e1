import { describe, expect, test } from 'vitest';
import { collect } from '../../src/router/chat-stream.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { after, fault, hang, type Outcome, pieces, refused, role } from '../_kit/fake-adapter.ts';
import { fakeRouter, hello, outcomeOf } from '../_kit/fake-router.ts';

describe('listeners', () => {
  test('that throw or reject change nothing and are reported once each', async () => {
    const { router, clock, events } = fakeRouter({ gpu: fault('driver'), cpu: 'yes' });
    const thrown = new Error('of a listener');
    const rejected = new Error('of an async listener');
    router.on('attempt:start', () => {
      throw thrown;
    });
    router.on('request:end', (() => Promise.reject(rejected)) as never);
    for (let count = 0; count < 3; count++) expect((await router.chat(hello)).route.provider).toBe('cpu');
    await clock.settle();
    expect(events.of('listener:error')).toEqual([
      { event: 'attempt:start', error: thrown },
      { event: 'request:end', error: rejected },
    ]);
  });

  test('that throw keep no other listener from hearing', async () => {
    const { router } = fakeRouter({ a: 'yes' });
    const heard: string[] = [];
    router.on('request:start', () => {
      throw new Error('first');
    });
    router.on('request:start', () => void heard.push('second'));
    await router.chat(hello);
    expect(heard).toEqual(['second']);
  });

  test('of listener:error that throw themselves end it there', async () => {
    const { router } = fakeRouter({ a: 'yes' });
    let count = 0;
    router.on('listener:error', () => {
      count++;
      throw new Error('again');
    });
    router.on('request:start', () => {
      throw new Error('first');
    });
    await router.chat(hello);
    expect(count).toBeLessThanOrEqual(2);
  });

  test('once hears once, off hears no more, and both give the router back', async () => {
    const { router } = fakeRouter({ a: 'yes' });
    const heard: string[] = [];
    const gone = (): void => void heard.push('off');
    expect(
      router
        .once('request:end', () => void heard.push('once'))
        .on('request:end', gone)
        .off('request:end', gone),
    ).toBe(router);
    await router.chat(hello);
    await router.chat(hello);
    expect(heard).toEqual(['once']);
  });

  test('may call the router, and may close it', async () => {
    const { router, clock } = fakeRouter({ a: 'yes' });
    const inner: unknown[] = [];
    router.once('request:end', () => {
      inner.push(outcomeOf(router.chat(hello)));
      inner.push(outcomeOf(router.close()));
    });
    await router.chat(hello);
    await clock.settle();
    expect(inner).toMatchObject([{ settled: true, value: {} }, { settled: true }]);
  });

  test('hear the warnings of the configuration although they came after it', async () => {
    const router = createRouter({ providers: { a: { type: 'stub' } }, maxAttempts: 9 });
    const heard: unknown[] = [];
    router.on('config:warning', (warning) => void heard.push(warning));
    await Promise.resolve();
    expect(heard).toMatchObject([{ path: 'maxAttempts' }]);
  });
});

/** Numbers from 0 to 1 that a seed determines (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function anyOutcome(random: () => number): Outcome {
  const some: readonly (() => Outcome)[] = [
    () => 'an answer',
    () => 'an answer',
    () => after(random() * 2_000, 'a late answer'),
    () => after(random() * 2_000, fault('driver', { status: 500 })),
    () => pieces(role, 'one', random() * 500, 'two', 'three'),
    () => pieces(role, 'one', random() * 500, fault('unavailable')),
    () => pieces('one', 'hang'),
    () => pieces(role),
    () => hang,
    refused,
    () => fault('rate_limited', { status: 429, retryAfterMs: random() * 3_000 }),
    () => fault('out_of_memory', { status: 500 }),
    () => fault('bad_request', { status: 400 }),
    () => fault('model_loading', { status: 503 }),
    () => new TypeError('a bug'),
  ];
  return (some[Math.floor(random() * some.length)] ?? (() => hang))();
}

test.each([1, 2, 3])('over 500 calls of every kind with every outcome, each start has exactly one end (seed %i)', async (seed) => {
  const random = seeded(seed);
  const does = (): Outcome => anyOutcome(random);
  const { router, clock, events, fakes } = fakeRouter({ a: does, b: does, c: does }, { random, deadlineMs: 20_000 });
  const calls: { settled: boolean }[] = [];
  const signals: AbortController[] = [];
  for (let count = 0; count < 500; count++) {
    const controller = new AbortController();
    signals.push(controller);
    const options = { signal: controller.signal };
    const request = { ...hello, model: `m${Math.floor(random() * 5)}` };
    const kind = Math.floor(random() * 5);
    if (kind === 0) calls.push(outcomeOf(router.chat(request, options)));
    if (kind === 1) calls.push(outcomeOf(router.embed({ model: request.model, input: 'x' }, options)));
    if (kind === 2) calls.push(outcomeOf(router.stream(request, options).then(collect)));
    if (kind === 3)
      calls.push(
        outcomeOf(
          router.stream(request, options).then(async (stream) => {
            for await (const _ of stream) break;
          }),
        ),
      );
    if (kind === 4) calls.push(outcomeOf(router.stream(request, options)));
    if (random() < 0.2) signals[Math.floor(random() * signals.length)]?.abort(new Error('left'));
    if (random() < 0.5) await clock.advance(random() * 400);
  }
  await clock.advance(60_000);

  expect(calls.filter(({ settled }) => !settled)).toEqual([]);
  const ids = (names: readonly string[]): string[] =>
    events.all.flatMap(({ name, payload }) =>
      names.includes(name) ? [`${(payload as { requestId: string }).requestId} ${(payload as { attempt?: number }).attempt ?? ''}`] : [],
    );
  expect(ids(['request:end', 'request:error']).sort()).toEqual(ids(['request:start']).sort());
  expect(ids(['attempt:end', 'attempt:error']).sort()).toEqual(ids(['attempt:start']).sort());
  const { inFlight, providers } = router.snapshot();
  expect(inFlight).toBe(0);
  for (const provider of providers) {
    expect(provider.inFlight).toBe(0);
    expect(provider.models.map((model) => model.inFlight)).toEqual(provider.models.map(() => 0));
  }
  expect(clock.timers()).toBe(0);
  expect(clock.delays.filter((delayMs) => !(delayMs >= 0))).toEqual([]);
  expect([fakes.a, fakes.b, fakes.c].map((fake) => fake.openStreams())).toEqual([0, 0, 0]);
  expect(events.of('listener:error')).toEqual([]);
});

test('events of one call come in one order: start, attempts without gaps, end', async () => {
  const { router, events } = fakeRouter({ a: refused(), b: refused(), c: 'yes' });
  await router.chat(hello);
  const [first] = events.all;
  expect(first?.name).toBe('request:start');
  expect(events.all.at(-1)?.name).toBe('request:end');
  expect(events.of('attempt:start').map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  expect(events.of('request:end')).toMatchObject([{ attempts: 3 }]);
});
