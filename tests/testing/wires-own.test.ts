import { describe, expect, test } from 'vitest';
import type { AdapterContext } from '../../src/adapters/context.ts';
import { adapters } from '../../src/adapters/registry.ts';
import type { Adapter } from '../../src/core/adapter.ts';
import { type ErrorCode, isRouterError, type RouterError } from '../../src/index.ts';
import { classifyResponse } from '../../src/lib/classify.ts';
import type { Script } from '../../src/testing/backend.ts';
import { fakeBackend, models, resident } from '../../src/testing/fake-backend.ts';
import {
  embed,
  errorInStream,
  type Failure,
  type FailureKind,
  garbageAt,
  html,
  outOfMemory,
  reply,
  toolCall,
  usage,
} from '../../src/testing/index.ts';
import type { Exchange, Wire, WireCall } from '../../src/testing/wire.ts';
import { anthropicWire } from '../../src/testing/wires/anthropic.ts';
import { wireOf } from '../../src/testing/wires/index.ts';
import { ollamaWire } from '../../src/testing/wires/ollama.ts';
import { remoteGpuWire } from '../../src/testing/wires/remote-gpu.ts';
import { teiWire } from '../../src/testing/wires/tei.ts';
import { vectorsFor } from '../../src/testing/wires/vectors.ts';
import { adapterContext } from '../_kit/adapter-context.ts';
import { failureKinds } from '../_kit/failure-codes.ts';

type Type = 'ollama' | 'anthropic' | 'tei' | 'remote-gpu';

interface Server {
  readonly type: Type;
  readonly wire: Wire;
  readonly options: Partial<AdapterContext>;
  /** Path of chats; of embeddings where it only embeds. */
  readonly path: string;
  readonly streamPath?: string;
}

const servers = {
  ollama: { type: 'ollama', wire: ollamaWire, options: {}, path: '/api/chat' },
  anthropic: { type: 'anthropic', wire: anthropicWire, options: {}, path: '/v1/messages' },
  tei: { type: 'tei', wire: teiWire, options: {}, path: '/embed' },
  notebook: { type: 'remote-gpu', wire: remoteGpuWire('notebook'), options: { dialect: 'notebook' }, path: '/generate' },
  proxy: { type: 'remote-gpu', wire: remoteGpuWire('proxy'), options: { dialect: 'proxy' }, path: '/generate' },
  tgi: { type: 'remote-gpu', wire: remoteGpuWire('tgi'), options: { dialect: 'tgi' }, path: '/generate', streamPath: '/generate_stream' },
} as const satisfies Record<string, Server>;

type Name = keyof typeof servers;
const names = Object.keys(servers) as Name[];
const chatting = names.filter((name) => name !== 'tei');

function callTo(name: Name, body: Record<string, unknown> = {}, verb: WireCall['verb'] = 'chat'): WireCall {
  const server: Server = servers[name];
  const path = verb === 'stream' ? (server.streamPath ?? server.path) : server.path;
  return { verb: name === 'tei' ? 'embed' : verb, method: 'POST', path, headers: {}, body, model: 'm' };
}

const textOf = ({ opening, pieces, closing }: Exchange): string => opening + pieces.join('') + closing;
const jsonOf = (exchange: Exchange): Record<string, unknown> => JSON.parse(textOf(exchange)) as Record<string, unknown>;

/** The real adapter of the server's type, over a real socket. */
async function withAdapter<Value>(name: Name, script: Script, use: (adapter: Adapter) => Promise<Value>): Promise<Value> {
  const { type, wire, options } = servers[name];
  await using backend = await fakeBackend(wire, script).listen();
  const adapter = adapters[type](adapterContext(backend.url, type, options));
  return await use(adapter);
}

const signal = new AbortController().signal;
const of = <Request>(request: Request) => ({ request, model: 'm', signal, requestId: 'r1' });
const question = of({ messages: [{ role: 'user' as const, content: 'Is anybody there?' }], max_tokens: 64 });

async function streamed(adapter: Adapter, call: Parameters<Adapter['stream']>[0] = question) {
  const read = { text: '', reasoning: '', tools: '', finish: '', usage: undefined as unknown };
  for await (const batch of await adapter.stream(call)) {
    for (const { choices, usage: counted } of batch) {
      read.usage = counted ?? read.usage;
      for (const { delta, finish_reason } of choices) {
        read.text += delta.content ?? '';
        read.reasoning += delta.reasoning_content ?? '';
        read.tools += (delta.tool_calls ?? []).map((each) => each.function?.arguments ?? '').join('');
        read.finish = finish_reason ?? read.finish;
      }
    }
  }
  return read;
}

async function failureOf(promise: Promise<unknown>): Promise<RouterError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isRouterError(error)) throw new Error(`This was to fail with a router error: ${String(error)}`);
  return error;
}

describe('the real adapter', () => {
  test.each(chatting)('of %s reads a whole answer', async (name) => {
    const answer = await withAdapter(name, reply('Grüß dich, 世界!'), (adapter) => adapter.chat(question));
    expect(answer.choices[0]?.message.content).toBe('Grüß dich, 世界!');
  });

  test.each(chatting)('of %s reads a stream', async (name) => {
    const script = reply('One two 世界', { pieces: ['One ', 'two ', '世', '界'] });
    expect(await withAdapter(name, script, streamed)).toMatchObject({ text: 'One two 世界', finish: 'stop' });
  });

  test.each(['ollama', 'anthropic', 'tgi'] as const)('of %s finds the counts of the script in a stream', async (name) => {
    const script = usage({ promptTokens: 31, completionTokens: 7 });
    const counted = { prompt_tokens: 31, completion_tokens: 7, total_tokens: 38 };
    expect(await withAdapter(name, script, streamed)).toMatchObject({ usage: counted });
  });

  test.each(['ollama', 'anthropic', 'tgi'] as const)('of %s finds the reason of an end at the limit', async (name) => {
    const script = reply('Not don', { finishReason: 'length' });
    expect(await withAdapter(name, script, streamed)).toMatchObject({ text: 'Not don', finish: 'length' });
  });

  test.each(chatting)('of %s finds the reasoning apart from the text', async (name) => {
    const script = reply('42.', { reasoning: 'Let me think.' });
    expect(await withAdapter(name, script, streamed)).toMatchObject({ text: '42.', reasoning: 'Let me think.' });
  });

  test.each(['ollama', 'anthropic'] as const)('of %s finds a tool call, alone and beside a text', async (name) => {
    const script = [toolCall('get_time', { zone: 'UTC' }), toolCall('get_time', { zone: 'UTC' }, { text: 'I look.' })];
    await withAdapter(name, script, async (adapter) => {
      const expected = { tools: '{"zone":"UTC"}', finish: 'tool_calls' };
      expect(await streamed(adapter)).toMatchObject({ text: '', ...expected });
      expect(await streamed(adapter)).toMatchObject({ text: 'I look.', ...expected });
    });
  });

  test.each(['ollama', 'anthropic'] as const)('of %s finds a call without arguments', async (name) => {
    const read = await withAdapter(name, toolCall('get_time'), (adapter) => adapter.chat(question));
    expect(read.choices[0]?.message.tool_calls?.[0]?.function).toEqual({ name: 'get_time', arguments: '{}' });
  });

  test.each(['ollama', 'tei'] as const)('of %s reads vectors of the length that was asked for', async (name) => {
    const answer = await withAdapter(name, embed(16), (adapter) => {
      if (adapter.embed === undefined) throw new Error('This adapter embeds.');
      return adapter.embed(of({ input: ['a text', 'another'], dimensions: 4 }));
    });
    expect(answer.data.map(({ embedding }) => embedding)).toEqual(vectorsFor({}, ['a text', 'another'], 4));
  });

  test('of tei gets past the largest batch of the server', async () => {
    const input = Array.from({ length: 33 }, (_, at) => `text ${at}`);
    const answer = await withAdapter('tei', embed(8), async (adapter) => adapter.embed?.(of({ input })));
    expect(answer?.data.map(({ embedding }) => embedding)).toEqual(vectorsFor({}, input));
  });

  test.each(names)('of %s finds the server healthy', async (name) => {
    const health = await withAdapter(name, models(['m']), async (adapter) => adapter.health?.(signal));
    expect(health).toMatchObject({ state: 'ok' });
  });

  test.each(names)('of %s finds the model', async (name) => {
    const listed = await withAdapter(name, [models(['a/model'])], async (adapter) => adapter.models?.(signal));
    expect(listed?.map(({ id }) => id)).toEqual(['a/model']);
  });

  test('of anthropic finds the models of every page', async () => {
    const ids = Array.from({ length: 1_001 }, (_, at) => `model-${at}`);
    const listed = await withAdapter('anthropic', [models(ids)], async (adapter) => adapter.models?.(signal));
    expect(listed).toHaveLength(1_001);
  });

  test('of ollama finds what is loaded, and how much of it lies in GPU memory', async () => {
    const script = [resident([{ id: 'm:8b', sizeBytes: 8_000, vramBytes: 6_000, contextLength: 4_096 }])];
    const load = await withAdapter('ollama', script, async (adapter) => adapter.load?.(signal));
    expect(load?.resident).toEqual([{ id: 'm:8b', sizeBytes: 8_000, vramBytes: 6_000, contextLength: 4_096 }]);
  });

  test('of remote-gpu tells the three servers apart', async () => {
    for (const dialect of ['notebook', 'proxy', 'tgi'] as const) {
      await using backend = await fakeBackend(remoteGpuWire(dialect), [models(['m']), reply('Found.')]).listen();
      const adapter = adapters['remote-gpu'](adapterContext(backend.url, 'remote-gpu'));
      const answer = await adapter.chat(question);
      expect([dialect, answer.choices[0]?.message.content]).toEqual([dialect, 'Found.']);
    }
  });

  test.each(['ollama', 'anthropic', 'tgi'] as const)('of %s gets what came before an error in the stream', async (name) => {
    const said: string[] = [];
    const error = await withAdapter(name, errorInStream(2, name === 'anthropic' ? queueFull : outOfMemory()), (adapter) =>
      failureOf(
        (async () => {
          for await (const batch of await adapter.stream(question)) {
            for (const { choices } of batch) said.push(choices[0]?.delta.content ?? '');
          }
        })(),
      ),
    );
    expect([said.join(''), error.code]).toEqual(['Hello from ', name === 'anthropic' ? 'overloaded' : 'out_of_memory']);
  });

  test.each(chatting)('of %s refuses garbage in a chat and in a stream', async (name) => {
    await withAdapter(name, garbageAt(1), async (adapter) => {
      expect((await failureOf(adapter.chat(question))).code).toBe('bad_response');
      expect((await failureOf(streamed(adapter))).code).toBe('bad_response');
    });
  });

  test('of remote-gpu takes the page of a tunnel that is gone for a server that is gone', async () => {
    const error = await withAdapter('notebook', html(404), (adapter) => failureOf(adapter.chat(question)));
    expect([error.code, error.message]).toEqual(['unavailable', expect.stringContaining('ERR_NGROK_3200')]);
  });
});

const queueFull = { answer: {}, failure: { kind: 'queue-full' }, faults: {} } as const;

type Told = readonly [status: number, code: ErrorCode];

/** Kinds that are not here are those that the server has no word for. */
const tellings: Readonly<Record<Name, Readonly<Partial<Record<FailureKind | 'vulkan' | 'rocm' | 'host', Told>>>>> = {
  ollama: {
    'out-of-memory': [500, 'out_of_memory'],
    vulkan: [500, 'out_of_memory'],
    rocm: [500, 'out_of_memory'],
    host: [500, 'out_of_memory'],
    driver: [500, 'driver'],
    'queue-full': [503, 'overloaded'],
    'rate-limit': [429, 'rate_limited'],
    auth: [401, 'auth'],
    'model-missing': [404, 'model_not_found'],
    'context-length': [400, 'context_length'],
    'bad-request': [500, 'bad_request'],
    server: [500, 'unavailable'],
  },
  anthropic: {
    'queue-full': [529, 'overloaded'],
    'rate-limit': [429, 'rate_limited'],
    quota: [400, 'quota_exhausted'],
    auth: [401, 'auth'],
    'model-missing': [404, 'model_not_found'],
    'context-length': [400, 'context_length'],
    'bad-request': [400, 'bad_request'],
    server: [500, 'unavailable'],
  },
  tei: {
    'out-of-memory': [424, 'out_of_memory'],
    driver: [424, 'driver'],
    'queue-full': [429, 'overloaded'],
    auth: [401, 'auth'],
    'context-length': [422, 'context_length'],
    'bad-request': [400, 'bad_request'],
    server: [503, 'unavailable'],
  },
  notebook: { 'bad-request': [422, 'bad_request'], server: [500, 'unavailable'] },
  proxy: { 'bad-request': [422, 'bad_request'], 'model-missing': [404, 'model_not_found'], server: [500, 'unavailable'] },
  tgi: {
    'out-of-memory': [424, 'out_of_memory'],
    rocm: [424, 'out_of_memory'],
    driver: [424, 'driver'],
    'queue-full': [429, 'overloaded'],
    auth: [401, 'auth'],
    'context-length': [422, 'context_length'],
    'bad-request': [422, 'bad_request'],
    server: [500, 'unavailable'],
  },
};

const failures: Readonly<Record<string, Failure>> = {
  ...Object.fromEntries(failureKinds.map((kind) => [kind, { kind }])),
  ...Object.fromEntries((['vulkan', 'rocm', 'host'] as const).map((memory) => [memory, { kind: 'out-of-memory', memory }])),
};

function classified(exchange: Exchange): Told {
  const header = (name: string): string | null => exchange.headers[name] ?? null;
  const { code } = classifyResponse({ status: exchange.status, header, bodyText: textOf(exchange) }, 0);
  return [exchange.status, code];
}

describe.each(names)('failures of %s', (name) => {
  const { wire } = servers[name];

  test.each(Object.entries(failures))('%s', (kind, failure) => {
    const exchange = wire.fail(failure, callTo(name));
    expect(exchange && classified(exchange)).toEqual(tellings[name][kind as FailureKind]);
  });

  test('any status comes in the shape of the server, with its words and the wait', () => {
    const exchange = wire.fail({ kind: 'status', status: 503, message: 'half past nine', retryAfter: 7 }, callTo(name));
    expect([exchange?.status, exchange?.headers['retry-after']]).toEqual([503, '7']);
    expect(exchange && jsonOf(exchange) && textOf(exchange)).toContain('half past nine');
  });

  test('nothing, and a page of a proxy', () => {
    const empty = wire.fail({ kind: 'empty' }, callTo(name));
    expect([empty?.status, empty && textOf(empty)]).toEqual([200, '']);
    const page = wire.fail({ kind: 'html', status: 502 }, callTo(name));
    expect(page && classified(page)).toEqual([502, 'unavailable']);
  });

  test('a path that is not there', () => {
    expect(wire.verbOf('GET', '/nowhere', undefined)).toBeUndefined();
    expect(wire.notFound({ method: 'GET', path: '/nowhere', headers: {}, body: undefined }).status).toBe(404);
  });
});

describe('the words', () => {
  test('each server knows as many failures as its documents have', () => {
    const counts = Object.fromEntries(names.map((name) => [name, Object.keys(tellings[name]).length]));
    expect(counts).toEqual({ ollama: 12, anthropic: 8, tei: 7, notebook: 2, proxy: 3, tgi: 8 });
  });

  test('of TEI differ between its own route and that of OpenAI', () => {
    const busy: Failure = { kind: 'queue-full' };
    const own = teiWire.fail(busy, callTo('tei'));
    const openai = teiWire.fail(busy, { ...callTo('tei'), path: '/v1/embeddings' });
    expect(own && jsonOf(own)).toEqual({ error: 'Model is overloaded', error_type: 'Overloaded' });
    expect(openai && jsonOf(openai)).toEqual({ message: 'Model is overloaded', code: 429, type: 'Overloaded' });
    expect(openai && classified(openai)).toEqual([429, 'overloaded']);
  });

  test('of Ollama about a full queue have two blanks', () => {
    const exchange = ollamaWire.fail({ kind: 'queue-full' }, callTo('ollama'));
    expect(exchange && textOf(exchange)).toContain('again.  maximum');
  });

  test('of Ollama about a long prompt are JSON in a text', () => {
    const exchange = ollamaWire.fail({ kind: 'context-length' }, callTo('ollama'));
    expect(JSON.parse(String(exchange && jsonOf(exchange)['error']))).toMatchObject({ error: { n_ctx: 4096 } });
  });

  test('of Anthropic about a rate always come with a wait', () => {
    expect(anthropicWire.fail({ kind: 'rate-limit' }, callTo('anthropic'))?.headers['retry-after']).toBe('20');
    expect(anthropicWire.fail({ kind: 'rate-limit', retryAfter: 3 }, callTo('anthropic'))?.headers['retry-after']).toBe('3');
  });

  test.each(['queue-full', 'out-of-memory', 'context-length', 'bad-request', 'server'] as const)(
    'of TGI about %s come as the first event of a stream that was taken with 200',
    (kind) => {
      const exchange = remoteGpuWire('tgi').fail({ kind }, callTo('tgi', {}, 'stream'));
      expect(exchange?.status).toBe(200);
      expect(exchange && textOf(exchange)).toMatch(/^data:\{"error":"[^"]+","error_type":"\w+"\}\n\n$/);
    },
  );

  test('of TGI about a key come with their status, in a stream as well', () => {
    expect(remoteGpuWire('tgi').fail({ kind: 'auth' }, callTo('tgi', {}, 'stream'))?.status).toBe(401);
  });

  test('of Ollama about memory that ran out are others at load than in a stream', () => {
    const failure: Failure = { kind: 'out-of-memory' };
    const atLoad = ollamaWire.fail(failure, callTo('ollama'));
    expect(atLoad && textOf(atLoad)).toContain('llama-server process has terminated');
    const line = ollamaWire.errorInStream(failure, callTo('ollama', {}, 'stream'));
    expect(line).toBe('{"error":"an error was encountered while running the model: CUDA error: out of memory"}\n');
  });

  test.each(['cuda', 'vulkan', 'rocm', 'host'] as const)('of Ollama in a stream say that the %s memory ran out', (memory) => {
    const line = ollamaWire.errorInStream({ kind: 'out-of-memory', memory }, callTo('ollama', {}, 'stream'));
    expect(line.endsWith('\n')).toBe(true);
    const found = classifyResponse({ status: 500, header: () => null, bodyText: line.trim() }, 0);
    expect(found.code).toBe('out_of_memory');
  });
});

test('the page of a tunnel that is gone carries the header by which it is known', () => {
  const page = remoteGpuWire('notebook').fail({ kind: 'html', status: 404 }, callTo('notebook'));
  expect([page?.status, page?.headers['ngrok-error-code']]).toEqual([404, 'ERR_NGROK_3200']);
});

describe('a request', () => {
  test.each<[wire: Wire, method: string, path: string, body: unknown, verb: string | undefined]>([
    // Ollama streams unless it is told not to.
    [ollamaWire, 'POST', '/api/chat', {}, 'stream'],
    [ollamaWire, 'POST', '/api/chat', { stream: true }, 'stream'],
    [ollamaWire, 'POST', '/api/chat', { stream: false }, 'chat'],
    [ollamaWire, 'POST', '/api/embed', {}, 'embed'],
    [ollamaWire, 'GET', '/api/tags', undefined, 'models'],
    [ollamaWire, 'GET', '/api/ps', undefined, 'load'],
    [ollamaWire, 'GET', '/api/version', undefined, 'health'],
    [ollamaWire, 'HEAD', '/', undefined, 'about'],
    [ollamaWire, 'GET', '/api/chat', undefined, undefined],
    [ollamaWire, 'POST', '/v1/chat/completions', {}, undefined],
    [anthropicWire, 'POST', '/v1/messages', {}, 'chat'],
    [anthropicWire, 'POST', '/v1/messages', { stream: true }, 'stream'],
    [anthropicWire, 'GET', '/v1/models', undefined, 'models'],
    [anthropicWire, 'POST', '/v1/messages/count_tokens', {}, 'about'],
    [anthropicWire, 'POST', '/v1/embeddings', {}, undefined],
    [teiWire, 'POST', '/embed', {}, 'embed'],
    [teiWire, 'POST', '/v1/embeddings', {}, 'embed'],
    [teiWire, 'GET', '/info', undefined, 'models'],
    [teiWire, 'GET', '/metrics', undefined, 'load'],
    [teiWire, 'POST', '/v1/chat/completions', {}, undefined],
    [remoteGpuWire('notebook'), 'POST', '/generate', { stream: true }, 'chat'],
    [remoteGpuWire('notebook'), 'GET', '/models', undefined, undefined],
    [remoteGpuWire('notebook'), 'POST', '/nowhere', {}, undefined],
    [remoteGpuWire('proxy'), 'GET', '/models', undefined, 'models'],
    [remoteGpuWire('proxy'), 'GET', '/models/gpt2/health', undefined, 'health'],
    [remoteGpuWire('tgi'), 'POST', '/generate', {}, 'chat'],
    [remoteGpuWire('tgi'), 'POST', '/generate_stream', {}, 'stream'],
  ])('to $0.name: %2$s %3$s %4$j', (wire, method, path, body, verb) => {
    expect(wire.verbOf(method, path, body)).toBe(verb);
  });

  test('without a prompt makes a notebook crash, as a missing key does', () => {
    expect(classified(remoteGpuWire('notebook').answer({}, callTo('notebook')))).toEqual([500, 'unavailable']);
  });

  test('to TEI with more texts than a batch holds is refused, in the words that name the limit', () => {
    const inputs = Array.from({ length: 64 }, String);
    expect(jsonOf(teiWire.answer({}, callTo('tei', { inputs })))).toEqual({
      error: 'batch size 64 > maximum allowed batch size 32',
      error_type: 'Validation',
    });
  });

  test('to the proxy names its model by another field', () => {
    expect(remoteGpuWire('proxy').modelOf?.('/generate', { model: 'x', model_id: 'y' })).toBe('y');
  });
});

describe('the bytes', () => {
  test('of Ollama leave out counts of nothing', () => {
    const told = jsonOf(ollamaWire.answer({ usage: { promptTokens: 0, completionTokens: 3 } }, callTo('ollama')));
    expect([told['prompt_eval_count'], told['eval_count'], 'prompt_eval_count' in told]).toEqual([undefined, 3, false]);
    expect(jsonOf(ollamaWire.answer({ usage: null }, callTo('ollama')))).not.toHaveProperty('eval_count');
  });

  test('of Ollama carry the arguments of a call as an object, and "stop" as the reason', () => {
    const told = jsonOf(ollamaWire.answer({ text: '', toolCalls: [{ name: 'f', arguments: { a: 1 } }] }, callTo('ollama')));
    expect(told).toMatchObject({
      done_reason: 'stop',
      message: { tool_calls: [{ function: { index: 0, name: 'f', arguments: { a: 1 } } }] },
    });
  });

  test('of Ollama carry a call on the last line beside a text, and on an earlier one alone', () => {
    const toolCalls = [{ name: 'f', arguments: {} }];
    const stream = (text: string): Exchange => ollamaWire.answer({ text, toolCalls }, callTo('ollama', {}, 'stream'));
    expect(stream('Text.').closing).toContain('tool_calls');
    expect([stream('').closing, stream('').pieces.join('')].map((part) => part.includes('tool_calls'))).toEqual([false, true]);
  });

  test('of Ollama hold log-probabilities beside the message, where they are asked for', () => {
    const asked = callTo('ollama', { logprobs: true, top_logprobs: 2 });
    expect(jsonOf(ollamaWire.answer({ text: 'Hi' }, asked))['logprobs']).toMatchObject([{ token: 'Hi', top_logprobs: [{}, {}] }]);
    expect(jsonOf(ollamaWire.answer({ text: 'Hi' }, callTo('ollama')))).not.toHaveProperty('logprobs');
  });

  test('of Ollama hold no thoughts of a model that was told not to think', () => {
    const told = textOf(ollamaWire.answer({ reasoning: 'Hm.' }, callTo('ollama', { think: false })));
    expect(told).not.toContain('thinking');
  });

  test('of Anthropic begin and end each block, and number them', () => {
    const answer = { reasoning: 'Hm.', text: 'One two.', toolCalls: [{ name: 'f', arguments: { a: 1 } }] };
    const events = textOf(anthropicWire.answer(answer, callTo('anthropic', {}, 'stream')));
    const names = [...events.matchAll(/^event: (\S+)$/gm)].map(([, name]) => name?.replace('content_block_', ''));
    const [thoughts, text, call] = ['start delta delta stop', 'start delta delta stop', 'start delta delta delta stop'];
    expect(names.join(' ')).toBe(`message_start ping ${thoughts} ${text} ${call} message_delta message_stop`);
    expect([...events.matchAll(/"content_block_start","index":(\d)/g)].map(([, index]) => index)).toEqual(['0', '1', '2']);
    expect(events).toContain('"partial_json":""');
    expect(events).toContain('"signature_delta"');
  });

  test.each([
    ['stop', 'end_turn'],
    ['length', 'max_tokens'],
    ['tool_calls', 'tool_use'],
    ['content_filter', 'refusal'],
  ] as const)('of Anthropic say %s in its word %s', (finishReason, word) => {
    expect(jsonOf(anthropicWire.answer({ finishReason }, callTo('anthropic')))['stop_reason']).toBe(word);
  });

  test('of a notebook repeat the prompt', () => {
    const told = jsonOf(remoteGpuWire('notebook').answer({ text: ' there.' }, callTo('notebook', { prompt: 'Hello' })));
    expect(told).toEqual({ content: 'Hello there.' });
  });

  test('of TGI have no blank behind "data:", and end with the whole text', () => {
    const body = { inputs: 'Hello', parameters: { details: true } };
    const { pieces, closing } = remoteGpuWire('tgi').answer({ text: 'One two.' }, callTo('tgi', body, 'stream'));
    expect(pieces.every((piece) => piece.startsWith('data:{'))).toBe(true);
    expect(JSON.parse(closing.slice('data:'.length))).toMatchObject({
      generated_text: 'One two.',
      token: { special: true },
      details: { finish_reason: 'eos_token', generated_tokens: 2, input_length: 1 },
    });
  });

  test('of TGI tell details only where they are asked for', () => {
    expect(jsonOf(remoteGpuWire('tgi').answer({}, callTo('tgi', { inputs: 'Hello' })))).toEqual({
      generated_text: 'Hello from a fake backend.',
    });
  });

  test('of TEI are bare vectors, and base64 only for OpenAI’s route', () => {
    const body = { inputs: ['a'], input: ['a'], encoding_format: 'base64', dimensions: 4 };
    expect(jsonOf(teiWire.answer({}, callTo('tei', body)))).toEqual(vectorsFor({}, ['a'], 4));
    const openai = jsonOf(teiWire.answer({ usage: null }, { ...callTo('tei', body), path: '/v1/embeddings' }));
    expect(openai).toMatchObject({
      object: 'list',
      data: [{ embedding: expect.stringMatching(/^[\w+/]+=*$/) as string }],
      usage: { prompt_tokens: 1 },
    });
  });
});

const cosine = (a: readonly number[] = [], b: readonly number[] = []): number =>
  a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);

describe('vectors', () => {
  test('have length 1, and the length that was asked for', () => {
    const [vector = []] = vectorsFor({}, ['some words'], 384);
    expect([vector.length, Math.hypot(...vector)]).toEqual([384, expect.closeTo(1, 5)]);
  });

  test('are exact in 32 bits, so that base64 carries the same numbers', () => {
    const [vector = []] = vectorsFor({}, ['some words'], 64);
    expect([...new Float32Array(vector)]).toEqual(vector);
  });

  test('are the same for the same words, like for like texts, and far apart for others', () => {
    const texts = ['the cat sat on the mat', 'The cat, sat on the mat!', 'the cat sat on a chair', 'quarterly revenue of the bank'];
    const [cat, same, like, other] = vectorsFor({}, texts, 256);
    expect(same).toEqual(cat);
    expect(cosine(cat, like)).toBeGreaterThan(cosine(cat, other) + 0.2);
  });

  test('are the scripted ones where there are some, however many', () => {
    expect(vectorsFor({ vectors: [[1, 2, 3]] }, ['a', 'b'])).toEqual([[1, 2, 3]]);
  });

  test('of a text without words have a direction', () => {
    expect(Math.hypot(...(vectorsFor({}, ['…'])[0] ?? []))).toBeCloseTo(1, 5);
  });
});

test('every type has its wire, and a wire of your own is its own', () => {
  const types = ['ollama', 'anthropic', 'tei', 'remote-gpu'] as const;
  expect(types.map((type) => wireOf(type).name)).toEqual([...types]);
  expect(wireOf('vllm').name).toBe('vllm');
  expect(wireOf(ollamaWire)).toBe(ollamaWire);
});
