import { afterEach, describe, expect, test, vi } from 'vitest';
import { type FromEnvOptions, fromEnv, readEnv } from '../../src/config/env.ts';
import { fromJson } from '../../src/config/file.ts';
import { envTargets } from '../../src/config/env-targets.ts';
import type { Env } from '../../src/config/env-values.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import { presetNames, presets } from '../../src/config/presets.ts';
import { goneModels } from '../../src/core/default-models.ts';
import type { Transport } from '../../src/lib/transport.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { issuesOf } from './refusals.ts';

const send = vi.fn<Transport['send']>();
const quiet = { transport: { send }, checkModels: false, pollMs: false, health: false } as const;

afterEach(() => {
  send.mockReset();
});

/** In which order a call would try providers; those that it may not go to are left out. */
function tried(options: RouterOptions, intent: string, model?: string): string {
  const router = createRouter({ ...options, ...quiet });
  const plan = router.explain({ messages: [{ role: 'user', content: 'Hello!' }], ...(model !== undefined && { model }) }, { intent });
  void router.close();
  return plan.candidates.map(({ provider }) => provider).join(' → ');
}

/** The options of one document's block of variables. */
const made = (env: Env, preset?: FromEnvOptions['preset']): RouterOptions => readEnv(env, { preset }).options;

/** Who answers each of 100 calls, by host, when the hosts that `fails` names do not. */
async function shares(
  options: RouterOptions,
  { fails = () => false, intent = 'fast' }: { readonly fails?: (host: string) => boolean; readonly intent?: string } = {},
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  send.mockImplementation(({ url, body }) => {
    const { host } = new URL(url);
    if (body === undefined || fails(host)) return Promise.reject(new TypeError('fetch failed'));
    counts[host] = (counts[host] ?? 0) + 1;
    const text = JSON.stringify({
      id: 'x',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hi!' }, finish_reason: 'stop' }],
    });
    return Promise.resolve({
      status: 200,
      header: (name) => (name === 'content-type' ? 'application/json' : null),
      body: new Response(text).body,
      text: () => Promise.resolve(text),
    });
  });
  const router = createRouter({ ...options, ...quiet });
  for (let call = 0; call < 100; call++) await router.chat({ model: 'm', messages: [{ role: 'user', content: 'Hello!' }] }, { intent });
  await router.close();
  return counts;
}

const local = (type: 'ollama' | 'vllm', url: string, defaultModel: string): RouterOptions['providers'][string] => ({
  type,
  url,
  defaultModel,
  ...(type === 'ollama' && { embeddingModel: 'nomic-embed-text' }),
  timeouts: { totalMs: 120_000 },
  priority: 0,
});

describe('multi-backend', () => {
  const blocks = {
    'GPU server, then the processor': {
      ENABLE_GPU_ACCELERATION: 'true',
      PRIMARY_BACKEND: 'nvidia',
      SECONDARY_BACKEND: 'cpu',
      AUTO_FAILOVER: 'true',
      ENABLE_TOGETHER_AI: 'false',
      CPU_DEFAULT_MODEL: 'llama-2-7b-chat.Q4_K_M.gguf',
      CPU_NUM_THREADS: '4',
    },
    'cloud, then the processor': {
      ENABLE_GPU_ACCELERATION: 'false',
      PRIMARY_BACKEND: 'together_ai',
      SECONDARY_BACKEND: 'cpu',
      AUTO_FAILOVER: 'true',
      ENABLE_TOGETHER_AI: 'true',
      TOGETHER_API_KEY: 'k',
    },
    'GPU server, then the cloud': {
      ENABLE_GPU_ACCELERATION: 'true',
      PRIMARY_BACKEND: 'nvidia',
      SECONDARY_BACKEND: 'together_ai',
      AUTO_FAILOVER: 'true',
      LOAD_BALANCING: 'false',
      ENABLE_TOGETHER_AI: 'true',
      TOGETHER_API_KEY: 'k',
    },
    'both in shares': {
      ENABLE_GPU_ACCELERATION: 'true',
      PRIMARY_BACKEND: 'nvidia',
      SECONDARY_BACKEND: 'together_ai',
      AUTO_FAILOVER: 'true',
      LOAD_BALANCING: 'true',
      LOAD_RATIO: '0.7',
      ENABLE_TOGETHER_AI: 'true',
      TOGETHER_API_KEY: 'k',
    },
  } as const;
  const together = {
    type: 'together',
    defaultModel: 'meta-llama/Llama-2-70b-chat-hf',
    embeddingModel: 'togethercomputer/m2-bert-80M-8k-retrieval',
    timeouts: { totalMs: 60_000 },
    apiKey: 'k',
  };
  const cpu = {
    type: 'cpu',
    modelPath: 'llama-2-7b-chat.Q4_K_M.gguf',
    embeddingModel: 'all-MiniLM-L6-v2',
    threads: 4,
    contextSize: 2_048,
  };

  test.each<[keyof typeof blocks, RouterOptions, string]>([
    [
      'GPU server, then the processor',
      { providers: { nvidia: { type: 'nvidia', priority: 0 }, cpu: { ...cpu, type: 'cpu', priority: 1 } } },
      'nvidia → cpu',
    ],
    [
      'cloud, then the processor',
      {
        providers: { together_ai: { ...together, type: 'together', priority: 0 }, cpu: { ...cpu, type: 'cpu', priority: 1 } },
        allowPaid: true,
      },
      'together_ai → cpu',
    ],
    [
      'GPU server, then the cloud',
      {
        providers: { nvidia: { type: 'nvidia', priority: 0 }, together_ai: { ...together, type: 'together', priority: 1 } },
        allowPaid: true,
      },
      'nvidia → together_ai',
    ],
    [
      'both in shares',
      {
        providers: {
          nvidia: { type: 'nvidia', priority: 0, weight: 0.7 },
          together_ai: { ...together, type: 'together', priority: 0, weight: 0.3 },
        },
        allowPaid: true,
        balance: 'weighted',
        intents: {
          fast: { order: [['nvidia', 'together_ai']], balance: 'weighted' },
          heavy: { order: [['nvidia', 'together_ai']], balance: 'weighted' },
        },
      },
      'nvidia → together_ai',
    ],
  ])('%s', (scenario, options, order) => {
    expect(made(blocks[scenario], 'multi-backend')).toEqual(options);
    expect(tried(options, 'fast', 'm')).toBe(order);
  });

  test('of 100 calls 70 go to the first and 30 to the second', async () => {
    expect(await shares(made(blocks['both in shares'], 'multi-backend'))).toEqual({ '127.0.0.1:8000': 70, 'api.together.ai': 30 });
  });

  test('heavy ones too: the ratio is said of all calls', async () => {
    const options = made(blocks['both in shares'], 'multi-backend');
    expect(await shares(options, { intent: 'heavy' })).toEqual({ '127.0.0.1:8000': 70, 'api.together.ai': 30 });
  });

  test('the file of the same system says the same with the same figures', () => {
    const priority = { primary: 'nvidia', secondary: 'together_ai', load_balancing: true };
    const file = fromJson({ priority, nvidia: {}, together_ai: { api_key: '${K}' } }, { env: { K: 'k' } });
    const { LOAD_RATIO: _, ...block } = blocks['both in shares'];
    const { balance, intents, providers } = made(block);
    expect([file.balance, file.intents]).toEqual([balance, intents]);
    expect(Object.entries(file.providers).map(([id, { weight }]) => [id, weight])).toEqual(
      Object.entries(providers).map(([id, { weight }]) => [id, weight]),
    );
    expect(providers['nvidia']?.weight).toBe(0.8);
  });

  test.each<[string, Env, string]>([
    ['two servers of Ollama', {}, 'gpu=0 cpu=0 vllm=1 remote_gpu=2'],
    ['a third one beside them', { OLLAMA_BASE_URL: 'http://box' }, 'gpu=0 cpu=0 ollama=1 vllm=2 remote_gpu=3'],
    ['another server and the first of them', { INFERENCE_PROVIDER: 'vllm' }, 'vllm=0 gpu=0 cpu=1 remote_gpu=2'],
  ])('whoever is there besides comes behind those who share: %s', (_name, env, expected) => {
    const pair = { OLLAMA_GPU_URL: 'http://127.0.0.1:11434', OLLAMA_CPU_URL: 'http://127.0.0.1:11435' };
    const options = made({ ...pair, VLLM_BASE_URL: 'http://vllm', GPU_REMOTE_URL: 'http://far', LOAD_BALANCING: 'true', ...env });
    const ranks = Object.entries(options.providers).map(([id, { priority }]) => `${id}=${priority}`);
    expect(ranks.join(' ')).toBe(expected);
    expect(tried(options, 'fast', 'm')).toBe(expected.replaceAll(/=\d/g, '').replaceAll(' ', ' → '));
  });

  test('a share that fails is taken over by the other side', async () => {
    const options = made(blocks['both in shares'], 'multi-backend');
    expect(await shares(options, { fails: (host) => host === '127.0.0.1:8000' })).toEqual({ 'api.together.ai': 100 });
  });

  test('shares without failing over are one attempt each', () => {
    const options = made({ ...blocks['both in shares'], AUTO_FAILOVER: 'false' }, 'multi-backend');
    expect([options.maxAttempts, Object.keys(options.providers)]).toEqual([1, ['nvidia', 'together_ai']]);
  });

  test('the same blocks without the preset, but for what only the preset knows', () => {
    expect(tried(made(blocks['GPU server, then the processor']), 'fast', 'm')).toBe('nvidia → cpu');
    expect(made(blocks['GPU server, then the cloud']).providers['together_ai']).toEqual({ type: 'together', apiKey: 'k', priority: 1 });
  });

  test('auto takes what is there, first the GPU, and the cloud only with consent', () => {
    const env = { PRIMARY_BACKEND: 'auto', SECONDARY_BACKEND: 'auto', TOGETHER_API_KEY: 'k' };
    expect(tried(made(env, 'multi-backend'), 'fast', 'm')).toBe('nvidia → cpu');
    expect(tried(made({ ...env, ENABLE_PAID_API: 'true' }, 'multi-backend'), 'fast', 'm')).toBe('nvidia → together_ai → cpu');
    expect(tried(made({ ...env, ENABLE_GPU_ACCELERATION: 'false' }, 'multi-backend'), 'fast', 'm')).toBe('cpu');
  });

  test('without failing over the second is not used, and the report says why', () => {
    const { options, report } = readEnv({ ...blocks['GPU server, then the cloud'], AUTO_FAILOVER: 'no' }, { preset: 'multi-backend' });
    expect([Object.keys(options.providers), options.allowPaid]).toEqual([['nvidia'], undefined]);
    expect(report.find(({ variable }) => variable === 'SECONDARY_BACKEND')?.note).toBe(
      'AUTO_FAILOVER is false, so only the first provider is used',
    );
  });

  test('what contradicts itself is an issue', () => {
    const both = { PRIMARY_BACKEND: 'nvidia', SECONDARY_BACKEND: 'together_ai', TOGETHER_API_KEY: 'k' };
    expect([
      ...issuesOf(() => made({ ...both, ENABLE_GPU_ACCELERATION: 'false' }, 'multi-backend')),
      ...issuesOf(() => made({ ...both, ENABLE_TOGETHER_AI: 'false' }, 'multi-backend')),
      ...issuesOf(() => made({ ...both, ENABLE_PAID_API: 'false' }, 'multi-backend')),
      ...issuesOf(() => made({ LOAD_BALANCING: 'true', TOGETHER_API_KEY: 'k' }, 'multi-backend')),
      ...issuesOf(() => made({ ...both, LOAD_BALANCING: 'true', LOAD_RATIO: '80' }, 'multi-backend')),
      ...issuesOf(() => fromEnv({ PRIMARY_BACKEND: 'nvidia', LOAD_BALANCING: 'true' })),
      ...issuesOf(() => fromEnv({ PRIMARY_BACKEND: 'cpu' })),
      ...issuesOf(() => fromEnv({ PRIMARY_BACKEND: 'nvidia', INFERENCE_PROVIDER: 'vllm' })),
      ...issuesOf(() => fromEnv({ INFERENCE_PROVIDER: 'vllm', FALLBACK_CHAIN: 'ollama', SECONDARY_BACKEND: 'nvidia' })),
    ]).toMatchInlineSnapshot(`
      [
        "ENABLE_GPU_ACCELERATION: is false, but PRIMARY_BACKEND names nvidia; change one of the two",
        "ENABLE_TOGETHER_AI: is false, but SECONDARY_BACKEND names together_ai; change one of the two",
        "ENABLE_PAID_API: is false, but SECONDARY_BACKEND names together_ai, which costs money; change one of the two",
        "LOAD_BALANCING: would send calls to together_ai, which costs money; name it in PRIMARY_BACKEND or SECONDARY_BACKEND, or set ENABLE_PAID_API=true",
        "LOAD_RATIO: must be a share above 0 and below 1, with six decimals at most, like 0.8; for all or nothing set LOAD_BALANCING=false",
        "LOAD_BALANCING: is true, but there is one provider only; name two in PRIMARY_BACKEND and SECONDARY_BACKEND",
        "CPU_DEFAULT_MODEL: is missing: PRIMARY_BACKEND names cpu, which needs it",
        "PRIMARY_BACKEND: says who goes first, and so does INFERENCE_PROVIDER; unset one of them",
        "SECONDARY_BACKEND: says who stands behind the first, and so does FALLBACK_CHAIN; unset one of them",
      ]
    `);
  });
});

describe('free-first', () => {
  const remote = { GPU_REMOTE_URL: 'https://name.ngrok.io' };
  const paid = { ENABLE_PAID_API: 'true', OPENAI_API_KEY: 'k', ANTHROPIC_API_KEY: 'k' };
  const free = { ENABLE_PAID_API: 'false' };
  const order = (env: Env, intent = 'fast'): string => tried(made(env, 'free-first'), intent);

  test.each<[string, Env, string]>([
    ['zero budget', { ...remote, HUGGINGFACE_API_KEY: 'k', ...free }, 'ollama_local → remote_gpu → huggingface → local_stub'],
    ['local only', { OLLAMA_BASE_URL: 'http://localhost:11434', ...free }, 'ollama_local → local_stub'],
    ['remote only', { ...remote, ...free, PROVIDER_ORDER: 'remote_gpu,local_stub' }, 'remote_gpu → local_stub'],
    [
      'full stack',
      { ...remote, HUGGINGFACE_API_KEY: 'k', ...paid },
      'ollama_local → remote_gpu → huggingface → openai → anthropic → local_stub',
    ],
  ])('%s', (_name, env, expected) => {
    expect(order(env)).toBe(expected);
  });

  test('a provider whose key is in no variable is not there', () => {
    expect(order({ ...remote, ...paid })).toBe('ollama_local → remote_gpu → openai → anthropic → local_stub');
  });

  test('keys of paid providers alone change nothing', () => {
    expect(order({ ...paid, ENABLE_PAID_API: 'false' })).toBe('ollama_local → local_stub');
    const { ENABLE_PAID_API: _, ...keys } = paid;
    expect(order(keys)).toBe('ollama_local → local_stub');
  });

  test('complex goes to the remote GPU first, and as usual from there', () => {
    expect(order({ ...remote, ...paid }, 'complex')).toBe('remote_gpu → ollama_local → openai → anthropic → local_stub');
    expect(order({ ...paid }, 'complex')).toBe('ollama_local → openai → anthropic → local_stub');
  });

  test('the options of the whole', () => {
    expect(made({ ...remote, HUGGINGFACE_API_KEY: 'k', LLM_TIMEOUT_SECONDS: '20' }, 'free-first')).toEqual({
      providers: {
        ollama_local: { type: 'ollama', defaultModel: 'deepseek-r1:8b' },
        remote_gpu: { type: 'remote-gpu', url: 'https://name.ngrok.io' },
        huggingface: { type: 'huggingface', cost: 'free', defaultModel: 'distilgpt2', apiKey: 'k' },
        local_stub: { type: 'stub' },
      },
      breaker: 'classic',
      timeouts: { firstTokenMs: 20_000 },
      intents: {
        fast: { order: ['ollama_local', 'remote_gpu', 'huggingface'] },
        complex: { order: ['remote_gpu', 'ollama_local', 'huggingface'] },
      },
    });
    expect(made({}, 'free-first').timeouts).toEqual({ firstTokenMs: 15_000 });
  });

  test('LOCAL_MODEL_NAME stands before the model of the preset', () => {
    expect(made({ LOCAL_MODEL_NAME: 'm' }, 'free-first').providers['ollama_local']?.defaultModel).toBe('m');
    expect(made({ LOCAL_MODEL_NAME: 'm' }, 'hybrid').providers['cpu']?.defaultModel).toBe('m');
  });

  test('a list that names a paid provider is consent for that one', () => {
    const env = { ...paid, ENABLE_PAID_API: undefined, PROVIDER_ORDER: 'ollama,openai,stub' };
    expect(order(env)).toBe('ollama_local → openai → local_stub');
  });

  test('the words of other systems are not read, and that is said', () => {
    const { options, warnings } = readEnv({ INFERENCE_PROVIDER: 'vllm', LOAD_BALANCING: 'true' }, { preset: 'free-first' });
    expect(Object.keys(options.providers)).toEqual(['ollama_local', 'local_stub']);
    expect(warnings.map(({ path }) => path)).toEqual(['INFERENCE_PROVIDER', 'LOAD_BALANCING']);
  });
});

describe('hybrid', () => {
  const block = {
    OLLAMA_GPU_URL: 'http://127.0.0.1:11434',
    OLLAMA_CPU_URL: 'http://127.0.0.1:11435',
    OLLAMA_VULKAN: '1',
    GGML_VK_VISIBLE_DEVICES: '-1',
    OLLAMA_MAX_LOADED_MODELS: '1',
    OLLAMA_KEEP_ALIVE: '30m',
    OLLAMA_NUM_PARALLEL: '2',
  };

  test('fast goes to the GPU first, heavy to the CPU first', () => {
    const options = made(block, 'hybrid');
    expect(tried(options, 'fast', 'llama3.1:latest')).toBe('gpu → cpu');
    expect(tried(options, 'heavy', 'llama3.1:latest')).toBe('cpu → gpu');
  });

  test('the options of the whole', () => {
    const shared = {
      type: 'ollama',
      priority: 0,
      keepAliveS: 1_800,
      maxConcurrent: 2,
      metadata: { ollama_vulkan: '1', ggml_vk_visible_devices: '-1', ollama_max_loaded_models: '1' },
    };
    expect(made(block, 'hybrid')).toEqual({
      providers: {
        gpu: { ...shared, url: 'http://127.0.0.1:11434', device: 'gpu' },
        cpu: { ...shared, url: 'http://127.0.0.1:11435', device: 'cpu' },
      },
      health: { mode: 'per-request' },
    });
  });

  test('both servers are taken for granted at their usual ports', () => {
    const { gpu, cpu } = made({}, 'hybrid').providers;
    expect([gpu?.url, cpu?.url]).toEqual(['http://127.0.0.1:11434', 'http://127.0.0.1:11435']);
    expect(made({ OLLAMA_GPU_URL: 'http://box:1234' }, 'hybrid').providers['gpu']?.url).toBe('http://box:1234');
    expect(made({ HEALTH_CHECK_TIMEOUT: '2' }, 'hybrid').health).toEqual({ mode: 'per-request', timeoutMs: 2_000 });
  });
});

describe('tgi-registry', () => {
  const block = {
    TGI_GPT2_ENDPOINT: 'http://gpu-server:8080',
    TGI_TINYLLAMA_ENDPOINT: 'http://gpu-server:8081',
    TGI_MISTRAL_ENDPOINT: 'http://gpu-server:8082',
    TGI_MYMODEL_ENDPOINT: 'http://gpu-server:8083',
    HOST: '0.0.0.0',
    PORT: '8000',
    ALLOWED_ORIGINS: 'http://localhost:3000',
  };

  test('each endpoint is a provider, and a call goes to the one of its model', () => {
    const options = made(block, 'tgi-registry');
    expect(Object.entries(options.providers).map(([id, { type, url }]) => `${id} ${type} ${url}`)).toEqual([
      'gpt-2 tgi http://gpu-server:8080',
      'mistral tgi http://gpu-server:8082',
      'mymodel tgi http://gpu-server:8083',
      'tinyllama tgi http://gpu-server:8081',
    ]);
    for (const id of ['gpt-2', 'mistral', 'mymodel', 'tinyllama']) expect(tried(options, 'fast', id)).toBe(id);
    expect(tried(options, 'fast', 'gpt2')).toBe('gpt-2');
    expect(options.providers['gpt-2']?.metadata).toEqual({ name: 'GPT-2', hf_name: 'gpt2' });
    expect([options.timeouts, options.health]).toEqual([{ totalMs: 120_000 }, { intervalMs: 30_000 }]);
  });

  test('what the web server reads is reported, and not looked into', () => {
    const { report } = readEnv({ ...block, PORT: 'http' }, { preset: 'tgi-registry' });
    expect(report.filter(({ note }) => note !== undefined)).toEqual(
      ['HOST', 'PORT', 'ALLOWED_ORIGINS'].map((variable) => ({ variable, sets: [], note: '`inferlane serve` reads it' })),
    );
  });

  test('ids that others have, and two that are the same', () => {
    expect(Object.keys(made({ TGI_OLLAMA_ENDPOINT: 'http://a', TGI_A_B_ENDPOINT: 'http://b' }, 'tgi-registry').providers)).toEqual([
      'a-b',
      'tgi-ollama',
    ]);
    const env = { TGI_GPT2_ENDPOINT: 'http://a', TGI_GPT_2_ENDPOINT: 'http://b' };
    expect(issuesOf(() => fromEnv(env, { preset: 'tgi-registry' }))).toMatchInlineSnapshot(`
      [
        "TGI_GPT_2_ENDPOINT: makes the provider "gpt-2", and so does another variable; rename one of them",
      ]
    `);
  });

  test('without an endpoint there is nobody', () => {
    expect(issuesOf(() => made({ OLLAMA_HOST: 'box' }, 'tgi-registry'))).toEqual([
      'providers: no variable names a provider that the preset has; set TGI_<NAME>_ENDPOINT',
    ]);
  });

  test('without the preset the endpoints are there as well, and no name is an alias', () => {
    const options = made({ TGI_MISTRAL_ENDPOINT: 'http://a', OLLAMA_BASE_URL: 'http://b' });
    expect([Object.keys(options.providers), options.models]).toEqual([['ollama', 'mistral'], undefined]);
    expect(tried(options, 'fast', 'mistral')).toBe('ollama → mistral');
  });
});

describe('switchable', () => {
  const ollama = { INFERENCE_PROVIDER: 'ollama', LOCAL_INFERENCE_URL: 'http://ollama:11434', LOCAL_MODEL_NAME: 'llama3.1:8b' };
  const vllm = {
    INFERENCE_PROVIDER: 'vllm',
    LOCAL_INFERENCE_URL: 'http://vllm:8000',
    LOCAL_MODEL_NAME: 'meta-llama/Llama-3.1-8B-Instruct',
  };
  const openai = { type: 'openai', apiKey: 'k', timeouts: { totalMs: 60_000 } } as const;

  test.each<[string, Env, RouterOptions['providers']]>([
    ['OpenAI only', { INFERENCE_PROVIDER: 'openai', OPENAI_API_KEY: 'k', OPENAI_TIMEOUT: '60' }, { openai: { ...openai, priority: 0 } }],
    ['vLLM', vllm, { vllm: local('vllm', 'http://vllm:8000', 'meta-llama/Llama-3.1-8B-Instruct') }],
    ['Ollama', { ...ollama, LOCAL_INFERENCE_TIMEOUT: '120' }, { ollama: local('ollama', 'http://ollama:11434', 'llama3.1:8b') }],
    [
      'vLLM, then OpenAI',
      { ...vllm, ENABLE_FALLBACK: 'true', FALLBACK_CHAIN: 'openai', OPENAI_API_KEY: 'k' },
      { vllm: local('vllm', 'http://vllm:8000', 'meta-llama/Llama-3.1-8B-Instruct'), openai: { ...openai, priority: 1 } },
    ],
    [
      'local only',
      { ...ollama, ENABLE_FALLBACK: 'false', FALLBACK_CHAIN: 'openai', OPENAI_API_KEY: 'k' },
      { ollama: local('ollama', 'http://ollama:11434', 'llama3.1:8b') },
    ],
    [
      'quick start: Ollama, then OpenAI',
      { ...ollama, ENABLE_FALLBACK: 'true', FALLBACK_CHAIN: 'openai', OPENAI_API_KEY: 'k' },
      { ollama: local('ollama', 'http://ollama:11434', 'llama3.1:8b'), openai: { ...openai, priority: 1 } },
    ],
  ])('%s', (_scenario, env, providers) => {
    const options = made(env, 'switchable');
    expect(options.providers).toEqual(providers);
    expect(tried(options, 'fast')).toBe(Object.keys(providers).join(' → '));
  });

  test('without a chain nobody stands in, whatever else is described', () => {
    expect(Object.keys(made({ ...ollama, OPENAI_API_KEY: 'k', VLLM_BASE_URL: 'http://vllm' }, 'switchable').providers)).toEqual(['ollama']);
  });

  test('OpenAI where no variable names another', () => {
    expect(Object.keys(made({ OPENAI_API_KEY: 'k', HF_TOKEN: 'k' }, 'switchable').providers)).toEqual(['openai']);
  });

  test('a call lasts as long as the limits of its attempts together', () => {
    const env = { ...ollama, FALLBACK_CHAIN: 'openai', OPENAI_API_KEY: 'k', LOCAL_INFERENCE_TIMEOUT: '300' };
    const { options, report } = readEnv(env, { preset: 'switchable' });
    expect(options.deadlineMs).toBe(360_000);
    expect(report.find(({ variable }) => variable === 'LOCAL_INFERENCE_TIMEOUT')?.sets).toEqual([
      'providers.ollama.timeouts.totalMs',
      'deadlineMs',
    ]);
    expect(made(ollama, 'switchable').deadlineMs).toBeUndefined();
  });

  test('only a variable is changed to switch', () => {
    const all = { OPENAI_API_KEY: 'k', LOCAL_MODEL_NAME: 'm', INFERLANE_PRESET: 'switchable' };
    const first = ['openai', 'ollama', 'vllm', 'llamacpp', 'textgen'].map((name) =>
      tried(made({ ...all, INFERENCE_PROVIDER: name }), 'fast'),
    );
    expect(first).toEqual(['openai', 'ollama', 'vllm', 'llamacpp', 'textgen']);
  });
});

describe('which preset', () => {
  test('INFERLANE_PRESET names it, and the code stands before that', () => {
    const env = { INFERLANE_PRESET: 'hybrid' };
    expect(Object.keys(fromEnv(env).providers)).toEqual(['gpu', 'cpu']);
    const options = fromEnv(env, { preset: 'free-first' });
    expect(Object.keys(options.providers)).toEqual(['ollama_local', 'local_stub']);
    expect(options.report).toEqual([{ variable: 'INFERLANE_PRESET', sets: [], note: 'the code names the preset' }]);
  });

  test('one that there is not', () => {
    expect([...issuesOf(() => fromEnv({ INFERLANE_PRESET: 'hybird' })), ...issuesOf(() => fromEnv({}, { preset: 'canary' as 'hybrid' }))])
      .toMatchInlineSnapshot(`
      [
        "INFERLANE_PRESET: must be one of multi-backend, free-first, hybrid, tgi-registry, switchable; did you mean hybrid?",
        "preset: must be one of multi-backend, free-first, hybrid, tgi-registry, switchable",
      ]
    `);
  });

  test.each(presetNames)('%s needs no other variable, but for the addresses and keys that nobody can know', (preset) => {
    const env = { TGI_MODEL_ENDPOINT: 'http://a', OPENAI_API_KEY: 'k' };
    expect(tried(made(env, preset), 'fast', preset === 'tgi-registry' ? 'model' : 'm')).not.toBe('');
  });

  test('presets use what they list, and say which of their models are gone', () => {
    const models = Object.values(presets).flatMap(({ order, assumed, providers }) => {
      expect(order).toEqual(expect.arrayContaining([...assumed, ...Object.keys(providers)]));
      return Object.entries(providers).map(([target, { defaultModel }]) => `${envTargets[target as 'ollama'].type} ${defaultModel}`);
    });
    const gone = goneModels.map(({ type, model }) => `${type} ${model}`);
    expect(models.filter((model) => gone.includes(model))).toEqual(['huggingface distilgpt2', 'anthropic claude-3-5-haiku-20241022']);
  });
});

test('switchable: its first provider is asked where nobody names another, with a chain as well', () => {
  const env = { INFERLANE_PRESET: 'switchable', OPENAI_API_KEY: 'k', FALLBACK_CHAIN: 'ollama', LOCAL_MODEL_NAME: 'm' };
  expect(tried(fromEnv(env), 'fast')).toMatch(/^openai/);
  expect(() => fromEnv({ ...env, ENABLE_PAID_API: 'false' })).toThrow(/ENABLE_PAID_API/);
});

test('tgi-registry: a provider that is no server of TGI gets no name for a model', () => {
  const { models } = fromEnv({
    INFERLANE_PRESET: 'tgi-registry',
    TGI_MISTRAL_ENDPOINT: 'http://a:8080',
    PROVIDER_ORDER: 'mistral,openai',
    OPENAI_API_KEY: 'k',
  });
  expect(Object.values(models ?? {}).flatMap((names) => Object.keys(names))).not.toContain('openai');
});
