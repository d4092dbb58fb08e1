import { EventEmitter } from 'node:events';
import { Writable } from 'node:stream';
import { EventEmitter as EventEmitter3 } from 'eventemitter3';
import { describe, expect, test, vi } from 'vitest';
import { createEmitter } from '../../src/core/emitter.ts';
import type { CallOptions, RecordLine } from '../../src/index.ts';
import { createRecorders } from '../../src/router/recorder.ts';
import type { Run } from '../../src/router/run.ts';
import { createCanaries } from '../campaign/_kit/canaries.ts';
import { after, fault, hang, pieces, refused } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';

type Type = RecordLine['type'];
type Of<Name extends Type> = Extract<RecordLine, { type: Name }>;

/** What was written, as objects. */
function parsed(lines: readonly string[]): RecordLine[] {
  return lines.map((line) => JSON.parse(line) as RecordLine);
}

function only<Name extends Type>(lines: readonly string[], type: Name): Of<Name>[] {
  return parsed(lines).filter((line): line is Of<Name> => line.type === type);
}

async function drain(chunks: AsyncIterable<unknown>): Promise<void> {
  for await (const _chunk of chunks);
}

describe('the line of a call', () => {
  test('holds what was asked for, who was tried, and how it ended', async () => {
    const { router, clock } = fakeRouter({ gpu: refused(), cpu: after(40, 'Hello.') }, { models: { m: { gpu: 'big', cpu: 'small' } } });
    const lines: string[] = [];
    router.record((line) => lines.push(line));
    await clock.run(router.chat({ ...hello, max_tokens: 64 }, { caller: 'Ada', session: 's', requestId: 'r1', maxAttempts: 2 }));
    const [call] = only(lines, 'call');
    expect(call).toEqual({
      type: 'call',
      at: clock.wallMs() - 40,
      requestId: 'r1',
      verb: 'chat',
      intent: 'fast',
      lane: 'fast',
      model: 'm',
      caller: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      session: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      needs: [],
      promptTokens: router.explain(hello).promptTokens,
      maxAnswerTokens: 64,
      maxAttempts: 2,
      plan: [
        { provider: 'gpu', model: 'big' },
        { provider: 'cpu', model: 'small' },
      ],
      skipped: [],
      attempts: [
        { provider: 'gpu', model: 'big', startMs: 0, ms: 0, error: 'unavailable', phase: 'connect' },
        { provider: 'cpu', model: 'small', startMs: 0, ms: 40 },
      ],
      queuedMs: 0,
      ms: 40,
      outcome: 'answered',
    });
  });

  test('is written once, whatever the end: answered, failed, aborted, abandoned', async () => {
    const { router, clock } = fakeRouter({
      gpu: ['yes', fault('bad_request'), hang, pieces('one', 'hang'), pieces('one', fault('unavailable'))],
    });
    const lines: string[] = [];
    router.record((line) => lines.push(line));
    await router.chat(hello);
    await failureOf(router.chat(hello));
    const controller = new AbortController();
    const aborted = outcomeOf(router.chat(hello, { signal: controller.signal }));
    await clock.advance(5);
    controller.abort();
    await clock.advance(0);
    for await (const _chunk of await router.stream(hello)) break;
    // What comes after the end is no other end.
    const read = await router.stream(hello);
    const reader = read[Symbol.asyncIterator]();
    await failureOf(drain(reader));
    await reader.return?.();
    expect(aborted.settled).toBe(true);
    expect(only(lines, 'call').map(({ outcome, error }) => [outcome, error])).toEqual([
      ['answered', undefined],
      ['failed', 'bad_request'],
      ['aborted', undefined],
      ['abandoned', undefined],
      ['failed', 'stream_interrupted'],
    ]);
  });

  test('has the time of a first content, a wait for a slot, and those that were not asked', async () => {
    const slow = { does: after(100, pieces('one', 20, 'two')), maxConcurrent: 1 } as const;
    const { router, clock } = fakeRouter({ gpu: slow, cloud: { does: 'no', cost: 'paid' } });
    const lines: string[] = [];
    router.record((line) => lines.push(line));
    await clock.run(Promise.all([1, 2].map(async () => readAll(await router.stream(hello)))));
    const calls = only(lines, 'call');
    expect(calls.map(({ queuedMs, attempts }) => [queuedMs, attempts[0]?.firstContentMs, attempts[0]?.ms])).toEqual([
      [0, 100, 120],
      [120, 100, 120],
    ]);
    expect(calls[0]?.skipped).toMatchObject([{ provider: 'cloud', code: expect.any(String) as string }]);
  });
});

describe('what the caller had set', () => {
  const bounded = { maxLocality: 'lan', maxCostUsd: 2, intents: { far: { maxLocality: 'cloud', maxCostUsd: 5, order: ['gpu'] } } } as const;

  async function told(options: CallOptions): Promise<Partial<Of<'call'>>> {
    const { router } = fakeRouter({ gpu: { does: 'yes', locality: 'process' } }, bounded);
    const lines: string[] = [];
    router.record((line) => lines.push(line));
    await router.chat(hello, { intent: 'far', ...options });
    const [{ maxLocality, maxCostUsd }] = only(lines, 'call') as [Of<'call'>];
    return { ...(maxLocality !== undefined && { maxLocality }), ...(maxCostUsd !== undefined && { maxCostUsd }) };
  }

  test('is told where it is nearer, or less, than what the router and the intent allow together', async () => {
    expect(await told({})).toEqual({});
    expect(await told({ maxLocality: 'cloud', maxCostUsd: 3 })).toEqual({});
    expect(await told({ maxLocality: 'host', maxCostUsd: 0.5 })).toEqual({ maxLocality: 'host', maxCostUsd: 0.5 });
  });

  test('is no limit of the cost where that has no bound', async () => {
    const { router } = fakeRouter({ gpu: 'yes' });
    const lines: string[] = [];
    router.record((line) => lines.push(line));
    await router.chat(hello, { maxCostUsd: Infinity });
    expect(only(lines, 'call')[0]).not.toHaveProperty('maxCostUsd');
  });
});

describe('the other lines', () => {
  test('begin with a header: what calls are routed by, without address and key', async () => {
    const { router, clock } = fakeRouter({ gpu: { does: 'x', weight: 3, maxConcurrent: 4, fake: { capabilities: { tools: true } } } });
    const lines: string[] = [];
    router.record((line) => lines.push(line));
    expect(parsed(lines)[0]).toMatchObject({
      type: 'header',
      format: 'inferlane-record',
      version: 1,
      at: clock.wallMs(),
      providers: [{ id: 'gpu', type: 'custom', device: 'gpu', cost: 'free', weight: 3, slots: 4, features: ['tools'] }],
      options: { balance: 'priority', maxAttempts: 3 },
    });
  });

  test('tell what is concluded of providers, and another configuration', async () => {
    const { router, fakes } = fakeRouter({ gpu: fault('out_of_memory'), cpu: 'yes' });
    const lines: string[] = [];
    router.record((line) => lines.push(line));
    await router.chat(hello);
    router.update({ providers: { cpu: { type: 'custom', adapter: fakes.cpu.adapter } } });
    expect(only(lines, 'state')).toMatchObject([
      { event: 'model:pinned', provider: 'gpu', model: 'm', reason: 'out_of_memory', forMs: 1_800_000 },
    ]);
    expect(only(lines, 'config').map(({ providers }) => providers.map(({ id }) => id))).toEqual([['cpu']]);
  });
});

describe('the sink', () => {
  test('that is a stream gets lines with their breaks', async () => {
    const { router } = fakeRouter({ gpu: 'yes' });
    let text = '';
    const stream = new Writable({ write: (chunk: Buffer, _encoding, done) => ((text += chunk.toString()), done()) });
    router.record(stream);
    await router.chat(hello);
    expect(text.endsWith('\n')).toBe(true);
    expect(parsed(text.trimEnd().split('\n')).map(({ type }) => type)).toEqual(['header', 'call']);
  });

  test.each<[string, (line: string) => unknown]>([
    [
      'throws',
      () => {
        throw new Error('full');
      },
    ],
    ['rejects', () => Promise.reject(new Error('full'))],
  ])('that %s changes nothing for calls, and is told once', async (_how, sink) => {
    const { router, events } = fakeRouter({ gpu: 'yes' });
    router.record(sink);
    for (let call = 0; call < 3; call += 1) expect((await router.chat(hello)).choices[0]?.message.content).toBe('yes');
    expect(events.of('listener:error').map(({ event }) => event)).toEqual(['record']);
  });

  test('whose stream fails does not end the process', async () => {
    const { router, events } = fakeRouter({ gpu: 'yes' });
    const stream = new Writable({ write: (_chunk, _encoding, done) => done(new Error('disk full')) });
    router.record(stream);
    await new Promise((resolve) => setImmediate(resolve));
    await router.chat(hello);
    expect(events.of('listener:error')).toHaveLength(1);
  });

  test('that goes on after an error may fail again, and the process goes on as well', async () => {
    const { router, events } = fakeRouter({ gpu: 'yes' });
    const lines: string[] = [];
    const writer = Object.assign(new EventEmitter(), { write: (line: string) => lines.push(line) });
    router.record(writer);
    for (const trouble of ['first', 'second', 'third']) writer.emit('error', new Error(trouble));
    await router.chat(hello);
    expect(events.of('listener:error')).toHaveLength(1);
    expect(parsed(lines).slice(1)).toMatchObject([{ type: 'lost', lines: 3 }, { type: 'call' }]);
  });

  test('that is slow is given no more before it drains; of 10,000 lines that wait, more are counted', { timeout: 60_000 }, async () => {
    const { router } = fakeRouter({ gpu: 'yes' });
    const lines: string[] = [];
    const slow = Object.assign(new EventEmitter(), { write: (line: string) => lines.push(line) < 0 });
    router.record(slow);
    for (let call = 0; call < 10_005; call += 1) await router.chat(hello);
    expect(lines).toHaveLength(1);
    slow.write = (line) => lines.push(line) > 0;
    slow.emit('drain');
    expect(lines).toHaveLength(10_001);
    await router.chat(hello);
    expect(parsed(lines).slice(-2)).toMatchObject([{ type: 'lost', lines: 5 }, { type: 'call' }]);
  });

  test('may be one of several, each ends by itself, and close() ends the rest', async () => {
    const { router, clock } = fakeRouter({ gpu: 'yes' });
    const [first, second]: [string[], string[]] = [[], []];
    const stop = router.record((line) => first.push(line));
    router.record((line) => second.push(line));
    await router.chat(hello);
    stop();
    stop();
    await router.chat(hello);
    expect([first.length, second.length]).toEqual([2, 3]);
    await clock.run(router.close());
    expect(() => router.record((line) => first.push(line))).toThrow('closed');
  });

  test('hears of the last lines that are missing when the router closes', async () => {
    const { router, clock } = fakeRouter({ gpu: 'yes' });
    const lines: string[] = [];
    router.record((line) => {
      lines.push(line);
      if (lines.length === 2) throw new Error('full');
    });
    await router.chat(hello);
    await clock.run(router.close());
    expect(parsed(lines).at(-1)).toMatchObject({ type: 'lost', lines: 1 });
  });

  test('that makes the router tell more gets that after the line it is at', async () => {
    const { router } = fakeRouter({ gpu: fault('out_of_memory'), cpu: 'yes' });
    const lines: string[] = [];
    router.record((line) => {
      lines.push(line);
      if (line.includes('model:pinned')) router.unpin();
    });
    await router.chat(hello);
    const told = parsed(lines).map((line) => (line.type === 'state' ? line.event : line.type));
    expect(told).toEqual(['header', 'model:pinned', 'model:unpinned', 'call']);
  });
});

const nobody = (): never => {
  throw new Error('nobody records');
};

test('where nobody records, calls are left as they are', () => {
  const recorders = createRecorders(createEmitter(new EventEmitter3()), nobody, nobody);
  const run = { end: vi.fn(), fail: vi.fn() } as unknown as Run<unknown>;
  const { end } = run;
  expect(recorders.watch(run).end).toBe(end);
});

test('no line holds a prompt, an answer, a key or an address', async () => {
  const canaries = createCanaries(7);
  const { of } = canaries;
  const echo = fault('bad_request', { reason: of.upstreamEcho });
  const { router, clock } = fakeRouter({
    gpu: { does: [pieces(of.completion), echo, fault('overloaded', { reason: of.upstreamEcho })], metadata: { note: of.otherKey } },
    cpu: of.completion,
  });
  const lines: string[] = [];
  router.record((line) => lines.push(line));
  const messages = [
    { role: 'system' as const, content: of.systemPrompt },
    { role: 'user' as const, content: of.prompt },
  ];
  const request = { model: `https://${of.urlUser}:${of.urlPassword}@box/model`, messages, user: of.userField };
  const options = { caller: of.apiKey, session: of.otherKey, headersFor: () => ({ 'x-key': of.headerValue }) };
  await readAll(await router.stream(request, options));
  await failureOf(router.chat(request, options));
  await clock.run(router.tryChat(request, options));
  for (const line of lines) canaries.look('record', line);
  expect(only(lines, 'call').length).toBe(3);
  expect(canaries.hits).toEqual([]);
});
