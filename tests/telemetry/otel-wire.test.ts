import { context, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHandler } from '../../src/http/index.ts';
import { createRouter } from '../../src/router/create-router.ts';
import type { Router } from '../../src/router/router.ts';
import { traced, type TracedOptions } from '../../src/telemetry/otel.ts';
import { failureOf, hello, readAll } from '../_kit/fake-router.ts';
import { type Loopback, loopback, type LoopbackRequest, type Script } from '../_kit/loopback.ts';
import { answers, streams } from '../_kit/openai-bytes.ts';
import { createTelemetry, setUp, type Telemetry, tearDown, tree } from './otel-kit.ts';

beforeAll(setUp);
afterAll(tearDown);

const quiet = { checkModels: false, health: false, pollMs: false } as const;
const full: Script = { status: 500, pieces: [JSON.stringify({ error: { message: 'CUDA error: out of memory' } })] };

interface Wire extends AsyncDisposable, Telemetry {
  readonly gpu: Loopback;
  readonly cpu: Loopback;
  readonly router: Router;
}

/** A traced router over two real servers; the first says what the script says. */
async function wire(gpuSays: (request: LoopbackRequest) => Script, options: TracedOptions = {}): Promise<Wire> {
  const gpu = await loopback(gpuSays);
  const cpu = await loopback(({ path, body }) => {
    if (path.endsWith('embeddings'))
      return { pieces: [JSON.stringify({ object: 'list', model: 'm', data: [{ index: 0, embedding: [1] }] })] };
    return (body as { stream?: boolean }).stream === true ? streams('Hi!') : answers('Hi!');
  });
  const plain = createRouter({
    ...quiet,
    providers: {
      gpu: { type: 'openai-compatible', url: gpu.url, device: 'gpu' },
      cpu: { type: 'openai-compatible', url: cpu.url, device: 'cpu' },
    },
  });
  const telemetry = createTelemetry();
  return {
    ...telemetry,
    gpu,
    cpu,
    router: traced(plain, { ...telemetry.options, ...options }),
    async [Symbol.asyncDispose]() {
      await plain.close();
      await gpu[Symbol.asyncDispose]();
      await cpu[Symbol.asyncDispose]();
    },
  };
}

/** The trace and the span that a request names as its parent. */
function parentOf({ headers }: LoopbackRequest): { traceId: string; spanId: string } {
  const found = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, headers));
  if (found === undefined) throw new Error('no traceparent came');
  return { traceId: found.traceId, spanId: found.spanId };
}

describe('the trace goes on at the server', () => {
  const verbs: Readonly<Record<string, (router: Router) => Promise<unknown>>> = {
    chat: (router) => router.chat(hello),
    'tried chat': (router) => router.tryChat(hello),
    stream: async (router) => readAll(await router.stream(hello)),
    embed: (router) => router.embed({ model: 'm', input: 'Hello!' }),
    'call of a client of OpenAI’s': (router) => postTo(router.fetch),
  };

  test.each(Object.entries(verbs))('of each attempt of a %s, below the span of that attempt', async (_verb, call) => {
    await using at = await wire(() => full);
    await call(at.router);
    const [first, second] = ['gpu', 'cpu'].map((id) => at.span(`attempt ${id}`).spanContext());
    const request = at.spans().find(({ attributes }) => attributes['gen_ai.operation.name'] !== undefined);
    expect(at.gpu.requests.map(parentOf)).toEqual([{ traceId: first?.traceId, spanId: first?.spanId }]);
    expect(at.cpu.requests.map(parentOf)).toEqual([{ traceId: second?.traceId, spanId: second?.spanId }]);
    expect(first?.spanId).not.toBe(second?.spanId);
    expect(request?.spanContext().traceId).toBe(first?.traceId);
    expect(at.open()).toBe(0);
  });

  test('of a retry at the same server as well', async () => {
    let calls = 0;
    await using at = await wire(() => (calls++ === 0 ? { status: 503, pieces: ['{}'] } : answers('Hi!')));
    await at.router.chat(hello, { provider: 'gpu' });
    const ids = at.gpu.requests.map((request) => parentOf(request).spanId);
    expect(ids).toEqual(at.spans().flatMap((span) => (span.name === 'attempt gpu' ? [span.spanContext().spanId] : [])));
    expect(new Set(ids).size).toBe(2);
  });

  test('of both attempts of a hedge', async () => {
    let calls = 0;
    await using at = await wire(() => (calls++ === 0 ? answers('at once') : { pieces: [], after: 'hang' }));
    const hedge = { minDelayMs: 20, minSamples: 1, maxLoad: 1 };
    at.router.update({ ...quiet, hedge, providers: { gpu: boxAt(at.gpu), cpu: boxAt(at.cpu) } });
    await at.router.chat(hello);
    const answer = await at.router.chat(hello);
    expect(answer.route).toMatchObject({ provider: 'cpu', hedged: true });
    const late = at.spans().filter(({ name }) => name === 'attempt gpu')[1];
    expect(at.gpu.requests.map(parentOf)[1]?.spanId).toBe(late?.spanContext().spanId);
    expect(at.cpu.requests.map(parentOf)[0]?.spanId).toBe(at.span('attempt cpu').spanContext().spanId);
  });

  test('with the baggage of the application, and the headers that the caller asked for', async () => {
    await using at = await wire(() => answers('Hi!'));
    const baggage = propagation.createBaggage({ tenant: { value: 'acme' } });
    const mine = { headersFor: () => ({ 'x-mine': 'yes', traceparent: 'not a trace' }) };
    await context.with(propagation.setBaggage(context.active(), baggage), () => at.router.chat(hello, mine));
    expect(at.gpu.requests[0]?.headers).toMatchObject({ baggage: 'tenant=acme', 'x-mine': 'yes' });
    expect(parentOf(at.gpu.requests[0] as LoopbackRequest).spanId).toBe(at.span('attempt gpu').spanContext().spanId);
  });

  test('only where it may go', async () => {
    await using at = await wire(() => full, { propagateTo: (provider) => provider !== 'gpu' });
    await at.router.chat(hello);
    expect(at.gpu.requests[0]?.headers).not.toHaveProperty('traceparent');
    expect(at.cpu.requests[0]?.headers).toHaveProperty('traceparent');
  });

  test('though the caller’s own headers cannot be had', async () => {
    await using at = await wire(() => answers('Hi!'));
    await at.router.chat(hello, { headersFor: throwing });
    expect(tree(at.spans())).toEqual(['chat m: answered', '  attempt gpu: ok']);
  });
});

function throwing(): never {
  throw new Error('no headers');
}

function boxAt({ url }: Loopback): { type: 'openai-compatible'; url: string } {
  return { type: 'openai-compatible', url };
}

const body = JSON.stringify({ model: 'm', messages: hello.messages });
const json = { 'content-type': 'application/json', host: 'localhost' };

async function postTo(fetch: (request: Request) => Promise<Response>, headers: Record<string, string> = {}, sent = body): Promise<string> {
  const response = await fetch(
    new Request('http://localhost/v1/chat/completions', { method: 'POST', headers: { ...json, ...headers }, body: sent }),
  );
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return response.text();
}

/** What the instrumentation of an HTTP server does: the caller's trace becomes active. */
function instrumented(handler: (request: Request) => Promise<Response>): (request: Request) => Promise<Response> {
  return (request) => context.with(propagation.extract(ROOT_CONTEXT, Object.fromEntries(request.headers)), () => handler(request));
}

describe('behind a handler', () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const traceparent = `00-${traceId}-b7ad6b7169203331-01`;

  test('a call stands below the span of the request that came in, and the server below that', async () => {
    await using at = await wire(() => answers('Hi!'));
    await postTo(instrumented(createHandler(at.router)), { traceparent });
    expect(at.span('chat m').parentSpanContext).toMatchObject({ traceId, spanId: 'b7ad6b7169203331' });
    expect(at.gpu.requests.map(parentOf)).toMatchObject([{ traceId }]);
    expect(tree(at.spans())).toEqual(['chat m: answered', '  attempt gpu: ok']);
  });

  test('a stream ends its span when its last event has gone out', async () => {
    await using at = await wire(() => streams('Hi', '!'));
    const sent = JSON.stringify({ model: 'm', messages: hello.messages, stream: true });
    expect(await postTo(instrumented(createHandler(at.router)), { traceparent }, sent)).toContain('[DONE]');
    expect(tree(at.spans())).toEqual(['chat m: answered', '  attempt gpu: ok']);
    expect(at.span('chat m').attributes['gen_ai.response.finish_reasons']).toEqual(['stop']);
  });
});

test('a server that fails for good leaves a whole trace', async () => {
  await using at = await wire(() => full);
  await failureOf(at.router.chat(hello, { provider: 'gpu' }));
  expect(tree(at.spans())).toEqual(['chat m: all_failed', '  attempt gpu: out_of_memory']);
});
