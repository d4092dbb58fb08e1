/**
 * Each preset from the environment of its system, as it stands there, to answers of fake servers over real sockets, and of a real model in
 * this process. Nothing but variables is set.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ChatRequest, createRouter, fromEnv, type PresetName, type Router } from '../../src/index.ts';
import {
  type BackendKind,
  type EventRecord,
  fakeBackend,
  type ListeningBackend,
  models,
  outOfMemory,
  quotaExhausted,
  recordEvents,
  remoteGpuWire,
  reply,
  type Script,
  serverError,
  status,
} from '../../src/testing/index.ts';
import { failureOf } from '../_kit/fake-router.ts';
import { encode } from '../tiny-model/gguf.ts';
import { chain } from '../tiny-model/models.ts';
import { hostsAt } from './other-hosts.ts';

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => void (await Promise.all(open.splice(0).map((each) => each.close()))));

interface Scene<Host extends string> {
  readonly router: Router;
  readonly events: EventRecord;
  /** By host. */
  readonly servers: Readonly<Record<Host, ListeningBackend>>;
}

/** A server for each host of the environment; hosts that are left out refuse the connection. */
async function scene<Host extends string = never>(
  preset: PresetName,
  env: Readonly<Record<string, string>>,
  hosts: Readonly<Record<Host, readonly [BackendKind, Script]>>,
): Promise<Scene<Host>> {
  const entries = Object.entries(hosts) as [Host, readonly [BackendKind, Script]][];
  const started = await Promise.all(entries.map(async ([host, [kind, does]]) => [host, await fakeBackend(kind, does).listen()] as const));
  const transport = hostsAt(Object.fromEntries(started.map(([host, { url }]) => [host, url])));
  const router = createRouter({ ...fromEnv(env, { preset }), transport });
  open.push(router, ...started.map(([, server]) => server));
  return { router, events: recordEvents(router), servers: Object.fromEntries(started) as Scene<Host>['servers'] };
}

const ask = (model?: string): ChatRequest => ({ messages: [{ role: 'user', content: 'Hello!' }], ...(model !== undefined && { model }) });

/** Who answers, and what. */
async function answered(router: Router, model?: string, intent?: string): Promise<string> {
  const { route, choices } = await router.chat(ask(model), intent === undefined ? {} : { intent });
  return `${route.provider}: ${choices[0].message.content}`;
}

const folder = mkdtempSync(join(tmpdir(), 'inferlane-presets-'));
const modelPath = join(folder, 'llama-2-7b-chat.Q4_K_M.gguf');
beforeAll(() => writeFileSync(modelPath, Buffer.concat(encode(chain()))));
afterAll(() => rmSync(folder, { recursive: true }));

describe('multi-backend', () => {
  // The guide names no model for the GPU server: the variable is ours.
  const gpu = { ENABLE_GPU_ACCELERATION: 'true', PRIMARY_BACKEND: 'nvidia', NVIDIA_DEFAULT_MODEL: 'meta/llama-3.1-8b-instruct' };
  const cloud = { ENABLE_TOGETHER_AI: 'true', TOGETHER_API_KEY: 'k' };
  const processor = { SECONDARY_BACKEND: 'cpu', CPU_DEFAULT_MODEL: modelPath, CPU_NUM_THREADS: '1' };
  const nvidia = ['nvidia', [models(['meta/llama-3.1-8b-instruct']), reply('From the GPU.')]] as const;
  const together = ['together', [models(['meta-llama/Llama-2-70b-chat-hf']), reply('From the cloud.')]] as const;

  test('the variables of the guide alone, which name no model of the GPU server: it is asked all the same', async () => {
    const { NVIDIA_DEFAULT_MODEL: _, ...guide } = gpu;
    const env = { ...guide, SECONDARY_BACKEND: 'together_ai', AUTO_FAILOVER: 'true', ...cloud };
    const { router } = await scene('multi-backend', env, { '127.0.0.1:8000': nvidia, 'api.together.ai': together });
    expect(await answered(router)).toBe('nvidia: From the GPU.');
  });

  test('the GPU server fails, and the processor answers', async () => {
    const env = { ...gpu, ...processor, AUTO_FAILOVER: 'true', ENABLE_TOGETHER_AI: 'false' };
    const { router, servers } = await scene('multi-backend', env, { '127.0.0.1:8000': nvidia });
    expect(await answered(router)).toBe('nvidia: From the GPU.');
    servers['127.0.0.1:8000'].play(serverError());
    expect(await answered(router)).toBe('cpu: Hello from a tiny model.');
  });

  test('the cloud fails, and the processor answers; the GPU server is not asked', async () => {
    const env = { ENABLE_GPU_ACCELERATION: 'false', PRIMARY_BACKEND: 'together_ai', AUTO_FAILOVER: 'true', ...cloud, ...processor };
    const { router, servers } = await scene('multi-backend', env, { '127.0.0.1:8000': nvidia, 'api.together.ai': together });
    expect(await answered(router)).toBe('together_ai: From the cloud.');
    servers['api.together.ai'].play(serverError());
    expect(await answered(router)).toBe('cpu: Hello from a tiny model.');
    expect(servers['127.0.0.1:8000'].requests).toEqual([]);
  });

  test('the GPU server fails, and the cloud answers, each for its own model', async () => {
    const env = { ...gpu, SECONDARY_BACKEND: 'together_ai', AUTO_FAILOVER: 'true', LOAD_BALANCING: 'false', ...cloud };
    const { router, servers } = await scene('multi-backend', env, { '127.0.0.1:8000': nvidia, 'api.together.ai': together });
    expect(await answered(router)).toBe('nvidia: From the GPU.');
    await servers['127.0.0.1:8000'].close();
    expect(await answered(router)).toBe('together_ai: From the cloud.');
    expect(servers['api.together.ai'].calls.map(({ model }) => model)).toEqual(['meta-llama/Llama-2-70b-chat-hf']);
  });

  test('both have their shares, and each takes over for the other', async () => {
    const shares = { LOAD_BALANCING: 'true', LOAD_RATIO: '0.7' };
    const env = { ...gpu, SECONDARY_BACKEND: 'together_ai', AUTO_FAILOVER: 'true', ...shares, ...cloud };
    const { router, servers } = await scene('multi-backend', env, { '127.0.0.1:8000': nvidia, 'api.together.ai': together });
    for (let call = 0; call < 20; call++) await answered(router);
    expect([servers['127.0.0.1:8000'].calls.length, servers['api.together.ai'].calls.length]).toEqual([14, 6]);
    servers['api.together.ai'].play(serverError());
    for (let call = 0; call < 10; call++) expect(await answered(router)).toBe('nvidia: From the GPU.');
  });
});

describe('free-first', () => {
  const env = { GPU_REMOTE_URL: 'https://name.ngrok.io', HUGGINGFACE_API_KEY: 'k', LLM_TIMEOUT_SECONDS: '15' };
  const keys = { OPENAI_API_KEY: 'k', ANTHROPIC_API_KEY: 'k' };
  const hosts = {
    'localhost:11434': ['ollama', [models(['deepseek-r1:8b']), reply('From this machine.')]],
    'name.ngrok.io': [remoteGpuWire('notebook'), reply('From the notebook.')],
    'router.huggingface.co': ['huggingface', reply('From the hub.')],
    'api.openai.com': ['openai', [models(['gpt-4o-mini']), reply('From OpenAI.')]],
    'api.anthropic.com': ['anthropic', [models(['claude-3-5-haiku-20241022']), reply('From Anthropic.')]],
  } as const satisfies Record<string, readonly [BackendKind, Script]>;
  const ollama = { OLLAMA_BASE_URL: 'http://localhost:11434' };

  const free = ['localhost:11434', 'name.ngrok.io', 'router.huggingface.co'] as const;
  const paid = ['api.openai.com', 'api.anthropic.com'] as const;

  describe.each([
    ['false and keys that are there', { ...keys, ENABLE_PAID_API: 'false' }],
    ['no word about paying', keys],
  ])('with %s', (_, paying) => {
    test('each free one answers when those before it are gone', async () => {
      const { router, servers } = await scene('free-first', { ...ollama, ...env, ...paying }, hosts);
      const answers: string[] = [];
      for (const host of free) {
        answers.push(await answered(router));
        await servers[host].close();
      }
      expect(answers).toEqual(['ollama_local: From this machine.', 'remote_gpu: From the notebook.', 'huggingface: From the hub.']);
    });

    test('nobody is paid when all of them are gone', async () => {
      const { router, servers } = await scene('free-first', { ...ollama, ...env, ...paying }, hosts);
      for (const host of free) await servers[host].close();
      // More calls than it takes to open every breaker, so that nobody free is left.
      for (let call = 0; call < 6; call++) await router.chat(ask()).catch(() => undefined);
      expect(paid.flatMap((host) => servers[host].calls)).toEqual([]);
    });

    test('the stub answers when all of them are gone, and says that it is one', async () => {
      const { router, servers } = await scene('free-first', { ...ollama, ...env, ...paying }, hosts);
      for (const host of free) await servers[host].close();
      expect((await router.chat(ask())).route).toMatchObject({ provider: 'local_stub', degraded: true });
    });
  });

  const consent = { ...env, ...keys, ENABLE_PAID_API: 'true' };

  test('with consent the paid ones come after all that are free', async () => {
    const { router, servers } = await scene('free-first', { ...ollama, ...consent }, hosts);
    expect(router.explain(ask()).candidates.map(({ provider }) => provider)).toEqual([
      'ollama_local',
      'remote_gpu',
      'huggingface',
      'openai',
      'anthropic',
      'local_stub',
    ]);
    await servers['localhost:11434'].close();
    await servers['name.ngrok.io'].close();
    servers['router.huggingface.co'].play(quotaExhausted());
    // What a call has learnt holds for those that follow, so they begin further down.
    await router.chat(ask()).catch(() => undefined);
    expect(await answered(router)).toBe('openai: From OpenAI.');
  });

  test('when everything is gone, the paid ones too, the stub answers all the same', async () => {
    const { router } = await scene('free-first', { ...ollama, ...consent }, {});
    expect((await router.chat(ask())).route).toMatchObject({ provider: 'local_stub', degraded: true });
  });

  test('local only is what this machine has, then the stub', async () => {
    const { 'localhost:11434': local } = hosts;
    const { router, servers } = await scene('free-first', { ...ollama, ENABLE_PAID_API: 'false' }, { 'localhost:11434': local });
    expect(await answered(router)).toBe('ollama_local: From this machine.');
    await servers['localhost:11434'].close();
    expect((await router.chat(ask())).route).toMatchObject({ provider: 'local_stub', degraded: true });
  });

  test('complex goes to the remote GPU, and its tunnel is told that no browser asks', async () => {
    const { router, servers } = await scene('free-first', { ...ollama, ...env }, hosts);
    expect(await answered(router, undefined, 'complex')).toBe('remote_gpu: From the notebook.');
    expect(servers['name.ngrok.io'].calls[0]?.headers['ngrok-skip-browser-warning']).toBeDefined();
  });
});

describe('hybrid', () => {
  const env = { OLLAMA_GPU_URL: 'http://127.0.0.1:11434', OLLAMA_CPU_URL: 'http://127.0.0.1:11435', OLLAMA_KEEP_ALIVE: '30m' };
  const hosts = {
    '127.0.0.1:11434': ['ollama', [models(['llama3.1:latest', 'codellama:13b']), reply('From the GPU.')]],
    '127.0.0.1:11435': ['ollama', [models(['llama3.1:latest', 'codellama:13b']), reply('From the CPU.')]],
  } as const satisfies Record<string, readonly [BackendKind, Script]>;

  test('fast goes to the GPU, heavy to the CPU, and each to the other one where that is gone', async () => {
    const { router, servers } = await scene('hybrid', env, hosts);
    expect(await answered(router, 'llama3.1')).toBe('gpu: From the GPU.');
    expect(await answered(router, 'llama3.1', 'heavy')).toBe('cpu: From the CPU.');
    await servers['127.0.0.1:11435'].close();
    expect(await answered(router, 'llama3.1', 'heavy')).toBe('gpu: From the GPU.');
  });

  test('a model that outgrows the GPU’s memory is answered by the CPU, and stays there; other models go to the GPU', async () => {
    const { router, servers, events } = await scene('hybrid', env, hosts);
    servers['127.0.0.1:11434'].play(outOfMemory('vulkan'));
    expect(await answered(router, 'codellama:13b')).toBe('cpu: From the CPU.');
    servers['127.0.0.1:11434'].play(reply('From the GPU.'));
    expect(await answered(router, 'codellama:13b')).toBe('cpu: From the CPU.');
    expect(await answered(router, 'llama3.1')).toBe('gpu: From the GPU.');
    expect(events.of('model:pinned')).toMatchObject([{ provider: 'gpu', model: 'codellama:13b' }]);
    expect((await router.health()).providers.find(({ provider }) => provider === 'gpu')?.pins).toMatchObject([{ model: 'codellama:13b' }]);
  });

  test.each(['CUDA error: out of memory', 'not enough VRAM to load the model', 'insufficient memory for this model'])(
    'memory that has run out is known by its words: %s',
    async (message) => {
      const { router, servers, events } = await scene('hybrid', env, hosts);
      servers['127.0.0.1:11434'].play(status(500, { message }));
      expect(await answered(router, 'codellama:13b')).toBe('cpu: From the CPU.');
      expect(events.of('model:pinned')).toMatchObject([{ provider: 'gpu', model: 'codellama:13b' }]);
    },
  );

  test.each([
    ['connection lost', 'unavailable'],
    ['timeout', 'unavailable'],
    ['network error', 'unavailable'],
    ['model "codellama:13b" not found', 'model_not_found'],
    ['invalid file format', 'unavailable'],
    ['the file of the model is corrupt', 'unavailable'],
    ['CUDA error: invalid device', 'driver'],
    ['vulkan: device lost', 'driver'],
    ['cublas failed', 'driver'],
    ['hip error', 'driver'],
    ['no chip, no ship', 'unavailable'],
  ])('the CPU answers where the GPU says "%s", which is %s, and nothing is pinned', async (message, code) => {
    const { router, servers, events } = await scene('hybrid', env, hosts);
    servers['127.0.0.1:11434'].play(status(code === 'model_not_found' ? 404 : 500, { message }));
    const { route } = await router.chat(ask('codellama:13b'));
    expect([route.provider, route.attempts[0]?.error?.code]).toEqual(['cpu', code]);
    expect(events.of('model:pinned')).toEqual([]);
  });

  test('health is asked before each decision, so a server that is down costs no attempt', async () => {
    const { router, servers } = await scene('hybrid', env, hosts);
    await servers['127.0.0.1:11434'].close();
    const { route } = await router.chat(ask('llama3.1'));
    expect(route.attempts.map(({ provider }) => provider)).toEqual(['cpu']);
    expect(servers['127.0.0.1:11435'].requests.filter(({ verb }) => verb === 'health')).not.toHaveLength(0);
  });
});

describe('tgi-registry', () => {
  const env = { TGI_GPT2_ENDPOINT: 'http://gpt2-server:8080', TGI_MISTRAL_ENDPOINT: 'http://mistral-server:8080' };
  const hosts = {
    'gpt2-server:8080': ['tgi', [models(['gpt2']), reply('Once upon a time')]],
    'mistral-server:8080': ['tgi', [models(['mistral']), reply('Bonjour')]],
  } as const satisfies Record<string, readonly [BackendKind, Script]>;

  test('each model is generated by its own server, by either of its names, and by no other', async () => {
    const { router, servers } = await scene('tgi-registry', env, hosts);
    expect(await answered(router, 'gpt-2')).toBe('gpt-2: Once upon a time');
    expect(await answered(router, 'gpt2')).toBe('gpt-2: Once upon a time');
    expect(await answered(router, 'mistral')).toBe('mistral: Bonjour');
    expect([servers['gpt2-server:8080'].calls.length, servers['mistral-server:8080'].calls.length]).toEqual([2, 1]);
  });

  test('a model that no endpoint is for is answered by none of them', async () => {
    const { router, servers } = await scene('tgi-registry', env, hosts);
    expect(await failureOf(router.chat(ask('tinyllama')))).toMatchObject({ code: 'no_provider' });
    expect(Object.values(servers).flatMap(({ calls }) => calls)).toEqual([]);
  });

  test('parameters of a generation arrive', async () => {
    const { router, servers } = await scene('tgi-registry', env, hosts);
    await router.chat({ ...ask('gpt-2'), max_tokens: 200, temperature: 0.7, top_p: 0.95 });
    expect(servers['gpt2-server:8080'].calls[0]?.body).toMatchObject({ max_tokens: 200, temperature: 0.7, top_p: 0.95 });
  });

  test('health and inventory tell each endpoint apart', async () => {
    const { router, servers } = await scene('tgi-registry', env, hosts);
    await servers['mistral-server:8080'].close();
    const { status, providers } = await router.health();
    expect([status, ...providers.map((each) => `${each.provider} ${each.status} ${each.url} ${each.metadata['hf_name']}`)]).toEqual([
      'degraded',
      'gpt-2 ok http://gpt2-server:8080 gpt2',
      'mistral down http://mistral-server:8080 undefined',
    ]);
    const { models: served } = await router.models();
    expect(served.map(({ id, servedBy }) => [id, servedBy.map((each) => `${each.provider}: ${each.model}`)])).toEqual([
      ['gpt-2', ['gpt-2: gpt2']],
      ['gpt2', ['gpt-2: gpt2']],
      ['mistral', []],
    ]);
  });
});

describe('switchable', () => {
  const openai = ['openai', [models(['gpt-4o-mini']), reply('From OpenAI.')]] as const;
  const vllm = ['vllm', [models(['meta-llama/Llama-3.1-8B-Instruct']), reply('From vLLM.')]] as const;
  const ollama = ['ollama', [models(['llama3.1:8b']), reply('From Ollama.')]] as const;
  /** Of those that choose it themselves: none. */
  const usual: Readonly<Record<string, string>> = { openai: 'gpt-4o-mini' };
  const key = { OPENAI_API_KEY: 'k', OPENAI_API_BASE: 'https://api.openai.com/v1', OPENAI_TIMEOUT: '60' };

  test.each<[string, Readonly<Record<string, string>>, string, readonly [BackendKind, Script]]>([
    ['openai', {}, 'api.openai.com', openai],
    ['ollama', { LOCAL_INFERENCE_URL: 'http://ollama:11434', LOCAL_MODEL_NAME: 'llama3.1:8b' }, 'ollama:11434', ollama],
    ['vllm', { LOCAL_INFERENCE_URL: 'http://vllm:8000', LOCAL_MODEL_NAME: 'meta-llama/Llama-3.1-8B-Instruct' }, 'vllm:8000', vllm],
    ['llamacpp', { LOCAL_INFERENCE_URL: 'http://llamacpp:8080' }, 'llamacpp:8080', ['llamacpp', reply('From llama.cpp.')]],
    ['textgen', { LOCAL_INFERENCE_URL: 'http://textgen:5000' }, 'textgen:5000', ['textgen', reply('From the web UI.')]],
  ])(
    'INFERENCE_PROVIDER=%s is the whole change: the same call goes there, for its own model, and nowhere else',
    async (provider, more, host, server) => {
      const { router, servers } = await scene('switchable', { INFERENCE_PROVIDER: provider, ...key, ...more }, { [host]: server });
      const { route } = await router.chat(ask('default'));
      expect([route.provider, servers[host]?.calls.map(({ model }) => model)]).toEqual([
        provider,
        [more['LOCAL_MODEL_NAME'] ?? usual[provider]],
      ]);
    },
  );

  const local = {
    INFERENCE_PROVIDER: 'vllm',
    LOCAL_INFERENCE_URL: 'http://vllm:8000',
    LOCAL_MODEL_NAME: 'meta-llama/Llama-3.1-8B-Instruct',
  };

  test('the chain: the first, then who stands behind it, then an error that names both', async () => {
    const env = { ...local, ...key, ENABLE_FALLBACK: 'true', FALLBACK_CHAIN: 'openai' };
    const { router, servers } = await scene('switchable', env, { 'vllm:8000': vllm, 'api.openai.com': openai });
    expect(await answered(router)).toBe('vllm: From vLLM.');
    await servers['vllm:8000'].close();
    expect(await answered(router)).toBe('openai: From OpenAI.');
    expect(servers['api.openai.com'].calls.map(({ model }) => model)).toEqual(['gpt-4o-mini']);
    servers['api.openai.com'].play(serverError());
    const error = (await failureOf(router.chat(ask()))) as Error;
    expect(error).toMatchObject({ code: 'all_failed' });
    expect(error.message).toMatch(/vllm.*openai|openai.*vllm/);
  });

  test('local only: what fails here fails, and nothing leaves', async () => {
    const env = { ...local, ...key, ENABLE_FALLBACK: 'false', FALLBACK_CHAIN: 'openai' };
    const { router, servers } = await scene('switchable', env, { 'vllm:8000': vllm, 'api.openai.com': openai });
    await servers['vllm:8000'].close();
    expect(await failureOf(router.chat(ask()))).toMatchObject({ code: 'all_failed' });
    expect(servers['api.openai.com'].requests).toEqual([]);
  });

  test('health shows all of them, the one that is down with the reason', async () => {
    const env = { ...local, ...key, ENABLE_FALLBACK: 'true', FALLBACK_CHAIN: 'openai,ollama' };
    const { router } = await scene('switchable', env, { 'vllm:8000': vllm, 'api.openai.com': openai });
    const { providers } = await router.health();
    expect(
      providers.map(({ provider, status, models: list, error }) => [provider, status, list?.map(({ id }) => id), error?.code]),
    ).toEqual([
      ['vllm', 'ok', ['meta-llama/Llama-3.1-8B-Instruct'], undefined],
      ['openai', 'ok', ['gpt-4o-mini'], undefined],
      ['ollama', 'down', undefined, 'unavailable'],
    ]);
  });
});
