import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ChatChunk } from '../../src/core/types.ts';
import { traced } from '../../src/telemetry/otel.ts';
import { after, fault, hang, pieces, toChunk } from '../_kit/fake-adapter.ts';
import { failureOf, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';
import { metricNames, setUp, tearDown, tracedFake } from './otel-kit.ts';

beforeAll(setUp);
afterAll(tearDown);

const common = { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'custom', 'gen_ai.request.model': 'm' };
const usage = { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 };
const answered = { ...common, 'gen_ai.response.model': 'm', 'inferlane.provider': 'gpu' };

/** A provider that counts tokens. */
const counting = {
  does: 'not asked',
  fake: {
    chat: async () => ({
      id: 'c',
      object: 'chat.completion' as const,
      created: 1,
      model: 'm',
      choices: [{ index: 0, message: { role: 'assistant' as const, content: 'Hi!' }, finish_reason: 'stop' as const }],
      usage,
    }),
    stream: async () =>
      (async function* (): AsyncGenerator<readonly ChatChunk[]> {
        yield [toChunk({ content: 'Hi!' }, 'm')];
        yield [{ ...toChunk({}, 'm'), choices: [], usage }];
      })(),
    embed: async () => ({
      object: 'list' as const,
      data: [{ object: 'embedding' as const, index: 0, embedding: [1] }],
      model: 'e',
      usage: { prompt_tokens: 2, total_tokens: 2 },
    }),
  } as never,
};

test('the duration of each call is counted in seconds, in the buckets that the conventions advise', async () => {
  const { router, clock, figures } = tracedFake({ gpu: after(1_500, 'Hi!') });
  await clock.run(router.chat(hello));
  const [figure, ...others] = await figures('gen_ai.client.operation.duration');
  expect(others).toEqual([]);
  expect(figure?.attributes).toEqual({ ...answered, 'inferlane.outcome': 'answered' });
  expect(figure).toMatchObject({ value: 1.5, count: 1 });
  expect(figure?.bounds).toEqual([0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]);
});

test('calls that failed, were aborted or left stand apart from those that were answered', async () => {
  const { router, figures } = tracedFake({ gpu: [fault('bad_request'), hang, pieces('one', 'two')] });
  await failureOf(router.chat(hello));
  const abort = new AbortController();
  const call = outcomeOf(router.chat(hello, { signal: abort.signal }));
  await new Promise(setImmediate);
  abort.abort();
  await new Promise(setImmediate);
  expect(call.settled).toBe(true);
  for await (const _chunk of await router.stream(hello)) break;
  const told = (await figures('gen_ai.client.operation.duration')).map(({ attributes }) => [
    attributes['inferlane.outcome'],
    attributes['error.type'],
  ]);
  expect(told).toEqual([
    ['failed', 'bad_request'],
    ['aborted', undefined],
    ['abandoned', undefined],
  ]);
});

test('tokens are counted as the server reported them, and not at all where it did not', async () => {
  const { router, figures } = tracedFake({ gpu: 'Hi!' });
  await router.chat(hello);
  expect(await figures('gen_ai.client.token.usage')).toEqual([]);
  const other = tracedFake({ gpu: counting });
  await other.router.chat(hello);
  await readAll(await other.router.stream(hello));
  await other.router.embed({ model: 'e', input: 'a' });
  const told = await other.figures('gen_ai.client.token.usage');
  expect(
    told.map(({ attributes, value, count }) => [attributes['gen_ai.operation.name'], attributes['gen_ai.token.type'], value, count]),
  ).toEqual([
    ['chat', 'input', 10, 2],
    ['chat', 'output', 6, 2],
    ['embeddings', 'input', 2, 1],
  ]);
  expect(told[0]?.bounds.slice(0, 4)).toEqual([1, 4, 16, 64]);
  expect(told[0]?.bounds).toHaveLength(14);
  const [chat] = other.spans().filter(({ name }) => name === 'chat m');
  expect(chat?.attributes).toMatchObject({ 'gen_ai.usage.input_tokens': 5, 'gen_ai.usage.output_tokens': 3 });
  expect(other.spans().filter(({ name }) => name === 'chat m')[1]?.attributes).toMatchObject({ 'gen_ai.usage.output_tokens': 3 });
});

test('an answer that was kept from an earlier call counts no tokens again, and its span says so', async () => {
  const { plain, figures, spans, options } = tracedFake({ gpu: counting });
  const kept = async (...[request, given]: Parameters<typeof plain.chat>) => {
    const answer = await plain.chat(request as never, given);
    return { ...answer, route: { ...answer.route, cached: true } };
  };
  await traced({ ...plain, chat: kept as never }, options).chat(hello);
  expect(await figures('gen_ai.client.token.usage')).toEqual([]);
  expect(await figures('gen_ai.client.operation.duration')).toHaveLength(1);
  expect(spans().at(-1)).toMatchObject({ attributes: { 'inferlane.cached': true }, events: [{ name: 'inferlane.cached' }] });
});

test('a stream counts the time to its first chunk, and from each chunk to the next', async () => {
  const { router, clock, figures } = tracedFake({ gpu: pieces(300, 'one', 100, 'two', 50, 'three') });
  expect((await clock.run(readAll(await clock.run(router.stream(hello))))).text).toBe('onetwothree');
  expect(await figures('gen_ai.client.operation.time_to_first_chunk')).toMatchObject([{ value: 0.3, count: 1 }]);
  const [chunks, ...others] = await figures('gen_ai.client.operation.time_per_output_chunk');
  expect(others).toEqual([]);
  expect(chunks?.count).toBe(2);
  expect(chunks?.value).toBeCloseTo(0.15);
  expect(chunks?.attributes).toEqual(answered);
});

test('a call that is no stream has no time to its first chunk', async () => {
  const { router, figures } = tracedFake({ gpu: 'Hi!' });
  await router.chat(hello);
  expect(await figures('gen_ai.client.operation.time_to_first_chunk')).toEqual([]);
});

test('attempts and failovers are counted by who, how and why', async () => {
  const { router, figures } = tracedFake({ gpu: fault('out_of_memory'), cpu: 'Hi!' });
  await router.chat(hello);
  const base = { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'custom' };
  expect(await figures('inferlane.attempts')).toMatchObject([
    { value: 1, attributes: { ...base, 'inferlane.provider': 'gpu', 'inferlane.outcome': 'failed', 'error.type': 'out_of_memory' } },
    { value: 1, attributes: { ...base, 'inferlane.provider': 'cpu', 'inferlane.outcome': 'answered' } },
  ]);
  expect(await figures('inferlane.failovers')).toMatchObject([
    { value: 1, attributes: { 'inferlane.from': 'gpu', 'inferlane.to': 'cpu', 'error.type': 'out_of_memory' } },
  ]);
});

describe('however many calls there are', () => {
  test('no figure is told apart by a request, a session or a caller', async () => {
    const { router, figures } = tracedFake({ gpu: [fault('out_of_memory'), pieces('a', 'b')], cpu: counting });
    for (const name of ['ann', 'bob']) {
      const options = { requestId: `r-${name}`, session: `s-${name}`, caller: name };
      await router.chat(hello, options);
      await readAll(await router.stream(hello, options));
    }
    const told = (await Promise.all(metricNames.map(figures))).flat();
    expect(told.length).toBeGreaterThan(6);
    expect(JSON.stringify(told)).not.toMatch(/ann|bob/);
  });

  test('models that callers make up are one name after the first hundred, and none where nobody serves them', async () => {
    const { router, figures } = tracedFake({ gpu: (call) => (call < 120 ? 'Hi!' : fault('bad_request')) });
    for (let call = 0; call < 120; call++) await router.chat({ ...hello, model: `made-up-${call}` });
    const told = await figures('gen_ai.client.operation.duration');
    expect(told).toHaveLength(101);
    expect(told.filter(({ attributes }) => attributes['gen_ai.request.model'] === '_OTHER')).toMatchObject([{ count: 20 }]);
    await failureOf(router.chat({ ...hello, model: 'nowhere' }, { intent: 'none' }));
    const failed = (await figures('gen_ai.client.operation.duration')).find(({ attributes }) => attributes['error.type'] !== undefined);
    expect(failed?.attributes).toEqual({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'inferlane',
      'inferlane.outcome': 'failed',
      'error.type': 'invalid_request',
    });
  });
});
