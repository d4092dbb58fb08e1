import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ofetchTransport, type Transport } from '../../src/lib/transport.ts';
import { autodetect, type Detection } from '../../src/router/autodetect.ts';
import { byteStream } from '../_kit/byte-stream.ts';
import { loopback, type Loopback, type Script } from '../_kit/loopback.ts';
import { recording } from '../_kit/recordings.ts';
import { testClock } from '../_kit/test-clock.ts';

type Table = Readonly<Record<string, unknown>>;

const json = (value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Script => ({
  status,
  headers,
  pieces: [JSON.stringify(value)],
});
const text = (value: string, status = 200, type = 'text/plain'): Script => ({ status, headers: { 'content-type': type }, pieces: [value] });
const page = (status = 200): Script => text('<!doctype html><html><title>Hello</title></html>', status, 'text/html');
const isScript = (value: unknown): value is Script => typeof value === 'object' && value !== null && 'pieces' in value;

/** A server that answers each path from a table: a script as it is, any other value as JSON. */
function serve(table: Table, missing: Script = json({ detail: 'Not Found' }, 404)): Promise<Loopback> {
  return loopback(({ path }) => {
    if (!(path in table)) return missing;
    return isScript(table[path]) ? table[path] : json(table[path]);
  });
}

async function detected(table: Table, missing?: Script): Promise<Partial<Detection>> {
  await using box = await serve(table, missing);
  const { url, ...found } = await autodetect(box.url);
  expect(url).toBe(box.url);
  return found;
}

const listOf = (owned_by: string, ...ids: string[]) => ({ object: 'list', data: ids.map((id) => ({ id, object: 'model', owned_by })) });
const tags = { models: [{ name: 'llama3.2:latest', model: 'llama3.2:latest', size: 1 }] };
const tgiInfo = {
  model_id: 'gpt2',
  max_input_tokens: 1024,
  max_total_tokens: 2048,
  router: 'text-generation-router',
  version: '3.3.7',
  docker_label: 'sha-1',
};
const teiInfo = {
  model_id: 'bge',
  model_type: { embedding: { pooling: 'cls' } },
  max_batch_tokens: 16384,
  version: '1.9.3',
  docker_label: 'sha-1',
};

const servers: Readonly<Record<string, { readonly table: Table; readonly missing?: Script; readonly is: Partial<Detection> }>> = {
  Ollama: {
    table: {
      '/': text('Ollama is running'),
      '/api/version': { version: '0.33.0' },
      '/api/tags': tags,
      '/v1/models': listOf('library', 'llama3.2:latest'),
    },
    missing: text('404 page not found', 404),
    is: { type: 'ollama', version: '0.33.0', models: ['llama3.2:latest'] },
  },
  'an Ollama of old': { table: { '/': text('Ollama is running') }, is: { type: 'ollama' } },
  'an Ollama behind a proxy that keeps / to itself': {
    table: { '/': page(), '/api/version': { version: '0.33.0' }, '/api/tags': { models: [] } },
    is: { type: 'ollama', version: '0.33.0', models: [] },
  },
  'SGLang, which has the routes of Ollama': {
    table: {
      '/': 'Ollama is running',
      '/api/tags': tags,
      '/model_info': { model_path: 'meta-llama/Llama-3.1-8B', is_generation: true },
      '/v1/models': listOf('sglang', 'meta-llama/Llama-3.1-8B'),
    },
    is: { type: 'sglang', models: ['meta-llama/Llama-3.1-8B'] },
  },
  'SGLang that lists its models only with a key': {
    table: { '/': 'Ollama is running', '/model_info': { model_path: 'm' }, '/v1/models': json({ error: 'Unauthorized' }, 401) },
    is: { type: 'sglang' },
  },
  'SGLang, should it learn more of Ollama': {
    table: {
      '/': text('Ollama is running'),
      '/api/version': { version: '0.33.0' },
      '/api/tags': tags,
      '/v1/models': listOf('sglang', 'm'),
    },
    is: { type: 'sglang', models: ['m'] },
  },
  vLLM: {
    table: { '/v1/models': listOf('vllm', 'meta-llama/Llama-3.1-8B'), '/version': { version: '0.11.0' }, '/health': text('') },
    is: { type: 'vllm', version: '0.11.0', models: ['meta-llama/Llama-3.1-8B'] },
  },
  'vLLM that wants a key': {
    table: { '/v1/models': json({ error: 'Unauthorized' }, 401), '/version': { version: '0.11.0' } },
    is: { type: 'vllm', version: '0.11.0' },
  },
  'NIM, which is vLLM with routes of its own': {
    table: {
      '/v1/models': listOf('vllm', 'meta/llama-3.1-8b-instruct'),
      '/version': { version: '0.11.0' },
      '/v1/health/ready': { object: 'health-response', message: 'Service is ready.' },
    },
    is: { type: 'nvidia', models: ['meta/llama-3.1-8b-instruct'] },
  },
  'NIM that is not ready': {
    table: { '/v1/health/ready': json({ message: 'Service is not ready.' }, 503), '/v1/metadata': { version: '2.0.1', modelInfo: [] } },
    is: { type: 'nvidia', version: '2.0.1' },
  },
  'llama.cpp': {
    table: { '/v1/models': json(listOf('llamacpp', 'tiny.gguf'), 200, { server: 'llama.cpp' }), '/api/tags': tags },
    is: { type: 'llamacpp', models: ['tiny.gguf'] },
  },
  'llama.cpp that is still loading': {
    table: {},
    missing: json({ error: { message: 'Loading model', type: 'unavailable_error', code: 503 } }, 503, { server: 'llama.cpp' }),
    is: { type: 'llamacpp' },
  },
  'llama.cpp behind a tunnel, which changes the header': {
    table: { '/v1/models': json(listOf('llamacpp', 'tiny.gguf'), 200, { server: 'cloudflare' }) },
    is: { type: 'llamacpp', models: ['tiny.gguf'] },
  },
  TGI: {
    table: { '/info': tgiInfo, '/v1/models': listOf('gpt2', 'gpt2'), '/health': text('') },
    is: { type: 'tgi', version: '3.3.7', models: ['gpt2'] },
  },
  'TGI of which little is told': {
    table: { '/info': { model_id: 'gpt2', max_total_tokens: 2048 } },
    is: { type: 'tgi', models: ['gpt2'] },
  },
  "TEI, whose /info is like TGI's": {
    table: { '/info': teiInfo, '/health': text('') },
    is: { type: 'tei', version: '1.9.3', models: ['bge'] },
  },
  'text-generation-webui': {
    table: { '/v1/internal/model/info': { model_name: 'tiny', lora_names: [], loader: 'llama.cpp' }, '/v1/models': listOf('user', 'tiny') },
    is: { type: 'textgen', models: ['tiny'] },
  },
  'text-generation-webui with no model': {
    table: { '/v1/internal/model/info': { model_name: 'None', lora_names: [] }, '/v1/models': listOf('user') },
    is: { type: 'textgen', models: [] },
  },
  'LM Studio': {
    table: {
      '/v1/models': listOf('organization_owner', 'qwen3-8b'),
      '/api/v1/models': { models: [{ type: 'llm', key: 'qwen3-8b', loaded_instances: [] }] },
    },
    missing: json({ error: 'Unexpected endpoint or method.' }),
    is: { type: 'lmstudio', models: ['qwen3-8b'] },
  },
  'LM Studio before 0.4': {
    table: {
      '/v1/models': listOf('organization_owner', 'qwen3-8b'),
      '/api/v0/models': { data: [{ id: 'qwen3-8b', state: 'not-loaded' }] },
    },
    is: { type: 'lmstudio', models: ['qwen3-8b'] },
  },
  'KoboldCpp, which has the routes of Ollama': {
    table: { '/': page(), '/v1/models': listOf('koboldcpp', 'koboldcpp/tiny'), '/api/version': { version: '0.7.0' }, '/api/tags': tags },
    is: { type: 'openai-compatible', models: ['koboldcpp/tiny'] },
  },
  'some gateway': {
    table: { '/v1/models': listOf('openai', 'a', 'b'), '/version': { version: '1' } },
    is: { type: 'openai-compatible', models: ['a', 'b'] },
  },
  'a bare list of models': { table: { '/v1/models': [{ id: 'a', type: 'chat' }] }, is: { type: 'openai-compatible', models: ['a'] } },
  'a gateway with no models': { table: { '/v1/models': { object: 'list', data: [] } }, is: { type: 'openai-compatible', models: [] } },
  'a notebook': { table: { '/health': { status: 'healthy', model: 'gpt2' } }, is: { type: 'remote-gpu', models: ['gpt2'] } },
  'the proxy in front of TGI servers': {
    table: {
      '/': { message: 'TGI proxy' },
      '/models': [{ id: 'gpt-2', name: 'GPT-2', hf_name: 'gpt2', endpoint: 'http://localhost:8080', available: true }],
    },
    is: { type: 'remote-gpu', models: ['gpt-2'] },
  },
};

function* forever(piece: string): Generator<string> {
  while (true) yield piece;
}

describe('a server is told by what only it has', () => {
  test.each(Object.entries(servers))('%s', async (_name, { table, missing, is }) => {
    expect(await detected(table, missing)).toEqual({ ...is, evidence: expect.stringMatching(/^[A-Z].*\.$/) });
  });

  test('the recorded list of models of a real llama.cpp', async () => {
    const { body, headers } = recording('llama-server/v1_models');
    const found = await detected({ '/v1/models': { headers: { server: headers['server'] ?? '' }, pieces: [body] } });
    expect(found).toMatchObject({ type: 'llamacpp', models: [expect.any(String)] });
  });

  test('an answer without end is left', async () => {
    const bodies: ReturnType<typeof byteStream>[] = [];
    const transport: Transport = {
      async send() {
        const body = byteStream(forever('x'.repeat(64 * 1024)));
        bodies.push(body);
        return { status: 200, header: () => null, body, text: () => Promise.reject(new Error('unbounded')) };
      },
    };
    await expect(autodetect('http://127.0.0.1:8000', { transport })).rejects.toMatchObject({ code: 'unsupported' });
    expect(bodies.every(({ state }) => state.cancelled && state.reads < 20)).toBe(true);
  });

  test('a list of models longer than most answers is still read', async () => {
    const ids = Array.from({ length: 5_000 }, (_, at) => `vendor/model-${at}`);
    expect((await detected({ '/v1/models': listOf('gateway', ...ids) })).models).toHaveLength(5_000);
  });
});

describe('what is no known server', () => {
  test.each<[string, Table, Script?]>([
    ['a web page for everything', {}, page()],
    ['JSON for everything', {}, json({})],
    ['a list for everything', {}, json([])],
    ['null for everything', {}, json(null)],
    ['text for everything', {}, text('hello')],
    ['nothing but 404', {}],
    ['a service with a version', { '/version': { version: '1.0' }, '/api/version': { version: '1.0' }, '/': page() }],
    ['a service that is ready', { '/v1/health/ready': { status: 'ready' } }],
    ['a service that is not healthy', { '/health': { status: 'starting' } }],
    ['words in the wrong place', { '/': page(), '/model_info': ['model_path'], '/info': { model_type: 'x' }, '/models': [{ id: 'a' }] }],
    [
      'the right words with the wrong status',
      { '/health': json({ status: 'healthy' }, 500), '/model_info': json({ model_path: 'm' }, 404) },
    ],
    ['models without names', { '/v1/models': { data: [{ name: 'a' }] } }],
  ])('%s is unsupported, and what was asked is told', async (_what, table, missing) => {
    await using box = await serve(table, missing);
    await expect(autodetect(box.url)).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining('/v1/models') });
  });

  test.each<[string, Script, string]>([
    ['a refused key', json({ error: 'Unauthorized' }, 401), 'auth'],
    ['an empty 403', text('', 403), 'auth'],
    ['a tunnel that is offline', { ...text('offline', 404), headers: { 'ngrok-error-code': 'ERR_NGROK_3200' } }, 'unavailable'],
    ['a tunnel without a server', text('error code: 1033', 530), 'unavailable'],
    ['a proxy without a server', page(502), 'unavailable'],
    ['a server that is overloaded', json({ error: 'busy' }, 503), 'overloaded'],
    ['a redirect', { ...text('', 301), headers: { location: 'https://elsewhere.test/' } }, 'bad_response'],
  ])('%s is told as that', async (_what, script, code) => {
    await using box = await serve({}, script);
    await expect(autodetect(box.url)).rejects.toMatchObject({ code, message: expect.stringContaining(new URL(box.url).host) });
  });

  test('one path that wants a key, among others that are not there, is a matter of the key', async () => {
    await using box = await serve({ '/': page(), '/v1/models': json({ error: 'Unauthorized' }, 401) });
    await expect(autodetect(box.url)).rejects.toMatchObject({ code: 'auth', status: 401 });
  });

  test('a dead address is unavailable', async () => {
    const box = await serve({});
    await box[Symbol.asyncDispose]();
    await expect(autodetect(box.url)).rejects.toMatchObject({ code: 'unavailable', phase: 'connect', reason: 'ECONNREFUSED' });
  });

  test.each(['nonsense', 'ftp://127.0.0.1', 'http://127.0.0.1:8000/?key=secret-of-mine'])(
    '%s is refused without repeating it',
    async (url) => {
      const failure = autodetect(url);
      await expect(failure).rejects.toMatchObject({ code: 'invalid_config', message: expect.not.stringContaining('secret-of-mine') });
    },
  );
});

describe('time', () => {
  const hang: Script = { pieces: [], after: 'hang' };

  test('a server that never answers is a timeout, and no connection stays', async () => {
    const clock = testClock();
    await using box = await serve({}, hang);
    const failure = autodetect(box.url, { clock, timeoutMs: 700 });
    const outcome = expect(failure).rejects.toMatchObject({ code: 'timeout', phase: 'total', message: expect.stringContaining('700 ms') });
    while (box.requests.length < 5) await turn();
    await clock.advance(699);
    expect(box.requests.length).toBeGreaterThan(0);
    await clock.advance(1);
    await outcome;
    await box.idle();
    expect(clock.timers()).toBe(0);
  });

  test('everything is asked side by side, within 5 s unless said otherwise', async () => {
    const clock = testClock();
    await using box = await serve({}, hang);
    const failure = autodetect(box.url, { clock });
    const outcome = expect(failure).rejects.toMatchObject({ code: 'timeout' });
    while (box.requests.length < 12) await turn();
    await clock.advance(5_000);
    await outcome;
    expect(clock.delays).toEqual([5_000]);
  });

  test('a path that hangs decides nothing: what answered by then does', async () => {
    const clock = testClock();
    await using box = await serve({ '/v1/models': listOf('vllm', 'm'), '/version': { version: '0.11.0' }, '/v1/metadata': hang });
    const found = autodetect(box.url, { clock });
    while (box.requests.length < 12) await turn();
    await clock.advance(5_000);
    expect(await found).toMatchObject({ type: 'vllm' });
  });

  test('a path that hangs holds up nobody who does not need it, and is asked no longer once that is clear', async () => {
    const clock = testClock();
    const signals: AbortSignal[] = [];
    const real = ofetchTransport();
    const transport: Transport = {
      send(request) {
        signals.push(request.signal);
        return real.send(request);
      },
    };
    await using box = await serve({ '/v1/models': listOf('llamacpp', 'm'), '/': hang, '/api/tags': hang });
    expect(await autodetect(box.url, { clock, transport })).toMatchObject({ type: 'llamacpp' });
    expect([signals.length > 1, signals.every(({ aborted }) => aborted), clock.timers()]).toEqual([true, true, 0]);
  });

  test("the caller's abort rejects with its own reason, and no connection stays", async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    await using box = await serve({}, hang);
    const failure = autodetect(box.url, { signal: abort.signal, clock: testClock() });
    const outcome = expect(failure).rejects.toBe(reason);
    while (box.requests.length === 0) await turn();
    abort.abort(reason);
    await outcome;
    await box.idle();
    await expect(autodetect(box.url, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test("the caller's abort comes before anything that was found out by then", async () => {
    const abort = new AbortController();
    await using box = await serve({ '/v1/models': json({ error: 'Unauthorized' }, 401) }, hang);
    const failure = autodetect(box.url, { signal: abort.signal, clock: testClock() });
    const outcome = expect(failure).rejects.toThrow('enough');
    while (box.requests.length < 12) await turn();
    for (let turns = 0; turns < 50; turns++) await turn();
    abort.abort(new Error('enough'));
    await outcome;
  });

  test('a transport that does not listen to its signal is not waited for', async () => {
    const clock = testClock();
    const transport: Transport = { send: () => new Promise(() => undefined) };
    const outcome = expect(autodetect('http://127.0.0.1:8000', { clock, transport })).rejects.toMatchObject({ code: 'timeout' });
    await clock.advance(5_000);
    await outcome;
  });
});

describe('the address', () => {
  test.each([
    ['https://api.openai.com/v1', 'openai', 'https://api.openai.com'],
    ['https://api.anthropic.com', 'anthropic', 'https://api.anthropic.com'],
    ['https://router.huggingface.co/v1/', 'huggingface', 'https://router.huggingface.co'],
    ['https://api.together.xyz/v1', 'together', 'https://api.together.xyz'],
    ['https://api.together.ai/v1', 'together', 'https://api.together.ai'],
    ['https://integrate.api.nvidia.com/v1', 'nvidia', 'https://integrate.api.nvidia.com'],
  ])('%s is known by its host and not asked', async (address, type, url) => {
    const transport: Transport = { send: () => Promise.reject(new Error('asked')) };
    expect(await autodetect(address, { transport })).toEqual({ type, url, evidence: expect.stringContaining('host') });
  });

  test('comes back as a provider is configured, and its path stands before every question', async () => {
    await using box = await serve({ '/gpu/v1/models': listOf('vllm', 'm') });
    expect(await autodetect(`${box.url}/gpu/v1/`)).toMatchObject({ type: 'vllm', url: `${box.url}/gpu` });
  });

  test('key, headers and the credentials in the address go with every question, and into no message', async () => {
    await using box = await serve({});
    const failure = await autodetect(box.url, { apiKey: 'key-of-the-box', headers: { 'x-team': 'secret-of-mine' } }).catch(
      (error: unknown) => error,
    );
    expect(
      box.requests.every(({ headers }) => headers['authorization'] === 'Bearer key-of-the-box' && headers['x-team'] === 'secret-of-mine'),
    ).toBe(true);
    expect(String(failure)).not.toMatch(/key-of|secret-of/);
    const before = box.requests.length;
    await autodetect(box.url.replace('//', '//user:password-of-mine@')).catch(() => undefined);
    expect(box.requests[before]?.headers['authorization']).toBe(`Basic ${btoa('user:password-of-mine')}`);
  });

  test('a tunnel is told that no browser asks, or it would answer with a page of its own', async () => {
    const headers: Readonly<Record<string, string>>[] = [];
    const transport: Transport = {
      async send(request) {
        headers.push(request.headers);
        throw new Error('no');
      },
    };
    await autodetect('https://abc.ngrok-free.app', { transport }).catch(() => undefined);
    expect(headers.every((sent) => 'ngrok-skip-browser-warning' in sent)).toBe(true);
  });

  test('only GET is used: nothing is generated and nothing changed', async () => {
    await using box = await serve({});
    await autodetect(box.url).catch(() => undefined);
    expect(new Set(box.requests.map(({ method }) => method))).toEqual(new Set(['GET']));
    expect(new Set(box.requests.map(({ path }) => path)).size).toBe(box.requests.length);
  });

  test('a server that repeats the key in its refusal does not put it into the message', async () => {
    await using box = await serve({}, json({ error: { message: 'Incorrect API key provided: key-of-the-box' } }, 401));
    await expect(autodetect(box.url, { apiKey: 'key-of-the-box' })).rejects.toMatchObject({
      code: 'auth',
      message: expect.not.stringContaining('key-of-the-box'),
    });
  });
});
