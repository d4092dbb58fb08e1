import { describe, expect, test } from 'vitest';
import { fromEnv, readEnv } from '../../src/config/env.ts';
import { envTable } from '../../src/config/env-table.ts';
import type { Env } from '../../src/config/env-values.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import { issuesOf } from './refusals.ts';

const issues = (env: Env): string[] => issuesOf(() => readEnv(env));
const warnings = (env: Env): string[] => readEnv(env).warnings.map(({ path, message }) => `${path}: ${message}`);
const providers = (env: Env): unknown => readEnv(env).options.providers;
/** Ids by priority: `gpu=0 openai=1`. */
const order = (env: Env): string =>
  Object.entries(readEnv(env).options.providers)
    .map(([id, { priority }]) => `${id}=${priority}`)
    .join(' ');
const setBy = (env: Env): Record<string, readonly string[]> =>
  Object.fromEntries(readEnv(env).report.map(({ variable, sets }) => [variable, sets]));

const allowPaid = (env: Env): unknown => readEnv(env).options.allowPaid;

const key = { OPENAI_API_KEY: 'sk-canary' };
const pair = { OLLAMA_GPU_URL: 'http://127.0.0.1:11434', OLLAMA_CPU_URL: 'http://127.0.0.1:11435' };

describe('addresses', () => {
  test('a GPU and a CPU lane of Ollama', () => {
    expect(providers(pair)).toEqual({
      gpu: { type: 'ollama', url: 'http://127.0.0.1:11434', device: 'gpu', priority: 0 },
      cpu: { type: 'ollama', url: 'http://127.0.0.1:11435', device: 'cpu', priority: 0 },
    });
  });

  test('one Ollama', () => {
    expect(providers({ OLLAMA_BASE_URL: ' http://localhost:11434/v1 ' })).toEqual({
      ollama: { type: 'ollama', url: 'http://localhost:11434/v1', priority: 0 },
    });
  });

  test('a third server beside the lanes', () => {
    expect(order({ ...pair, OLLAMA_BASE_URL: 'http://other:11434' })).toBe('gpu=0 cpu=0 ollama=0');
  });

  test('a lane under two names of this machine is one provider', () => {
    const env = { ...pair, OLLAMA_BASE_URL: 'http://localhost:11434' };
    expect(providers(env)).toEqual(providers(pair));
    expect(setBy(env)['OLLAMA_BASE_URL']).toEqual(['providers.gpu.url']);
    expect(
      issues({ INFERENCE_PROVIDER: 'ollama', LOCAL_INFERENCE_URL: 'http://[::1]:1234', OLLAMA_BASE_URL: 'http://127.0.0.1:1234' }),
    ).toEqual([]);
  });

  test('a lane under two names is one provider', () => {
    const env = { ...pair, OLLAMA_BASE_URL: 'http://127.0.0.1:11434/' };
    expect(order(env)).toBe('gpu=0 cpu=0');
    expect(setBy(env)['OLLAMA_BASE_URL']).toEqual(['providers.gpu.url']);
  });

  test.each([
    ['0.0.0.0', 'http://127.0.0.1:11434'],
    ['0.0.0.0:11435', 'http://127.0.0.1:11435'],
    ['127.0.0.1', 'http://127.0.0.1:11434'],
    ['box', 'http://box:11434'],
    ['box:1234', 'http://box:1234'],
    ['box/ollama', 'http://box:11434/ollama'],
    [':1234', 'http://127.0.0.1:1234'],
    ['::1', 'http://[::1]:11434'],
    ['[::1]', 'http://[::1]:11434'],
    ['[::1]:1234', 'http://[::1]:1234'],
    ['[::]', 'http://[::1]:11434'],
    ['http://box', 'http://box'],
    ['https://box', 'https://box'],
    ['http://box:1234/', 'http://box:1234'],
    ['ollama.com', 'https://ollama.com'],
    ['"box:1234"', 'http://box:1234'],
    [' box ', 'http://box:11434'],
  ])('OLLAMA_HOST=%s is %s', (host, url) => {
    expect(providers({ OLLAMA_HOST: host })).toEqual({ ollama: { type: 'ollama', url, priority: 0 } });
  });

  test.each(['box:port', 'box:', 'box:99999', 'box:0', '""', 'ftp://box', 'a b', 'http://canary:canary@box', 'box?canary'])(
    'OLLAMA_HOST=%s is refused',
    (host) => {
      expect(issues({ OLLAMA_HOST: host })).toEqual(['OLLAMA_HOST: must be a host, host:port or http://host:port']);
    },
  );

  test.each([pair, { OLLAMA_BASE_URL: 'http://a' }, { INFERENCE_PROVIDER: 'ollama', LOCAL_INFERENCE_URL: 'http://a' }])(
    'OLLAMA_HOST gives way to %o',
    (env) => {
      const both = { ...env, OLLAMA_HOST: 'b' };
      expect(providers(both)).toEqual(providers(env));
      expect(readEnv(both).report.find(({ variable }) => variable === 'OLLAMA_HOST')).toMatchObject({
        sets: [],
        note: expect.any(String) as string,
      });
    },
  );
});

describe('OLLAMA_NUM_PARALLEL', () => {
  const parallel = { OLLAMA_NUM_PARALLEL: ' 4 ' };

  test('is what every server of Ollama serves at once', () => {
    const { gpu, cpu } = readEnv({ ...pair, ...parallel }).options.providers;
    expect([gpu?.maxConcurrent, cpu?.maxConcurrent]).toEqual([4, 4]);
    expect(setBy({ ...pair, ...parallel })['OLLAMA_NUM_PARALLEL']).toEqual(['providers.gpu.maxConcurrent', 'providers.cpu.maxConcurrent']);
    expect(resolveConfig(fromEnv({ ...parallel, OLLAMA_HOST: 'box' })).config.providers[0]?.maxConcurrent).toBe(4);
  });

  test('concerns no other server, and makes no provider by itself', () => {
    const env = { ...parallel, INFERENCE_PROVIDER: 'vllm' };
    expect(readEnv(env).options.providers).toEqual({ vllm: { type: 'vllm', priority: 0 } });
    expect(setBy(env)['OLLAMA_NUM_PARALLEL']).toEqual([]);
    expect(issues(parallel)).toEqual([expect.stringMatching(/^providers: no variable names a provider/)]);
  });

  test('0 leaves the choice to the server', () => {
    const reading = readEnv({ ...pair, OLLAMA_NUM_PARALLEL: '0' });
    expect(reading.options.providers['gpu']).not.toHaveProperty('maxConcurrent');
    expect(reading.report.find(({ variable }) => variable === 'OLLAMA_NUM_PARALLEL')).toEqual({
      variable: 'OLLAMA_NUM_PARALLEL',
      sets: [],
      note: 'it is 0, which leaves the choice to the server',
    });
  });

  test.each(['-1', '1.5', 'many', '0x4', '1e3', '1000000'])('%s is refused', (text) => {
    expect(issues({ ...pair, OLLAMA_NUM_PARALLEL: text })).toEqual(['OLLAMA_NUM_PARALLEL: must be a whole number from 0 to 999999']);
  });

  test('says why it is not used behind a chain without Ollama', () => {
    const env = { ...parallel, ...pair, INFERENCE_PROVIDER: 'vllm', FALLBACK_CHAIN: 'llamacpp' };
    expect(readEnv(env).report.find(({ variable }) => variable === 'OLLAMA_NUM_PARALLEL')?.note).toBe(
      'FALLBACK_CHAIN does not name its provider',
    );
  });
});

describe('the chain', () => {
  test('openai alone', () => {
    expect(readEnv({ INFERENCE_PROVIDER: 'openai', ...key }).options).toEqual({
      providers: { openai: { type: 'openai', apiKey: 'sk-canary', priority: 0 } },
      allowPaid: true,
    });
  });

  test('vllm, then openai', () => {
    const env = { INFERENCE_PROVIDER: 'vllm', LOCAL_INFERENCE_URL: 'http://vllm:8000', FALLBACK_CHAIN: 'openai', ...key };
    expect(readEnv(env).options).toEqual({
      providers: {
        vllm: { type: 'vllm', url: 'http://vllm:8000', priority: 0 },
        openai: { type: 'openai', apiKey: 'sk-canary', priority: 1 },
      },
      allowPaid: true,
    });
  });

  test('the address of the first provider goes to no other', () => {
    const env = { INFERENCE_PROVIDER: 'ollama', LOCAL_INFERENCE_URL: 'http://ollama:11434', FALLBACK_CHAIN: 'vllm,llamacpp' };
    expect(providers(env)).toEqual({
      ollama: { type: 'ollama', url: 'http://ollama:11434', priority: 0 },
      vllm: { type: 'vllm', priority: 1 },
      llamacpp: { type: 'llamacpp', priority: 2 },
    });
  });

  test('nor does its model', () => {
    const env = { INFERENCE_PROVIDER: 'ollama', LOCAL_MODEL_NAME: 'llama3.1:8b', FALLBACK_CHAIN: 'vllm' };
    expect(providers(env)).toEqual({
      ollama: { type: 'ollama', defaultModel: 'llama3.1:8b', priority: 0 },
      vllm: { type: 'vllm', priority: 1 },
    });
  });

  test('the first provider is tried once, however often it is named', () => {
    const env = { INFERENCE_PROVIDER: 'ollama', FALLBACK_CHAIN: 'vllm, OLLAMA' };
    expect(order(env)).toBe('ollama=0 vllm=1');
    expect(warnings(env)).toMatchInlineSnapshot(`
      [
        "FALLBACK_CHAIN: names ollama, which goes first; it is tried once",
      ]
    `);
  });

  test('it is exact: what it does not name is not used', () => {
    const env = { ...pair, ...key, INFERENCE_PROVIDER: 'vllm', FALLBACK_CHAIN: 'openai' };
    expect(order(env)).toBe('vllm=0 openai=1');
    expect(setBy(env)).toMatchObject({ OLLAMA_GPU_URL: [], OLLAMA_CPU_URL: [] });
  });

  test('an empty one means no fallback', () => {
    expect(order({ INFERENCE_PROVIDER: 'vllm', FALLBACK_CHAIN: '', ...pair })).toBe('vllm=0');
  });

  test('without one, what is configured follows, and what costs money is last', () => {
    expect(order({ INFERENCE_PROVIDER: 'vllm', ...key, ...pair })).toBe('vllm=0 gpu=1 cpu=1 openai=2');
    expect(order({ ...key, ...pair })).toBe('gpu=0 cpu=0 openai=1');
  });

  test('behind the Ollama servers that variables describe', () => {
    expect(order({ ...pair, ...key, FALLBACK_CHAIN: 'vllm,openai' })).toBe('gpu=0 cpu=0 vllm=1 openai=2');
  });

  test('a model name reaches both lanes, when they go first', () => {
    const { gpu, cpu } = readEnv({ ...pair, LOCAL_MODEL_NAME: 'm' }).options.providers;
    expect([gpu?.defaultModel, cpu?.defaultModel]).toEqual(['m', 'm']);
  });

  test.each<[Env, string]>([
    [{ INFERENCE_PROVIDER: 'vllm', FALLBACK_CHAIN: 'openai', ...key }, 'vllm=0'],
    [{ ...pair, ...key }, 'gpu=0'],
    [{ ...pair, INFERENCE_PROVIDER: 'ollama', LOCAL_INFERENCE_URL: pair.OLLAMA_CPU_URL }, 'cpu=0'],
    [{ ...pair, INFERENCE_PROVIDER: 'ollama', LOCAL_INFERENCE_URL: 'http://third' }, 'ollama=0'],
  ])('ENABLE_FALLBACK=false leaves one of %o', (env, expected) => {
    expect(order({ ...env, ENABLE_FALLBACK: 'false' })).toBe(expected);
  });
});

describe('paying', () => {
  const all = { HF_TOKEN: 'h', TOGETHER_API_KEY: 't', ANTHROPIC_API_KEY: 'a', ...key };

  test('keys of paid clouds and nothing else: the first is the primary, the others stay out, and that is said', () => {
    const { TOGETHER_API_KEY: _, HF_TOKEN: __, ...two } = all;
    const env = { ...two, ANTHROPIC_BASE_URL: 'http://proxy' };
    expect(order(env)).toBe('openai=0');
    expect(allowPaid(env)).toBeUndefined();
    expect(resolveConfig(readEnv(env).options).config.allowPaid).toBe(true);
    expect(setBy(env)).toMatchObject({ ANTHROPIC_API_KEY: [], ANTHROPIC_BASE_URL: [] });
    expect(warnings(env)).toMatchInlineSnapshot(`
      [
        "ANTHROPIC_API_KEY: is not used: anthropic costs money and would stand in for openai, which nothing allows; ENABLE_PAID_API=true or PROVIDER_ORDER does",
      ]
    `);
    expect(readEnv(env).report.find(({ variable }) => variable === 'ANTHROPIC_BASE_URL')?.note).toMatch(/PROVIDER_ORDER does$/);
  });

  test('the first is that of the usual order, whichever key was set first', () => {
    expect(order(all)).toBe('huggingface=0');
    expect(warnings(all).map((text) => text.split(':')[0])).toEqual(['TOGETHER_API_KEY', 'OPENAI_API_KEY', 'ANTHROPIC_API_KEY']);
    expect(order({ ...all, PRIMARY_BACKEND: 'auto', ENABLE_FALLBACK: 'true' })).toBe('huggingface=0');
  });

  test.each<[string, Env]>([
    ['huggingface=0 together_ai=1 openai=2 anthropic=3', { ENABLE_PAID_API: 'true' }],
    ['anthropic=0 openai=1', { PROVIDER_ORDER: 'anthropic,openai' }],
    ['openai=0', { INFERENCE_PROVIDER: 'openai' }],
    ['openai=0', { INFERLANE_PRESET: 'switchable' }],
    ['ollama=0 huggingface=1 together_ai=2 openai=3 anthropic=4', { OLLAMA_HOST: 'box' }],
  ])('what is said, or free, stands over that: %s with %o', (expected, env) => {
    expect(order({ ...all, ...env })).toBe(expected);
    expect(warnings({ ...all, ...env })).toEqual([]);
  });

  test('options in code name their providers, so all of them are paid', () => {
    const { config } = resolveConfig({ providers: { a: { type: 'openai', apiKey: 'k' }, b: { type: 'anthropic', apiKey: 'k' } } });
    expect([config.allowPaid, config.providers.length]).toEqual([true, 2]);
  });

  test('ENABLE_PAID_API=false with nothing free leaves nobody, and that is said by the name of the variable', () => {
    expect(warnings({ ...key, ENABLE_PAID_API: 'false' })).toMatchInlineSnapshot(`
      [
        "ENABLE_PAID_API: is false, and everybody who is described costs money, so nobody is left; describe one that is free, or set it to true",
      ]
    `);
    expect(warnings({ ...key, ...pair, ENABLE_PAID_API: 'false' })).toEqual([]);
  });

  test('a key alone is no consent', () => {
    expect(allowPaid({ ...key, ...pair })).toBeUndefined();
    expect(resolveConfig(readEnv({ ...key, ...pair }).options).config.allowPaid).toBe(false);
  });

  test.each([{ INFERENCE_PROVIDER: 'openai' }, { INFERENCE_PROVIDER: 'vllm', FALLBACK_CHAIN: 'openai' }, { ENABLE_PAID_API: 'YES' }])(
    '%o is consent',
    (env) => {
      expect(allowPaid({ ...key, ...env })).toBe(true);
    },
  );

  test('a chain that is switched off is no consent', () => {
    expect(allowPaid({ ...key, INFERENCE_PROVIDER: 'vllm', FALLBACK_CHAIN: 'openai', ENABLE_FALLBACK: 'off' })).toBeUndefined();
  });

  test('ENABLE_PAID_API=false stands', () => {
    expect(allowPaid({ ...key, ...pair, ENABLE_PAID_API: '0' })).toBe(false);
  });

  test('and cannot stand beside a list that names a paid provider', () => {
    expect([
      ...issues({ ...key, INFERENCE_PROVIDER: 'openai', ENABLE_PAID_API: 'false' }),
      ...issues({ ...key, INFERENCE_PROVIDER: 'vllm', FALLBACK_CHAIN: 'openai', ENABLE_PAID_API: 'no' }),
    ]).toMatchInlineSnapshot(`
      [
        "ENABLE_PAID_API: is false, but INFERENCE_PROVIDER names openai, which costs money; change one of the two",
        "ENABLE_PAID_API: is false, but FALLBACK_CHAIN names openai, which costs money; change one of the two",
      ]
    `);
  });
});

describe('one thing under several names', () => {
  test.each(['OPENAI_BASE_URL', 'OPENAI_API_BASE'])('%s is the address of openai', (variable) => {
    const env = { ...key, [variable]: 'http://proxy/v1' };
    expect(readEnv(env).options.providers['openai']?.url).toBe('http://proxy/v1');
    expect(setBy(env)[variable]).toEqual(['providers.openai.url']);
  });

  test('the same address twice is fine, however it is spelt', () => {
    const env = { ...key, OPENAI_BASE_URL: 'http://proxy/v1', OPENAI_API_BASE: 'http://proxy/' };
    expect(setBy(env)).toMatchObject({ OPENAI_BASE_URL: ['providers.openai.url'], OPENAI_API_BASE: ['providers.openai.url'] });
  });

  test('two addresses are an issue', () => {
    expect([
      ...issues({ ...key, OPENAI_BASE_URL: 'http://a', OPENAI_API_BASE: 'http://b' }),
      ...issues({ INFERENCE_PROVIDER: 'ollama', LOCAL_INFERENCE_URL: 'http://a', OLLAMA_BASE_URL: 'http://b' }),
    ]).toMatchInlineSnapshot(`
      [
        "OPENAI_BASE_URL: differs from OPENAI_API_BASE, and both say where OpenAI is; unset one of them",
        "LOCAL_INFERENCE_URL: differs from OLLAMA_BASE_URL, and both say where Ollama is; unset one of them",
      ]
    `);
  });
});

describe('issues', () => {
  test('nothing is set', () => {
    expect([{}, { ENABLE_PAID_API: 'true' }, { PATH: '/bin' }].flatMap(issues)).toMatchInlineSnapshot(`
      [
        "providers: no variable names a provider; set OLLAMA_BASE_URL, OLLAMA_GPU_URL and OLLAMA_CPU_URL, OPENAI_API_KEY, INFERENCE_PROVIDER (openai, ollama, vllm, llamacpp, textgen), or INFERLANE_PRESET",
        "providers: no variable names a provider; set OLLAMA_BASE_URL, OLLAMA_GPU_URL and OLLAMA_CPU_URL, OPENAI_API_KEY, INFERENCE_PROVIDER (openai, ollama, vllm, llamacpp, textgen), or INFERLANE_PRESET",
        "providers: no variable names a provider; set OLLAMA_BASE_URL, OLLAMA_GPU_URL and OLLAMA_CPU_URL, OPENAI_API_KEY, INFERENCE_PROVIDER (openai, ollama, vllm, llamacpp, textgen), or INFERLANE_PRESET",
      ]
    `);
  });

  test('every one at once', () => {
    const env = {
      INFERENCE_PROVIDER: 'olama',
      FALLBACK_CHAIN: 'openai,tgi',
      ENABLE_FALLBACK: 'maybe',
      LOCAL_INFERENCE_URL: 'box',
      OPENAI_API_KEY: 'a b',
    };
    expect(issues(env)).toMatchInlineSnapshot(`
      [
        "INFERENCE_PROVIDER: must be one of openai, ollama, vllm, llamacpp, textgen; did you mean ollama?",
        "FALLBACK_CHAIN: entry 2 must be one of openai, ollama, vllm, llamacpp, textgen",
        "ENABLE_FALLBACK: must be true, 1, yes or on, or false, 0, no or off",
        "LOCAL_INFERENCE_URL: is no address; write it like http://127.0.0.1:11434",
        "OPENAI_API_KEY: holds blanks or characters that a header cannot carry; give the key alone, without "Bearer"",
      ]
    `);
  });

  test('providers that are none', () => {
    expect(['text-gen', 'gpt', 'cpu'].flatMap((name) => issues({ INFERENCE_PROVIDER: name }))).toMatchInlineSnapshot(`
      [
        "INFERENCE_PROVIDER: must be one of openai, ollama, vllm, llamacpp, textgen; did you mean textgen?",
        "INFERENCE_PROVIDER: must be one of openai, ollama, vllm, llamacpp, textgen",
        "INFERENCE_PROVIDER: must be one of openai, ollama, vllm, llamacpp, textgen",
      ]
    `);
    expect(
      ['vllm,,openai', 'vllm,', 'vllm,vllm', 'vllm;openai'].flatMap((chain) =>
        issues({ INFERENCE_PROVIDER: 'ollama', FALLBACK_CHAIN: chain }),
      ),
    ).toMatchInlineSnapshot(`
      [
        "FALLBACK_CHAIN: entry 2 must be one of openai, ollama, vllm, llamacpp, textgen",
        "FALLBACK_CHAIN: entry 2 must be one of openai, ollama, vllm, llamacpp, textgen",
        "FALLBACK_CHAIN: names vllm twice; each provider belongs there once",
        "FALLBACK_CHAIN: entry 1 must be one of openai, ollama, vllm, llamacpp, textgen",
      ]
    `);
  });

  test('variables that need another', () => {
    expect([...issues({ LOCAL_INFERENCE_URL: 'http://a' }), ...issues({ ...key, FALLBACK_CHAIN: 'ollama' })]).toMatchInlineSnapshot(`
      [
        "LOCAL_INFERENCE_URL: does not say which server it is; set INFERENCE_PROVIDER to ollama, vllm, llamacpp or textgen",
        "FALLBACK_CHAIN: says who stands behind the first provider; say in INFERENCE_PROVIDER who that is",
      ]
    `);
  });

  const bad: Record<string, string> = {
    'true or false': 'canary',
    'a URL': 'canary',
    'a host': 'can ary',
    'a key': 'can ary',
    'a list of keys': 'can ary',
    'a header': 'canary\u0000',
    'a provider': 'canary',
    'a list of providers': 'canary',
    'a backend': 'canary',
    'a list of names': 'can ary',
    'a preset': 'canary',
    'a whole number': '31337.5',
    'a number of threads': '31337',
    'a number of seconds': '31337s',
    'a duration': '31337 canary',
    'a share': '31337',
  };
  // What the server reads is looked into by the server.
  const rows = Object.entries(envTable).filter(([, { reads, readBy }]) => reads !== 'text' && readBy === undefined);

  test.each(rows.filter(([, { reads }]) => reads in bad))('%s does not take just anything', (variable, { reads }) => {
    const found = issues({ INFERENCE_PROVIDER: 'vllm', [variable]: bad[reads] });
    expect(found).toEqual([expect.stringMatching(new RegExp(`^${variable}: `))]);
    expect(found.join()).not.toMatch(/canary|can ary|31337/);
  });

  test.each(rows.filter(([variable]) => variable !== 'FALLBACK_CHAIN'))('%s is not empty', (variable, { reads }) => {
    for (const empty of ['', ' \t'])
      expect(issues({ INFERENCE_PROVIDER: 'vllm', [variable]: empty })).toEqual([`${variable}: is empty; give it ${reads}, or unset it`]);
  });

  test('the variables that are read are those of the table', () => {
    const read = new Set<unknown>();
    const env = new Proxy<Env>({}, { get: (_target, name) => (read.add(name), name === 'INFERENCE_PROVIDER' ? 'vllm' : undefined) });
    readEnv(env);
    expect([...read].toSorted()).toEqual(Object.keys(envTable).toSorted());
  });

  test('what is no text, or cannot be read', () => {
    const env = Object.defineProperty({ OLLAMA_BASE_URL: 5 } as unknown as Env, 'OPENAI_API_KEY', {
      get() {
        throw new Error('canary');
      },
    });
    expect(issues(env)).toMatchInlineSnapshot(`
      [
        "OLLAMA_BASE_URL: must be text",
        "OPENAI_API_KEY: could not be read: reading it threw an error",
      ]
    `);
  });
});

test.each(['true', 'TRUE', '1', 'yes', 'On', ' true '])('%j is true', (text) => {
  expect(readEnv({ ...pair, ENABLE_PAID_API: text }).options.allowPaid).toBe(true);
});

test.each(['false', 'False', '0', 'no', 'OFF'])('%j is false', (text) => {
  expect(readEnv({ ...pair, ENABLE_PAID_API: text }).options.allowPaid).toBe(false);
});

describe('the report', () => {
  test('has a row for each variable that is set, and says why one was not used', () => {
    const env = {
      INFERENCE_PROVIDER: 'openai',
      LOCAL_INFERENCE_URL: 'http://ollama:11434',
      LOCAL_MODEL_NAME: 'm',
      FALLBACK_CHAIN: 'vllm',
      OLLAMA_HOST: 'box',
      PATH: '/bin',
      ...key,
    };
    expect(readEnv(env).report).toMatchInlineSnapshot(`
      [
        {
          "sets": [
            "providers.openai.priority",
            "allowPaid",
          ],
          "variable": "INFERENCE_PROVIDER",
        },
        {
          "sets": [
            "providers",
          ],
          "variable": "FALLBACK_CHAIN",
        },
        {
          "note": "it belongs to a local provider that goes first, and none does; OLLAMA_BASE_URL says where Ollama is",
          "sets": [],
          "variable": "LOCAL_INFERENCE_URL",
        },
        {
          "note": "it belongs to a local provider that goes first, and none does",
          "sets": [],
          "variable": "LOCAL_MODEL_NAME",
        },
        {
          "note": "FALLBACK_CHAIN does not name its provider",
          "sets": [],
          "variable": "OLLAMA_HOST",
        },
        {
          "secret": true,
          "sets": [
            "providers.openai.apiKey",
          ],
          "variable": "OPENAI_API_KEY",
        },
      ]
    `);
    expect(warnings(env)).toMatchInlineSnapshot(`
      [
        "LOCAL_INFERENCE_URL: is not used: it belongs to a local provider that goes first, and none does; OLLAMA_BASE_URL says where Ollama is",
        "LOCAL_MODEL_NAME: is not used: it belongs to a local provider that goes first, and none does",
      ]
    `);
  });

  test('what ENABLE_FALLBACK=false left out', () => {
    const { report } = readEnv({ ...pair, ENABLE_FALLBACK: 'false', FALLBACK_CHAIN: 'vllm' });
    expect(report.filter(({ sets }) => sets.length === 0).map(({ variable, note }) => `${variable}: ${note}`)).toMatchInlineSnapshot(`
      [
        "FALLBACK_CHAIN: ENABLE_FALLBACK is false, so only the first provider is used",
        "OLLAMA_CPU_URL: ENABLE_FALLBACK is false, so only the first provider is used",
      ]
    `);
  });

  test('shows no value', () => {
    expect(JSON.stringify(readEnv({ ...key, OPENAI_BASE_URL: 'http://canary:canary@box' }).report)).not.toContain('canary');
  });
});

describe('fromEnv', () => {
  test('gives plain options that createRouter() takes, with the report beside them', () => {
    const options = fromEnv(pair);
    expect(options.report).toEqual(readEnv(pair).report);
    expect(Object.keys(options)).toEqual(['providers']);
    expect(resolveConfig(options).config.providers.map(({ id }) => id)).toEqual(['gpu', 'cpu']);
  });

  test('they can be spread and changed', () => {
    const options = fromEnv(pair);
    const changed = { ...options, maxAttempts: 1, providers: { ...options.providers, stub: { type: 'stub' } } } as const;
    expect('report' in changed && changed.report !== undefined).toBe(false);
    expect(resolveConfig(changed).config.providers.map(({ id }) => id)).toEqual(['gpu', 'cpu', 'stub']);
  });

  test('a missing key of openai is told with the name of its variable', () => {
    expect(issuesOf(() => resolveConfig(fromEnv({ INFERENCE_PROVIDER: 'openai' })))).toEqual([expect.stringContaining('OPENAI_API_KEY')]);
  });
});
