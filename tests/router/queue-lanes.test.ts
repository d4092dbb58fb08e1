import { describe, expect, test } from 'vitest';
import type { ProviderConfig } from '../../src/config/config.ts';
import type { LoadReport } from '../../src/core/adapter.ts';
import { RouterError } from '../../src/core/errors.ts';
import { createRouter } from '../../src/router/create-router.ts';
import type { Transport } from '../../src/lib/transport.ts';
import { sleep } from '../../src/lib/clock.ts';
import type { ProviderState } from '../../src/router/provider-state.ts';
import type { Router } from '../../src/router/router.ts';
import { isSupposed } from '../../src/router/slots.ts';
import { record } from '../_kit/events.ts';
import { after, fault, hang, type Outcome } from '../_kit/fake-adapter.ts';
import { type FakeRouter, fakeRouter, hello, outcomeOf } from '../_kit/fake-router.ts';
import { type TestClock, testClock } from '../_kit/test-clock.ts';
import { type Called, callsOf, countsOf, expectFree, expectQuiet, mostAtOnce, type Options, queueLines, single } from './queue-kit.ts';

const heavy = { intent: 'heavy' } as const;
const secondMs = 1_000;
const slow = { does: after(secondMs, 'slow') };

/** Calls of these intents, one after the other; gives the names of those that were answered, in order. */
function named(router: Router, ...intents: readonly string[]): string[] {
  const served: string[] = [];
  intents.forEach((intent, index) => {
    void router.chat(hello, { intent }).then(
      () => served.push(`${intent} ${index}`),
      () => served.push(`${intent} ${index} failed`),
    );
  });
  return served;
}

describe('lanes', () => {
  test('fast calls go before heavy ones that came earlier', async () => {
    const { router, clock } = fakeRouter({ a: { ...slow, ...single } });
    const served = named(router, 'heavy', 'heavy', 'heavy', 'fast', 'fast');
    await clock.advance(5_000);
    expect(served).toEqual(['heavy 0', 'fast 3', 'fast 4', 'heavy 1', 'heavy 2']);
  });

  test('each is told in the event of the wait', async () => {
    const { router, clock, events } = fakeRouter({ a: { ...slow, ...single } }, { intents: { batch: { lane: 'heavy' }, urgent: {} } });
    named(router, 'fast', 'fast', 'heavy', 'batch', 'urgent');
    await clock.advance(5_000);
    expect(events.of('queue:enter').map(({ lane }) => lane)).toEqual(['fast', 'heavy', 'heavy', 'fast']);
  });

  test('an intent of one’s own waits in the lane that it names', async () => {
    const { router, clock } = fakeRouter(
      { a: { ...slow, ...single } },
      { intents: { batch: { lane: 'heavy' }, urgent: { lane: 'fast' } } },
    );
    const served = named(router, 'fast', 'batch', 'urgent');
    await clock.advance(3_000);
    expect(served).toEqual(['fast 0', 'urgent 2', 'batch 1']);
  });

  test('the built-in heavy intent may be told to be in a hurry', async () => {
    const { router, clock } = fakeRouter({ a: { ...slow, ...single } }, { intents: { heavy: { lane: 'fast' } } });
    const served = named(router, 'fast', 'heavy', 'fast');
    await clock.advance(3_000);
    expect(served).toEqual(['fast 0', 'heavy 1', 'fast 2']);
  });

  test('batch work that has stood still for queue.agingMs goes before fast calls that come later', async () => {
    const { router, clock } = fakeRouter({ a: { ...slow, ...single } }, { queue: { agingMs: 2_500 } });
    const served: string[][] = [named(router, 'fast', 'heavy')];
    // More fast calls than one slot can serve, without end.
    for (let second = 0; second < 8; second++) {
      served.push(named(router, 'fast', 'fast'));
      await clock.advance(secondMs);
    }
    const [[, ...first] = []] = served;
    expect(first).toEqual(['heavy 1']);
    await clock.advance(20_000);
  });

  test('without such a wait it goes when no fast call waits', async () => {
    const { router, clock } = fakeRouter({ a: { ...slow, ...single } });
    const [batch] = [outcomeOf(router.chat(hello)), outcomeOf(router.chat(hello, heavy))].slice(1);
    for (let second = 0; second < 8; second++) {
      callsOf(1, router);
      await clock.advance(secondMs);
    }
    expect(batch?.settled).toBe(false);
    await clock.advance(3_000);
    expect(batch?.value?.route.queuedMs).toBe(9_000);
  });

  test('a call of the heavy lane leaves the reserved slot free, and a fast one takes it at once', async () => {
    const made = fakeRouter({ a: { ...slow, maxConcurrent: 3, reservedForFast: 1 } });
    const batch = callsOf(4, made.router, 'chat', heavy);
    expect(countsOf(made.router)).toEqual({ a: { waiting: 2, inFlight: 2 } });
    const [fast] = callsOf(1, made.router);
    expect(countsOf(made.router)).toEqual({ a: { waiting: 2, inFlight: 3 } });
    await made.clock.advance(2_000);
    expect([fast, ...batch].map((call) => call?.value?.route.queuedMs)).toEqual([0, 0, 0, 1_000, 1_000]);
    expectQuiet(made);
    await expectFree(made, { a: 3 });
  });

  test('from five slots on one is reserved by itself, of fewer none is', async () => {
    for (const [maxConcurrent, served] of [
      [5, 4],
      [4, 4],
      [1, 1],
    ] as const) {
      const { router } = fakeRouter({ a: { does: hang, maxConcurrent } });
      callsOf(6, router, 'chat', heavy);
      expect(countsOf(router)).toEqual({ a: { waiting: 6 - served, inFlight: served } });
    }
  });

  test('a heavy call goes elsewhere where only the reserved slot is free', async () => {
    const made = fakeRouter(
      { a: { ...slow, maxConcurrent: 2, reservedForFast: 1 }, b: { ...slow, ...single } },
      { intents: { heavy: { order: ['a', 'b'] } } },
    );
    const calls = callsOf(2, made.router, 'chat', heavy);
    await made.clock.advance(secondMs);
    expect(calls.map(({ value }) => value?.route.provider)).toEqual(['a', 'b']);
  });

  test('fast calls wait at most one heavy call, however much batch work there is', async () => {
    const made = fakeRouter({ a: { does: (call) => after(call === 0 ? 1 : secondMs, 'x'), ...single } });
    callsOf(30, made.router, 'chat', heavy);
    const fast: Called[] = [];
    for (let round = 0; round < 8; round++) {
      await made.clock.advance(2_300);
      fast.push(...callsOf(1, made.router));
    }
    await made.clock.advance(40_000);
    expect(Math.max(...fast.map(({ value }) => value?.route.queuedMs ?? Infinity))).toBeLessThanOrEqual(secondMs);
    expectQuiet(made);
  });
});

describe('slots that the server tells', () => {
  /** A server that tells what it is set to tell. */
  const telling = (told: LoadReport, options: object = {}, router: Options = {}) => {
    const state = { told };
    const made = fakeRouter(
      { a: { does: after(secondMs, 'x'), fake: { load: async () => state.told, health: async () => ({ state: 'ok' }) }, ...options } },
      router,
    );
    return { ...made, tell: async (next: LoadReport) => ((state.told = next), void (await made.router.health())) };
  };

  test('limit the calls at once', async () => {
    const made = telling({ slots: 2 });
    await made.router.health();
    callsOf(3, made.router);
    expect(made.router.snapshot()).toMatchObject({ providers: [{ slots: 2, waiting: 1, inFlight: 2 }] });
    await made.clock.advance(2_000);
    expectQuiet(made);
  });

  test('that become more are given to those who wait, at once', async () => {
    const made = telling({ slots: 1 });
    await made.router.health();
    const calls = callsOf(4, made.router);
    await made.clock.advance(400);
    await made.tell({ slots: 3 });
    expect(countsOf(made.router)).toEqual({ a: { waiting: 1, inFlight: 3 } });
    await made.clock.advance(1_600);
    expect(calls.map(({ value }) => value?.route.queuedMs)).toEqual([0, 400, 400, 1_000]);
    expectQuiet(made);
    await expectFree(made, { a: 3 });
  });

  test('that become fewer let those under way end, and then hold', async () => {
    const made = telling({ slots: 3 });
    await made.router.health();
    const calls = callsOf(5, made.router);
    await made.tell({ slots: 1 });
    expect(countsOf(made.router)).toEqual({ a: { waiting: 2, inFlight: 3 } });
    await made.clock.advance(1_000);
    expect(countsOf(made.router)).toEqual({ a: { waiting: 1, inFlight: 1 } });
    await made.clock.advance(2_000);
    expect(calls.map(({ value }) => value?.route.queuedMs)).toEqual([0, 0, 0, 1_000, 2_000]);
    expectQuiet(made);
    await expectFree(made, { a: 1 });
  });

  test('are not told any more: there is no limit any more either', async () => {
    const made = telling({ slots: 1 });
    await made.router.health();
    callsOf(3, made.router);
    await made.tell({});
    expect(made.router.snapshot()).toMatchObject({ providers: [{ slots: undefined, waiting: 0, inFlight: 3 }] });
  });

  test('come second to maxConcurrent', async () => {
    const made = telling({ slots: 8 }, { maxConcurrent: 2 });
    await made.router.health();
    callsOf(4, made.router);
    expect(countsOf(made.router)).toEqual({ a: { waiting: 2, inFlight: 2 } });
  });

  test.each([0, -1, Number.NaN])('and are none (%s) say nothing: the server is asked as if it had not told', async (slots) => {
    const made = telling({ slots });
    await made.router.health();
    const calls = callsOf(3, made.router);
    await made.clock.advance(secondMs);
    expect(calls.map(({ value }) => value?.route.queuedMs)).toEqual([0, 0, 0]);
  });
});

interface Server {
  readonly router: Router;
  readonly clock: TestClock;
  readonly events: ReturnType<typeof record>;
  /** The models asked for, in order, each with the time since the start. */
  readonly asked: string[];
  ask(model: string, options?: object): Called;
}

/** A server that serves each model apart, on a network that answers after a second. */
function server(type: 'ollama' | 'lmstudio', options: object = {}, loaded: readonly object[] = []): Server {
  const clock = testClock();
  const startMs = clock.nowMs();
  const asked: string[] = [];
  const transport: Transport = {
    async send({ url, body, signal }) {
      if (body === undefined)
        return json(url.endsWith('/api/ps') ? { models: [] } : url.endsWith('/models') ? { models: loaded, data: [] } : {});
      const { model } = JSON.parse(body) as { model: string };
      asked.push(`${model} at ${clock.nowMs() - startMs}`);
      await sleep(clock, secondMs, signal);
      const message = { role: 'assistant', content: 'yes' };
      const choices = [{ index: 0, message, finish_reason: 'stop' }];
      return json(
        type === 'ollama'
          ? { model, message, done: true, done_reason: 'stop' }
          : { id: 'c', object: 'chat.completion', created: 1, model, choices },
      );
    },
  };
  const router = createRouter({
    clock,
    random: () => 0.5,
    transport,
    health: false,
    pollMs: false,
    checkModels: false,
    providers: { a: { type, ...options } },
  });
  const ask: Server['ask'] = (model, more = {}) => outcomeOf(router.chat({ ...hello, model }, more));
  return { router, clock, events: record(router), asked, ask };
}

/** A model in the memory of LM Studio that serves so many requests at once. */
function instanceOf(key: string, parallel: number): object {
  return { type: 'llm', key, loaded_instances: [{ id: key, config: { parallel } }] };
}

function json(value: unknown): Awaited<ReturnType<Transport['send']>> {
  const text = JSON.stringify(value);
  return {
    status: 200,
    header: (name) => (name === 'content-type' ? 'application/json' : null),
    body: new Response(text).body,
    text: async () => text,
  };
}

describe('a server that serves each model apart', () => {
  test('has a queue for each model, none of which holds up another', async () => {
    const { router, clock, events, asked, ask } = server('ollama');
    const calls = [ask('m'), ask('m'), ask('m'), ask('n'), ask('n')];
    await clock.settle();
    expect(router.snapshot()).toMatchObject({ providers: [{ inFlight: 2, waiting: 3, slots: undefined }] });
    await clock.advance(3_000);
    expect(asked).toEqual(['m at 0', 'n at 0', 'm at 1000', 'n at 1000', 'm at 2000']);
    expect(calls.map(({ value }) => value?.route.queuedMs)).toEqual([0, 1_000, 2_000, 0, 1_000]);
    expect(mostAtOnce(events, 'a')).toBe(2);
    expect(router.snapshot()).toMatchObject({ inFlight: 0, providers: [{ inFlight: 0, waiting: 0 }] });
  });

  test.each(['ollama', 'lmstudio'] as const)('has one queue for all of them where maxConcurrent is set (%s)', async (type) => {
    const { router, clock, asked, ask } = server(type, { maxConcurrent: 2 });
    for (const model of ['m', 'm', 'm', 'n', 'n', 'n']) ask(model);
    await clock.advance(2_000);
    expect(asked).toEqual(['m at 0', 'm at 0', 'm at 1000', 'n at 1000', 'n at 2000', 'n at 2000']);
    expect(router.snapshot()).toMatchObject({ providers: [{ slots: 2 }] });
  });

  test('that is left by an abort gives the slot to the next of the same model', async () => {
    const { clock, asked, ask, router } = server('ollama');
    const controller = new AbortController();
    ask('m', { signal: controller.signal });
    const [other, next] = [ask('n'), ask('m')];
    ask('n', { signal: controller.signal });
    await clock.advance(500);
    controller.abort(new Error('enough'));
    await clock.advance(1_000);
    expect(asked).toEqual(['m at 0', 'n at 0', 'm at 500']);
    expect([other, next].map((call) => call?.value?.route.queuedMs)).toEqual([0, 500]);
    expect(router.snapshot()).toMatchObject({ inFlight: 0, providers: [{ inFlight: 0, waiting: 0 }] });
  });

  test('may tell the slots of each loaded model, now and later', async () => {
    const loaded: object[] = [instanceOf('m', 2)];
    const { router, clock, asked, ask } = server('lmstudio', {}, loaded);
    await router.health();
    const calls = [ask('m'), ask('m'), ask('m')];
    await clock.advance(500);
    expect(asked).toEqual(['m at 0', 'm at 0']);
    loaded.splice(0, 1, instanceOf('m', 3), instanceOf('n', 1));
    await router.health();
    calls.push(ask('n'), ask('n'));
    await clock.settle();
    expect(asked).toEqual(['m at 0', 'm at 0', 'm at 500', 'n at 500']);
    await clock.advance(2_000);
    expect(calls.map(({ value }) => value?.route.queuedMs)).toEqual([0, 0, 500, 0, 1_000]);
  });
});

const byTime = { balance: 'expected-ttft', intents: { fast: { order: [['a', 'b']] } } } as const;

/** `a` answers within `aMs` and `b` within 4 s, which the router knows; then `a` does what is said. */
async function known(aMs: number, heldMs: number, options: Options = byTime): Promise<FakeRouter<'a' | 'b'>> {
  const made = fakeRouter(
    { a: { does: (call) => after(call === 8 ? heldMs : aMs, 'a'), ...single }, b: { does: after(4_000, 'b'), ...single } },
    options,
  );
  for (let count = 0; count < 8; count++) for (const provider of ['a', 'b']) await made.clock.run(made.router.chat(hello, { provider }));
  made.events.clear();
  // Has the slot of `a`.
  void outcomeOf(made.router.chat(hello, { provider: 'a' }));
  await made.clock.settle();
  return made;
}

/** Calls after those that the router has learnt from. */
function sent({ fakes }: FakeRouter<'a' | 'b'>): readonly number[] {
  return [fakes.a.calls.length - 9, fakes.b.calls.length - 8];
}

describe('with expected times', () => {
  test('a call waits for the fast one that is busy, rather than taking the slow one that is idle, where that is sooner', async () => {
    const made = await known(1_000, 1_000);
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(2_000);
    expect(call.value?.route).toMatchObject({ provider: 'a', queuedMs: 1_000 });
    expect(queueLines(made.events)).toEqual(['enter a', 'leave a after 1000']);
    expect(sent(made)).toEqual([1, 0]);
    expectQuiet(made);
  });

  test('it takes the idle one at once where that is sooner', async () => {
    const made = await known(3_000, 3_000);
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.settle();
    expect(sent(made)).toEqual([0, 1]);
    await made.clock.advance(4_000);
    expect(call.value?.route).toMatchObject({ provider: 'b', queuedMs: 0 });
    expectQuiet(made);
  });

  test('one that stands behind it in the order of the intent is taken only where it is expected in half of the time', async () => {
    const inOrder: Options = { ...byTime, intents: { fast: { order: ['a', 'b'] } } };
    const near = await known(3_000, 3_000, inOrder);
    const waiting = outcomeOf(near.router.chat(hello));
    await near.clock.advance(6_000);
    expect(waiting.value?.route).toMatchObject({ provider: 'a', queuedMs: 3_000 });
    expectQuiet(near);
    // With the slot in use: 10 s at `a`, and 4 s at `b`.
    const far = await known(4_000, 4_000, inOrder);
    const call = outcomeOf(far.router.chat(hello));
    await far.clock.advance(4_000);
    expect(call.value?.route).toMatchObject({ provider: 'b', queuedMs: 0 });
    expectQuiet(far);
  });

  test('it takes the idle one as soon as the wait has taken longer than that, and waits for no other then', async () => {
    const made = await known(1_000, 60_000);
    const call = outcomeOf(made.router.chat(hello));
    // 4 s at `b`, and 1 s at `a` once it has the slot.
    await made.clock.advance(2_999);
    expect(sent(made)).toEqual([0, 0]);
    await made.clock.advance(1);
    expect(sent(made)).toEqual([0, 1]);
    await made.clock.advance(4_000);
    expect(call.value?.route).toMatchObject({ provider: 'b', queuedMs: 3_000 });
    expect(queueLines(made.events)).toEqual(['enter a', 'leave for nothing after 3000']);
    await made.clock.advance(60_000);
    expectQuiet(made);
    await expectFree(made, { a: 1, b: 1 });
  });

  test('the idle one that is taken meanwhile is waited for beside the other, without a limit', async () => {
    const made = await known(1_000, 60_000);
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(2_000);
    void outcomeOf(made.router.chat(hello, { provider: 'b' }));
    await made.clock.advance(8_000);
    expect(queueLines(made.events)).toEqual(['enter a', 'leave for nothing after 3000', 'enter a b', 'leave b after 3000']);
    expect(call.value?.route).toMatchObject({ provider: 'b', queuedMs: 6_000 });
    await made.clock.advance(60_000);
    expectQuiet(made);
  });

  test('it asks nobody where it is aborted meanwhile, be the reason like the end of a limit', async () => {
    const made = await known(1_000, 60_000);
    const controller = new AbortController();
    const call = outcomeOf(made.router.chat(hello, { signal: controller.signal }));
    await made.clock.advance(500);
    const reason = new RouterError('timeout', 'mine');
    controller.abort(reason);
    await made.clock.advance(500);
    expect(call.error).toBe(reason);
    expect(sent(made)).toEqual([0, 0]);
    await made.clock.advance(60_000);
    expectQuiet(made);
  });

  test('where the queue of the fast one is full, the idle one is taken at once', async () => {
    const made = fakeRouter(
      { a: { does: after(1_000, 'a'), ...single }, b: { does: after(4_000, 'b'), ...single } },
      { ...byTime, queue: { limit: 0 } },
    );
    for (let count = 0; count < 8; count++) for (const provider of ['a', 'b']) await made.clock.run(made.router.chat(hello, { provider }));
    const calls = callsOf(2, made.router);
    await made.clock.settle();
    expect(countsOf(made.router)).toEqual({ a: { waiting: 0, inFlight: 1 }, b: { waiting: 0, inFlight: 1 } });
    await made.clock.advance(4_000);
    expect(calls.map(({ value }) => value?.route.provider)).toEqual(['a', 'b']);
  });

  test('with another balance nobody waits while another is free, though it is known to be slow', async () => {
    const made = fakeRouter({ a: { does: after(100, 'a'), ...single }, b: { does: after(9_000, 'b'), ...single } });
    for (let count = 0; count < 8; count++) for (const provider of ['a', 'b']) await made.clock.run(made.router.chat(hello, { provider }));
    callsOf(2, made.router);
    await made.clock.settle();
    expect(countsOf(made.router)).toEqual({ a: { waiting: 0, inFlight: 1 }, b: { waiting: 0, inFlight: 1 } });
  });
});

test('a thousand calls at a provider with four slots are all answered, four at once, in their order', async () => {
  const made = fakeRouter({ a: { does: (call) => after(10 + ((call * 7) % 5), String(call)), maxConcurrent: 4 } }, { deadlineMs: 600_000 });
  const calls = Array.from({ length: 1_000 }, (_, index) =>
    outcomeOf(made.router.chat({ ...hello, messages: [{ role: 'user', content: String(index) }] })),
  );
  expect(made.router.snapshot()).toMatchObject({ inFlight: 1_000, providers: [{ inFlight: 4, waiting: 996 }] });
  while (made.clock.timers() > 0) await made.clock.advance(500);
  expect(calls.filter(({ value }) => value === undefined)).toEqual([]);
  expect(mostAtOnce(made.events, 'a')).toBe(4);
  const order = made.fakes.a.calls.map(({ request }) => (request as typeof hello).messages[0]?.content);
  expect(order).toEqual(calls.map((_, index) => String(index)));
  expectQuiet(made);
  await expectFree(made, { a: 4 });
}, 60_000);

test('three hundred calls of both lanes, some of which fail or are aborted, leave every slot free, and each lane in its order', async () => {
  const made = fakeRouter({
    a: {
      does: (call) => (call % 11 === 3 ? fault('bad_request') : after(10 + ((call * 7) % 5), 'x')),
      maxConcurrent: 4,
      reservedForFast: 1,
    },
  });
  const controllers = Array.from({ length: 300 }, () => new AbortController());
  const calls = controllers.map(({ signal }, index) => {
    const intent = index % 3 === 0 ? 'heavy' : 'fast';
    return outcomeOf(
      made.router.chat({ ...hello, messages: [{ role: 'user', content: String(index) }] }, { intent, signal, deadlineMs: 600_000 }),
    );
  });
  for (let index = 5; index < 300; index += 17) made.clock.schedule(index * 2, () => controllers[index]?.abort(new Error('enough')));
  while (made.clock.timers() > 0) await made.clock.advance(500);
  expect(calls.filter(({ settled }) => !settled)).toEqual([]);
  expect(mostAtOnce(made.events, 'a')).toBe(4);
  const order = made.fakes.a.calls.map(({ request }) => Number((request as typeof hello).messages[0]?.content));
  for (const lane of [0, 1]) {
    const own = order.filter((index) => Math.sign(index % 3) === lane);
    expect(own).toEqual(own.toSorted((left, right) => left - right));
  }
  expectQuiet(made);
  await expectFree(made, { a: 4 });
}, 60_000);

/** Of a server that has told this of itself. */
function told(report: object): ProviderState {
  return { told: report } as unknown as ProviderState;
}

describe('a number of slots that is only supposed', () => {
  const says = 'calls wait for it: it is taken to serve 1 at a time';

  test('is told once, as soon as a call waits for one of them, with the option that says otherwise', async () => {
    const { clock, events, ask } = server('ollama');
    ask('m');
    ask('n');
    await clock.settle();
    expect(events.of('config:warning')).toEqual([]);
    for (const model of ['m', 'm', 'n']) ask(model);
    await clock.advance(4_000);
    expect(events.of('config:warning')).toEqual([
      { path: 'providers.a.maxConcurrent', message: `${says} of each model, as its kind does by default; maxConcurrent says otherwise` },
    ]);
  });

  test('is that of the whole server where its models share them', async () => {
    const clock = testClock();
    const transport: Transport = { send: ({ signal }) => sleep(clock, 60_000, signal).then(() => json({})) };
    const providers = { notebook: { type: 'remote-gpu', url: 'http://10.0.0.1', dialect: 'notebook' } } as const;
    const router = createRouter({ clock, random: () => 0.5, transport, pollMs: false, checkModels: false, providers });
    const events = record(router);
    for (const model of ['m', 'n']) void outcomeOf(router.chat({ ...hello, model }));
    await clock.settle();
    expect(events.of('config:warning')).toEqual([
      { path: 'providers.notebook.maxConcurrent', message: `${says}, as its kind does by default; maxConcurrent says otherwise` },
    ]);
    await router.close({ drainMs: 0 });
  });

  test('is no news where somebody has set it', async () => {
    const { clock, events, ask } = server('ollama', { maxConcurrent: 1 });
    ask('m');
    ask('m');
    await clock.advance(3_000);
    expect(queueLines(events)).toHaveLength(2);
    expect(events.of('config:warning')).toEqual([]);
  });

  const one = { maxConcurrent: undefined, usualSlots: 1 } as ProviderConfig;

  test.each<[string, boolean, ProviderConfig, ProviderState]>([
    ['a server that was never asked', true, one, told({ resident: undefined })],
    ['one that tells of its models, and not of slots', true, one, told({ resident: new Map([['m', { id: 'm' }]]) })],
    ['one that tells how many it has', false, one, told({ slots: 4 })],
    [
      'one that tells how many a model has',
      false,
      one,
      told({
        resident: new Map<string, object>([
          ['m', { slots: 2 }],
          ['n', {}],
        ]),
      }),
    ],
    ['one of a kind that is taken to serve any number', false, { ...one, usualSlots: undefined }, told({})],
    ['one that was set to serve one', false, { ...one, maxConcurrent: 1 }, told({})],
  ])('or is not, of %s: %s', (_, expected, config, state) => {
    expect(isSupposed(config, state)).toBe(expected);
  });
});

describe('a server that tells fewer slots than are reserved', () => {
  test('serves one heavy call all the same', async () => {
    const made = fakeRouter({
      a: {
        does: after(secondMs, 'x'),
        reservedForFast: 3,
        fake: { load: async () => ({ slots: 2 }), health: async () => ({ state: 'ok' }) },
      },
    });
    await made.router.health();
    const calls = [outcomeOf(made.router.chat(hello, heavy)), outcomeOf(made.router.chat(hello, heavy))];
    await made.clock.advance(2 * secondMs);
    expect(calls.map(({ value }) => value?.route.queuedMs)).toEqual([0, secondMs]);
    expectQuiet(made);
  });
});

describe('whom a call waits for, where expected times decide', () => {
  test('those are not waited for that cost money, while one that is free may come soon', async () => {
    const made = fakeRouter(
      {
        a: { does: (call) => after(call === 8 ? 3_000 : 1_000, 'a'), ...single },
        paid: { does: (call) => after(call === 8 ? 60_000 : 1_000, 'paid'), ...single, cost: 'paid' },
        slow: after(20_000, 'slow'),
      },
      { ...byTime, intents: { fast: { order: ['a', 'paid', 'slow'] } } },
    );
    for (let count = 0; count < 8; count++) {
      for (const provider of ['a', 'paid', 'slow']) await made.clock.run(made.router.chat(hello, { provider }));
    }
    made.events.clear();
    for (const provider of ['a', 'paid']) void outcomeOf(made.router.chat(hello, { provider, deadlineMs: 120_000 }));
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(4_000);
    expect(queueLines(made.events)).toEqual(['enter a', 'leave a after 3000']);
    expect(call.value?.route).toMatchObject({ provider: 'a' });
  });

  test('all that are as soon are waited for at once, and for as long as it takes', async () => {
    const equal = { does: (call: number): Outcome => after(call === 8 ? 25_000 : 1_000, 'yes'), ...single };
    const made = fakeRouter({ a: equal, b: equal }, byTime);
    for (let count = 0; count < 8; count++) for (const provider of ['a', 'b']) await made.clock.run(made.router.chat(hello, { provider }));
    made.events.clear();
    for (const provider of ['a', 'b']) void outcomeOf(made.router.chat(hello, { provider }));
    const call = outcomeOf(made.router.chat(hello));
    await made.clock.advance(26_000);
    expect(queueLines(made.events)).toEqual(['enter a b', 'leave a after 25000']);
    expect(call.value?.route).toMatchObject({ provider: 'a' });
    expectQuiet(made);
  });
});

describe('where the server tells the slots of loaded models', () => {
  test('one that is not loaded has no limit that anybody knows', async () => {
    const { router, clock, asked, ask } = server('lmstudio', {}, [instanceOf('m', 1), { type: 'llm', key: 'other', loaded_instances: [] }]);
    await router.health();
    for (const model of ['other', 'other', 'm', 'm']) ask(model);
    await clock.settle();
    expect(asked).toEqual(['other at 0', 'other at 0', 'm at 0']);
  });

  test('a call that leaves the model to the server has the slots of the server', async () => {
    const report: LoadReport = { slots: 2, resident: [{ id: 'm', slots: 1 }] };
    const made = fakeRouter({
      a: { does: after(secondMs, 'x'), fake: { load: async () => report, health: async () => ({ state: 'ok' }) } },
    });
    await made.router.health();
    for (let count = 0; count < 3; count++) void outcomeOf(made.router.chat({ messages: hello.messages }));
    await made.clock.settle();
    expect(countsOf(made.router)).toEqual({ a: { waiting: 1, inFlight: 2 } });
  });
});
