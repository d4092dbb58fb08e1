import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromEnv, inspectEnv, readEnv } from '../../src/config/env.ts';
import { envTable } from '../../src/config/env-table.ts';
import type { Env } from '../../src/config/env-values.ts';
import { allRows } from '../../src/config/env-settings.ts';
import { envTargets } from '../../src/config/env-targets.ts';
import { presetNames } from '../../src/config/presets.ts';
import type { ProviderOptions } from '../../src/config/provider-options.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import { isRouterError } from '../../src/core/errors.ts';
import { issuesOf } from './refusals.ts';

const issues = (env: Env): string[] => issuesOf(() => readEnv(env));
const provider = (env: Env, id: string): ProviderOptions | undefined => readEnv(env).options.providers[id];
const noteOf = (env: Env, variable: string): string | undefined => readEnv(env).report.find((row) => row.variable === variable)?.note;
const ids = (env: Env): string => Object.keys(readEnv(env).options.providers).join(' ');

describe('each variable of a provider', () => {
  const value: Record<string, string> = {
    'a URL': 'http://box:8000',
    'a key': 'sk-fine',
    'a list of keys': 'sk-fine,sk-other',
    'a name': 'name',
    'a header': 'org-1',
    'a number of seconds': '7',
    'a number of threads': '7',
    text: 'some text',
  };

  test.each(allRows)('%s sets what its row says, and is reported so', (variable, { of, option, reads, prefix }) => {
    const target = of[0] as keyof typeof envTargets;
    const keys = { TOGETHER_API_KEY: 'sk-fine', OPENAI_API_KEY: 'sk-fine' };
    const env = { PROVIDER_ORDER: envTargets[target].names[0], GPU_REMOTE_URL: 'http://box:8000', CPU_DEFAULT_MODEL: 'm', ...keys };
    const text = value[reads] as string;
    const { options, report } = readEnv({ ...env, [variable]: text });
    const [group = '', name] = option.split('.');
    const set = options.providers[envTargets[target].id]?.[group as 'headers'];
    const expected = reads === 'a number of seconds' ? 7_000 : reads === 'a number of threads' ? 7 : `${prefix}${text}`;
    expect(name === undefined ? set : set?.[name]).toBe(reads === 'a list of keys' ? 'sk-fine' : expected);
    expect(report.find((row) => row.variable === variable)?.sets[0]).toMatch(
      new RegExp(`^providers\\.${envTargets[target].id}\\.${group}`),
    );
    expect(resolveConfig(options).config.providers).toHaveLength(1);
  });

  test.each(Object.entries(envTable))('%s has an example that it takes', (variable, { example, reads, readBy }) => {
    if (readBy !== undefined || reads === 'a key' || reads === 'a list of keys') return;
    const { issues: found } = inspectEnv({ INFERENCE_PROVIDER: 'vllm', [variable]: example });
    expect(found.filter(({ path, message }) => path === variable && /^(?:must|is no|entry|holds)/.test(message))).toEqual([]);
  });

  test('keys are marked as secret, and nothing else is', () => {
    const secret = Object.entries(envTable).filter(([, row]) => row.secret === true);
    expect(secret.map(([, { reads }]) => reads).every((reads) => reads === 'a key' || reads === 'a list of keys')).toBe(true);
    expect(secret.map(([name]) => name)).toEqual(Object.keys(envTable).filter((name) => /_(?:KEY|TOKEN)$|^INFERLANE_TOKENS$/.test(name)));
  });
});

describe('who is there', () => {
  test.each([
    ['GPU_REMOTE_URL', 'http://box', 'remote_gpu'],
    ['HF_TOKEN', 'k', 'huggingface'],
    ['TOGETHER_API_KEY', 'k', 'together_ai'],
    ['ANTHROPIC_AUTH_TOKEN', 'k', 'anthropic'],
    ['NVIDIA_BASE_URL', 'http://nim', 'nvidia'],
    ['CPU_DEFAULT_MODEL', 'm.gguf', 'cpu'],
    ['VLLM_API_BASE', 'http://vllm', 'vllm'],
    ['TGI_A_ENDPOINT', 'http://a', 'a'],
  ])('%s says that its provider is there', (variable, text, id) => {
    expect(ids({ [variable]: text })).toBe(id);
  });

  test.each(['NVIDIA_API_KEY', 'NGC_API_KEY', 'VLLM_API_KEY', 'LLAMA_API_KEY', 'OLLAMA_API_KEY', 'OPENAI_ORG_ID', 'CPU_NUM_THREADS'])(
    '%s alone makes none',
    (variable) => {
      expect(issues({ [variable]: '1' })).toEqual([expect.stringMatching(/^providers: /)]);
    },
  );

  test('what is free goes first', () => {
    const env = { OPENAI_API_KEY: 'k', HF_TOKEN: 'k', GPU_REMOTE_URL: 'http://box', OLLAMA_HOST: 'box', CPU_DEFAULT_MODEL: 'm' };
    expect(ids(env)).toBe('ollama cpu remote_gpu huggingface openai');
  });

  test('the model in this process has another id beside a CPU server of Ollama', () => {
    expect(ids({ OLLAMA_CPU_URL: 'http://box', CPU_DEFAULT_MODEL: 'm' })).toBe('cpu gguf');
  });

  test('a paid provider that nothing names stays out where another one was named', () => {
    const env = { INFERENCE_PROVIDER: 'openai', OPENAI_API_KEY: 'k', ANTHROPIC_API_KEY: 'k' };
    expect(ids(env)).toBe('openai');
    expect(noteOf(env, 'ANTHROPIC_API_KEY')).toBe('it costs money, and nothing says that anthropic may be paid; ENABLE_PAID_API=true does');
    expect(ids({ ...env, ENABLE_PAID_API: 'true' })).toBe('openai anthropic');
  });
});

describe('PROVIDER_ORDER', () => {
  const pair = { OLLAMA_GPU_URL: 'http://a:1234', OLLAMA_CPU_URL: 'http://b:1234' };

  test('is who is used, in this order, each a step of its own', () => {
    const env = { ...pair, OPENAI_API_KEY: 'k', HF_TOKEN: 'k', PROVIDER_ORDER: 'cpu, OpenAI,gpu' };
    const { options } = readEnv(env);
    expect(Object.entries(options.providers).map(([id, { priority }]) => `${id} ${priority}`)).toEqual(['cpu 0', 'openai 1', 'gpu 2']);
    expect(options.allowPaid).toBe(true);
    expect(noteOf(env, 'HF_TOKEN')).toBe('PROVIDER_ORDER does not name its provider');
  });

  test('a stub at its end stays behind what is added later, one before others does not', () => {
    expect(provider({ PROVIDER_ORDER: 'vllm,stub' }, 'local_stub')).toEqual({ type: 'stub' });
    expect(provider({ PROVIDER_ORDER: 'stub,vllm' }, 'local_stub')).toEqual({ type: 'stub', priority: 0 });
  });

  test('what it cannot name, and what contradicts it', () => {
    expect([
      ...issues({ PROVIDER_ORDER: 'olama' }),
      ...issues({ PROVIDER_ORDER: 'gpu' }),
      ...issues({ PROVIDER_ORDER: 'vllm,,openai' }),
      ...issues({ PROVIDER_ORDER: 'together,together_ai' }),
      ...issues({ PROVIDER_ORDER: 'remote_gpu' }),
      ...issues({ PROVIDER_ORDER: 'vllm,ollama', INFERENCE_PROVIDER: 'ollama' }),
      ...issues({ PROVIDER_ORDER: 'nvidia', ENABLE_GPU_ACCELERATION: 'false' }),
      ...issues({ PROVIDER_ORDER: 'vllm,openai', ENABLE_PAID_API: 'false' }),
    ]).toMatchInlineSnapshot(`
      [
        "PROVIDER_ORDER: entry 1 is no name of a provider here; did you mean "ollama"?; known are gpu, ollama, vllm, llamacpp, textgen, nvidia, tgi, cpu, remote_gpu, huggingface, together_ai, openai, anthropic, local_stub",
        "OLLAMA_GPU_URL: is missing: PROVIDER_ORDER names gpu, which needs it",
        "PROVIDER_ORDER: entry 2 is no name of a provider; known are gpu, ollama, vllm, llamacpp, textgen, nvidia, tgi, cpu, remote_gpu, huggingface, together_ai, openai, anthropic, local_stub",
        "PROVIDER_ORDER: entry 2 is there twice; each provider belongs there once",
        "GPU_REMOTE_URL: is missing: PROVIDER_ORDER names remote_gpu, which needs it",
        "INFERENCE_PROVIDER: names another first provider than PROVIDER_ORDER does; unset one of them",
        "ENABLE_GPU_ACCELERATION: is false, but PROVIDER_ORDER names nvidia; change one of the two",
        "ENABLE_PAID_API: is false, but PROVIDER_ORDER names openai, which costs money; change one of the two",
      ]
    `);
  });

  test('with ENABLE_FALLBACK=false its first one is left', () => {
    expect(ids({ PROVIDER_ORDER: 'vllm,textgen', ENABLE_FALLBACK: 'false' })).toBe('vllm');
  });
});

describe('several names for one thing', () => {
  const tokens = ['HF_TOKEN', 'HUGGINGFACE_API_KEY', 'HUGGING_FACE_HUB_TOKEN', 'HUGGINGFACEHUB_API_TOKEN', 'HF_API_TOKEN'];

  test('the same value is fine', () => {
    const env = Object.fromEntries(tokens.map((name, index) => [name, index === 0 ? ' k ' : 'k']));
    expect(readEnv(env).report.every(({ sets }) => sets[0] === 'providers.huggingface.apiKey')).toBe(true);
  });

  test('two values are an issue', () => {
    expect([
      ...issues({ HF_TOKEN: 'a', HUGGINGFACE_API_KEY: 'b' }),
      ...issues({ VLLM_BASE_URL: 'http://a', VLLM_API_BASE: 'http://b' }),
      ...issues({ INFERENCE_PROVIDER: 'vllm', LOCAL_INFERENCE_URL: 'http://a', VLLM_BASE_URL: 'http://b' }),
      ...issues({ NVIDIA_BASE_URL: 'http://a', NIM_BASE_URL: 'http://b' }),
    ]).toMatchInlineSnapshot(`
      [
        "HF_TOKEN: differs from HUGGINGFACE_API_KEY, and both give the key of Hugging Face; unset one of them",
        "VLLM_BASE_URL: differs from VLLM_API_BASE, and both say where vLLM is; unset one of them",
        "LOCAL_INFERENCE_URL: differs from VLLM_BASE_URL, and both say where vLLM is; unset one of them",
        "NVIDIA_BASE_URL: differs from NIM_BASE_URL, and both say where NVIDIA is; unset one of them",
      ]
    `);
  });

  test.each<[string, Env, string, string]>([
    ['NGC_API_KEY', { NVIDIA_BASE_URL: 'http://a', NVIDIA_API_KEY: 'a', NGC_API_KEY: 'b' }, 'nvidia', 'NVIDIA_API_KEY stands before it'],
    ['DTYPE', { VLLM_BASE_URL: 'http://a', VLLM_DTYPE: 'auto', DTYPE: 'half' }, 'vllm', 'VLLM_DTYPE stands before it'],
    ['ANTHROPIC_AUTH_TOKEN', { ANTHROPIC_API_KEY: 'a', ANTHROPIC_AUTH_TOKEN: 'b' }, 'anthropic', 'ANTHROPIC_API_KEY stands before it'],
    [
      'VLLM_MODEL_NAME',
      { INFERENCE_PROVIDER: 'vllm', LOCAL_MODEL_NAME: 'a', VLLM_MODEL_NAME: 'b' },
      'vllm',
      'LOCAL_MODEL_NAME stands before it',
    ],
  ])('%s gives way', (variable, env, id, note) => {
    const { [variable]: _, ...without } = env;
    expect(provider(env, id)).toEqual(provider(without, id));
    expect(noteOf(env, variable)).toBe(note);
    const alone = Object.fromEntries(Object.entries(env).filter(([name, text]) => !note.startsWith(name) && text !== undefined));
    expect(readEnv(alone).report.find((row) => row.variable === variable)?.sets).toHaveLength(1);
  });

  test('false in one of the two switches of failing over counts', () => {
    const pair = { OLLAMA_HOST: 'box', GPU_REMOTE_URL: 'http://box' };
    expect(ids({ ...pair, AUTO_FAILOVER: 'false', ENABLE_FALLBACK: 'true' })).toBe('ollama');
    expect(ids({ ...pair, AUTO_FAILOVER: 'true', ENABLE_FALLBACK: 'false' })).toBe('ollama');
    expect(noteOf({ ...pair, AUTO_FAILOVER: 'false', ENABLE_FALLBACK: 'true' }, 'ENABLE_FALLBACK')).toBe(
      'the other switch is false, and that counts',
    );
  });
});

describe('values', () => {
  test.each([
    ['30m', 1_800],
    ['1h30m', 5_400],
    ['24h', 86_400],
    ['90', 90],
    ['500ms', 1],
    ['1.5h', 5_400],
    ['0', 0],
    ['-1', -1],
    ['-1m', -1],
  ])('OLLAMA_KEEP_ALIVE=%s is %i seconds', (text, seconds) => {
    expect(provider({ OLLAMA_HOST: 'box', OLLAMA_KEEP_ALIVE: text }, 'ollama')?.keepAliveS).toBe(seconds);
  });

  test.each(['30 minutes', 'm', '1d', '-', '99999h', '1m!', '--1'])('OLLAMA_KEEP_ALIVE=%s is refused', (text) => {
    expect(issues({ OLLAMA_HOST: 'box', OLLAMA_KEEP_ALIVE: text })).toEqual([
      expect.stringMatching(/^OLLAMA_KEEP_ALIVE: must be a duration/),
    ]);
  });

  test.each(['0', '-1', '15s', '1e3', '86401', 'ten', '0.0001'])('LLM_TIMEOUT_SECONDS=%s is refused', (text) => {
    expect(issues({ OLLAMA_HOST: 'box', LLM_TIMEOUT_SECONDS: text })).toEqual([
      'LLM_TIMEOUT_SECONDS: must be a number of seconds above 0 and at most 86400, without a unit',
    ]);
  });

  test.each(['0', '1', '80', '70%', '0.1234567'])('LOAD_RATIO=%s is refused', (text) => {
    expect(issues({ OLLAMA_HOST: 'box', LOAD_RATIO: text })).toEqual([expect.stringMatching(/^LOAD_RATIO: must be a share/)]);
  });

  test('the key of the cloud of Ollama goes over https only', () => {
    expect(provider({ OLLAMA_HOST: 'ollama.com', OLLAMA_API_KEY: 'k' }, 'ollama')?.apiKey).toBe('k');
    const env = { OLLAMA_BASE_URL: 'http://box', OLLAMA_API_KEY: 'k' };
    expect(provider(env, 'ollama')).not.toHaveProperty('apiKey');
    expect(noteOf(env, 'OLLAMA_API_KEY')).toBe(
      'it is sent to https addresses of Ollama only, like that of OLLAMA_HOST=ollama.com, and there is none',
    );
  });

  test('a remote GPU that is not https is warned of, unless it is near', () => {
    const urls = ['http://name.ngrok.io', 'https://name.ngrok.io', 'http://192.168.1.5:8000'];
    expect(urls.map((url) => readEnv({ GPU_REMOTE_URL: url }).warnings.length)).toEqual([1, 0, 0]);
  });

  test('a key among the flags of a server is not shown', () => {
    const env = { PROVIDER_ORDER: 'textgen', CLI_ARGS: '--api --api-key canary --listen' };
    expect(provider(env, 'textgen')?.metadata).toEqual({ cli_args: '--api --api-key [secret] --listen' });
  });

  test('what nothing acts upon is never an issue', () => {
    const env = { PROVIDER_ORDER: 'vllm', VLLM_DTYPE: '', VLLM_QUANTIZATION: 'x'.repeat(501), DTYPE: 'a\u0000b' };
    expect(provider(env, 'vllm')).toEqual({ type: 'vllm', priority: 0 });
    expect(noteOf(env, 'VLLM_DTYPE')).toBe('it is empty');
  });
});

describe('the reason why a variable set nothing is what happened', () => {
  test.each<[string, Env, string]>([
    ['a preset', { INFERLANE_PRESET: 'hybrid', OLLAMA_HOST: 'box' }, presetSays],
    [
      'one variable',
      { INFERLANE_PRESET: 'hybrid', OLLAMA_HOST: 'box', OLLAMA_CPU_URL: 'http://b' },
      'OLLAMA_CPU_URL says where Ollama is, and stands before it',
    ],
    ['another one', { OLLAMA_BASE_URL: 'http://a', OLLAMA_HOST: 'box' }, 'OLLAMA_BASE_URL says where Ollama is, and stands before it'],
  ])('OLLAMA_HOST gives way to %s', (_by, env, note) => {
    expect(noteOf(env, 'OLLAMA_HOST')).toBe(note);
  });

  test.each<[Env, string]>([
    [
      { OLLAMA_CPU_URL: 'https://far', OLLAMA_GPU_URL: 'http://near', AUTO_FAILOVER: 'false' },
      'AUTO_FAILOVER is false, so only the first provider is used',
    ],
    [{ OLLAMA_HOST: 'ollama.com', INFERENCE_PROVIDER: 'vllm', FALLBACK_CHAIN: 'textgen' }, 'FALLBACK_CHAIN does not name its provider'],
    [{ OLLAMA_HOST: 'ollama.com', PROVIDER_ORDER: 'vllm' }, 'PROVIDER_ORDER does not name its provider'],
  ])('a key of Ollama whose https server is not used: %o', (env, note) => {
    expect(noteOf({ ...env, OLLAMA_API_KEY: 'k' }, 'OLLAMA_API_KEY')).toBe(note);
  });

  test.each<[string, Env, string]>([
    ['TOGETHER_API_KEY', { ENABLE_TOGETHER_AI: 'false' }, 'ENABLE_TOGETHER_AI is false'],
    ['NVIDIA_BASE_URL', { ENABLE_GPU_ACCELERATION: 'false' }, 'ENABLE_GPU_ACCELERATION is false'],
    ['NVIDIA_API_KEY', {}, 'it is for NVIDIA, and no variable says that this is there; NVIDIA_BASE_URL can'],
    ['VLLM_DTYPE', {}, 'it is for vLLM, and no variable says that this is there; VLLM_BASE_URL can'],
    ['CLI_ARGS', {}, 'it is for text-generation-webui, and no variable says that this is there; PROVIDER_ORDER can'],
    [
      'LOCAL_INFERENCE_TIMEOUT',
      { OLLAMA_HOST: undefined, GPU_REMOTE_URL: 'http://a' },
      'it is for Ollama, vLLM, llama.cpp, text-generation-webui, and none of these is used',
    ],
    [
      'OLLAMA_NUM_PARALLEL',
      { OLLAMA_HOST: undefined, GPU_REMOTE_URL: 'http://a' },
      'it is for Ollama, and no variable says that this is there; OLLAMA_BASE_URL can',
    ],
    [
      'VLLM_MODEL_NAME',
      { INFERENCE_PROVIDER: 'vllm', LOCAL_MODEL_NAME: 'a', FALLBACK_CHAIN: 'ollama' },
      'LOCAL_MODEL_NAME stands before it',
    ],
    [
      'VLLM_MODEL_NAME',
      { INFERLANE_PRESET: 'switchable', INFERENCE_PROVIDER: 'vllm', LOCAL_MODEL_NAME: 'a' },
      'LOCAL_MODEL_NAME stands before it',
    ],
  ])('%s with %o', (variable, env, note) => {
    expect(
      noteOf({ OLLAMA_HOST: 'box', [variable]: envTable[variable]?.secret ? 'k' : envTable[variable]?.example, ...env }, variable),
    ).toBe(note);
  });

  test('none says that its provider is missing where that is described', () => {
    expect(
      inspectEnv({ FALLBACK_CHAIN: 'openai', OPENAI_API_KEY: 'k' }).report.find(({ variable }) => variable === 'OPENAI_API_KEY')?.note,
    ).toBe('nothing here depends on it');
  });
});

const presetSays = 'the preset says where its two servers are; OLLAMA_GPU_URL and OLLAMA_CPU_URL can say otherwise';

test('of a preset and a variable that mean one server of this machine, the variable says how it is written', () => {
  const { options, report } = readEnv({ INFERLANE_PRESET: 'hybrid', OLLAMA_BASE_URL: 'http://localhost:11434' });
  expect(Object.entries(options.providers).map(([id, { url }]) => `${id} ${url}`)).toEqual([
    'gpu http://localhost:11434',
    'cpu http://127.0.0.1:11435',
  ]);
  expect(report.find(({ variable }) => variable === 'OLLAMA_BASE_URL')?.sets).toEqual(['providers.gpu.url']);
});

const withChain = (): Readonly<Record<string, ProviderOptions>> =>
  fromEnv({ FALLBACK_CHAIN: 'ollama', OPENAI_API_KEY: 'k' }, { preset: 'switchable' }).providers;

describe('inspectEnv', () => {
  test('shows what is wrong beside what came of the rest', () => {
    const { options, report, issues: found } = inspectEnv({ OLLAMA_HOST: 'box', LOAD_RATIO: 'canary', HF_TOKEN: 'a', HF_API_TOKEN: 'b' });
    expect([options, found.length]).toEqual([undefined, 2]);
    expect(report).toEqual([
      { variable: 'LOAD_RATIO', sets: [], problem: expect.stringMatching(/^must be a share/) as string },
      { variable: 'OLLAMA_HOST', sets: ['providers.ollama.url'] },
      {
        variable: 'HF_TOKEN',
        sets: ['providers.huggingface.apiKey'],
        problem: expect.stringMatching(/^differs from/) as string,
        secret: true,
      },
      { variable: 'HF_API_TOKEN', sets: [], note: 'nothing here depends on it', secret: true },
    ]);
  });

  test('an environment that cannot be listed has no endpoints, and the rest of it is read', () => {
    const env = new Proxy<Env>(
      { OLLAMA_HOST: 'box' },
      {
        ownKeys: () => {
          throw new Error('canary');
        },
      },
    );
    expect(ids(env)).toBe('ollama');
  });

  test('options can be changed without changing the preset', () => {
    const first = fromEnv({}, { preset: 'free-first' });
    Object.assign(first.timeouts as object, { firstTokenMs: 1 });
    Object.assign(first.providers['ollama_local'] as object, { defaultModel: 'x' });
    expect(fromEnv({}, { preset: 'free-first' })).toMatchObject({
      timeouts: { firstTokenMs: 15_000 },
      providers: { ollama_local: { defaultModel: 'deepseek-r1:8b' } },
    });
    for (const { timeouts } of Object.values(withChain())) Object.assign(timeouts as object, { totalMs: 1 });
    expect(Object.values(withChain()).map(({ timeouts }) => timeouts?.totalMs)).toEqual([60_000, 120_000]);
    const { gpu, cpu } = fromEnv({ OLLAMA_VULKAN: '1' }, { preset: 'hybrid' }).providers;
    expect(gpu?.metadata).not.toBe(cpu?.metadata);
  });
});

test('anything in any variable, with any preset, gives options or a ConfigError, and shows no value', () => {
  const canary = 'canary-7f3a';
  const fine = Object.values(envTable).map(({ example }) => example);
  const text = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...fine, 'false', 'cpu', 'gpu,ollama,openai,stub', 'nvidia,cpu') },
    { weight: 1, arbitrary: fc.constantFrom(canary, `http://u:${canary}@h`, `http://h?k=${canary}`, `vllm,${canary}`, `0.${canary}`) },
    { weight: 1, arbitrary: fc.string() },
  );
  const names = [...Object.keys(envTable), 'TGI_A_ENDPOINT', 'TGI_GPT2_ENDPOINT', 'TGI_CONSTRUCTOR_ENDPOINT', 'TGI_OLLAMA_ENDPOINT'];
  const env = fc.dictionary(fc.constantFrom(...names), text, { maxKeys: 12 });
  let resolved = 0;
  fc.assert(
    fc.property(env, fc.constantFrom(undefined, ...presetNames), (values, preset) => {
      const { report, warnings, issues: found } = inspectEnv(values, { preset });
      expect(JSON.stringify([report, warnings, found])).not.toContain(canary);
      expect(report.map(({ variable }) => variable).toSorted()).toEqual(Object.keys(values).toSorted());
      try {
        const options = fromEnv(values, { preset });
        const { warnings: more } = resolveConfig(options);
        expect(JSON.stringify([options.report, more])).not.toContain(canary);
        resolved++;
      } catch (error) {
        if (!isRouterError(error, 'invalid_config')) throw error;
        expect(`${error.message} ${JSON.stringify(error)} ${error.stack}`).not.toContain(canary);
      }
    }),
    { numRuns: 1_500 },
  );
  expect(resolved).toBeGreaterThan(150);
}, 60_000);

test.each([
  '--api-key "hunter2 phrase"',
  "--gradio-auth 'user:pa hunter2'",
  '--proxy http://u:hunter2@host',
  '--api-key:hunter2',
  '"--api-key" hunter2',
  '--pass hunter2',
  '--credentials hunter2',
  '-k hunter2',
  '--header "Authorization: Bearer hunter2"',
  'HF_TOKEN=hunter2 --api',
  '--extra-flags "key=hunter2"',
])('flags of a server never show a key: %s', (flags) => {
  const { options } = readEnv({ INFERENCE_PROVIDER: 'textgen', CLI_ARGS: flags });
  expect(JSON.stringify(options)).not.toContain('hunter2');
});

test('flags of a server that hold no key are shown', () => {
  const { options } = readEnv({ INFERENCE_PROVIDER: 'textgen', CLI_ARGS: '--api --listen --n-gpu-layers 32' });
  expect(JSON.stringify(options)).toContain('--api --listen --n-gpu-layers 32');
});

test('stray quotes and blanks are taken off a token that goes into a header', () => {
  const { options } = readEnv({ ANTHROPIC_AUTH_TOKEN: ' "tok-abc"\n' });
  expect(JSON.stringify(options.providers)).toContain('Bearer tok-abc"');
});
