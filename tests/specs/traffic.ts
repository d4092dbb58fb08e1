import type { AdapterContext } from '../../src/adapters/context.ts';
import { adapters } from '../../src/adapters/registry.ts';
import { chatNeeds } from '../../src/core/capabilities.ts';
import type { ChatRequest } from '../../src/core/types.ts';
import { type Answer, type BackendKind, fakeBackend, models, reply, resident, type Wire, type WireCall } from '../../src/testing/index.ts';
import type { Exchange } from '../../src/testing/wire.ts';
import { wireOf } from '../../src/testing/wires/index.ts';
import { remoteGpuWire } from '../../src/testing/wires/remote-gpu.ts';
import { adapterContext } from '../_kit/adapter-context.ts';

/** One body that crosses the wire, and the official schema for it. */
export interface Message {
  readonly spec: SpecName;
  readonly schema: string;
  /** What it is, for whoever reads that it is wrong. */
  readonly what: string;
  readonly value: unknown;
}

export type SpecName = 'openai' | 'ollama' | 'tgi' | 'tei' | 'together';

type Type = Exclude<BackendKind, Wire>;

interface Server {
  readonly spec: SpecName;
  readonly type: Type;
  readonly wire: Wire;
  readonly options: Partial<AdapterContext>;
  /** Path → schemas of what is sent there, of the answer, of a piece of a stream. */
  readonly paths: Readonly<Record<string, { readonly request: string; readonly answer: string; readonly piece?: string }>>;
  /** Path → schema of what is told there; a list of things with `each`. */
  readonly tellings: Readonly<Record<string, { readonly answer: string; readonly each?: 'data' }>>;
  /** Schema of an error, where there is one. */
  readonly error?: string;
}

const openaiChat = {
  request: 'CreateChatCompletionRequest',
  answer: 'CreateChatCompletionResponse',
  piece: 'CreateChatCompletionStreamResponse',
};

export const servers: readonly Server[] = [
  {
    spec: 'openai',
    type: 'openai',
    wire: wireOf('openai'),
    options: {},
    paths: {
      '/v1/chat/completions': openaiChat,
      '/v1/embeddings': { request: 'CreateEmbeddingRequest', answer: 'CreateEmbeddingResponse' },
    },
    tellings: { '/v1/models': { answer: 'ListModelsResponse' } },
  },
  {
    spec: 'ollama',
    type: 'ollama',
    wire: wireOf('ollama'),
    options: { keepAliveS: 600, contextSize: 8_192 },
    paths: {
      '/api/chat': { request: 'ChatRequest', answer: 'ChatResponse', piece: 'ChatStreamEvent' },
      '/api/embed': { request: 'EmbedRequest', answer: 'EmbedResponse' },
    },
    tellings: {
      '/api/tags': { answer: 'ListResponse' },
      '/api/ps': { answer: 'PsResponse' },
      '/api/version': { answer: 'VersionResponse' },
    },
  },
  {
    spec: 'tgi',
    type: 'tgi',
    wire: wireOf('tgi'),
    options: {},
    paths: { '/v1/chat/completions': { request: 'ChatRequest', answer: 'ChatCompletion', piece: 'ChatCompletionChunk' } },
    tellings: { '/info': { answer: 'Info' }, '/v1/models': { answer: 'ModelInfo', each: 'data' } },
    error: 'ErrorResponse',
  },
  {
    spec: 'tgi',
    type: 'remote-gpu',
    wire: remoteGpuWire('tgi'),
    options: { dialect: 'tgi' },
    paths: {
      '/generate': { request: 'GenerateRequest', answer: 'GenerateResponse' },
      '/generate_stream': { request: 'GenerateRequest', answer: 'GenerateResponse', piece: 'StreamResponse' },
    },
    tellings: { '/info': { answer: 'Info' } },
    error: 'ErrorResponse',
  },
  {
    spec: 'tei',
    type: 'tei',
    wire: wireOf('tei'),
    options: {},
    paths: {
      '/embed': { request: 'EmbedRequest', answer: 'EmbedResponse' },
      '/v1/embeddings': { request: 'OpenAICompatRequest', answer: 'OpenAICompatResponse' },
    },
    tellings: { '/info': { answer: 'Info' } },
    error: 'ErrorResponse',
  },
  {
    spec: 'together',
    type: 'together',
    wire: wireOf('together'),
    options: {},
    paths: {
      '/v1/chat/completions': { request: 'ChatCompletionRequest', answer: 'ChatCompletionResponse', piece: 'ChatCompletionChunk' },
      '/v1/embeddings': { request: 'EmbeddingsRequest', answer: 'EmbeddingsResponse' },
    },
    tellings: { '/v1/models': { answer: 'ModelInfoList' } },
  },
];

const user = { role: 'user', content: 'What is the weather in Paris?' } as const;
const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'Looks out of the window.',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
} as const;
const called = { id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Paris"}' } } as const;
const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false };

/** Every field of a request at least once. */
const requests: Readonly<Record<string, Partial<ChatRequest>>> = {
  plain: {},
  'every parameter of sampling': {
    temperature: 0.7,
    top_p: 0.9,
    max_tokens: 64,
    stop: ['\n\n', 'END'],
    seed: 7,
    presence_penalty: 0.5,
    frequency_penalty: -0.5,
    user: 'somebody',
  },
  'another name of the limit, and one text to stop at': { max_completion_tokens: 64, stop: 'END' },
  'parameters at their borders': { temperature: 0, top_p: 1, max_tokens: 1 },
  choices: { n: 2 },
  'log-probabilities': { logprobs: true, top_logprobs: 2 },
  'biases of tokens': { logit_bias: { '1734': -100 } },
  'all roles, and content in parts': {
    messages: [
      { role: 'developer', content: 'Be short.' },
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: [{ type: 'text', text: 'Hello.' }] },
      { role: 'assistant', content: 'Hi.', reasoning_content: 'They greet me.' },
      user,
    ],
  },
  tools: { tools: [weather], tool_choice: 'auto', parallel_tool_calls: false },
  'a tool that must be called': { tools: [weather], tool_choice: 'required' },
  'a tool by its name': { tools: [weather], tool_choice: { type: 'function', function: { name: 'get_weather' } } },
  'no tool to be called': { tools: [weather], tool_choice: 'none' },
  'the result of a tool': {
    tools: [weather],
    messages: [
      user,
      { role: 'assistant', content: null, tool_calls: [called] },
      { role: 'tool', tool_call_id: 'call_1', content: '18 °C' },
    ],
  },
  'an image': {
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=', detail: 'low' } },
        ],
      },
    ],
  },
  'an answer in JSON': { response_format: { type: 'json_object' } },
  'an answer in JSON of a schema': { response_format: { type: 'json_schema', json_schema: { name: 'city', schema, strict: true } } },
  'an answer in text': { response_format: { type: 'text' } },
  'no reasoning': { reasoning_effort: 'none' },
  'much reasoning': { reasoning_effort: 'high' },
};

const signal = new AbortController().signal;
const of = <Request>(request: Request) => ({ request, model: 'a-model', signal, requestId: 'r1' });

/** What the adapter of this server sends for every request that it can carry. */
export async function sentTo({ spec, type, wire, options, paths }: Server): Promise<readonly Message[]> {
  await using backend = await fakeBackend(wire).listen();
  const adapter = adapters[type](adapterContext(backend.url, type, options));
  const sent: Message[] = [];
  const note = (what: string): void => {
    const { path = '', body } = backend.requests.at(-1) ?? {};
    sent.push({ spec, schema: paths[path]?.request ?? '', what: `${type} ${path}: ${what}`, value: body });
  };
  for (const [what, request] of Object.entries(adapter.chats ? requests : {})) {
    const chat = { messages: [user], ...request };
    if (chatNeeds(chat).some((feature) => !adapter.capabilities[feature])) continue;
    await adapter.chat(of(chat));
    note(what);
    for await (const _ of await adapter.stream(of({ ...chat, stream_options: { include_usage: true } })));
    note(`${what}, as a stream`);
  }
  for (const [what, request] of Object.entries({ 'one text': { input: 'a' }, texts: { input: ['a', 'b'], user: 'somebody' } })) {
    await adapter.embed?.(of(request));
    if (adapter.embed) note(what);
  }
  if (adapter.embed && adapter.capabilities.dimensions) {
    await adapter.embed(of({ input: ['a'], dimensions: 4 }));
    note('vectors of a length');
  }
  return sent;
}

const answers: Readonly<Record<string, Answer>> = {
  plain: {},
  'in pieces': { text: 'Grüß dich', pieces: ['Grüß ', 'd', 'ich'] },
  'nothing at all': { text: '' },
  reasoning: { text: '42.', reasoning: 'Let me think.' },
  'a tool call': { text: '', toolCalls: [{ name: 'get_weather', arguments: { city: 'Paris' } }] },
  'tool calls and a text': {
    text: 'I look.',
    toolCalls: [
      { name: 'get_weather', arguments: { city: 'Paris' } },
      { name: 'get_time', arguments: {} },
    ],
  },
  'at the limit': { text: 'Not don', finishReason: 'length' },
  'ended by a policy': { text: '', finishReason: 'content_filter' },
  'without usage': { usage: null },
};

/** What a request may ask for that changes the form of the answer; some for other servers. */
const asking: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  '': {},
  ', with all that can be asked for': {
    logprobs: true,
    top_logprobs: 2,
    n: 2,
    stream_options: { include_usage: true },
    encoding_format: 'base64',
    parameters: { details: true, seed: 7 },
  },
};

function callTo(path: string, verb: WireCall['verb'], body: Readonly<Record<string, unknown>>): WireCall {
  const texts = { model: 'a-model', messages: [user], input: ['a', 'b'], inputs: ['a', 'b'], ...body };
  return { verb, method: 'POST', path, headers: {}, body: { ...texts, stream: verb === 'stream' }, model: 'a-model' };
}

/** Every answer and every piece of one that the fake of this server gives. */
export function answeredBy({ spec, type, wire, paths }: Server): readonly Message[] {
  const told: Message[] = [];
  for (const [path, { answer: schemaName, piece }] of Object.entries(paths)) {
    for (const [what, answer] of Object.entries(answers)) {
      for (const [more, body] of Object.entries(asking)) {
        const isEmbed = wire.verbOf('POST', path, {}) === 'embed';
        const note = (schemaOf: string, value: unknown): void =>
          void told.push({ spec, schema: schemaOf, what: `${type} ${path}: ${what}${more}`, value });
        const verb = wire.verbOf('POST', path, { stream: false });
        if (isEmbed || verb === 'chat') note(schemaName, bodyOf(wire.answer(answer, callTo(path, isEmbed ? 'embed' : 'chat', body))));
        if (piece === undefined) continue;
        for (const value of piecesOf(wire.answer(answer, callTo(path, 'stream', body)))) note(piece, value);
      }
    }
  }
  return told;
}

/** What the fake of this server tells of itself: its models, what is loaded, its version. */
export async function toldBy({ spec, type, wire, tellings }: Server): Promise<readonly Message[]> {
  const state = [
    models(['a-model', { id: 'b/model:8b', contextLength: 8_192, sizeBytes: 4_000 }]),
    resident([{ id: 'a-model', sizeBytes: 4_000, vramBytes: 2_000, contextLength: 4_096 }]),
    reply(),
  ];
  await using backend = await fakeBackend(wire, state).listen();
  const told: Message[] = [];
  for (const [path, { answer, each }] of Object.entries(tellings)) {
    const value = (await (await fetch(backend.url + path)).json()) as Readonly<Record<string, unknown>>;
    const values = each === undefined ? [value] : (value[each] as unknown[]);
    for (const one of values) told.push({ spec, schema: answer, what: `${type} ${path}`, value: one });
  }
  return told;
}

const kinds = ['out-of-memory', 'driver', 'queue-full', 'context-length', 'bad-request', 'server'] as const;

/** The errors of this server, where its document has a schema for them; on TEI's route of OpenAI's they have another. */
export function refusedBy({ spec, type, wire, paths, error }: Server): readonly Message[] {
  if (error === undefined) return [];
  return Object.keys(paths).flatMap((path) =>
    kinds.flatMap((kind) => {
      const exchange = wire.fail({ kind }, callTo(path, spec === 'tei' ? 'embed' : 'chat', {}));
      const schemaName = path === '/v1/embeddings' ? 'OpenAICompatErrorResponse' : error;
      return exchange ? [{ spec, schema: schemaName, what: `${type} ${path}: ${kind}`, value: bodyOf(exchange) }] : [];
    }),
  );
}

function bodyOf(exchange: Exchange): unknown {
  return JSON.parse(textOf(exchange)) as unknown;
}

function textOf({ opening, pieces, closing }: Exchange): string {
  return opening + pieces.join('') + closing;
}

/** The values of an event stream or of lines, without the word that ends one. */
function piecesOf(exchange: Exchange): readonly unknown[] {
  const lines = textOf(exchange)
    .split('\n')
    .map((line) => line.replace(/^data: ?/, ''));
  return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as unknown);
}
