import { describe, expect, test } from 'vitest';
import type { LoadReport, ModelInfo, ResidentModel } from '../../src/core/adapter.ts';
import type { Verb } from '../../src/core/events.ts';
import type { ProviderType } from '../../src/core/provider-types.ts';
import type { RouteTrace } from '../../src/core/route.ts';
import type { CallOptions } from '../../src/config/call-options.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import type { ProviderOptions } from '../../src/config/provider-options.ts';
import type { Transport } from '../../src/lib/transport.ts';
import { createRouter } from '../../src/router/create-router.ts';
import type { Router } from '../../src/router/router.ts';
import { type EventRecord, record } from '../_kit/events.ts';
import { after, fault, hang, pieces, type Outcome } from '../_kit/fake-adapter.ts';
import { type FakeProvider, fakeRouter, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';
import { chatBody, event, finish, sse } from '../_kit/openai-bytes.ts';
import { type TestClock, testClock } from '../_kit/test-clock.ts';
import { type ErrorLiteral, errorLiterals } from '../lib/error-literals.ts';

const halfHourMs = 1_800_000;

/** Whose adapter reads the words of a table; those that belong to no server in particular are read by any. */
const readers: Readonly<Record<string, ProviderType>> = { gpu: 'ollama', tunnels: 'openai-compatible', inStreams: 'openai-compatible' };

const rows = Object.entries(errorLiterals).flatMap(([backend, literals]) =>
  literals
    .filter(({ expected }) => expected === 'out_of_memory')
    .map((literal) => [readers[backend] ?? (backend as ProviderType), literal.trigger, literal] as const),
);

interface Scene {
  readonly router: Router;
  readonly clock: TestClock;
  readonly events: EventRecord;
  /** Calls that reached the gpu. */
  asked(): number;
  /** From now on the gpu has room. */
  makeRoom(): void;
  /** A call for a model, in the way in which the words arrive. Gives who was asked, in order. */
  call(model: string): Promise<string[]>;
}

/** A gpu that says these words, byte for byte, beside a cpu that answers. */
function sceneOf(type: ProviderType, literal: ErrorLiteral): Scene {
  const clock = testClock();
  const state = { asked: 0, hasRoom: false };
  const transport: Transport = {
    async send({ url, method, body }) {
      const isGpu = new URL(url).hostname === 'gpu.test';
      if (isGpu && method === 'POST') state.asked += 1;
      const reply = isGpu && !state.hasRoom ? wordsOf(type, literal) : answerOf(isGpu ? type : 'openai-compatible', body ?? '');
      return { status: reply.status, header: (name) => reply.headers.get(name), body: reply.body, text: () => reply.text() };
    },
  };
  const providers: RouterOptions['providers'] = {
    gpu: {
      type,
      url: 'http://gpu.test',
      apiKey: 'key',
      device: 'gpu',
      cost: 'free',
      locality: 'host',
      defaultModel: 'm',
      embeddingSpace: 's',
    },
    cpu: { type: 'openai-compatible', url: 'http://cpu.test', device: 'cpu', embeddingSpace: 's' },
  };
  const router = createRouter({ clock, random: () => 0.5, transport, checkModels: false, health: false, pollMs: false, providers });
  const verb = type === 'tei' ? 'embed' : literal.status === 'stream' ? 'stream' : 'chat';
  const call: Scene['call'] = async (model) => (await routeOf(router, verb, model)).attempts.map(({ provider }) => provider);
  return { router, clock, events: record(router), asked: () => state.asked, makeRoom: () => void (state.hasRoom = true), call };
}

async function routeOf(router: Router, verb: Verb, model: string): Promise<RouteTrace> {
  if (verb === 'embed') return (await router.embed({ model, input: 'a' })).route;
  if (verb === 'chat') return (await router.chat({ ...hello, model })).route;
  const stream = await router.stream({ ...hello, model });
  expect(await readAll(stream)).toEqual({ text: 'yes', failure: undefined });
  return stream.route;
}

function wordsOf(type: ProviderType, { status, body, headers }: ErrorLiteral): Response {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  if (status !== 'stream') return new Response(text, { status, headers: { 'content-type': 'application/json', ...headers } });
  return type === 'ollama' ? new Response(`${text}\n`) : new Response(`data: ${text}\n\n`, { headers: sse });
}

function answerOf(type: ProviderType, body: string): Response {
  const { stream, input, inputs } = JSON.parse(body) as { stream?: boolean; input?: unknown; inputs?: unknown };
  if (inputs !== undefined) return Response.json([[1, 0]]);
  if (input !== undefined)
    return Response.json({ object: 'list', model: 'm', data: [{ object: 'embedding', index: 0, embedding: [1, 0] }] });
  if (type === 'ollama') {
    const message = { role: 'assistant', content: 'yes' };
    return new Response(
      `${JSON.stringify({ model: 'm', message, done: true, done_reason: 'stop', prompt_eval_count: 9, eval_count: 1 })}\n`,
    );
  }
  return stream === true ? new Response(event('yes') + finish, { headers: sse }) : new Response(chatBody('yes'));
}

const servers = ['ollama', 'vllm', 'llamacpp', 'tgi', 'tei', 'textgen', 'sglang', 'lmstudio', 'huggingface', 'openai-compatible'];

test('every kind of server has words for a want of memory', () => {
  expect(new Set(rows.map(([type]) => type))).toEqual(new Set(servers));
});

describe('a model goes to the cpu until one call has found that it fits again, and nothing else changes, when', () => {
  test.for(rows)('%s says: %s', async ([type, , literal]) => {
    const { router, clock, events, asked, makeRoom, call } = sceneOf(type, literal);
    expect(await call('big')).toEqual(['gpu', 'cpu']);
    expect(await call('big')).toEqual(['cpu']);
    expect(events.of('model:pinned')).toEqual([
      { provider: 'gpu', model: 'big', untilMs: clock.nowMs() + halfHourMs, reason: 'out_of_memory' },
    ]);
    expect(router.snapshot().providers[0]).toMatchObject({
      breaker: 'closed',
      situation: 'ok',
      models: [{ model: 'big', breaker: 'closed', situation: 'out-of-memory', pinnedUntilMs: clock.nowMs() + halfHourMs }],
    });
    await clock.advance(halfHourMs - 1);
    expect(await call('big')).toEqual(['cpu']);
    await clock.advance(1);
    const before = asked();
    const together = await Promise.all(Array.from({ length: 100 }, () => call('big')));
    expect(together.filter(([first]) => first === 'gpu')).toHaveLength(1);
    expect(asked()).toBe(before + 1);
    expect(events.of('model:pinned')).toMatchObject([{}, { untilMs: clock.nowMs() + 2 * halfHourMs }]);
    makeRoom();
    expect(await call('small')).toEqual(['gpu']);
    expect(await call('big')).toEqual(['cpu']);
    await clock.advance(2 * halfHourMs);
    expect(await call('big')).toEqual(['gpu']);
    expect(events.of('model:unpinned')).toEqual([{ provider: 'gpu', model: 'big' }]);
    expect(events.of('breaker:open')).toEqual([]);
  });
});

const resident = (id: string, more: Omit<ResidentModel, 'id'> = {}): ResidentModel => ({ id, ...more });
const share = (vramShare: number): Omit<ResidentModel, 'id'> => ({ sizeBytes: 1_000, vramBytes: Math.round(1_000 * vramShare) });

/** A provider that tells what it has in memory: the report can be changed. */
function telling(
  does: Outcome | readonly Outcome[] | ((call: number) => Outcome),
  report: LoadReport | Promise<LoadReport>,
  more: Omit<Partial<ProviderOptions>, 'type' | 'adapter'> = {},
) {
  const told = { report };
  const provider: FakeProvider = {
    does,
    ...more,
    fake: { load: async () => told.report, health: async () => ({ state: 'ok' }) },
  };
  return { told, provider };
}

describe('what a server tells of its memory', () => {
  /** A gpu on which the model ran out of memory, once, and that then tells these reports, one after the other. */
  async function afterShortage(...reports: readonly LoadReport[]) {
    const { told, provider } = telling([fault('out_of_memory', { status: 500 }), 'fits'], reports[0] ?? {});
    const made = fakeRouter({ gpu: provider, cpu: 'yes' });
    await made.clock.settle();
    await made.router.chat(hello);
    for (const report of reports) {
      told.report = report;
      await made.router.health();
    }
    return made;
  }

  test.each([
    ['in full', { sizeBytes: 1_000, vramBytes: 1_000 }],
    ['but for a little that servers keep beside it', share(0.96)],
  ])('takes the pin away when the model is back %s after it was out', async (_, size) => {
    const { router, events } = await afterShortage({ resident: [] }, { resident: [resident('m:latest', size)] });
    expect(events.of('model:unpinned')).toEqual([{ provider: 'gpu', model: 'm' }]);
    expect(router.snapshot().providers[0]?.models[0]?.pinnedUntilMs).toBeUndefined();
    expect((await router.chat(hello)).route.attempts).toMatchObject([{ provider: 'gpu' }]);
  });

  test.each<[string, readonly LoadReport[]]>([
    ['was there all along', [{ resident: [resident('m', share(1))] }, { resident: [resident('m', share(1))] }]],
    ['is back in part only', [{ resident: [] }, { resident: [resident('m', share(0.9))] }]],
    ['is back, and nobody knows how much of it', [{ resident: [] }, { resident: [resident('m')] }]],
    ['is still out, and another one is there', [{ resident: [] }, { resident: [resident('n', share(1))] }]],
    ['is not spoken of', [{ resident: [resident('n')] }, {}, { running: 1 }]],
  ])('leaves the pin of a model that %s', async (_, reports) => {
    const { router, events } = await afterShortage(...reports);
    expect(events.of('model:unpinned')).toEqual([]);
    expect((await router.chat(hello)).route.attempts).toMatchObject([{ provider: 'cpu' }]);
  });

  test('takes the pin away only once it is back in full, however often it was seen in part', async () => {
    const parts = [0.5, 0.9, 0.94].map((part): LoadReport => ({ resident: [resident('m', share(part))] }));
    const { events } = await afterShortage({ resident: [] }, ...parts);
    expect(events.of('model:unpinned')).toEqual([]);
    const whole = await afterShortage({ resident: [] }, ...parts, { resident: [resident('m', share(1))] });
    expect(whole.events.of('model:unpinned')).toHaveLength(1);
  });

  test('ends no pin while our own call finds out whether the model fits: servers list what they begin to load', async () => {
    const { told, provider } = telling([fault('out_of_memory'), after(20_000, fault('out_of_memory')), 'never asked'], { resident: [] });
    const { router, clock, events, fakes } = fakeRouter({ gpu: provider, cpu: 'yes' }, { pollMs: false });
    await router.chat(hello);
    await router.health();
    await clock.advance(halfHourMs);
    const trial = outcomeOf(router.chat(hello));
    told.report = { resident: [resident('m', share(1))] };
    await clock.advance(5_000);
    await router.health();
    expect((await router.chat(hello)).route.provider).toBe('cpu');
    await clock.advance(15_000);
    expect(trial.value?.route.provider).toBe('cpu');
    expect(fakes.gpu.calls).toHaveLength(2);
    expect(events.of('model:unpinned')).toEqual([]);
    expect(events.of('model:pinned').at(-1)?.untilMs).toBe(clock.nowMs() + 2 * halfHourMs);
  });

  test('and was asked for before the memory ran out says nothing of the pin', async () => {
    let tell: ((report: LoadReport) => void) | undefined;
    const late = new Promise<LoadReport>((resolve) => void (tell = resolve));
    const { told, provider } = telling(fault('out_of_memory'), late);
    const { router, clock, events } = fakeRouter({ gpu: provider, cpu: 'yes' }, { pollMs: false });
    const first = router.health();
    await clock.advance(1);
    await router.chat(hello);
    tell?.({ resident: [] });
    await first;
    told.report = { resident: [resident('m', share(1))] };
    await router.health();
    expect(events.of('model:unpinned')).toEqual([]);
  });
});

describe('a model that lies partly outside of GPU memory', () => {
  const spilled = (part: number): LoadReport => ({ resident: [resident('m', share(part))] });

  /** Shares that a provider tells, one after the other; gives those that were announced. */
  async function announcedOf(shares: readonly number[], more: Parameters<typeof telling>[2] = {}): Promise<readonly unknown[]> {
    const { told, provider } = telling('yes', {}, { device: 'gpu', ...more });
    const { router, events } = fakeRouter({ box: provider });
    for (const each of shares) {
      told.report = spilled(each);
      await router.health();
    }
    return events.of('model:spilled');
  }

  test('is announced with its share', async () => {
    expect(await announcedOf([0.4])).toEqual([{ provider: 'box', model: 'm', vramShare: 0.4 }]);
  });

  test.each<[string, readonly number[], readonly number[]]>([
    ['it stays as it is', [0.4, 0.4, 0.4], [0.4]],
    ['it changes by little', [0.4, 0.44, 0.41], [0.4]],
    ['it changes by more than 5 points', [0.4, 0.46, 0.4, 0.2], [0.4, 0.46, 0.4, 0.2]],
    ['it changes by little many times', [0.4, 0.43, 0.46, 0.49, 0.52], [0.4, 0.46, 0.52]],
    ['it is whole, or nearly', [1, 0.96, 1], []],
    ['it was whole for a while', [0.4, 1, 0.4], [0.4, 0.4]],
  ])('is announced for each change of more than 5 points: %s', async (_, shares, expected) => {
    expect(await announcedOf(shares)).toMatchObject(expected.map((vramShare) => ({ vramShare })));
  });

  test('is no news of a provider that runs models on the processor anyway', async () => {
    expect(await announcedOf([0, 0.5], { device: 'cpu' })).toEqual([]);
  });

  async function pair(part: number) {
    const { provider } = telling('spilled', { resident: [resident('m', share(part)), resident('n', share(1))] }, { device: 'gpu' });
    const made = fakeRouter({ spilled: provider, other: { does: 'whole', device: 'gpu' } });
    await made.clock.settle();
    const orderFor = (intent: string): string[] => made.router.explain(hello, { intent }).candidates.map(({ provider: id }) => id);
    return { ...made, orderFor };
  }

  test('and less than half of which is inside counts as one on the processor: fast calls prefer another gpu, heavy ones like it', async () => {
    const { router, orderFor } = await pair(0.3);
    expect(orderFor('fast')).toEqual(['other', 'spilled']);
    expect(orderFor('heavy')).toEqual(['spilled', 'other']);
    expect((await router.chat(hello)).route.provider).toBe('other');
    expect((await router.chat(hello, { intent: 'heavy' })).route.provider).toBe('spilled');
    expect(router.snapshot().providers[0]?.models).toMatchObject([{ vramShare: 0.3 }]);
  });

  test('and less than half of which is inside stands beside the processors, behind those that stand there anyway', async () => {
    const { provider } = telling('spilled', spilled(0.3), { device: 'gpu' });
    const { router, clock } = fakeRouter({ other: { does: 'whole', device: 'gpu' }, spilled: provider, cpu: 'slow' });
    await clock.settle();
    const tiersFor = (intent: string) => router.explain(hello, { intent }).candidates.map((each) => [each.provider, each.tier]);
    expect(tiersFor('fast')).toEqual([
      ['other', 0],
      ['spilled', 1],
      ['cpu', 1],
    ]);
    expect(tiersFor('heavy')).toEqual([
      ['cpu', 0],
      ['spilled', 0],
      ['other', 1],
    ]);
  });

  test('and half of which is inside counts as one on the gpu', async () => {
    const { orderFor } = await pair(0.5);
    expect(orderFor('fast')).toEqual(['spilled', 'other']);
    expect(orderFor('heavy')).toEqual(['spilled', 'other']);
  });

  test.each([0.3, 0.7])('is told of in the plan, with its share (%d)', async (part) => {
    const { router } = await pair(part);
    const reasonOf = (id: string) => router.explain(hello).candidates.find(({ provider }) => provider === id)?.reason;
    expect(reasonOf('spilled')).toContain(`with ${part * 100}% of the model in GPU memory`);
    expect(reasonOf('other')).not.toContain('memory');
  });

  test('stands behind others of a large registry too, where a call looks at only a part of it', async () => {
    const { provider } = telling('spilled', spilled(0.1), { device: 'gpu' });
    const gpus = Object.fromEntries(Array.from({ length: 31 }, (_, index) => [`gpu-${index}`, provider]));
    const { router, clock } = fakeRouter({
      whole: { does: fault('driver'), device: 'gpu' },
      ...gpus,
      far: { does: 'far', device: 'remote' },
    });
    await clock.settle();
    expect((await router.chat(hello)).route.attempts.map(({ provider: id }) => id)).toEqual(['whole', 'far']);
  });

  test('has no say over another model there', async () => {
    const { router } = await pair(0.3);
    expect(router.explain({ ...hello, model: 'n' }).candidates[0]?.provider).toBe('spilled');
  });
});

describe('a model that the server says is not in its memory', () => {
  const cold: LoadReport = { resident: [] };
  const warm: LoadReport = { resident: [resident('m')] };

  /** Two equals: the first would have to load the model, the second has it. */
  async function equals(does: readonly [Outcome | readonly Outcome[], Outcome | readonly Outcome[]], more: Partial<RouterOptions> = {}) {
    const first = telling(does[0], cold, { device: 'gpu' });
    const second = telling(does[1], warm, { device: 'gpu' });
    const made = fakeRouter({ cold: first.provider, warm: second.provider }, more);
    await made.clock.settle();
    const firstFor = (options: CallOptions = {}) => made.router.explain(hello, options).candidates[0]?.provider;
    return { ...made, told: first.told, firstFor };
  }

  describe.each(['priority', 'expected-ttft'] as const)('balance %s', (balance) => {
    test('stands behind an equal that has it in memory', async () => {
      const { router, firstFor } = await equals(['cold', 'warm'], { balance });
      expect(firstFor()).toBe('warm');
      expect((await router.chat(hello)).route.provider).toBe('warm');
    });
  });

  test('stands before one that has more to do than the least busy one and one call', async () => {
    const { router, clock, firstFor } = await equals([hang, hang]);
    for (let count = 0; count < 2; count++) {
      expect(firstFor()).toBe('warm');
      outcomeOf(router.chat(hello));
      await clock.settle();
    }
    expect(firstFor()).toBe('cold');
    outcomeOf(router.chat(hello, { provider: 'cold' }));
    await clock.settle();
    expect(firstFor()).toBe('warm');
    await router.close({ drainMs: 0 });
  });

  test('stands where it is for heavy calls, and where affinity is off', async () => {
    const off = { order: [['gpu']], affinity: false } as const;
    const { firstFor } = await equals(['cold', 'warm'], { intents: { off, on: { order: [['gpu']] } } });
    expect([firstFor({ intent: 'heavy' }), firstFor({ intent: 'off' }), firstFor({ intent: 'on' })]).toEqual(['cold', 'cold', 'warm']);
  });

  test('comes in its turn where turns are given out by weight', async () => {
    const { router, fakes } = await equals(['cold', 'warm'], { balance: 'weighted' });
    for (let count = 0; count < 10; count++) await router.chat({ ...hello, model: 'm' });
    expect([fakes.cold.calls.length, fakes.warm.calls.length]).toEqual([5, 5]);
  });
});

describe('the time that a model takes to be loaded', () => {
  const cold: LoadReport = { resident: [] };
  const warm: LoadReport = { resident: [resident('m')] };

  async function loader(does: readonly Outcome[], models: readonly ModelInfo[] = []) {
    const { told, provider } = telling(does, cold);
    const made = fakeRouter({ gpu: { ...provider, fake: { ...provider.fake, models: async () => models, listsAllModels: false } } });
    const { router, clock } = made;
    const tell = async (report: LoadReport): Promise<void> => {
      told.report = report;
      await clock.advance(1);
      await router.health();
    };
    const scoreOf = () => router.explain(hello).candidates[0]?.score;
    await router.health();
    return {
      ...made,
      tell,
      scoreOf,
      chat: () => clock.run(router.chat(hello)),
      stream: () => clock.run(router.stream(hello).then(readAll)),
    };
  }

  test('is expected by its size, and is 30 s where nobody knows that either', async () => {
    const sized = await loader(['yes'], [{ id: 'm', sizeBytes: 10_000_000_000 }]);
    await sized.tell(cold);
    expect(sized.scoreOf()).toMatchObject({ loadMs: 17_000 });
    const unknown = await loader(['yes']);
    expect(unknown.scoreOf()).toMatchObject({ loadMs: 30_000 });
  });

  test.each(['chat', 'stream'] as const)(
    'is learned from the first answer, which says nothing of how fast the model answers (%s)',
    async (verb) => {
      const made = await loader([after(20_000, 'first'), after(1_000, 'second'), after(11_000, 'third'), after(1_000, 'fourth')]);
      await made[verb]();
      expect(made.scoreOf()).toMatchObject({ loadMs: 0, isGuess: true });
      await made.tell(cold);
      expect(made.scoreOf()).toMatchObject({ loadMs: 20_000, isGuess: true });
      await made.tell(warm);
      await made[verb]();
      expect(made.scoreOf()).toMatchObject({ loadMs: 0, answerMs: 1_000 });
      await made.tell(cold);
      await made[verb]();
      await made.tell(cold);
      // The last load took 10 s and the answer its second; each load counts half of all before it.
      expect(made.scoreOf()).toMatchObject({ loadMs: 15_000, answerMs: 1_000 });
    },
  );

  test('is learned from the call that began it, and from none that came while it was under way', async () => {
    const { router, clock, tell, scoreOf } = await loader([after(20_000, 'first'), after(1_000, 'much later'), 'third']);
    const calls = [outcomeOf(router.chat(hello))];
    await clock.advance(19_000);
    calls.push(outcomeOf(router.chat(hello)));
    await clock.advance(1_000);
    expect(calls.map(({ settled }) => settled)).toEqual([true, true]);
    await tell(cold);
    expect(scoreOf()).toMatchObject({ loadMs: 20_000 });
  });

  test('is still expected where an answer came as if the model had been there, because somebody else had loaded it', async () => {
    const { chat, tell, scoreOf } = await loader([after(1_000, 'warm'), after(1_000, 'as warm')]);
    await tell(warm);
    await chat();
    await tell(cold);
    await chat();
    await tell(cold);
    expect(scoreOf()).toMatchObject({ loadMs: 1_000, answerMs: 1_000 });
  });

  test('is over as soon as the model has answered, whatever an older report says', async () => {
    const { scoreOf, chat, tell } = await loader(['yes']);
    expect(scoreOf()).toMatchObject({ loadMs: 30_000 });
    await chat();
    expect(scoreOf()).toMatchObject({ loadMs: 0 });
    await tell(warm);
    expect(scoreOf()).toMatchObject({ loadMs: 0 });
  });

  test('is not expected for longer than a minute by a report that was never renewed', async () => {
    const { scoreOf, clock } = await loader(['yes']);
    await clock.advance(60_000);
    expect(scoreOf()).toMatchObject({ loadMs: 30_000 });
    await clock.advance(1);
    expect(scoreOf()).toMatchObject({ loadMs: 0 });
  });

  test('is expected of a server that loads on demand and does not tell, where the model has not answered for five minutes', async () => {
    const { router, clock } = fakeRouter({ gpu: { does: after(20_000, 'yes'), fake: { loadsOnDemand: true } } });
    const loadMs = () => router.explain(hello).candidates[0]?.score?.loadMs;
    expect(loadMs()).toBe(30_000);
    await clock.run(router.chat(hello));
    expect(loadMs()).toBe(0);
    await clock.advance(300_000);
    expect(loadMs()).toBe(0);
    await clock.advance(1);
    expect(loadMs()).toBe(30_000);
  });
});

describe('a stream to a server that has the model to load', () => {
  const cold: LoadReport = { resident: [] };
  const warm: LoadReport = { resident: [resident('m')] };
  const patient = { deadlineMs: 600_000 };

  /** How long a gpu that says nothing is waited for before the cpu gets its turn; the limit for a first token is 10 s. */
  async function waitedFor(report: LoadReport | undefined, models: readonly ModelInfo[] = []): Promise<number | undefined> {
    const { provider } = telling(hang, report ?? {});
    const { router, clock } = fakeRouter({
      gpu: { ...provider, fake: { ...provider.fake, models: async () => models, listsAllModels: false } },
      cpu: 'yes',
    });
    await router.health();
    const stream = await clock.run(router.stream(hello, patient));
    expect(await readAll(stream)).toEqual({ text: 'yes', failure: undefined });
    return stream.route.attempts[0]?.ms;
  }

  test('waits twice the expected time of the load longer for its first token', async () => {
    expect(await waitedFor(cold)).toBe(10_000 + 2 * 30_000);
    expect(await waitedFor(cold, [{ id: 'm', sizeBytes: 2_000_000_000 }])).toBe(10_000 + 2 * 3_400);
  });

  test('waits no longer where the model is there, or the server says nothing of it', async () => {
    expect(await waitedFor(warm)).toBe(10_000);
    expect(await waitedFor(undefined)).toBe(10_000);
    expect(await waitedFor({ running: 0 })).toBe(10_000);
  });

  test('waits once that time where nobody says whether the model is there, and it has not answered of late', async () => {
    const { router, clock } = fakeRouter({ gpu: { does: hang, fake: { loadsOnDemand: true } }, cpu: 'yes' });
    const stream = await clock.run(router.stream(hello, patient));
    await readAll(stream);
    expect(stream.route.attempts[0]?.ms).toBe(10_000 + 30_000);
  });

  test('waits once that time where another model was loaded since the server told: it may have taken the place', async () => {
    const { provider } = telling((call) => (call === 0 ? 'n' : after(20_000, 'm')), warm);
    const { router, clock, events } = fakeRouter({ gpu: { ...provider, fake: { ...provider.fake, loadsOnDemand: true } }, cpu: 'yes' });
    await clock.settle();
    await clock.advance(1);
    await router.chat({ ...hello, model: 'n' });
    expect(router.explain(hello).candidates[0]?.score?.loadMs).toBe(0);
    const stream = await clock.run(router.stream(hello, patient));
    expect(await readAll(stream)).toEqual({ text: 'm', failure: undefined });
    expect(stream.route.attempts).toMatchObject([{ provider: 'gpu', firstContentMs: 20_000 }]);
    expect(events.of('attempt:error')).toEqual([]);
  });

  test('waits no longer after the first token', async () => {
    const { provider } = telling(pieces('one', 'hang'), cold);
    const { router, clock } = fakeRouter({ gpu: provider, cpu: 'yes' });
    await clock.settle();
    const read = outcomeOf(router.stream(hello, patient).then(readAll));
    await clock.advance(14_999);
    expect(read.settled).toBe(false);
    await clock.advance(1);
    expect(read.value).toMatchObject({ text: 'one', failure: { code: 'stream_interrupted', cause: { phase: 'idle' } } });
  });

  /** Calls for a model that never begins to answer, one after the other, each after a fresh report; gives when the breaker opened. */
  async function openedAfter(report: LoadReport, calls: number): Promise<number | undefined> {
    const { provider } = telling(hang, report);
    const { router, clock, events } = fakeRouter({ gpu: provider, cpu: 'yes' });
    let firstMs: number | undefined;
    for (let count = 0; count < calls && events.of('breaker:open').length === 0; count++) {
      await router.health();
      await readAll(await clock.run(router.stream(hello, patient)));
      firstMs ??= clock.nowMs();
    }
    return events.of('breaker:open').length === 0 ? undefined : clock.nowMs() - (firstMs ?? 0);
  }

  test('that runs out of its time is held against nobody for five minutes, and then is', async () => {
    // They end after 0, 70, … s: those at 350, 420 and 490 s are the first that count.
    expect(await openedAfter(cold, 5)).toBeUndefined();
    expect(await openedAfter(cold, 20)).toBe(490_000);
  });

  test('that has it in memory is judged from the first timeout on', async () => {
    expect(await openedAfter(warm, 20)).toBe(20_000);
  });

  test('that has not said so is judged from the first timeout on', async () => {
    expect(await openedAfter({}, 20)).toBe(20_000);
  });

  test('that breaks off for another reason is held against the server as ever', async () => {
    const { provider } = telling(fault('driver', { status: 500 }), cold);
    const { router, events } = fakeRouter({ gpu: provider, cpu: 'yes' });
    for (let count = 0; count < 3; count++) {
      await router.health();
      await readAll(await router.stream(hello));
    }
    expect(events.of('breaker:open')).toHaveLength(1);
  });
});
