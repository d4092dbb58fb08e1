import { context, propagation } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ChatChunk, ChatMessage } from '../../src/core/types.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { traced } from '../../src/telemetry/otel.ts';
import { inputMessages, outputMessages } from '../../src/telemetry/otel-content.ts';
import { fault, pieces, toChunk } from '../_kit/fake-adapter.ts';
import { failureOf, hello, readAll } from '../_kit/fake-router.ts';
import { loopback } from '../_kit/loopback.ts';
import { chatBody, event, finish, sse } from '../_kit/openai-bytes.ts';
import { createTelemetry, metricNames, setUp, tearDown, tracedFake } from './otel-kit.ts';

beforeAll(setUp);
afterAll(tearDown);

const canary = 'canary-9f31';
const tool = { type: 'function', function: { name: 'look', parameters: { type: 'object', title: `${canary}-tool` } } } as const;
const called = { id: 'call_1', type: 'function', function: { name: 'look', arguments: `{"what":"${canary}-arguments"}` } } as const;
const talk: readonly ChatMessage[] = [
  { role: 'system', content: `${canary}-system` },
  { role: 'user', content: [{ type: 'text', text: `${canary}-prompt` }] },
  { role: 'assistant', content: null, reasoning_content: `${canary}-thought`, tool_calls: [called] },
  { role: 'tool', tool_call_id: 'call_1', content: `${canary}-result` },
];

/** Everything that leaves the process with spans, as text. */
function written(spans: readonly ReadableSpan[]): string {
  return JSON.stringify(
    spans.map(({ name, attributes, events, status, links }) => ({ name, attributes, events, status, links: links.length })),
  );
}

test('no prompt, answer, key or address stands in a span, a figure or a header, whatever the servers say', async () => {
  const says = [
    // Servers like to repeat what they were sent.
    { status: 500, pieces: [JSON.stringify({ error: { message: `CUDA out of memory at ${canary}-prompt` } })] },
    { pieces: [chatBody(`${canary}-answer`)] },
    { headers: sse, pieces: [event(`${canary}-answer`), finish] },
    { headers: sse, pieces: [event(`${canary}-answer`)], after: 'cut' as const },
    { status: 400, pieces: [JSON.stringify({ error: { message: `bad ${canary}-prompt`, type: 'invalid_request_error' } })] },
    { pieces: [`not JSON ${canary}-answer`] },
    { pieces: [JSON.stringify({ object: 'list', model: 'm', data: [{ index: 0, embedding: [1] }] })] },
  ];
  await using box = await loopback(() => says.shift() ?? { status: 503, pieces: [`${canary}-prompt`] });
  const telemetry = createTelemetry();
  const apiKey = `${canary}-key`;
  await using plain = createRouter({
    checkModels: false,
    health: false,
    pollMs: false,
    providers: { box: { type: 'openai-compatible', url: `${box.url}/${canary}-path`, apiKey } },
  });
  const router = traced(plain, telemetry.options);
  const request = { model: 'm', messages: talk, tools: [tool], user: `${canary}-user` };
  const baggage = propagation.createBaggage({});
  await context.with(propagation.setBaggage(context.active(), baggage), async () => {
    const calls = [
      () => router.chat(request),
      () => router.chat(request),
      async () => readAll(await router.stream(request)),
      async () => readAll(await router.stream(request)),
      () => router.tryChat(request),
      () => router.chat(request),
      () => router.embed({ model: 'm', input: `${canary}-input` }),
      () => router.chat({ ...request, messages: [{ role: `${canary}-role`, content: 7 }] as never }),
    ];
    for (const call of calls) await call().catch(() => undefined);
  });
  expect(box.requests.length).toBeGreaterThan(6);
  expect(box.requests.some(({ headers }) => headers['traceparent'] !== undefined)).toBe(true);
  expect(telemetry.open()).toBe(0);
  const figures = await Promise.all(metricNames.map(telemetry.figures));
  expect(figures.flat().length).toBeGreaterThan(5);
  const traces = box.requests.map(({ headers: { traceparent, tracestate, baggage: carried } }) => ({ traceparent, tracestate, carried }));
  const everything = written(telemetry.spans()) + JSON.stringify(figures) + JSON.stringify(traces);
  expect(everything).toContain('out_of_memory');
  expect(everything).not.toContain(canary);
  expect(everything).not.toContain(box.url.slice('http://'.length));
});

/** The messages in the attribute of that name. */
function at(span: ReadableSpan | undefined, name: 'input' | 'output'): unknown {
  return JSON.parse(String(span?.attributes[`gen_ai.${name}.messages`]));
}

/** A piece of a call of the first tool. */
function piece(called: { readonly name?: string; readonly arguments: string }, id?: string): ChatChunk {
  return toChunk({ tool_calls: [{ index: 0, function: called, ...(id !== undefined && { id }) }] }, 'm');
}

describe('content that was asked for', () => {
  const able = { capabilities: { tools: true } };
  const captured = { captureContent: true };

  test('stands in the attributes of the call, in the form of the conventions, and in no other span', async () => {
    const { router, span } = tracedFake({ gpu: { does: 'Hi!', fake: able } }, {}, captured);
    await router.chat({ model: 'm', messages: talk, tools: [tool] });
    expect(at(span('chat m'), 'input')).toEqual([
      { role: 'system', parts: [{ type: 'text', content: `${canary}-system` }] },
      { role: 'user', parts: [{ type: 'text', content: `${canary}-prompt` }] },
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', content: `${canary}-thought` },
          { type: 'tool_call', id: 'call_1', name: 'look', arguments: { what: `${canary}-arguments` } },
        ],
      },
      { role: 'tool', parts: [{ type: 'tool_call_response', id: 'call_1', response: `${canary}-result` }] },
    ]);
    expect(at(span('chat m'), 'output')).toEqual([{ role: 'assistant', parts: [{ type: 'text', content: 'Hi!' }], finish_reason: 'stop' }]);
    expect(written([span('attempt gpu')])).not.toContain(canary);
  });

  test('of a stream is put together from its chunks, also where it was left', async () => {
    const { router, spans } = tracedFake({ gpu: pieces('one ', 'two ', 'three') }, {}, captured);
    await readAll(await router.stream(hello));
    for await (const { choices } of await router.stream(hello)) if (choices[0]?.delta.content === 'two ') break;
    const [whole, left] = spans().filter(({ name }) => name === 'chat m');
    expect(at(whole, 'output')).toEqual([
      { role: 'assistant', parts: [{ type: 'text', content: 'one two three' }], finish_reason: 'unknown' },
    ]);
    expect(at(left, 'output')).toMatchObject([{ parts: [{ content: 'one two ' }] }]);
  });

  test('of a stream that began anew is that of the answer that holds', async () => {
    const cut = fault('unavailable', { reason: 'ECONNRESET' });
    const options = { onStreamFailure: 'restart' } as const;
    const { router, span } = tracedFake({ gpu: pieces('void', cut), cpu: pieces('uno') }, options, captured);
    await readAll(await router.stream(hello));
    expect(at(span('chat m'), 'output')).toMatchObject([{ parts: [{ content: 'uno' }] }]);
  });

  test('of the tools of a stream is joined piece by piece', async () => {
    const fake = {
      ...able,
      stream: async () =>
        (async function* () {
          yield [toChunk({ reasoning_content: 'hm' }, 'm'), piece({ name: 'look', arguments: '{"a"' }, 'x'), piece({ arguments: ':1}' })];
          yield [{ ...toChunk({}, 'm'), choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' as const }] }];
        })(),
    };
    const { router, span } = tracedFake({ gpu: { does: 'not asked', fake: fake as never } }, {}, captured);
    await readAll(await router.stream({ ...hello, tools: [tool] }));
    const parts = [
      { type: 'reasoning', content: 'hm' },
      { type: 'tool_call', id: 'x', name: 'look', arguments: { a: 1 } },
    ];
    expect(at(span('chat m'), 'output')).toEqual([{ role: 'assistant', parts, finish_reason: 'tool_calls' }]);
  });

  test('holds no image, no vector, and no more than its bound', async () => {
    const image = { type: 'image_url', image_url: { url: `https://user:${canary}@host/a.png` } } as const;
    expect(inputMessages([{ role: 'user', content: [image] }])).toBe('[{"role":"user","parts":[{"type":"image"}]}]');
    const long = inputMessages([{ role: 'user', content: 'x'.repeat(20_000) }]);
    expect(long.length).toBeLessThan(8_400);
    expect(long).toContain('… (11808 more)');
    const many = Array.from({ length: 40 }, (_, index) => ({ role: 'user', content: `${index} ${'x'.repeat(4_000)}` }) as const);
    const kept = inputMessages(many);
    expect(kept.length).toBeLessThanOrEqual(65_538);
    expect((JSON.parse(kept) as { parts: { content: string }[] }[]).at(-1)?.parts[0]?.content.slice(0, 3)).toBe('39 ');
    const { router, span } = tracedFake({ gpu: 'Hi!' }, {}, captured);
    await router.embed({ model: 'm', input: canary });
    expect(written([span('embeddings m')])).not.toContain(canary);
  });

  test('of a last message that is larger than the bound is that message, without its beginning', () => {
    const content = Array.from({ length: 9 }, (_, index) => ({ type: 'text', text: `${index} ${'x'.repeat(8_000)}` }) as const);
    const written = inputMessages([
      { role: 'user', content: 'before' },
      { role: 'user', content },
    ]);
    expect(written.length).toBeLessThanOrEqual(65_538);
    const [only, ...others] = JSON.parse(written) as { role: string; parts: { content: string }[] }[];
    expect([others, only?.role]).toEqual([[], 'user']);
    const begins = only?.parts.map((part) => part.content.slice(0, 20).trim().replace(/x+$/, '').trim());
    expect(begins).toEqual(['… (1 more before)', '1', '2', '3', '4', '5', '6', '7', '8']);
    const calls = Array.from({ length: 10 }, (_, index) => ({
      id: `call_${index}`,
      type: 'function' as const,
      function: { name: 'look', arguments: 'y'.repeat(9_000) },
    }));
    const [answer] = JSON.parse(
      outputMessages([{ message: { role: 'assistant', content: null, tool_calls: calls }, finish_reason: 'tool_calls' }]),
    ) as {
      parts: { id?: string }[];
      finish_reason: string;
    }[];
    expect([answer?.finish_reason, answer?.parts.at(-1)?.id, answer?.parts.length]).toEqual(['tool_calls', 'call_9', 8]);
  });

  test('of a part that is larger than the bound by itself says that there was one', () => {
    const huge = { id: 'i'.repeat(70_000), type: 'function' as const, function: { name: 'look', arguments: '{}' } };
    const written = inputMessages([{ role: 'assistant', content: null, tool_calls: [huge] }]);
    expect(written).toBe('[{"role":"assistant","parts":[{"type":"text","content":"… (1 more before)"}]}]');
  });

  test('does not keep a call from failing as it would without', async () => {
    const { router, spans } = tracedFake({ gpu: 'Hi!' }, {}, captured);
    expect(await failureOf(router.chat({ messages: 'none' } as never))).toMatchObject({ code: 'invalid_request' });
    expect(spans()).toHaveLength(1);
    for (const verb of [router.chat, router.stream]) {
      expect(await failureOf(verb(hello, null as never))).toMatchObject({ code: 'invalid_request' });
    }
    expect(await failureOf(router.embed({ input: 'x' }, null as never))).toMatchObject({ code: 'invalid_request' });
    expect(spans()).toHaveLength(4);
    expect(spans().at(-1)?.status.message).toMatch(/the options must be an object/);
  });
});
