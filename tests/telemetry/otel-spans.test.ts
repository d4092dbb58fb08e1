import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../src/core/error-codes.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { traced } from '../../src/telemetry/otel.ts';
import { after, fault, hang, pieces, refused } from '../_kit/fake-adapter.ts';
import { failureOf, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';
import { createTelemetry, setUp, tearDown, tracedFake, tree } from './otel-kit.ts';

beforeAll(setUp);
afterAll(tearDown);

const able = { capabilities: { choices: true, dimensions: true, jsonSchema: true, jsonObject: true } };
const oom = fault('out_of_memory', { status: 500 });

describe('a call', () => {
  test('is a span with the names of the conventions, and its attempt one below it', async () => {
    const { router, span, spans } = tracedFake({ gpu: { does: 'Hi!', fake: able } });
    const request = { ...hello, temperature: 0.5, top_p: 0.9, max_tokens: 7, seed: 3, stop: 'END', n: 2, presence_penalty: 1 };
    await router.chat(request, { requestId: 'r1', session: 's1', caller: 'ann' });
    expect(tree(spans())).toEqual(['chat m: answered', '  attempt gpu: ok']);
    const call = span('chat m');
    expect(call.kind).toBe(SpanKind.CLIENT);
    expect(call.status.code).toBe(SpanStatusCode.UNSET);
    expect(call.attributes).toEqual({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'custom',
      'gen_ai.conversation.id': 's1',
      'gen_ai.request.model': 'm',
      'gen_ai.request.temperature': 0.5,
      'gen_ai.request.top_p': 0.9,
      'gen_ai.request.max_tokens': 7,
      'gen_ai.request.seed': 3,
      'gen_ai.request.stop_sequences': ['END'],
      'gen_ai.request.choice.count': 2,
      'gen_ai.request.presence_penalty': 1,
      'gen_ai.response.id': 'c',
      'gen_ai.response.model': 'm',
      'gen_ai.response.finish_reasons': ['stop'],
      'inferlane.request_id': 'r1',
      'inferlane.caller': 'ann',
      'inferlane.intent': 'fast',
      'inferlane.provider': 'gpu',
      'inferlane.attempts': 1,
      'inferlane.outcome': 'answered',
      'inferlane.degraded': false,
      'inferlane.cached': false,
      'inferlane.substituted': false,
      'inferlane.truncated': false,
      'inferlane.hedged': false,
      'inferlane.queued_ms': 0,
    });
    expect(span('attempt gpu').attributes).toEqual({
      'gen_ai.provider.name': 'custom',
      'gen_ai.request.model': 'm',
      'inferlane.provider': 'gpu',
      'inferlane.attempt': 1,
    });
  });

  test('of embeddings and of a stream are told apart', async () => {
    const { router, spans, span } = tracedFake({ gpu: { does: pieces('one', 'two'), fake: able } });
    await router.embed({ model: 'e', input: ['a', 'b'], dimensions: 2 });
    expect(span('embeddings e').attributes).toMatchObject({
      'gen_ai.operation.name': 'embeddings',
      'gen_ai.embeddings.dimension.count': 2,
      'gen_ai.response.model': 'fake',
    });
    expect((await readAll(await router.stream({ ...hello, response_format: { type: 'json_object' } }))).text).toBe('onetwo');
    expect(span('chat m').attributes).toMatchObject({
      'gen_ai.request.stream': true,
      'gen_ai.output.type': 'json',
      'gen_ai.response.id': 'c',
      'gen_ai.response.time_to_first_chunk': 0,
    });
    expect(tree(spans())).toEqual(['embeddings e: answered', '  attempt gpu: ok', 'chat m: answered', '  attempt gpu: ok']);
  });

  test('without a model is named by its operation', async () => {
    const { router, spans } = tracedFake({ gpu: 'Hi!' });
    await router.chat({ messages: hello.messages });
    expect(tree(spans())[0]).toBe('chat: answered');
  });

  test('stands below whatever was active for its caller, and is itself active while it runs', async () => {
    const telemetry = createTelemetry();
    const seen: (string | undefined)[] = [];
    const { plain } = tracedFake({ gpu: 'Hi!' });
    plain.on('request:start', () => void seen.push(trace.getActiveSpan()?.spanContext().spanId));
    const router = traced(plain, telemetry.options);
    const parent = telemetry.provider.getTracer('app').startSpan('page');
    await context.with(trace.setSpan(context.active(), parent), () => router.chat(hello));
    parent.end();
    expect(tree(telemetry.spans())).toEqual(['page: ok', '  chat m: answered', '    attempt gpu: ok']);
    expect(seen).toEqual([telemetry.span('chat m').spanContext().spanId]);
  });
});

describe('what goes wrong', () => {
  test('is an error of its attempt, and an event of a call that another provider answers', async () => {
    const { router, spans, span } = tracedFake({ gpu: oom, cpu: 'Hi!' });
    await router.chat(hello);
    expect(tree(spans())).toEqual(['chat m: answered', '  attempt gpu: out_of_memory', '  attempt cpu: ok']);
    expect(span('attempt gpu').attributes).toMatchObject({ 'error.type': 'out_of_memory', 'http.response.status_code': 500 });
    const { attributes, events } = span('chat m');
    expect(attributes).toMatchObject({ 'inferlane.provider': 'cpu', 'inferlane.attempts': 2 });
    expect(attributes).not.toHaveProperty('error.type');
    expect(events.map(({ name, attributes: said }) => [name, said])).toEqual([
      [
        'inferlane.failover',
        { 'inferlane.from': 'gpu', 'inferlane.to': 'cpu', 'inferlane.model': 'm', 'inferlane.reason': 'out_of_memory' },
      ],
    ]);
  });

  test.each<[ErrorCode, string]>([
    ['auth', 'all_failed'],
    ['bad_request', 'bad_request'],
    ['overloaded', 'all_failed'],
  ])('with %s for everyone ends the call with %s', async (code, type) => {
    const { router, span, spans, clock } = tracedFake({ gpu: fault(code) });
    await clock.run(failureOf(router.chat(hello)));
    const { status, attributes } = span('chat m');
    expect(status.code).toBe(SpanStatusCode.ERROR);
    expect(attributes).toMatchObject({ 'error.type': type, 'inferlane.outcome': 'failed' });
    expect(spans()[0]).toMatchObject({ name: 'attempt gpu', attributes: { 'error.type': code } });
  });

  test('in a foreign way is named as no more than that', async () => {
    const { router, span } = tracedFake({ gpu: new Error('the text of the prompt') });
    await failureOf(router.chat(hello));
    expect(span('chat m')).toMatchObject({ status: { code: SpanStatusCode.ERROR }, attributes: { 'error.type': '_OTHER' } });
    expect(span('chat m').status).not.toHaveProperty('message');
  });

  test('before anyone was asked ends the span as well', async () => {
    const { router, spans } = tracedFake({ gpu: 'Hi!' });
    const odd = [null, { messages: 'none' }, { model: 7, messages: [] }] as never[];
    for (const request of odd) await failureOf(router.chat(request));
    await failureOf(router.chat(hello, { requestId: '' }));
    await failureOf(router.embed(undefined as never));
    await failureOf(router.stream(hello, { intent: 'none' }));
    expect(tree(spans())).toHaveLength(6);
    expect(tree(spans()).every((line) => line.endsWith(': invalid_request'))).toBe(true);
    expect(spans()[0]?.attributes['gen_ai.provider.name']).toBe('inferlane');
    await router.close();
    await failureOf(router.chat(hello));
    expect(tree(spans()).at(-1)).toBe('chat m: closed');
  });

  test('is told by tryChat as a value, and by its span as an error', async () => {
    const { router, spans } = tracedFake({ gpu: [fault('bad_request'), 'Hi!'] });
    expect(await router.tryChat(hello)).toMatchObject({ success: false });
    expect(await router.tryChat(hello)).toMatchObject({ success: true, content: 'Hi!' });
    expect(tree(spans())).toEqual(['chat m: bad_request', '  attempt gpu: bad_request', 'chat m: answered', '  attempt gpu: ok']);
  });

  test('twice in a row is a retry, an attempt of its own', async () => {
    const { router, clock, spans, span } = tracedFake({ gpu: [refused(), 'Hi!'] });
    await clock.run(router.chat(hello));
    expect(tree(spans())).toHaveLength(3);
    expect(span('chat m').events.map(({ name }) => name)).toEqual(['inferlane.retry']);
    expect(span('chat m').events[0]?.attributes).toMatchObject({ 'inferlane.provider': 'gpu', 'inferlane.reason': 'unavailable' });
  });
});

describe('an abort', () => {
  test('is no error: neither of the call nor of its attempt', async () => {
    const { router, spans, open } = tracedFake({ gpu: hang });
    const abort = new AbortController();
    const call = outcomeOf(router.chat(hello, { signal: abort.signal }));
    await new Promise(setImmediate);
    abort.abort(new Error('a prompt, perhaps'));
    await new Promise(setImmediate);
    expect(call.error).toBe(abort.signal.reason);
    expect(tree(spans())).toEqual(['chat m: aborted', '  attempt gpu: aborted']);
    expect(spans().map(({ status }) => status.code)).toEqual([SpanStatusCode.UNSET, SpanStatusCode.UNSET]);
    expect(open()).toBe(0);
  });

  test('before the call ends its span, too', async () => {
    const { router, spans } = tracedFake({ gpu: 'Hi!' });
    await failureOf(router.chat(hello, { signal: AbortSignal.abort() }));
    await failureOf(router.stream(hello, { signal: AbortSignal.abort() }));
    expect(tree(spans())).toEqual(['chat m: aborted', 'chat m: aborted']);
  });
});

test('two attempts side by side are two spans, and the one that came too late is no error', async () => {
  const hedge = { minDelayMs: 200, minSamples: 1, maxLoad: 1 };
  const { router, clock, spans, span, fakes } = tracedFake({ a: ['at once', after(5_000, 'late')], b: 'soon' }, { hedge });
  await router.chat(hello, { provider: 'a', hedge: false });
  const answer = await clock.run(router.chat(hello));
  expect(answer.route.provider).toBe('b');
  expect(fakes.a.calls).toHaveLength(2);
  expect(tree(spans()).slice(2)).toEqual(['chat m: answered', '  attempt a: aborted', '  attempt b: ok']);
  expect(span('attempt b').attributes['inferlane.hedge']).toBe(true);
  expect(
    spans()
      .at(-1)
      ?.events.map(({ name }) => name),
  ).toEqual(['inferlane.hedge']);
});

test('a call that waits for a slot says for how long', async () => {
  const { router, clock, spans } = tracedFake({ gpu: { does: after(100, 'Hi!'), maxConcurrent: 1 } });
  await clock.run(Promise.all([router.chat(hello, { requestId: 'first' }), router.chat(hello, { requestId: 'second' })]));
  const second = spans().find(({ attributes }) => attributes['inferlane.request_id'] === 'second');
  expect(second?.attributes['inferlane.queued_ms']).toBe(100);
  expect(second?.events.map(({ name, attributes }) => [name, attributes?.['inferlane.ms']])).toEqual([
    ['inferlane.queue.enter', undefined],
    ['inferlane.queue.leave', 100],
  ]);
});

test('calls of one name at the same time end one span each', async () => {
  const { router, clock, spans, open } = tracedFake({ gpu: after(10, 'Hi!') });
  const same = { requestId: 'same' };
  const calls = Promise.all([router.chat(hello, same), router.chat(hello, same), router.stream(hello, same).then(readAll)]);
  await clock.run(calls);
  expect(tree(spans())).toEqual(Array.from({ length: 3 }, () => ['chat m: answered', '  attempt gpu: ok']).flat());
  expect(open()).toBe(0);
});

test('a name that comes again later is another call', async () => {
  const { router, clock, spans } = tracedFake({ gpu: [refused(), 'Hi!', refused(), 'Hi!'] });
  for (let call = 0; call < 2; call++) await clock.run(router.chat(hello, { requestId: 'same' }));
  const calls = spans().filter(({ name }) => name === 'chat m');
  expect(calls.map(({ events }) => events.map(({ name }) => name))).toEqual([['inferlane.retry'], ['inferlane.retry']]);
});

test('a router that tells of nothing leaves no span open', async () => {
  const telemetry = createTelemetry();
  const { plain } = tracedFake({ gpu: pieces('one', 'two', 'three') });
  const router = traced({ ...plain, on: () => plain }, telemetry.options);
  await router.chat(hello);
  await readAll(await router.stream(hello));
  for await (const _chunk of await router.stream(hello)) break;
  expect(tree(telemetry.spans()).filter((line) => line.startsWith('chat'))).toEqual([
    'chat m: answered',
    'chat m: answered',
    'chat m: abandoned',
  ]);
  expect(telemetry.open()).toBe(0);
});

test('an answer that did not fit its schema and was repaired is one call of two attempts', async () => {
  const schema = {
    '~standard': {
      version: 1 as const,
      vendor: 'here',
      validate: (value: unknown) => ((value as { a?: unknown }).a === 1 ? { value: 1 } : { issues: [{ message: 'no' }] }),
      jsonSchema: { input: () => ({ type: 'object' }), output: () => ({ type: 'object' }) },
    },
  };
  const { router, spans, span } = tracedFake({ gpu: { does: ['{"a":2}', '{"a":1}'], fake: able } });
  const answer = await router.chat({ ...hello, response_format: schema as never }, { repair: true });
  expect(answer).toMatchObject({ parsed: 1 });
  expect(tree(spans())).toEqual(['chat m: answered', '  attempt gpu: ok', '  attempt gpu: ok']);
  expect(span('chat m').attributes).toMatchObject({ 'inferlane.attempts': 2, 'gen_ai.output.type': 'json' });
});

test('providers go by the names of their types, also after an update, and those of this process are inside it', async () => {
  const telemetry = createTelemetry();
  const router = traced(createRouter({ health: false, providers: { last: { type: 'stub', reply: 'ok' } } }), telemetry.options);
  await router.chat(hello);
  expect(telemetry.span('attempt last')).toMatchObject({ kind: SpanKind.INTERNAL, attributes: { 'gen_ai.provider.name': 'stub' } });
  expect(telemetry.span('chat m').attributes).toMatchObject({ 'inferlane.degraded': true, 'gen_ai.provider.name': 'stub' });
  const transport = { send: () => Promise.reject(new Error('no network')) };
  router.update({ checkModels: false, health: false, transport, providers: { cloud: { type: 'anthropic', apiKey: 'key' } } });
  await failureOf(router.chat(hello, { provider: 'cloud' }));
  expect(telemetry.spans().at(-2)).toMatchObject({ name: 'attempt cloud', kind: SpanKind.CLIENT });
  expect(telemetry.spans().at(-1)?.attributes['gen_ai.provider.name']).toBe('anthropic');
});

test('the traced router is a router: its listeners, its update and its end are those of the one below', async () => {
  const { router, plain, events } = tracedFake({ gpu: 'Hi!' });
  const heard: string[] = [];
  const listener = (): void => void heard.push('end');
  expect(router.on('request:end', listener)).toBe(router);
  expect(router.once('request:start', () => void heard.push('start'))).toBe(router);
  await router.chat(hello);
  expect(router.off('request:end', listener)).toBe(router);
  await router.chat(hello);
  expect(heard).toEqual(['start', 'end']);
  expect(router.snapshot().providers).toEqual(plain.snapshot().providers);
  expect(router.explain(hello).candidates).toHaveLength(1);
  {
    await using closing = router;
    expect(closing.snapshot().closed).toBe(false);
  }
  expect(plain.snapshot().closed).toBe(true);
  expect(events.names().filter((name) => name === 'request:start')).toHaveLength(2);
});

test('calls on the router below are not traced', async () => {
  const { plain, spans, figures } = tracedFake({ gpu: oom, cpu: 'Hi!' });
  await plain.chat(hello);
  expect(spans()).toEqual([]);
  expect(await figures('inferlane.failovers')).toEqual([]);
});
