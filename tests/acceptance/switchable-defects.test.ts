/**
 * What an implementation of the switchable backend got wrong in its requests, answers and status, each of it once, by its number in the
 * list that was made of it: here each must be absent, over real sockets. Those of its configuration stand in
 * tests/config/env-defects.test.ts.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { type ChatRequest, createRouter, defineAdapter, fromEnv, type Router, type RouterOptions, textOf } from '../../src/index.ts';
import {
  badRequest,
  embed,
  type EventRecord,
  fakeBackend,
  type ListeningBackend,
  modelMissing,
  models,
  recordEvents,
  reply,
  type Script,
  serverError,
  stallBeforeHeaders,
  toolCall,
  unauthorized,
  usage,
  when,
} from '../../src/testing/index.ts';
import { failureOf } from '../_kit/fake-router.ts';
import { hostsAt } from './other-hosts.ts';

const local = { INFERENCE_PROVIDER: 'ollama', LOCAL_INFERENCE_URL: 'http://ollama:11434', LOCAL_MODEL_NAME: 'llama3.1:8b' };
const env = { ...local, ENABLE_FALLBACK: 'true', FALLBACK_CHAIN: 'openai', OPENAI_API_KEY: 'k' };
const request: ChatRequest = { messages: [{ role: 'user', content: 'Hello!' }] };
/** Nothing is sent but what a test sends. */
const quiet = { checkModels: false, pollMs: false, health: false } as const;

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => void (await Promise.all(open.splice(0).map((each) => each.close()))));

interface Scene {
  readonly router: Router;
  readonly events: EventRecord;
  readonly ollama: ListeningBackend;
  readonly openai: ListeningBackend;
}

/** Ollama first and OpenAI, which is paid, behind it: the environment as it stands, over fake servers. */
async function scene(ollamaDoes: Script, openaiDoes: Script = reply('From the cloud.'), more: Partial<RouterOptions> = {}): Promise<Scene> {
  const ollama = await fakeBackend('ollama', ollamaDoes).listen();
  const openai = await fakeBackend('openai', openaiDoes).listen();
  const transport = hostsAt({ 'ollama:11434': ollama.url, 'api.openai.com': openai.url });
  const router = createRouter({ ...fromEnv(env, { preset: 'switchable' }), ...quiet, transport, ...more });
  open.push(router, ollama, openai);
  return { router, events: recordEvents(router), ollama, openai };
}

describe('3: the model "default" is passed on as a name, with texts to embed as well', () => {
  test.each([
    ['ollama', 'nomic-embed-text'],
    ['openai', 'text-embedding-3-small'],
  ] as const)('%s is asked for %s', async (first, model) => {
    const server = await fakeBackend(first, embed(4)).listen();
    const transport = hostsAt({ 'ollama:11434': server.url, 'api.openai.com': server.url });
    const own = first === 'ollama' ? local : { INFERENCE_PROVIDER: first, OPENAI_API_KEY: 'k' };
    const router = createRouter({ ...fromEnv(own, { preset: 'switchable' }), ...quiet, transport });
    open.push(router, server);
    await router.embed({ model: 'default', input: 'a' }).catch(() => undefined);
    await router.embed({ input: 'a' }).catch(() => undefined);
    expect(server.calls.map((call) => call.model)).toEqual([model, model]);
  });
});

test('3: the model "default" leaves out who has no name for a model: a server that has one model is asked for that', async () => {
  const llamacpp = await fakeBackend('llamacpp').listen();
  const transport = hostsAt({ '127.0.0.1:8080': llamacpp.url });
  const router = createRouter({ ...fromEnv({ ...local, FALLBACK_CHAIN: 'llamacpp' }, { preset: 'switchable' }), ...quiet, transport });
  open.push(router, llamacpp);
  expect((await router.chat({ ...request, model: 'default' })).route.provider).toBe('llamacpp');
});

describe('4: embeddings fall over into another vector space', () => {
  test('a model that was named is asked for by that name and by no other, and what comes is its vectors or an error', async () => {
    const does = [when({ model: 'nomic-embed-text' }, modelMissing()), embed(1_536)];
    const { router, openai } = await scene(serverError(), does);
    expect(await failureOf(router.embed({ model: 'nomic-embed-text', input: 'a' }))).toMatchObject({ code: 'all_failed' });
    expect(openai.calls.map(({ model }) => model)).toEqual(['nomic-embed-text']);
  });

  test('where each has an embedding model of its own, the other one is not even asked', async () => {
    const { providers } = fromEnv(env, { preset: 'switchable' });
    const ollama = { ...providers['ollama'], type: 'ollama', embeddingModel: 'nomic-embed-text' } as const;
    const { router, openai } = await scene(serverError(), embed(1_536), { providers: { ...providers, ollama } });
    const error = await failureOf(router.embed({ input: 'a' }));
    expect(error).toMatchObject({ code: 'all_failed', skipped: [{ provider: 'openai', code: 'embedding_space' }] });
    expect(openai.calls).toEqual([]);
  });
});

describe('5: whatever fails falls back', () => {
  test('a request that the server refuses is the caller’s to mend', async () => {
    const { router, openai } = await scene(badRequest());
    expect(await failureOf(router.chat(request))).toMatchObject({ code: 'bad_request', provider: 'ollama' });
    expect(openai.calls).toEqual([]);
  });

  test.each([
    ['without messages', {} as ChatRequest],
    ['with a role that there is not', { messages: [{ role: 'robot', content: 'Hello!' }] } as unknown as ChatRequest],
  ])('bad input %s goes to nobody', async (_, wrong) => {
    const { router, ollama, openai } = await scene(reply());
    expect(await failureOf(router.chat(wrong))).toMatchObject({ code: 'invalid_request' });
    expect([...ollama.calls, ...openai.calls]).toEqual([]);
  });

  test('a caller who leaves is not answered by the paid one', async () => {
    const { router, ollama, openai } = await scene(stallBeforeHeaders());
    const controller = new AbortController();
    const call = failureOf(router.chat(request, { signal: controller.signal }));
    await expect.poll(() => ollama.calls.length).toBe(1);
    const reason = new Error('changed my mind');
    controller.abort(reason);
    expect(await call).toBe(reason);
    expect(openai.calls).toEqual([]);
    await expect.poll(() => ollama.aborted).toBe(1);
  });

  test('a key that one server refuses says nothing of the next: it is asked, the fault is told, and a call for that server alone fails', async () => {
    const { router, events, openai } = await scene(unauthorized());
    expect((await router.chat(request)).route).toMatchObject({ provider: 'openai', attempts: [{ error: { code: 'auth' } }, {}] });
    expect(events.of('provider:down')).toMatchObject([{ provider: 'ollama', reason: 'auth' }]);
    await failureOf(router.chat(request, { provider: 'ollama' }));
    expect(openai.calls).toHaveLength(1);
  });
});

describe('7: a mistake in the code of a provider counts as its failure and spends money', () => {
  test.each(['chat', 'stream'] as const)('it reaches the caller as it is (%s), and the paid one is not asked', async (verb) => {
    const mistake = new ReferenceError('time is not defined');
    const adapter = defineAdapter({
      name: 'broken',
      modelName: 'ignored',
      stream() {
        throw mistake;
      },
    });
    const { providers } = fromEnv(env, { preset: 'switchable' });
    const broken = { type: 'custom', adapter, priority: 0, locality: 'host', cost: 'free' } as const;
    const { router, events, openai } = await scene(reply(), reply(), { providers: { ...providers, ollama: broken } });
    for (let call = 0; call < 4; call++) expect(await failureOf(router[verb](request))).toBe(mistake);
    expect(openai.calls).toEqual([]);
    expect(events.names()).not.toContain('failover');
    expect(router.snapshot().providers[0]).toMatchObject({ provider: 'ollama', breaker: 'closed', situation: 'ok' });
  });
});

describe('8: Ollama loses what was asked and what was answered', () => {
  const parameters = { type: 'object', properties: { city: { type: 'string' } } };
  const tools = [{ type: 'function', function: { name: 'weather', description: 'The weather of a city.', parameters } }] as const;
  const schema = { type: 'object', properties: { answer: { type: 'string' } }, required: ['answer'] };

  test('tools, the form of the answer and what else is asked arrive', async () => {
    const { router, ollama } = await scene(reply('{}'));
    await router.chat({ ...request, tools, seed: 7, stop: ['END'], temperature: 0.1, max_tokens: 9 });
    await router.chat({ ...request, response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } } });
    await router.chat({ ...request, response_format: { type: 'json_object' } });
    const [first, second, third] = ollama.calls.map(({ body }) => body);
    expect(first).toMatchObject({ tools, options: { seed: 7, stop: ['END'], temperature: 0.1, num_predict: 9 } });
    expect(second).toMatchObject({ format: schema });
    expect(third).toMatchObject({ format: 'json' });
  });

  test.each(['chat', 'stream'] as const)('tool calls and thoughts come back (%s)', async (verb) => {
    const does = toolCall('weather', { city: 'Tokyo' }, { text: 'I will look.', reasoning: 'Which city?' });
    const { router } = await scene(does);
    const asked = { ...request, tools };
    const { content, calls, reasoning, finish } = verb === 'chat' ? await answerOf(router, asked) : await streamOf(router, asked);
    expect([content, reasoning?.trim(), finish]).toEqual(['I will look.', 'Which city?', 'tool_calls']);
    expect(calls).toMatchObject([{ name: 'weather', arguments: '{"city":"Tokyo"}' }]);
  });
});

test.each<['ollama' | 'vllm' | 'openai', string]>([
  ['ollama', 'lines of JSON'],
  ['vllm', 'server-sent events'],
  ['openai', 'server-sent events'],
])('9: a stream is read as one answer: %s streams as %s', async (kind) => {
  const server = await fakeBackend(kind, reply('One two three.')).listen();
  const transport = hostsAt({ 'ollama:11434': server.url, 'vllm:8000': server.url, 'api.openai.com': server.url });
  const url = { ollama: 'http://ollama:11434', vllm: 'http://vllm:8000', openai: undefined }[kind];
  const own = { INFERENCE_PROVIDER: kind, OPENAI_API_KEY: 'k', ...(url && { LOCAL_INFERENCE_URL: url, LOCAL_MODEL_NAME: 'm' }) };
  const router = createRouter({ ...fromEnv(own, { preset: 'switchable' }), ...quiet, transport });
  open.push(router, server);
  const pieces: string[] = [];
  for await (const piece of textOf(await router.stream(request))) pieces.push(piece);
  expect(pieces).toEqual(['One ', 'two ', 'three.']);
});

test.each(['chat', 'stream'] as const)('10: the finish reason is that of the server, not that it is done (%s)', async (verb) => {
  const { router } = await scene(reply('Too long to', { finishReason: 'length' }));
  expect((await (verb === 'chat' ? answerOf : streamOf)(router, request)).finish).toBe('length');
});

test('11: the usage of embeddings is what the server counted, not the words of the texts', async () => {
  const { router } = await scene(usage({ promptTokens: 17, completionTokens: 0 }, embed(4)));
  const { usage: counted } = await router.embed({ model: 'nomic-embed-text', input: ['three short words', 'two words'] });
  expect(counted).toEqual({ prompt_tokens: 17, total_tokens: 17 });
});

test('13: a status asks every provider for its health once, and for its list of models once', async () => {
  const { router, ollama, openai } = await scene(models(['llama3.1:8b']), models(['gpt-4o-mini']));
  const { status, providers } = await router.health();
  expect([status, ...providers.map((each) => each.status)]).toEqual(['ok', 'ok', 'ok']);
  expect(pathsOf(ollama)).toEqual(['GET /api/ps', 'GET /api/tags', 'GET /api/version']);
  // The list of models is all that says whether this one is well, beside being the list.
  expect(pathsOf(openai)).toEqual(['GET /v1/models', 'GET /v1/models']);
});

describe('17: a fixed list of models hides an outage', () => {
  test('a server that never answered has no list, but an error, and is down', async () => {
    const { router, openai } = await scene(models(['llama3.1:8b']), models(['gpt-4o-mini']));
    await openai.close();
    const { providers, models: served } = await router.models();
    expect(providers).toMatchObject([{ provider: 'ollama', models: [{ id: 'llama3.1:8b' }], error: undefined }, { provider: 'openai' }]);
    expect(providers[1]).toMatchObject({ models: undefined, error: { code: 'unavailable' } });
    expect(served.filter(({ servedBy }) => servedBy.some(({ provider }) => provider === 'openai'))).toEqual([]);
    expect((await router.health()).providers[1]).toMatchObject({ status: 'down', models: undefined, error: { code: 'unavailable' } });
  });

  test('a server that has gone is down, whatever it listed before', async () => {
    const { router, openai } = await scene(models(['llama3.1:8b']), models(['gpt-4o-mini']));
    expect((await router.health()).providers[1]).toMatchObject({ status: 'ok', models: [{ id: 'gpt-4o-mini' }] });
    await openai.close();
    expect((await router.models()).providers[1]).toMatchObject({ models: undefined, error: { code: 'unavailable' } });
    expect(await router.health()).toMatchObject({ status: 'degraded', providers: [{ status: 'ok' }, { status: 'down' }] });
  });
});

function pathsOf({ requests }: ListeningBackend): string[] {
  return requests.map(({ method, path }) => `${method} ${path}`).toSorted();
}

interface Said {
  readonly content: string;
  readonly reasoning: string | undefined;
  readonly calls: readonly { readonly name: string; readonly arguments: string }[];
  readonly finish: string | null | undefined;
}

async function answerOf(router: Router, asked: ChatRequest): Promise<Said> {
  const { message, finish_reason } = (await router.chat(asked)).choices[0];
  const { content, reasoning_content, tool_calls = [] } = message;
  return {
    content: content ?? '',
    reasoning: reasoning_content ?? undefined,
    calls: tool_calls.map((call) => call.function),
    finish: finish_reason,
  };
}

async function streamOf(router: Router, asked: ChatRequest): Promise<Said> {
  let [content, reasoning, finish]: [string, string, string | null | undefined] = ['', '', undefined];
  const calls: { name: string; arguments: string }[] = [];
  for await (const { choices } of await router.stream(asked)) {
    const [choice] = choices;
    content += choice?.delta.content ?? '';
    reasoning += choice?.delta.reasoning_content ?? '';
    finish = choice?.finish_reason ?? finish;
    for (const { index, function: part } of choice?.delta.tool_calls ?? []) {
      const call = (calls[index] ??= { name: '', arguments: '' });
      call.name += part?.name ?? '';
      call.arguments += part?.arguments ?? '';
    }
  }
  return { content, reasoning, calls, finish };
}
