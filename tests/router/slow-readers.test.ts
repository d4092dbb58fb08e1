import { describe, expect, test } from 'vitest';
import type { ProviderConfig } from '../../src/config/config.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import type { ChatChunk } from '../../src/core/types.ts';
import type { Transport } from '../../src/lib/transport.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { createLanes } from '../../src/router/lanes.ts';
import { createProvider } from '../../src/router/provider.ts';
import { createProviderState, type Permit } from '../../src/router/provider-state.ts';
import type { Router } from '../../src/router/router.ts';
import { Ring } from '../../src/lib/ring.ts';
import { type HeldSlot, heldSlot } from '../../src/router/slots.ts';
import { makeRoom } from '../../src/router/unread-streams.ts';
import { after, fake, fault, hang, type Outcome, pieces } from '../_kit/fake-adapter.ts';
import { type FakeRouter, fakeRouter, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';
import { partOf } from '../_kit/stream-parts.ts';
import { testClock } from '../_kit/test-clock.ts';
import { type Called, callsOf, countsOf, expectFree, expectQuiet, type Options, queueLines, single } from './queue-kit.ts';

type Reader = AsyncIterableIterator<ChatChunk>;

/** One slot: the first call is this stream, the others are answered ten seconds after they began. */
const one = (stream: Outcome, options: Options = {}): FakeRouter<'a'> =>
  fakeRouter({ a: { does: [stream, after(10_000, 'held')], ...single } }, options);

/** A stream whose reader has taken the first piece. */
async function begin(router: Router, options = {}): Promise<Reader> {
  const reader = (await router.stream(hello, options))[Symbol.asyncIterator]();
  await reader.next();
  return reader;
}

const named = (router: Router, model: string, options = {}): Called => outcomeOf(router.chat({ ...hello, model }, options));
const modelsAsked = ({ fakes }: FakeRouter<'a'>): (string | undefined)[] => fakes.a.calls.map(({ model }) => model);

describe('a stream that is read slowly does not keep others waiting:', () => {
  test('a reader may call the same model for each piece', async () => {
    const made = fakeRouter({ a: { does: [pieces('one', 'two', 'three'), 'answer'], ...single } });
    const waits: number[] = [];
    const reading = async (): Promise<string[]> => {
      const parts: string[] = [];
      for await (const chunk of await made.router.stream(hello)) {
        parts.push(partOf(chunk));
        waits.push((await made.router.chat(hello)).route.queuedMs);
      }
      return parts;
    };
    expect(await made.clock.run(reading())).toEqual(['one', 'two', 'three']);
    // Once it has given its slot back there is one for every call.
    expect(waits).toEqual([1_000, 0, 0]);
    expectQuiet(made);
    await expectFree(made, { a: 1 });
  });

  test('one that nobody reads lets a call go at once when it has been so for a second', async () => {
    const made = one(pieces('one', 'two'));
    const stream = await made.router.stream(hello);
    await made.clock.advance(1_000);
    const [call] = callsOf(1, made.router);
    await made.clock.settle();
    expect(made.fakes.a.calls).toHaveLength(2);
    // Its call and its permit go on.
    expect(made.router.snapshot()).toMatchObject({ inFlight: 2, providers: [{ inFlight: 2, waiting: 0, slots: 1 }] });
    expect(await readAll(stream)).toEqual({ text: 'onetwo', failure: undefined });
    await made.clock.advance(10_000);
    expect(call?.value?.route).toMatchObject({ provider: 'a', queuedMs: 0 });
    expectQuiet(made);
    await expectFree(made, { a: 1 });
  });

  test('one whose reader thinks for 20 s at each piece goes on unharmed, and the calls meanwhile wait a second at most', async () => {
    const made = fakeRouter({ a: { does: [pieces('one', 'two', 'three'), 'answer'], ...single } });
    const reading = outcomeOf(
      (async () => {
        let text = '';
        for await (const chunk of await made.router.stream(hello)) {
          text += partOf(chunk);
          await new Promise<void>((resolve) => void made.clock.schedule(20_000, resolve));
        }
        return text;
      })(),
    );
    const calls: Called[] = [];
    for (let passed = 0; passed < 65_000; passed += 5_000) {
      calls.push(...callsOf(1, made.router));
      await made.clock.advance(5_000);
    }
    expect(reading.value).toBe('onetwothree');
    expect(calls.map(({ value }) => value?.route.queuedMs)).toEqual([1_000, ...Array.from({ length: 12 }, () => 0)]);
    expectQuiet(made);
    await expectFree(made, { a: 1 });
  });

  test('not even where no call may wait', async () => {
    const made = one(pieces('one'), { queue: { limit: 0 } });
    const reader = await begin(made.router);
    await made.clock.advance(999);
    const early = named(made.router, 'early');
    await made.clock.advance(1);
    const late = named(made.router, 'late');
    await made.clock.advance(10_000);
    expect([early.error, late.value?.route.queuedMs]).toMatchObject([{ code: 'saturated' }, 0]);
    await reader.return?.();
    expectQuiet(made);
  });
});

describe('a stream keeps its slot', () => {
  test('while its reader asks for a piece every 900 ms', async () => {
    const made = one(pieces(...'abcdef'));
    const reader = await begin(made.router);
    const [call] = callsOf(1, made.router);
    for (let piece = 1; piece < 6; piece++) {
      await made.clock.advance(900);
      expect(made.fakes.a.calls).toHaveLength(1);
      await reader.next();
    }
    await made.clock.advance(1_500);
    expect(made.fakes.a.calls).toHaveLength(2);
    await reader.return?.();
    await made.clock.advance(10_000);
    expect(call?.value?.route).toMatchObject({ provider: 'a' });
    expectQuiet(made);
  });

  test.each([
    ['its first piece', pieces(5_000, 'one', 'two')],
    ['the next piece', pieces('one', 5_000, 'two')],
  ])('while its reader waits for %s', async (_, stream) => {
    const made = one(stream);
    const reading = outcomeOf(made.router.stream(hello).then(readAll));
    callsOf(1, made.router);
    await made.clock.advance(4_999);
    expect(countsOf(made.router)).toEqual({ a: { waiting: 1, inFlight: 1 } });
    await made.clock.advance(1);
    expect(reading.value).toEqual({ text: 'onetwo', failure: undefined });
    expect(countsOf(made.router)).toEqual({ a: { waiting: 0, inFlight: 1 } });
    await made.clock.advance(10_000);
    expectQuiet(made);
  });

  test('where it is not needed: of two that nobody reads, one call takes one', async () => {
    const made = fakeRouter({ a: { does: [pieces('one', 'hang'), pieces('one', 'hang'), after(10_000, 'held')], maxConcurrent: 2 } });
    const readers = [await begin(made.router), await begin(made.router)];
    await made.clock.advance(1_000);
    named(made.router, 'first');
    // Both readers are back, and wait for their servers.
    readers.forEach((reader) => void outcomeOf(reader.next()));
    await made.clock.settle();
    named(made.router, 'second');
    await made.clock.advance(5_000);
    expect(modelsAsked(made)).toEqual(['m', 'm', 'first']);
    expect(countsOf(made.router)).toEqual({ a: { waiting: 1, inFlight: 3 } });
    await Promise.all(readers.map((reader) => reader.return?.()));
    await made.clock.advance(15_000);
    expectQuiet(made);
    await expectFree(made, { a: 2 });
  });

  test('where it is of no use to those who wait: batch work has all that it may have', async () => {
    const made = fakeRouter(
      { a: { does: [pieces('one', 'hang'), after(10_000, 'held')], maxConcurrent: 2, reservedForFast: 1 } },
      { intents: { batch: { lane: 'heavy' } } },
    );
    const reader = await begin(made.router);
    const batch = { intent: 'batch' };
    named(made.router, 'heavy 1', batch);
    named(made.router, 'heavy 2', batch);
    await made.clock.advance(3_000);
    void outcomeOf(reader.next());
    await made.clock.settle();
    named(made.router, 'fast');
    await made.clock.advance(3_000);
    expect(modelsAsked(made)).toEqual(['m', 'heavy 1']);
    await reader.return?.();
    await made.clock.settle();
    expect(modelsAsked(made)).toEqual(['m', 'heavy 1', 'fast']);
    await made.clock.advance(30_000);
    expectQuiet(made);
    await expectFree(made, { a: 2 });
  });

  test('of another model, where each model has slots of its own', async () => {
    const { router, clock, asked } = perModel();
    const streams = await Promise.all(['x', 'y'].map((model) => router.stream({ ...hello, model })));
    const readers = streams.map((stream) => stream[Symbol.asyncIterator]());
    await clock.advance(1_000);
    named(router, 'y');
    await clock.settle();
    expect(asked).toEqual(['x', 'y', 'y']);
    // The reader of the other one is back, and waits for its server.
    void outcomeOf(readAll(readers[0] as Reader));
    await clock.settle();
    const other = named(router, 'x');
    await clock.advance(3_000);
    expect([asked, other.settled]).toEqual([['x', 'y', 'y'], false]);
    await router.close({ drainMs: 0 });
  });
});

/** A server whose models each serve one call at a time; its streams begin and then say no more, its answers never come. */
function perModel(): { readonly router: Router; readonly clock: ReturnType<typeof testClock>; readonly asked: string[] } {
  const clock = testClock();
  const asked: string[] = [];
  const transport: Transport = {
    async send({ body, signal }) {
      const { model, stream } = JSON.parse(body ?? '{}') as { model: string; stream?: boolean };
      asked.push(model);
      const bytes = new TextEncoder().encode(`${JSON.stringify({ model, message: { role: 'assistant', content: 'one' }, done: false })}\n`);
      const start = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
        if (stream === true) controller.enqueue(bytes);
        signal.addEventListener('abort', () => controller.error(signal.reason));
      };
      const reply = new Response(new ReadableStream({ start }));
      return { status: 200, header: (name) => reply.headers.get(name), body: reply.body, text: () => reply.text() };
    },
  };
  const providers = { a: { type: 'ollama', url: 'http://a.test', locality: 'host' } } as const;
  const router = createRouter({ clock, random: () => 0.5, transport, checkModels: false, health: false, pollMs: false, providers });
  return { router, clock, asked };
}

describe('a slot that is given back early', () => {
  test('goes to whoever has the best claim, in the order of the queue', async () => {
    const made = one(pieces('one', 'two'), { intents: { batch: { lane: 'heavy' } } });
    const reader = await begin(made.router);
    const calls = [named(made.router, 'heavy', { intent: 'batch' }), named(made.router, 'fast 1'), named(made.router, 'fast 2')];
    await made.clock.advance(1_000);
    expect(modelsAsked(made)).toEqual(['m', 'fast 1']);
    // One who comes now looks first, and does not go first.
    calls.push(named(made.router, 'fast 3'));
    await made.clock.advance(9_999);
    expect(modelsAsked(made)).toEqual(['m', 'fast 1']);
    await made.clock.advance(30_001);
    expect(modelsAsked(made)).toEqual(['m', 'fast 1', 'fast 2', 'fast 3', 'heavy']);
    await reader.return?.();
    await made.clock.advance(10_000);
    expect(calls.map(({ value }) => value?.route.provider)).toEqual(['a', 'a', 'a', 'a']);
    expectQuiet(made);
    await expectFree(made, { a: 1 });
  });

  test('goes to one that waits already, and not to the call that looks', async () => {
    const made = fakeRouter({ a: { does: [pieces('one', 'hang'), pieces('one', 'hang'), after(10_000, 'held')], maxConcurrent: 2 } });
    const readers = [await begin(made.router)];
    await made.clock.advance(600);
    readers.push(await begin(made.router));
    await made.clock.advance(300);
    named(made.router, 'first');
    await made.clock.advance(100);
    named(made.router, 'second');
    await made.clock.settle();
    expect(modelsAsked(made)).toEqual(['m', 'm', 'first']);
    await made.clock.advance(1_000);
    expect(modelsAsked(made)).toEqual(['m', 'm', 'first', 'second']);
    await Promise.all(readers.map((reader) => reader.return?.()));
    await made.clock.advance(10_000);
    expectQuiet(made);
    await expectFree(made, { a: 2 });
  });

  const controllers = { caller: new AbortController() };
  const endings: Readonly<Record<string, { stream: Outcome; end: (reader: Reader, made: FakeRouter<'a'>) => unknown; options?: object }>> =
    {
      'has been read to its end': { stream: pieces('one', 'two'), end: (reader) => readAll(reader) },
      'has been left': { stream: pieces('one', 'two'), end: (reader) => reader.return?.() },
      'has broken': { stream: pieces('one', fault('bad_request')), end: (reader) => readAll(reader) },
      'has been aborted by its caller': {
        stream: pieces('one', 'hang'),
        options: { signal: controllers.caller.signal },
        end: () => controllers.caller.abort(new Error('the caller’s own')),
      },
      'has run out of time': { stream: pieces('one', 'hang'), options: { deadlineMs: 2_000 }, end: (_, { clock }) => clock.advance(1_000) },
    };

  test.each(Object.entries(endings))('is not given back again when its stream %s', async (_, { stream, end, options }) => {
    const made = one(stream);
    const reader = await begin(made.router, options);
    await made.clock.advance(1_000);
    const calls = callsOf(2, made.router);
    await made.clock.settle();
    expect(countsOf(made.router)).toEqual({ a: { waiting: 1, inFlight: 2 } });
    await end(reader, made);
    await made.clock.settle();
    expect(made.fakes.a.openStreams()).toBe(0);
    expect(countsOf(made.router)).toEqual({ a: { waiting: 1, inFlight: 1 } });
    await made.clock.advance(20_000);
    expect(calls.map(({ value }) => value?.route.provider)).toEqual(['a', 'a']);
    expectQuiet(made);
    await expectFree(made, { a: 1 });
  });

  test('leaves the failure of its stream in the books', async () => {
    const made = one(pieces('one', fault('driver', { status: 500 })), { breaker: { failureThreshold: 1 } as never });
    const reader = await begin(made.router);
    await made.clock.advance(1_000);
    const [call] = callsOf(1, made.router);
    await made.clock.settle();
    expect((await readAll(reader)).failure).toMatchObject({ code: 'stream_interrupted', provider: 'a' });
    expect(made.events.of('attempt:error')).toMatchObject([{ provider: 'a', attempt: 1, error: { code: 'driver' } }]);
    expect(made.router.snapshot().providers).toMatchObject([{ failures: 1, lastError: { code: 'driver' }, inFlight: 1 }]);
    await made.clock.advance(10_000);
    expect(call?.value?.route.provider).toBe('a');
    expectQuiet(made);
  });

  test('is not what a stream that restarts goes on with: it waits for another', async () => {
    const made = fakeRouter(
      { a: { does: [pieces('x', fault('driver')), 'next'], ...single }, b: { does: [after(5_000, 'held'), pieces('y', 'z')], ...single } },
      { onStreamFailure: 'restart' },
    );
    const reader = await begin(made.router);
    void outcomeOf(made.router.chat(hello, { provider: 'b' }));
    await made.clock.advance(1_000);
    const [call] = [outcomeOf(made.router.chat(hello, { provider: 'a' }))];
    await made.clock.settle();
    expect(call?.value?.route.queuedMs).toBe(0);
    const rest = outcomeOf(readAll(reader));
    await made.clock.settle();
    expect(countsOf(made.router)).toEqual({ a: { waiting: 0, inFlight: 0 }, b: { waiting: 1, inFlight: 1 } });
    await made.clock.advance(5_000);
    expect(rest.value).toEqual({ text: 'yz', failure: undefined });
    expectQuiet(made);
    await expectFree(made, { a: 1, b: 1 });
  });

  test('may be that of a hedge, and the one who lost keeps nothing', async () => {
    const made = fakeRouter(
      { a: { does: ['known', hang, after(10_000, 'held')], ...single }, b: { does: [pieces('y', 'z'), after(10_000, 'held')], ...single } },
      { hedge: { minDelayMs: 200, minSamples: 1, maxLoad: 1 } },
    );
    await readAll(await made.router.stream(hello, { provider: 'a', hedge: false }));
    const opening = outcomeOf(made.router.stream(hello));
    await made.clock.advance(200);
    expect(opening.value?.route).toMatchObject({ provider: 'b', hedged: true });
    const [toA, toB] = ['a', 'b'].map((provider) => outcomeOf(made.router.chat(hello, { provider, hedge: false })));
    await made.clock.advance(1_000);
    expect(queueLines(made.events)).toEqual(['enter b', 'leave b after 1000']);
    expect(countsOf(made.router)).toEqual({ a: { waiting: 0, inFlight: 1 }, b: { waiting: 0, inFlight: 2 } });
    expect(await readAll(opening.value as AsyncIterable<ChatChunk>)).toEqual({ text: 'yz', failure: undefined });
    await made.clock.advance(10_000);
    expect([toA?.value?.route.provider, toB?.value?.route.provider]).toEqual(['a', 'b']);
    expectQuiet(made);
    await expectFree(made, { a: 1, b: 1 });
  });

  test('is given once, whoever gives it how often', () => {
    const lanes = createLanes({ slots: 2, reservedForFast: 0, queueLimit: 9, agingMs: Infinity });
    const slots = [0, 1].map(() => {
      lanes.take('fast');
      return heldSlot(lanes, 'fast', testClock());
    });
    for (const inUse of [1, 1, 1]) {
      slots[0]?.give();
      expect(lanes.inUse).toBe(inUse);
    }
  });
});

test('as many are given back as it takes to let one call go, after the number of slots fell', () => {
  const lanes = createLanes({ slots: 4, reservedForFast: 0, queueLimit: 9, agingMs: Infinity });
  const clock = testClock();
  const idle = { pausedAtMs: () => clock.nowMs() - 1_000 };
  const slots = Array.from({ length: 4 }, () => heldSlot(lanes, 'fast', clock));
  slots.forEach(() => lanes.take('fast'));
  lanes.resize({ slots: 2, reservedForFast: 0 }, clock.nowMs());
  const streams = new Ring<HeldSlot>();
  for (const slot of slots) slot.readBy(idle, streams);
  makeRoom(streams, lanes, 'fast', clock.nowMs());
  expect([lanes.inUse, streams.values()]).toEqual([1, slots.slice(3)]);
});

test('a provider keeps nothing of a stream that has ended', () => {
  const clock = testClock();
  const { adapter } = fake('yes', { clock });
  const { config } = resolveConfig({ clock, providers: { a: { type: 'custom', adapter } } });
  const settings = config.providers[0] as ProviderConfig;
  const state = createProviderState({ config: settings, router: config });
  const provider = createProvider({ config: settings, adapter, router: config, announce: () => undefined, sharing: undefined, state });
  const nowMs = clock.nowMs();
  const leave = { nowMs, leaseMs: 60_000, early: false, intent: 'fast', lane: 'fast', promptTokens: 5, slot: undefined } as const;
  const permit = provider.acquire('m', leave) as Permit;
  permit.slot.readBy({ pausedAtMs: () => undefined }, state.streams);
  expect(state.streams.values()).toEqual([permit.slot]);
  provider.settle(permit, { type: 'none' }, nowMs);
  expect(state.streams.values()).toEqual([]);
});

describe('where there are a thousand streams that nobody reads', () => {
  test('as many calls take their slots, each of them once', async () => {
    const count = 1_000;
    const does = (call: number): Outcome => (call < count ? pieces('one', 'two') : hang);
    const made = fakeRouter({ a: { does, maxConcurrent: count, reservedForFast: 0 } });
    const readers = await Promise.all(Array.from({ length: count }, () => begin(made.router)));
    await made.clock.advance(1_000);
    const calls = callsOf(count + 1, made.router);
    await made.clock.settle();
    expect(countsOf(made.router)).toEqual({ a: { waiting: 1, inFlight: 2 * count } });
    const texts = await Promise.all(readers.map(async (reader) => (await readAll(reader)).text));
    expect(texts.every((text) => text === 'two')).toBe(true);
    await made.clock.settle();
    expect(countsOf(made.router)).toEqual({ a: { waiting: 1, inFlight: count } });
    await made.router.close({ drainMs: 0 });
    await made.clock.settle();
    expect(calls.every(({ settled }) => settled)).toBe(true);
    expectQuiet(made);
  });

  test('none of them looks at the clock, or has a timer but its own end, while nobody waits', async () => {
    const made = fakeRouter({ a: pieces('one', 'two') });
    const readers = await Promise.all(Array.from({ length: 1_000 }, () => begin(made.router)));
    const { length } = made.clock.delays;
    expect([made.clock.timers(), length]).toEqual([1_000, 1_000]);
    await made.clock.advance(60_000);
    expect([made.clock.timers(), made.clock.delays.length]).toEqual([1_000, length]);
    await Promise.all(readers.map((reader) => reader.return?.()));
    expectQuiet(made);
  });

  test('and whoever has waited leaves no timer', async () => {
    const made = one(pieces('one', 'two'));
    const reader = await begin(made.router);
    const timers = made.clock.timers();
    const controller = new AbortController();
    const call = outcomeOf(made.router.chat(hello, { signal: controller.signal }));
    await made.clock.advance(500);
    controller.abort(new Error('enough'));
    await made.clock.settle();
    expect([call.settled, made.clock.timers()]).toEqual([true, timers]);
    await reader.return?.();
    expectQuiet(made);
  });
});

test('a call that takes the slot of a stream as it looks for one leaves the queue before, and joins none behind', async () => {
  const held = { does: hang, ...single };
  const made = fakeRouter({ a: held, b: { does: [pieces('one', 'hang'), 'b'], ...single }, c: held });
  void outcomeOf(made.router.chat(hello, { provider: 'a' }));
  void outcomeOf(made.router.chat(hello, { provider: 'c' }));
  const reader = (await made.router.stream(hello, { provider: 'b' }))[Symbol.asyncIterator]();
  await reader.next();
  await made.clock.advance(1_000);
  const call = outcomeOf(made.router.chat(hello));
  await made.clock.settle();
  expect(call.value?.route).toMatchObject({ provider: 'b', queuedMs: 0 });
  const nobody = { waiting: 0, inFlight: 1 };
  expect(countsOf(made.router)).toEqual({ a: nobody, b: nobody, c: nobody });
  await reader.return?.();
  await made.router.close({ drainMs: 0 });
});

test('a slot that an attempt has taken over is not given back by the call', () => {
  const lanes = createLanes({ slots: 1, reservedForFast: 0, queueLimit: 9, agingMs: Infinity });
  lanes.take('fast');
  const slot = heldSlot(lanes, 'fast', testClock());
  slot.use();
  slot.give();
  expect(lanes.inUse).toBe(1);
});
