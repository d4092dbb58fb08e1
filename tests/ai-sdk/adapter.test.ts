import {
  APICallError,
  InvalidPromptError,
  JSONParseError,
  type EmbeddingModelV4,
  type LanguageModelV4,
  type LanguageModelV4CallOptions,
  type LanguageModelV4Content,
  type LanguageModelV4StreamPart,
  LoadAPIKeyError,
  UnsupportedFunctionalityError,
} from '@ai-sdk/provider';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, streamText } from 'ai';
import { type ChatRequest, collect, createRouter, isRouterError, type RouterOptions } from 'inferlane';
import { aiSdkAdapter, type AiSdkAdapterOptions, createInferlane } from 'inferlane/ai-sdk';
import { cutAfter, fakeBackend, outOfMemory, rateLimited, reply } from 'inferlane/testing';
import { describe, expect, test } from 'vitest';
import { failureOf } from '../_kit/fake-router.ts';
import { question } from './scripted.ts';

// A model of the AI SDK as a provider.

interface Plays {
  readonly content?: LanguageModelV4Content[];
  readonly parts?: LanguageModelV4StreamPart[];
  readonly throws?: unknown;
  readonly warnings?: Extract<LanguageModelV4StreamPart, { type: 'stream-start' }>['warnings'];
  readonly urls?: Record<string, RegExp[]>;
  readonly unified?: 'stop' | 'error' | 'interrupted';
}

const usage = {
  inputTokens: { total: 3, noCache: 1, cacheRead: 2, cacheWrite: undefined },
  outputTokens: { total: 4, text: 3, reasoning: 1 },
};
const finish = { type: 'finish', usage, finishReason: { unified: 'stop', raw: 'end' } } as const;

/** A model that does what it is told, and keeps what it was asked. */
function model({ content, parts, throws, warnings = [], urls = {}, unified = 'stop' }: Plays) {
  const asked: LanguageModelV4CallOptions[] = [];
  const made: LanguageModelV4 = {
    specificationVersion: 'v4',
    provider: 'maker.chat',
    modelId: 'its-model',
    supportedUrls: urls,
    async doGenerate(options) {
      asked.push(options);
      if (throws !== undefined) throw throws;
      return { content: content ?? [{ type: 'text', text: 'Yes.' }], finishReason: { unified, raw: 'end' }, usage, warnings };
    },
    async doStream(options) {
      asked.push(options);
      if (throws !== undefined) throw throws;
      const all: LanguageModelV4StreamPart[] = [{ type: 'stream-start', warnings }, ...(parts ?? [])];
      return { stream: ReadableStream.from(all) as ReadableStream<LanguageModelV4StreamPart> };
    },
  };
  return { made, asked };
}

function routerOver(made: LanguageModelV4 | EmbeddingModelV4, options: AiSdkAdapterOptions = {}, more: Partial<RouterOptions> = {}) {
  return createRouter({
    health: false,
    maxAttempts: 1,
    ...more,
    providers: { its: { type: 'custom', adapter: aiSdkAdapter(made, options) } },
  });
}

const hello: ChatRequest = { messages: [{ role: 'user', content: 'Well?' }] };

/** The error of the provider itself, under that of the call. */
async function ownFailure(plays: Plays, request: ChatRequest = hello) {
  const error = await failureOf(routerOver(model(plays).made).chat(request));
  if (!isRouterError(error)) throw new Error('no error of ours', { cause: error });
  return error.attempts[0]?.error ?? error;
}

const apiError = (statusCode: number | undefined, responseBody: string | undefined, more: object = {}) =>
  new APICallError({
    message: 'the prompt was: canary-prompt',
    url: 'https://api.test/v1?key=canary-key',
    requestBodyValues: { prompt: 'canary-prompt' },
    ...(statusCode !== undefined && { statusCode }),
    ...(responseBody !== undefined && { responseBody }),
    ...more,
  });

const call = (id: string, args: string) => ({ id, type: 'function' as const, function: { name: 'add', arguments: args } });
const result = (toolCallId: string, value: string) => ({
  type: 'tool-result',
  toolCallId,
  toolName: 'add',
  output: { type: 'text', value },
});
const picture = (url: string): ChatRequest => ({ messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }] });

describe('requests', () => {
  test('a bare question sets nothing but the prompt and the signal', async () => {
    const { made, asked } = model({});
    await routerOver(made).chat(hello);
    const { prompt, abortSignal, headers, ...rest } = asked[0] as LanguageModelV4CallOptions;
    expect(prompt).toEqual([{ role: 'user', content: [{ type: 'text', text: 'Well?' }] }]);
    expect(abortSignal).toBeInstanceOf(AbortSignal);
    expect(Object.keys(headers ?? {})).toContain('x-inferlane-hops');
    expect(rest).toEqual({});
  });

  test('each field goes into its setting', async () => {
    const { made, asked } = model({});
    await routerOver(made, { capabilities: { reasoningEffort: true } }).chat({
      ...hello,
      max_completion_tokens: 9,
      temperature: 0,
      top_p: 0.5,
      presence_penalty: 0.1,
      frequency_penalty: 0.2,
      seed: 1,
      stop: 'END',
      reasoning_effort: 'low',
      response_format: { type: 'json_schema', json_schema: { name: 'person', schema: { type: 'object' } } },
      tools: [{ type: 'function', function: { name: 'add' } }],
      tool_choice: { type: 'function', function: { name: 'add' } },
      extra: { 'ai-sdk': { store: false }, ollama: { keep_alive: 1 } },
    });
    expect(asked[0]).toMatchObject({
      maxOutputTokens: 9,
      temperature: 0,
      topP: 0.5,
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
      seed: 1,
      stopSequences: ['END'],
      reasoning: 'low',
      responseFormat: { type: 'json', name: 'person', schema: { type: 'object' } },
      tools: [{ type: 'function', name: 'add', inputSchema: { type: 'object', properties: {} } }],
      toolChoice: { type: 'tool', toolName: 'add' },
      providerOptions: { maker: { store: false } },
    });
    expect(asked[0]?.providerOptions).toEqual({ maker: { store: false } });
  });

  test('a conversation with tools keeps its calls and results together', async () => {
    const { made, asked } = model({});
    await routerOver(made).chat({
      messages: [
        { role: 'developer', content: 'Be brief.' },
        { role: 'user', content: 'Well?' },
        { role: 'assistant', content: 'So.', reasoning_content: 'Hm.', tool_calls: [call('c-1', '{"a":1}'), call('c-2', 'no JSON')] },
        { role: 'tool', tool_call_id: 'c-1', content: 'three' },
        { role: 'tool', tool_call_id: 'c-2', content: [{ type: 'text', text: 'four' }] },
      ],
    });
    expect(asked[0]?.prompt).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'text', text: 'Well?' }] },
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'Hm.' },
          { type: 'text', text: 'So.' },
          { type: 'tool-call', toolCallId: 'c-1', toolName: 'add', input: { a: 1 } },
          { type: 'tool-call', toolCallId: 'c-2', toolName: 'add', input: 'no JSON' },
        ],
      },
      { role: 'tool', content: [result('c-1', 'three'), result('c-2', 'four')] },
    ]);
  });

  test('images: bytes go along, an address only to a model that takes it', async () => {
    const seeing = { capabilities: { vision: true } };
    const { made, asked } = model({ urls: { 'image/*': [/^https:\/\/pictures\.test\//] } });
    const router = routerOver(made, seeing);
    await router.chat(picture('data:image/png;base64,iVBORw=='));
    await router.chat(picture('https://pictures.test/a.png'));
    expect(asked.map(({ prompt }) => prompt[0]?.content)).toEqual([
      [{ type: 'file', mediaType: 'image/png', data: { type: 'data', data: 'iVBORw==' } }],
      [{ type: 'file', mediaType: 'image/*', data: { type: 'url', url: new URL('https://pictures.test/a.png') } }],
    ]);
    const error = await failureOf(router.chat(picture('https://elsewhere.test/a.png')));
    expect(isRouterError(error) && error.attempts[0]?.error.code).toBe('unsupported');
    expect(asked).toHaveLength(2);
  });
});

describe('answers', () => {
  test('thoughts, text, calls and counts; what the provider ran by itself stays there', async () => {
    const content: LanguageModelV4Content[] = [
      { type: 'reasoning', text: 'Hm.' },
      { type: 'text', text: 'One ' },
      { type: 'tool-call', toolCallId: 's-1', toolName: 'search', input: '{}', providerExecuted: true },
      { type: 'tool-result', toolCallId: 's-1', toolName: 'search', result: 'found' },
      { type: 'text', text: 'two.' },
      { type: 'tool-call', toolCallId: 'c-1', toolName: 'add', input: '{"a":1}' },
    ];
    const parts: LanguageModelV4StreamPart[] = [
      { type: 'response-metadata', id: 'r-1', modelId: 'its-model', timestamp: new Date(5_000) },
      { type: 'reasoning-start', id: '0' },
      { type: 'reasoning-delta', id: '0', delta: 'Hm.' },
      { type: 'reasoning-end', id: '0' },
      { type: 'text-start', id: '1' },
      { type: 'text-delta', id: '1', delta: 'One ' },
      { type: 'tool-input-start', id: 's-1', toolName: 'search', providerExecuted: true },
      { type: 'tool-input-delta', id: 's-1', delta: '{}' },
      { type: 'tool-call', toolCallId: 's-1', toolName: 'search', input: '{}', providerExecuted: true },
      { type: 'text-delta', id: '1', delta: 'two.' },
      { type: 'text-end', id: '1' },
      { type: 'tool-input-start', id: 'c-1', toolName: 'add' },
      { type: 'tool-input-delta', id: 'c-1', delta: '{"a"' },
      { type: 'tool-input-delta', id: 'c-1', delta: ':1}' },
      { type: 'tool-call', toolCallId: 'c-1', toolName: 'add', input: '{"a":1}' },
      finish,
    ];
    const router = routerOver(model({ content, parts }).made);
    for (const answer of [await router.chat(hello), await collect(await router.stream(hello))]) {
      expect(answer.choices[0]).toMatchObject({
        message: {
          content: 'One two.',
          reasoning_content: 'Hm.',
          tool_calls: [{ id: 'c-1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } }],
        },
      });
      expect(answer.usage).toEqual({
        prompt_tokens: 3,
        completion_tokens: 4,
        total_tokens: 7,
        prompt_tokens_details: { cached_tokens: 2 },
        completion_tokens_details: { reasoning_tokens: 1 },
      });
      expect(answer.model).toBe('its-model');
    }
  });

  test('a call of a tool that came all at once', async () => {
    const parts: LanguageModelV4StreamPart[] = [{ type: 'tool-call', toolCallId: 'c-1', toolName: 'add', input: '{}' }, finish];
    const { choices } = await collect(await routerOver(model({ parts }).made).stream(hello));
    expect(choices[0].message.tool_calls).toEqual([{ id: 'c-1', type: 'function', function: { name: 'add', arguments: '{}' } }]);
  });

  test.each<[string, LanguageModelV4StreamPart[]]>([
    ['a stream without an end', [{ type: 'text-delta', id: '0', delta: 'One' }]],
    [
      'one that says that it was interrupted',
      [
        { type: 'text-delta', id: '0', delta: 'One' },
        { ...finish, finishReason: { unified: 'interrupted', raw: undefined } },
      ],
    ],
    [
      'one with an error',
      [{ type: 'text-delta', id: '0', delta: 'One' }, { type: 'error', error: { message: 'broken', type: 'server_error' } }, finish],
    ],
  ])('%s is no whole answer', async (_what, parts) => {
    const error = await failureOf(routerOver(model({ parts }).made).stream(hello).then(collect));
    expect(error).toMatchObject({ code: 'stream_interrupted' });
  });

  test('a tool or a format that the model left out is refused, and another provider answers', async () => {
    const warnings = [{ type: 'unsupported' as const, feature: 'responseFormat' }];
    const { made } = model({ warnings, parts: [{ type: 'text-delta', id: '0', delta: 'prose' }, finish] });
    const other = aiSdkAdapter(
      model({ content: [{ type: 'text', text: '{}' }], parts: [{ type: 'text-delta', id: '0', delta: '{}' }, finish] }).made,
    );
    const router = createRouter({
      health: false,
      providers: {
        its: { type: 'custom', adapter: aiSdkAdapter(made), priority: 1 },
        other: { type: 'custom', adapter: other, priority: 2 },
      },
    });
    const asked: ChatRequest = { ...hello, response_format: { type: 'json_object' } };
    const answers = [await router.chat(asked), await collect(await router.stream(asked))];
    expect(answers.map(({ choices, route }) => [choices[0].message.content, route.provider, route.attempts[0]?.error?.code])).toEqual([
      ['{}', 'other', 'unsupported'],
      ['{}', 'other', 'unsupported'],
    ]);
  });
});

describe('failures', () => {
  test.each([
    [
      '429 with a wait',
      apiError(429, '{"error":{"message":"slow down"}}', { responseHeaders: { 'Retry-After': '7' } }),
      { code: 'rate_limited', status: 429, retryAfterMs: 7_000 },
    ],
    ['a GPU that is full', apiError(500, '{"error":{"message":"CUDA error: out of memory"}}'), { code: 'out_of_memory', status: 500 }],
    ['a key that is refused', apiError(401, '{"error":{"message":"bad key"}}'), { code: 'auth', status: 401 }],
    [
      'a body that was packed',
      apiError(529, '{"error":{"message":"overloaded"}}', { responseHeaders: { 'content-encoding': 'gzip, br', 'content-length': '5' } }),
      { code: 'overloaded' },
    ],
    ['an error with a good status', apiError(200, '{"error":{"message":"CUDA error: out of memory"}}'), { code: 'out_of_memory' }],
    [
      'an answer that it cannot read',
      apiError(200, '{"pie', { cause: new JSONParseError({ text: '{"pie', cause: new Error('x') }) }),
      { code: 'bad_response' },
    ],
    [
      'an answer that was cut',
      apiError(200, undefined, { cause: Object.assign(new TypeError('terminated'), { cause: { code: 'UND_ERR_SOCKET' } }) }),
      { code: 'unavailable' },
    ],
    [
      'a server that is gone',
      apiError(undefined, undefined, { cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) }),
      { code: 'unavailable', phase: 'connect' },
    ],
    ['a missing key', new LoadAPIKeyError({ message: 'OPENAI_API_KEY is missing.' }), { code: 'auth' }],
    ['a feature that it lacks', new UnsupportedFunctionalityError({ functionality: 'audio' }), { code: 'unsupported' }],
    [
      'messages that it refuses',
      new InvalidPromptError({ prompt: 'canary-prompt', message: 'canary-prompt is wrong' }),
      { code: 'bad_request' },
    ],
    ['any other error', new Error('canary-prompt'), { code: 'unavailable' }],
    ['what is no error', 'canary-prompt', { code: 'unavailable' }],
  ])('%s', async (_what, throws, expected) => {
    const error = await ownFailure({ throws }, { messages: [{ role: 'user', content: 'canary-prompt' }] });
    expect(error).toMatchObject({ ...expected, provider: 'ai-sdk' });
    expect(JSON.stringify(error)).not.toContain('canary');
  });

  test('an abort gives the reason of the caller', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const { made } = model({ throws: new DOMException('aborted', 'AbortError') });
    const slow: LanguageModelV4 = {
      ...made,
      doGenerate: (options) =>
        new Promise(
          (_resolve, reject) =>
            void options.abortSignal?.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError'))),
        ),
    };
    const failed = failureOf(routerOver(slow).chat(hello, { signal: controller.signal }));
    controller.abort(reason);
    expect(await failed).toBe(reason);
  });

  test('whatever a model throws after an abort, the reason is thrown', async () => {
    const { made } = model({ throws: new UnsupportedFunctionalityError({ functionality: 'aborts' }) });
    const reason = new Error('enough');
    const call = { request: hello, model: 'm', signal: AbortSignal.abort(reason), requestId: 'r-1' };
    expect(await failureOf(aiSdkAdapter(made).chat(call))).toBe(reason);
  });

  test('a model of an older specification, or a name, is refused at once', () => {
    for (const given of [{ ...model({}).made, specificationVersion: 'v3' }, 'openai/gpt-4o']) {
      expect(() => aiSdkAdapter(given as LanguageModelV4)).toThrow(/specification v4/);
    }
  });
});

const embedder = (maxEmbeddingsPerCall: number | undefined, asked: string[][]): EmbeddingModelV4 => ({
  specificationVersion: 'v4',
  provider: 'maker.embedding',
  modelId: 'its-embedder',
  maxEmbeddingsPerCall,
  supportsParallelCalls: false,
  async doEmbed({ values }) {
    asked.push(values);
    return { embeddings: values.map((text) => [text.length, 1]), usage: { tokens: values.length }, warnings: [] };
  },
});

describe('embeddings', () => {
  test('a list that is too long goes in parts, in order', async () => {
    const asked: string[][] = [];
    const { data, usage: counts } = await routerOver(embedder(2, asked)).embed({ model: 'm', input: ['a', 'bb', 'ccc'] });
    expect(data.map(({ index, embedding }) => [index, embedding[0]])).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
    ]);
    expect(asked).toEqual([['a', 'bb'], ['ccc']]);
    expect(counts).toEqual({ prompt_tokens: 3, total_tokens: 3 });
  });

  test('a provider may chat with one model and embed with another', async () => {
    const router = routerOver(model({}).made, { embeddings: embedder(undefined, []) });
    expect((await router.chat(hello)).model).toBe('its-model');
    expect((await router.embed({ model: 'm', input: 'a' })).model).toBe('its-embedder');
  });
});

describe('there and back', () => {
  /** A router as a model of the AI SDK, as a provider of another router, as a model of the AI SDK. */
  function twice(inner: LanguageModelV4) {
    const first = createRouter({ health: false, maxAttempts: 1, providers: { its: { type: 'custom', adapter: aiSdkAdapter(inner) } } });
    const second = routerOver(createInferlane(first)('m'));
    return { model: createInferlane(second)('m'), second };
  }

  test('an answer, a stream and a call of a tool come through two routers as they were', async () => {
    await using backend = await fakeBackend('openai-compatible', reply('One two three.', { reasoning: 'Hm.' })).listen();
    const server = createOpenAICompatible({ name: 'server', baseURL: `${backend.url}/v1`, includeUsage: true });
    const { model: through } = twice(server('m'));
    const { text, reasoningText, finishReason } = await generateText({ model: through, prompt: 'Well?' });
    expect({ text, reasoningText, finishReason }).toEqual({ text: 'One two three.', reasoningText: 'Hm.', finishReason: 'stop' });
    expect(await streamText({ model: through, prompt: 'Well?' }).text).toBe('One two three.');
  });

  test.each([
    ['out of memory', outOfMemory(), 'out_of_memory'],
    ['a limit', rateLimited(2), 'rate_limited'],
  ])('%s is still that behind two routers', async (_what, step, code) => {
    await using backend = await fakeBackend('openai-compatible', step).listen();
    const server = createOpenAICompatible({ name: 'server', baseURL: `${backend.url}/v1` });
    const error = await failureOf(twice(server('m')).second.chat(hello));
    expect(isRouterError(error) && error.attempts[0]?.error.code).toBe(code);
    expect(backend.calls).toHaveLength(1);
  });

  test('a stream that breaks is not taken for a whole one', async () => {
    await using backend = await fakeBackend('openai-compatible', cutAfter(2, 'rst', reply('One two three.'))).listen();
    const server = createOpenAICompatible({ name: 'server', baseURL: `${backend.url}/v1` });
    const error = await failureOf(twice(server('m')).second.stream(hello).then(collect));
    expect(error).toMatchObject({ code: 'stream_interrupted' });
  });

  test('a router that leads back to itself is found out', async () => {
    const through: { router?: ReturnType<typeof createRouter> } = {};
    const itself: LanguageModelV4 = {
      ...model({}).made,
      doGenerate: (options) => createInferlane(through.router as ReturnType<typeof createRouter>)('m').doGenerate(options),
    };
    through.router = routerOver(itself);
    const error = await failureOf(Promise.resolve(createInferlane(through.router)('m').doGenerate(question())));
    expect(JSON.stringify(error)).toContain('passed 3 routers already');
  });
});
