import { describe, expect, test } from 'vitest';
import { adapters } from '../../src/adapters/registry.ts';
import type { Adapter, Call } from '../../src/core/adapter.ts';
import { collectChunks } from '../../src/core/collect.ts';
import type { ErrorCode } from '../../src/core/error-codes.ts';
import type { ChatChunk, ChatRequest } from '../../src/core/types.ts';
import { classifyBody, classifyResponse } from '../../src/lib/classify.ts';
import { embed, type Failure, type FailureKind, type Memory, reply, type Step, toolCall, usage } from '../../src/testing/script.ts';
import type { BackendState, Exchange, Wire, WireCall } from '../../src/testing/wire.ts';
import { openaiWires } from '../../src/testing/wires/openai-servers.ts';
import { adapterContext } from '../_kit/adapter-context.ts';
import { failureCodes, failureKinds } from '../_kit/failure-codes.ts';
import { loopback, type LoopbackRequest, type Script } from '../_kit/loopback.ts';
import { recording } from '../_kit/recordings.ts';

type Name = keyof typeof openaiWires;

const names = Object.keys(openaiWires) as Name[];
const { signal } = new AbortController();
const request: ChatRequest = { messages: [{ role: 'user', content: 'Say a few words' }] };
const tools: ChatRequest['tools'] = [{ type: 'function', function: { name: 'get_weather' } }];
const state: BackendState = {
  models: [{ id: 'fake-7b', contextLength: 4_096, sizeBytes: 5_000 }],
  resident: [{ id: 'fake-7b', contextLength: 2_048, sizeBytes: 5_000 }],
  running: 2,
  waiting: 3,
};

function callOf(wire: Wire, path: string, body?: unknown): WireCall {
  const method = body === undefined ? 'GET' : 'POST';
  const [pathname = path] = path.split('?', 1);
  const verb = wire.verbOf(method, pathname, body);
  if (verb === undefined) throw new Error(`${wire.name} has no ${method} ${path}`);
  const named = (body as { readonly model?: string } | undefined)?.model;
  return { verb, method, path, headers: {}, body, model: wire.modelOf ? wire.modelOf(pathname, body) : named };
}

const chatCall = (wire: Wire, body: object = {}): WireCall =>
  callOf(wire, '/v1/chat/completions', { model: 'fake-7b', ...request, ...body });

/** Plays one step by the wire alone, as a server would. */
function serve(wire: Wire, { answer, failure }: Step) {
  return ({ method, path, headers, body }: LoopbackRequest): Script => {
    const [pathname = path] = path.split('?', 1);
    const verb = wire.verbOf(method, pathname, body);
    if (verb === undefined) return scriptOf(wire.notFound({ method, path, headers, body }));
    const call = { ...callOf(wire, path, method === 'POST' ? (body ?? null) : undefined), headers };
    if (verb !== 'chat' && verb !== 'stream' && verb !== 'embed') return scriptOf(wire.tell(call, state) ?? wire.notFound(call));
    const failed = failure && wire.fail(failure, call);
    return scriptOf(failed ?? wire.answer(answer, call));
  };
}

const scriptOf = ({ status, headers, opening, pieces, closing }: Exchange): Script => ({
  status,
  headers,
  pieces: [opening, ...pieces, closing].filter((piece) => piece !== ''),
});

const textOf = ({ opening, pieces, closing }: Exchange): string => [opening, ...pieces, closing].join('');

/** The JSON events of a stream. */
const eventsOf = (exchange: Exchange): Record<string, unknown>[] =>
  [...textOf(exchange).matchAll(/^data: (\{.*\})$/gm)].map(([, data = '']) => JSON.parse(data) as Record<string, unknown>);

/** What the real adapter makes of a step. */
async function withAdapter<Result>(name: Name, step: Step, use: (adapter: Adapter) => Promise<Result>): Promise<Result> {
  await using server = await loopback(serve(openaiWires[name], step));
  return await use(adapters[name](adapterContext(server.url, name)));
}

const asked = (more: Partial<ChatRequest> = {}): Call<ChatRequest> => ({
  request: { ...request, ...more },
  model: 'fake-7b',
  signal,
  requestId: 'r1',
});

const chat = (name: Name, step: Step, more?: Partial<ChatRequest>) => withAdapter(name, step, (adapter) => adapter.chat(asked(more)));

const stream = (name: Name, step: Step, more?: Partial<ChatRequest>): Promise<ChatChunk[]> =>
  withAdapter(name, step, async (adapter) => {
    const chunks: ChatChunk[] = [];
    for await (const batch of await adapter.stream(asked(more))) chunks.push(...batch);
    return chunks;
  });

const streamAnswer = (name: Name, step: Step, more?: Partial<ChatRequest>) =>
  withAdapter(name, step, async (adapter) => collectChunks(await adapter.stream(asked(more))));

const embeddings = (name: Name, step: Step, input: string | string[]) =>
  withAdapter(name, step, (adapter) => {
    if (adapter.embed === undefined) throw new Error(`${name} embeds nothing`);
    return adapter.embed({ request: { input }, model: 'fake/embedder', signal, requestId: 'r1' });
  });

describe.each(names)('the adapter of %s reads its wire', (name) => {
  test('a plain reply, with the usage in words', async () => {
    const { choices, usage: counts } = await chat(name, reply('A few words. '));
    expect(choices).toHaveLength(1);
    expect(choices[0]).toMatchObject({ message: { role: 'assistant', content: 'A few words. ' }, finish_reason: 'stop' });
    expect(counts).toMatchObject({ prompt_tokens: 4, completion_tokens: 3, total_tokens: 7 });
  });

  test('a streamed reply, in the pieces of the script', async () => {
    const chunks = await stream(name, reply('one two', { pieces: ['one', ' t', 'wo'] }));
    const deltas = chunks.map(({ choices }) => choices[0]?.delta.content).filter(Boolean);
    expect(deltas).toEqual(['one', ' t', 'wo']);
    expect(chunks.flatMap(({ choices }) => choices.map((choice) => choice.finish_reason)).filter(Boolean)).toEqual(['stop']);
    expect(chunks.map((chunk) => chunk.usage).filter(Boolean)).toMatchObject([{ prompt_tokens: 4, completion_tokens: 2 }]);
  });

  test('characters outside of ASCII', async () => {
    expect((await chat(name, reply('Grüße 🙂 "\n'))).choices[0]?.message.content).toBe('Grüße 🙂 "\n');
    expect((await streamAnswer(name, reply('Grüße 🙂, "\n'))).choices[0]?.message.content).toBe('Grüße 🙂, "\n');
  });

  test('reasoning is not counted', async () => {
    expect((await chat(name, reply('So.', { reasoning: 'First this.' }))).usage?.completion_tokens).toBe(1);
  });

  test('a tool call', async () => {
    const { choices } = await chat(name, toolCall('get_weather', { city: 'Köln, "am" Rhein' }), { tools });
    expect(choices[0]?.finish_reason).toBe('tool_calls');
    expect(choices[0]?.message.content || null).toBeNull();
    const [made] = choices[0]?.message.tool_calls ?? [];
    expect(made).toMatchObject({ id: 'call_0', type: 'function', function: { name: 'get_weather' } });
    expect(JSON.parse(made?.function.arguments ?? '')).toEqual({ city: 'Köln, "am" Rhein' });
  });

  test('streamed tool calls, behind a text', async () => {
    const step = toolCall('b', { x: [1, 2] }, { text: 'Wait. ', toolCalls: [{ name: 'a', arguments: {}, id: 'own' }] });
    const { choices } = await streamAnswer(name, step, { tools });
    expect(choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: 'Wait. ' } });
    expect(choices[0]?.message.tool_calls).toEqual([
      { id: 'own', type: 'function', function: { name: 'a', arguments: '{}' } },
      { id: 'call_1', type: 'function', function: { name: 'b', arguments: '{"x":[1,2]}' } },
    ]);
  });

  test('no usage where the script has none', async () => {
    expect((await chat(name, usage(null))).usage).toBeUndefined();
    expect((await stream(name, usage(null))).map((chunk) => chunk.usage).filter(Boolean)).toEqual([]);
  });

  test('a length as the reason of the end', async () => {
    expect((await chat(name, reply('cut', { finishReason: 'length' }))).choices[0]?.finish_reason).toBe('length');
    expect((await streamAnswer(name, reply('cut', { finishReason: 'length' }))).choices[0]?.finish_reason).toBe('length');
  });

  test('reasoning, where the server shows any', async () => {
    const step = reply('So.', { reasoning: 'First this. Then that.' });
    const expected = name === 'openai' || name === 'tgi' ? undefined : 'First this. Then that.';
    expect((await chat(name, step)).choices[0]?.message.reasoning_content ?? undefined).toBe(expected);
    expect((await streamAnswer(name, step)).choices[0]?.message.reasoning_content ?? undefined).toBe(expected);
  });

  test('health and models', async () => {
    const [health, models] = await withAdapter(name, reply(), (adapter) => Promise.all([adapter.health!(signal), adapter.models!(signal)]));
    expect(health.state).toBe('ok');
    expect(models.map(({ id }) => id)).toEqual(['fake-7b']);
  });
});

describe('context windows', () => {
  test.each([
    ['vllm', 4_096],
    ['nvidia', 4_096],
    ['sglang', 4_096],
    ['llamacpp', 4_096],
    ['together', 4_096],
    ['tgi', 2_048],
  ] as const)('%s tells %i', async (name, length) => {
    expect(await withAdapter(name, reply(), (adapter) => adapter.models!(signal))).toMatchObject([{ contextLength: length }]);
  });
});

describe('text-generation-webui', () => {
  const told = (more: Partial<BackendState>, path: string): unknown => {
    const wire = openaiWires.textgen;
    const exchange = wire.tell(callOf(wire, path), { models: [], resident: [], running: 0, waiting: 0, ...more });
    return JSON.parse(exchange ? textOf(exchange) : 'null');
  };

  test('has a model loaded, unless the script says `None`', () => {
    expect(told({}, '/v1/internal/model/info')).toMatchObject({ model_name: 'fake-model' });
    expect(told({ resident: [{ id: 'None' }] }, '/v1/internal/model/info')).toMatchObject({ model_name: 'None' });
    expect(told({ resident: [{ id: 'None' }] }, '/v1/models')).toMatchObject({ data: [] });
  });

  test('lists only the model that is loaded', () => {
    expect(told({ models: [{ id: 'a' }, { id: 'b' }], resident: [{ id: 'b' }] }, '/v1/models')).toMatchObject({ data: [{ id: 'b' }] });
  });
});

describe('load', () => {
  test.each([
    ['vllm', { running: 2, waiting: 3 }],
    ['nvidia', { running: 2, waiting: 3 }],
    ['sglang', { running: 2, waiting: 3 }],
    ['tgi', { running: 2, waiting: 3 }],
    ['llamacpp', { running: 2 }],
    ['lmstudio', { resident: [{ id: 'fake-7b', contextLength: 2_048, sizeBytes: 5_000 }] }],
  ] as const)('%s tells %j', async (name, load) => {
    expect(await withAdapter(name, reply(), (adapter) => adapter.load!(signal))).toMatchObject(load);
  });

  test('llama.cpp has no slot where all are taken, if asked that way', () => {
    const wire = openaiWires.llamacpp;
    const call = callOf(wire, '/slots?fail_on_no_slot=1');
    expect(wire.tell(call, state)?.status).toBe(200);
    expect(wire.tell(call, { ...state, running: 4 })).toMatchObject({ status: 503 });
  });
});

describe('choices and log-probabilities', () => {
  const several: Name[] = ['openai', 'openai-compatible', 'vllm', 'llamacpp', 'sglang', 'nvidia', 'together', 'huggingface'];

  test.each(names)('%s makes as many choices as it can', async (name) => {
    const count = several.includes(name) ? 3 : 1;
    const wire = openaiWires[name];
    const whole = JSON.parse(textOf(wire.answer(reply('a b').answer, chatCall(wire, { n: 3 })))) as { choices: { index: number }[] };
    expect(whole.choices.map(({ index }) => index)).toEqual([0, 1, 2].slice(0, count));
    const { pieces } = wire.answer(reply('a b').answer, chatCall(wire, { n: 3, stream: true }));
    expect(pieces.map((piece) => /"index": ?(\d)/.exec(piece)?.[1])).toEqual(
      ['0', '1', '2', '0', '1', '2'].filter((at) => Number(at) < count),
    );
  });

  test.each(names.filter((name) => name !== 'lmstudio'))('%s tells the tokens of an answer and of each piece', async (name) => {
    const wanted = { logprobs: true, top_logprobs: 2 };
    const whole = (await chat(name, reply('one two'), wanted)).choices[0]?.logprobs as { content: { token: string; logprob: number }[] };
    expect(whole.content.map(({ token }) => token)).toEqual(['one ', 'two']);
    expect(whole.content.every(({ logprob }) => logprob < 0)).toBe(true);
    const chunks = await stream(name, reply('one two'), wanted);
    const parts = chunks.flatMap(({ choices }) => choices).map(({ logprobs }) => logprobs as typeof whole | null | undefined);
    expect(parts.flatMap((part) => part?.content ?? []).map(({ token }) => token)).toEqual(['one ', 'two']);
  });

  test.each(names)('%s tells none unasked', (name) => {
    const wire = openaiWires[name];
    expect(textOf(wire.answer(reply('one two').answer, chatCall(wire, {})))).not.toContain('logprob"');
  });
});

describe('embeddings', () => {
  const embedding = names.filter((name) => name !== 'tgi');

  test.each(embedding)('the adapter of %s reads them', async (name) => {
    const { data, usage: counts } = await embeddings(
      name,
      embed([
        [0.25, -0.5],
        [1, 0],
      ]),
      ['one two', 'three'],
    );
    expect(data.map((item) => item.embedding)).toEqual([
      [0.25, -0.5],
      [1, 0],
    ]);
    const silent = name === 'together' || name === 'huggingface';
    expect(counts?.prompt_tokens).toBe(silent ? undefined : name === 'textgen' ? 0 : 3);
  });

  test.each(embedding)('the adapter of %s reads a single text', async (name) => {
    const { data } = await embeddings(name, embed(4), 'one two');
    expect(data).toHaveLength(1);
    expect(data[0]?.embedding).toHaveLength(4);
    expect(Math.hypot(...(data[0]?.embedding ?? []))).toBeCloseTo(1, 6);
  });

  const bodyOf = (name: Name, more: object): { data: Record<string, unknown>[]; usage?: object } => {
    const wire = openaiWires[name];
    const call = callOf(wire, '/v1/embeddings', { model: 'm', input: ['one two', 'two one', 'else'], ...more });
    return JSON.parse(textOf(wire.answer({}, call))) as { data: Record<string, unknown>[]; usage?: object };
  };

  test.each(['openai', 'vllm', 'nvidia', 'llamacpp', 'textgen'] as const)('%s writes base64 when asked, with the same numbers', (name) => {
    const plain = bodyOf(name, {}).data.map((item) => item['embedding'] as number[]);
    const texts = bodyOf(name, { encoding_format: 'base64' }).data.map((item) => item['embedding'] as string);
    const bytes = texts.map((text) => Uint8Array.from(Buffer.from(text, 'base64')));
    expect(bytes.map(({ buffer }) => [...new Float32Array(buffer)])).toEqual(plain);
  });

  test.each(['openai-compatible', 'sglang', 'lmstudio', 'together'] as const)('%s writes numbers, whatever was asked for', (name) => {
    expect(Array.isArray(bodyOf(name, { encoding_format: 'base64' }).data[0]?.['embedding'])).toBe(true);
  });

  test.each([
    ['openai', 3],
    ['vllm', 3],
    ['nvidia', 3],
    ['sglang', 3],
    ['llamacpp', 8],
    ['textgen', 8],
    ['together', 8],
    ['lmstudio', 8],
    ['openai-compatible', 8],
  ] as const)('%s: a wish for 3 numbers gives %i', (name, length) => {
    expect(bodyOf(name, { dimensions: 3 }).data[0]?.['embedding']).toHaveLength(length);
  });

  test('Hugging Face: the name stands in the path; a text gives a vector, a list a list', () => {
    const wire = openaiWires.huggingface;
    const path = '/hf-inference/models/org%2Fteam/name%20x/pipeline/feature-extraction';
    const one = callOf(wire, path, { inputs: 'one' });
    expect(one.model).toBe('org/team/name x');
    expect(JSON.parse(textOf(wire.answer(embed(2).answer, one)))).toEqual([expect.any(Number), expect.any(Number)]);
    const list = JSON.parse(textOf(wire.answer(embed(2).answer, callOf(wire, path, { inputs: ['one'] })))) as unknown;
    expect(list).toEqual([[expect.any(Number), expect.any(Number)]]);
    expect(wire.modelOf?.('/hf-inference/models/%zz/pipeline/feature-extraction', {})).toBe('%zz');
    expect(chatCall(wire).model).toBe('fake-7b');
  });

  test('text-generation-webui reports zeros, and none where the script has none', () => {
    expect(bodyOf('textgen', {}).usage).toEqual({ prompt_tokens: 0, total_tokens: 0 });
    const wire = openaiWires.textgen;
    const silent = wire.answer({ usage: null }, callOf(wire, '/v1/embeddings', { input: 'x' }));
    expect(textOf(silent)).not.toContain('usage');
  });

  test('TGI has no route for them', () => {
    expect(openaiWires.tgi.verbOf('POST', '/v1/embeddings', {})).toBeUndefined();
  });
});

const memories: readonly (Memory | undefined)[] = [undefined, 'cuda', 'rocm', 'vulkan', 'host'];

const failures: readonly Failure[] = failureKinds.flatMap((kind): readonly Failure[] =>
  kind === 'out-of-memory' ? memories.map((memory) => ({ kind, memory })) : [{ kind }],
);

/** Every failure that a wire tells in an answer that is no stream, for chats and for embeddings. */
function rowsOf(name: Name) {
  const wire = openaiWires[name];
  const embedding = wire.verbOf('POST', '/v1/embeddings', {}) === 'embed' ? [callOf(wire, '/v1/embeddings', { input: 'x' })] : [];
  return [chatCall(wire), ...embedding].flatMap((call) =>
    failures.flatMap((failure) => {
      const exchange = wire.fail(failure, call);
      return exchange === undefined ? [] : [{ verb: call.verb, failure, exchange }];
    }),
  );
}

const codeOf = (exchange: Exchange): ErrorCode =>
  classifyResponse(
    { status: exchange.status, header: (key) => exchange.headers[key] ?? null, bodyText: textOf(exchange) },
    Date.UTC(2026, 0),
  ).code;

describe('failures', () => {
  /** Kinds that a server knows in a chat, in the order of `kinds`. */
  const known: Readonly<Record<Name, string>> = {
    openai: 'queue-full rate-limit quota auth model-missing context-length bad-request server',
    'openai-compatible': 'out-of-memory driver queue-full loading rate-limit quota auth model-missing context-length bad-request server',
    vllm: 'queue-full auth model-missing context-length bad-request server',
    llamacpp: 'out-of-memory queue-full loading auth model-missing context-length bad-request server',
    sglang: 'queue-full auth context-length bad-request server',
    lmstudio: 'out-of-memory auth model-missing context-length bad-request server',
    nvidia: 'queue-full rate-limit quota auth model-missing context-length bad-request server',
    textgen: 'auth bad-request server',
    tgi: 'out-of-memory driver queue-full auth context-length bad-request server',
    together: 'queue-full rate-limit quota auth model-missing context-length bad-request server',
    huggingface: 'out-of-memory loading rate-limit quota auth model-missing context-length bad-request server',
  };

  test.each(names)('%s knows its own', (name) => {
    const rows = rowsOf(name).filter(({ verb, failure }) => verb === 'chat' && failure.memory === undefined);
    expect(rows.map(({ failure }) => failure.kind).join(' ')).toBe(known[name]);
  });

  test('there are as many rows as were written', () => {
    expect(names.flatMap(rowsOf)).toHaveLength(170);
  });

  test.each(names)('%s: each is classified as what it is', (name) => {
    const told = rowsOf(name).map(({ failure, exchange }) => [failure.kind, codeOf(exchange)]);
    // Together's 403 is a matter of keys everywhere else; its adapter knows.
    const expected = told.map(([kind = '']) => [
      kind,
      name === 'together' && kind === 'context-length' ? 'context_length' : failureCodes[kind],
    ]);
    expect(told).toEqual(expected);
  });

  test.each([
    ['openai-compatible', ['cuda', 'rocm', 'vulkan', 'host']],
    ['llamacpp', ['cuda', 'rocm', 'vulkan', 'host']],
    ['lmstudio', ['cuda', 'rocm', 'vulkan', 'host']],
    ['tgi', ['cuda', 'rocm']],
    ['huggingface', ['cuda']],
    ['vllm', []],
    ['openai', []],
  ] as const)('%s runs out of %j', (name, expected) => {
    const told = rowsOf(name).filter(({ verb, failure }) => verb === 'chat' && failure.memory !== undefined);
    expect(told.map(({ failure }) => failure.memory)).toEqual(expected);
  });

  test.each(names)('%s tells any status, with a wait', (name) => {
    const wire = openaiWires[name];
    for (const [status, code] of [
      [429, 'rate_limited'],
      [500, 'unavailable'],
      [503, 'overloaded'],
      [401, 'auth'],
    ] as const) {
      const exchange = wire.fail({ kind: 'status', status, retryAfter: 7 }, chatCall(wire));
      expect(exchange).toMatchObject({ status, headers: { 'retry-after': '7' } });
      expect(exchange && codeOf(exchange)).toBe(code);
    }
    const said = wire.fail({ kind: 'status', status: 400, message: 'in these words' }, chatCall(wire));
    expect(said && textOf(said)).toContain('in these words');
  });

  test.each(names)('%s: an empty answer, and the page of a proxy', (name) => {
    const wire = openaiWires[name];
    expect(wire.fail({ kind: 'empty' }, chatCall(wire))).toMatchObject({ status: 200, opening: '', pieces: [], closing: '' });
    const page = wire.fail({ kind: 'html', status: 502 }, chatCall(wire));
    expect(page).toMatchObject({ status: 502, headers: { 'content-type': 'text/html' } });
    expect(page && codeOf(page)).toBe('unavailable');
  });

  test('a rate limit with a wait says it in every place', () => {
    const wire = openaiWires.openai;
    const exchange = wire.fail({ kind: 'rate-limit', retryAfter: 20 }, chatCall(wire));
    expect(exchange?.headers).toMatchObject({ 'retry-after': '20', 'x-ratelimit-reset-requests': '20s' });
    expect(exchange && textOf(exchange)).toContain('Please try again in 20s');
  });
});

describe('failures of streams', () => {
  test.each(names)('the adapter of %s reads those that it is told before the stream', async (name) => {
    for (const { verb, failure } of rowsOf(name)) {
      if (verb !== 'chat') continue;
      await expect(stream(name, { ...reply(), failure }), failure.kind).rejects.toMatchObject({ code: failureCodes[failure.kind] });
    }
  });

  const openedWith: readonly [Name, string, FailureKind[]][] = [
    ['tgi', '"http_status_code":422', ['queue-full', 'out-of-memory', 'context-length', 'server']],
    ['sglang', '"finish_reason":"abort"', ['queue-full']],
  ];

  test.each(openedWith)('%s tells them in a stream that was opened: %s', (name, words, told) => {
    const wire = openaiWires[name];
    for (const kind of told) {
      const exchange = wire.fail({ kind }, chatCall(wire, { stream: true }));
      expect(exchange).toMatchObject({ status: 200, headers: { 'content-type': 'text/event-stream' } });
      expect(exchange && textOf(exchange)).toMatch(/data: \[DONE\]\n\n$/);
      expect(exchange && textOf(exchange)).toContain(words);
    }
  });

  test.each([
    ['openai', 'unavailable', true],
    ['openai-compatible', 'out_of_memory', true],
    ['vllm', 'unavailable', true],
    ['nvidia', 'unavailable', true],
    ['lmstudio', 'out_of_memory', true],
    ['tgi', 'out_of_memory', true],
    ['together', 'unavailable', true],
    ['huggingface', 'out_of_memory', true],
  ] as const)('%s, out of memory in the middle: %s; terminator: %s', (name, code, terminated) => {
    const wire = openaiWires[name];
    const text = wire.errorInStream({ kind: 'out-of-memory', memory: 'cuda' }, chatCall(wire, { stream: true }));
    const data = /^data: (\{.*\})$/m.exec(text)?.[1] ?? 'null';
    expect(classifyBody(JSON.parse(data), 200)?.code).toBe(code);
    expect(text.endsWith('data: [DONE]\n\n')).toBe(terminated);
  });

  test.each(['llamacpp', 'sglang', 'textgen'] as const)('%s, out of memory in the middle: the body just ends', (name) => {
    const wire = openaiWires[name];
    expect(wire.errorInStream({ kind: 'out-of-memory' }, chatCall(wire, { stream: true }))).toBe('');
  });

  test.each(names)('%s: a fault of the server in the middle is read as one, or the body just ends', (name) => {
    const wire = openaiWires[name];
    const text = wire.errorInStream({ kind: 'server' }, chatCall(wire, { stream: true }));
    const [, data] = /^data: (\{.*\})$/m.exec(text) ?? [];
    if (data === undefined) expect(name).toBe('textgen');
    else expect(classifyBody(JSON.parse(data), 200)?.code).toBe('unavailable');
    expect(text.endsWith('data: [DONE]\n\n')).toBe(name !== 'textgen' && name !== 'llamacpp');
  });

  test('SGLang nests its flat error in a stream', () => {
    const wire = openaiWires.sglang;
    expect(wire.errorInStream({ kind: 'server' }, chatCall(wire, { stream: true }))).toMatch(/^data: \{"error":\{"object":"error",/);
    const whole = wire.fail({ kind: 'server' }, chatCall(wire));
    expect(whole && textOf(whole)).toMatch(/^\{"object":"error",/);
  });

  test.each(names)('%s: garbage is none of JSON, whatever stands around it', (name) => {
    const wire = openaiWires[name];
    const whole = chatCall(wire);
    const { pieces } = wire.answer({}, whole);
    for (const at of pieces.keys()) expect(() => JSON.parse(pieces.with(at, wire.garbage(whole)).join(''))).toThrow(SyntaxError);
    expect(wire.garbage(whole)).not.toContain('data:');
    const [, data = ''] = /^data: (.*)\n\n$/.exec(wire.garbage(chatCall(wire, { stream: true }))) ?? [];
    expect(() => JSON.parse(data)).toThrow(SyntaxError);
  });
});

/** The keys of a value at every depth, as paths; items of lists under `[]`. Null is a value of its own, because readers tell it apart. */
function shapeOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => shapeOf(item, `${path}[]`));
  if (typeof value !== 'object' || value === null) return [`${path}${value === null ? ':null' : ''}`];
  return Object.entries(value).flatMap(([key, inner]) => shapeOf(inner, `${path}.${key}`));
}

const nulls = (text: string): number => text.match(/"usage": ?null/g)?.length ?? 0;

const shapesOf = (values: readonly unknown[]): string[] => [
  ...new Set(values.map((value) => [...new Set(shapeOf(value))].toSorted().join(' '))),
];

/** Without what differs from call to call: names, times, counts and the comments against timeouts. */
const evened = (text: string): string =>
  text
    .replace(/^:.*\n\n/gm, '')
    .replace(/"(id|model|system_fingerprint)": ?"[^"]*"/g, '"$1"')
    .replace(/(-?\d+\.?\d*(?:e-?\d+)?)/g, '0');

const recordedText = (name: string): string => new TextDecoder().decode(recording(name).body);
const recordedEvents = (name: string): unknown[] =>
  [...recordedText(name).matchAll(/^data: (\{.*\})$/gm)].map(([, data = '']) => JSON.parse(data) as unknown);

describe('recordings', () => {
  const toolStep = toolCall('get_weather', { city: 'Paris' });
  const cases: readonly [string, Name, Step, object][] = [
    ['llama-server/chat', 'llamacpp', reply(), {}],
    ['llama-server/chat_n2', 'llamacpp', reply(), { n: 2 }],
    ['llama-server/chat_tools', 'llamacpp', toolStep, { tools }],
    ['llama-server/chat_logprobs', 'llamacpp', reply('Hello'), { logprobs: true, top_logprobs: 2 }],
    ['text-generation-webui/chat', 'textgen', reply(), {}],
    ['text-generation-webui/chat_tools', 'textgen', toolStep, { tools }],
  ];

  test.each(cases)('%s has the keys that %s writes', (file, name, { answer }, body) => {
    const wire = openaiWires[name];
    const exchange = wire.answer(answer, chatCall(wire, body));
    const real = shapeOf(JSON.parse(recordedText(file))).toSorted();
    expect([...new Set(shapeOf(JSON.parse(textOf(exchange))))].toSorted()).toEqual([...new Set(real)]);
  });

  test.each(cases.map(([file, name]) => [file, name] as const))(
    '%s has the type of body and the server header that %s sends',
    (file, name) => {
      const wire = openaiWires[name];
      const { headers } = recording(file);
      const sent = wire.answer({}, chatCall(wire)).headers;
      expect([sent['content-type'], sent['server']]).toEqual([headers['content-type'], headers['server']]);
    },
  );

  const usageAsked = { stream_options: { include_usage: true } };
  const streams: readonly [string, Name, Step, object][] = [
    ['llama-server/chat_stream_nousage', 'llamacpp', reply(), {}],
    ['llama-server/chat_stream_usage', 'llamacpp', reply(), usageAsked],
    ['llama-server/chat_tools_stream', 'llamacpp', toolStep, usageAsked],
    ['text-generation-webui/chat_stream_usage', 'textgen', reply(), usageAsked],
    ['text-generation-webui/chat_tools_stream', 'textgen', toolStep, {}],
  ];

  test.each(streams)('%s has the chunks that %s writes, in their order', (file, name, { answer }, body) => {
    const wire = openaiWires[name];
    const exchange = wire.answer(answer, chatCall(wire, { ...body, stream: true }));
    expect(shapesOf(eventsOf(exchange))).toEqual(shapesOf(recordedEvents(file)));
    expect(exchange.headers['content-type']).toBe(recording(file).headers['content-type']);
    expect(textOf(exchange).slice(-16)).toBe(recordedText(file).slice(-16));
  });

  test.each([
    ['text-generation-webui/chat_stream_usage', 'textgen'],
    ['llama-server/chat_stream_usage', 'llamacpp'],
  ] as const)('%s is spelled as %s spells it', (file, name) => {
    const wire = openaiWires[name];
    const step = reply('Hello from a tiny model.', {
      pieces: name === 'textgen' ? ['Hello', ' from a tiny model.'] : ['Hello', ' from', ' a', ' tiny', ' model', '.'],
    });
    const exchange = wire.answer(step.answer, chatCall(wire, { ...usageAsked, stream: true }));
    expect(evened(textOf(exchange))).toBe(evened(recordedText(file)));
  });

  test.each([
    ['llama-server/embeddings_b64', 'llamacpp', { input: 'hello', encoding_format: 'base64' }],
    ['llama-server/embeddings_bert', 'llamacpp', { input: 'hello' }],
  ] as const)('%s has the keys that %s writes', (file, name, body) => {
    const wire = openaiWires[name];
    const exchange = wire.answer({}, callOf(wire, '/v1/embeddings', body));
    expect(shapesOf([JSON.parse(textOf(exchange))])).toEqual(shapesOf([JSON.parse(recordedText(file))]));
  });

  test.each([
    ['llama-server/v1_models', 'llamacpp', '/v1/models'],
    ['llama-server/health', 'llamacpp', '/health'],
    ['text-generation-webui/v1_models', 'textgen', '/v1/models'],
    ['text-generation-webui/internal_model_info', 'textgen', '/v1/internal/model/info'],
  ] as const)('%s has the keys that %s writes', (file, name, path) => {
    const wire = openaiWires[name];
    const told = wire.tell(callOf(wire, path), state);
    expect(shapesOf([JSON.parse(told ? textOf(told) : 'null')])).toEqual(shapesOf([JSON.parse(recordedText(file))]));
  });

  test.each([
    ['llama-server/loading_stream', 'llamacpp', 'loading'],
    ['text-generation-webui/chat_unloaded', 'textgen', 'server'],
    ['text-generation-webui/err_no_messages', 'textgen', 'bad-request'],
  ] as const)('%s is what %s says for `%s`, byte for byte', (file, name, kind) => {
    const wire = openaiWires[name];
    const exchange = wire.fail({ kind }, chatCall(wire));
    expect(exchange && [exchange.status, exchange.headers['content-type'], textOf(exchange)]).toEqual([
      recording(file).status,
      recording(file).headers['content-type'],
      recordedText(file),
    ]);
  });
});

describe('streams', () => {
  const bytesOf = (name: Name, body: object = {}, step: Step = reply('one two')): string =>
    textOf(openaiWires[name].answer(step.answer, chatCall(openaiWires[name], { stream: true, ...body })));
  const asks = { stream_options: { include_usage: true } };

  test('OpenAI pads its chunks, unless that is turned off', () => {
    expect(bytesOf('openai')).toContain('"obfuscation":"');
    expect(bytesOf('openai', { stream_options: { include_obfuscation: false } })).not.toContain('obfuscation');
  });

  test.each([
    ['openai', 'asked'],
    ['openai-compatible', 'asked'],
    ['vllm', 'asked'],
    ['llamacpp', 'asked'],
    ['lmstudio', 'asked'],
    ['nvidia', 'asked'],
    ['textgen', 'asked'],
    ['huggingface', 'asked'],
    ['sglang', 'asked'],
    ['tgi', 'asked'],
    ['together', 'always'],
  ] as const)('%s tells its usage: %s', (name, when) => {
    expect(bytesOf(name).includes('"prompt_tokens"')).toBe(when === 'always');
    expect(bytesOf(name, asks)).toContain('"prompt_tokens"');
  });

  test.each([
    ['openai', 0, 4],
    ['textgen', 0, 4],
    ['vllm', 0, 0],
    ['sglang', 4, 4],
    ['tgi', 3, 3],
    ['together', 2, 2],
  ] as const)('%s writes %i chunks with a usage of null, and %i where the usage is asked for', (name, unasked, asked) => {
    expect([nulls(bytesOf(name)), nulls(bytesOf(name, asks))]).toEqual([unasked, asked]);
  });

  test.each([
    ['vllm', '"stop_reason":null'],
    ['sglang', '"matched_stop":null'],
    ['together', '"finish_reason":"eos"'],
    ['together', '"token_id":'],
    ['llamacpp', '"delta":{"role":"assistant","content":null}'],
    ['llamacpp', '\n:\n\n'.slice(1)],
    ['textgen', ': ping - '],
    ['textgen', '"choices": [{"index": 0, "finish_reason": null'],
  ] as const)('%s says %s', (name, words) => {
    expect(bytesOf(name)).toContain(words);
  });

  test('text-generation-webui writes ASCII only', () => {
    expect(bytesOf('textgen', {}, reply('Grüße 🙂'))).toMatch(/Gr\\u00fc\\u00dfe[^]*\\ud83d\\ude42/);
  });

  test.each(['textgen'] as const)('%s ends a tool call with the chunk that brings it', (name) => {
    const { pieces, closing } = openaiWires[name].answer(toolCall('f').answer, chatCall(openaiWires[name], { stream: true }));
    expect(pieces).toHaveLength(1);
    expect(pieces[0]).toContain('"finish_reason": "tool_calls"');
    expect(closing).toBe('data: [DONE]\n\n');
  });

  const toolDeltas = (name: Name): unknown[] =>
    eventsOf(openaiWires[name].answer(toolCall('f', { city: 'Paris' }).answer, chatCall(openaiWires[name], { stream: true })))
      .flatMap((chunk) => chunk['choices'] as { delta: { tool_calls?: unknown[] | null } }[])
      .flatMap(({ delta }) => delta.tool_calls ?? []);

  test.each(['openai', 'openai-compatible', 'vllm', 'nvidia', 'lmstudio', 'together', 'huggingface'] as const)(
    '%s sends the name of a tool before its arguments',
    (name) => {
      expect(toolDeltas(name)).toEqual([
        { index: 0, id: 'call_0', type: 'function', function: { name: 'f', arguments: '' } },
        ...['{"city', '":"Par', 'is"}'].map((piece) => ({ index: 0, function: { arguments: piece } })),
      ]);
    },
  );

  test('llama.cpp sends the first of the arguments with the name', () => {
    expect(toolDeltas('llamacpp')[0]).toEqual({ index: 0, id: 'call_0', type: 'function', function: { name: 'f', arguments: '{"city' } });
  });

  test('SGLang writes null where the later pieces of a tool call repeat nothing', () => {
    expect(toolDeltas('sglang')[1]).toEqual({ id: null, index: 0, type: 'function', function: { name: null, arguments: '{"city' } });
  });

  test('TGI repeats role, identity and name, and ends a tool call with `stop`', () => {
    const { opening, pieces, closing } = openaiWires.tgi.answer(
      toolCall('f', { city: 'Paris' }).answer,
      chatCall(openaiWires.tgi, { stream: true }),
    );
    expect(opening).not.toContain('data:');
    expect(pieces.length).toBeGreaterThan(1);
    for (const piece of pieces) expect(piece).toMatch(/"role":"assistant".*"index":0,"id":"call_0","type":"function".*"name":"f"/);
    expect(closing).toContain('"finish_reason":"stop"');
  });

  test.each(['openai', 'tgi'] as const)('%s shows no sign of reasoning', (name) => {
    for (const stream of [true, false]) {
      const step = reply('So.', { reasoning: 'First this.' });
      expect(bytesOf(name, { stream }, step)).toBe(bytesOf(name, { stream }, reply('So.')));
    }
  });

  test('the same call gives the same bytes', () => {
    for (const name of names) expect(bytesOf(name, asks)).toBe(bytesOf(name, asks));
  });
});

describe('paths', () => {
  test.each(names)('%s tells whole answers, streams and everything else apart', (name) => {
    const wire = openaiWires[name];
    expect(wire.verbOf('POST', '/v1/chat/completions', { stream: true })).toBe('stream');
    expect(wire.verbOf('POST', '/v1/chat/completions', { stream: false })).toBe('chat');
    expect(wire.verbOf('POST', '/v1/chat/completions', undefined)).toBe('chat');
    expect(wire.verbOf('GET', '/v1/chat/completions', undefined)).toBeUndefined();
    expect(wire.verbOf('GET', '/v1/models', undefined)).toBe('models');
    expect(wire.name).toBe(name);
  });

  test.each(names)('%s says that a path is not there', (name) => {
    const exchange = openaiWires[name].notFound({ method: 'GET', path: '/nothing', headers: {}, body: undefined });
    // LM Studio answers 200 with an error.
    expect(exchange.status).toBe(name === 'lmstudio' ? 200 : 404);
  });

  test('while a model loads', () => {
    expect(Object.fromEntries(names.map((name) => [name, openaiWires[name].whileLoading]))).toMatchObject({
      llamacpp: 'answers',
      lmstudio: 'waits',
      vllm: 'refuses',
      sglang: 'refuses',
      tgi: 'refuses',
      huggingface: 'answers',
    });
  });
});
