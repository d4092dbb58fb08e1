import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fromFile, fromJson, type LoadedOptions } from '../../src/config/file.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import type { Transport } from '../../src/lib/transport.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { issuesOf } from './refusals.ts';

const file = (name: string): URL => new URL(`../fixtures/config/${name}.json`, import.meta.url);
const env = { TOGETHER_API_KEY: 'canary-key', NVIDIA_BASE_URL: 'http://gpu-box:8000/v1' };

type Section = Record<string, unknown>;
type Document = Record<'priority' | 'nvidia' | 'together_ai' | 'cpu', Section>;

/** The document's own file, with some of its settings changed; a section that is undefined is left out. */
function sample(changes: Partial<Record<keyof Document, Section | undefined>> = {}): Record<string, Section> {
  const document = JSON.parse(readFileSync(file('backends'), 'utf8')) as Document;
  const all = Object.entries(document).map(([name, section]) => [name, { ...section, ...changes[name as keyof Document] }] as const);
  return Object.fromEntries(all.filter(([name]) => !(name in changes) || changes[name as keyof Document] !== undefined));
}

const load = (changes: Parameters<typeof sample>[0] = {}, variables: Record<string, string> = env): LoadedOptions =>
  fromJson(sample(changes), { env: variables });
const warnings = ({ warnings: all }: LoadedOptions): string[] => all.map(({ path, message }) => `${path}: ${message}`);
const issues = (changes: Parameters<typeof sample>[0], variables = env): string[] => issuesOf(() => load(changes, variables));

/** Who is asked, first to last, with weights where calls are shared: `nvidia=0*0.7 together_ai=0*0.3`. */
function order(options: RouterOptions): string {
  return Object.entries(options.providers)
    .filter(([, { enabled }]) => enabled !== false)
    .map(([id, { priority, weight }]) => `${id}=${priority}${weight === undefined ? '' : `*${weight}`}`)
    .join(' ');
}

describe('the file of the multi-backend guide', () => {
  test('loads as it stands, and is told that its key is none and that NVIDIA has no address', async () => {
    const options = await fromFile(file('backends'), { env: {} });
    expect(options).toEqual({
      providers: {
        nvidia: {
          type: 'nvidia',
          priority: 0,
          metadata: {
            enable_tensorrt: 'true',
            enable_flash_attention: 'true',
            enable_transformer_engine: 'true',
            enable_fp8: 'true',
            enable_gptq: 'true',
            enable_awq: 'true',
            default_quant_method: 'gptq',
            quantization_bit_width: '4',
            cuda_memory_fraction: '0.85',
            multi_gpu_strategy: 'auto',
          },
        },
        together_ai: {
          type: 'together',
          priority: 1,
          defaultModel: 'meta-llama/Llama-2-70b-chat-hf',
          embeddingModel: 'togethercomputer/m2-bert-80M-8k-retrieval',
          timeouts: { totalMs: 60_000 },
          metadata: { max_retries: '3' },
        },
        cpu: {
          type: 'cpu',
          priority: 2,
          modelPath: 'llama-2-7b-chat.Q4_K_M.gguf',
          embeddingModel: 'all-MiniLM-L6-v2',
          threads: 4,
          contextSize: 2_048,
        },
      },
      allowPaid: true,
      maxAttempts: 3,
      timeouts: { firstTokenMs: 10_000 },
    });
    expect(warnings(options)).toMatchInlineSnapshot(`
      [
        "backends.json:11:13 nvidia: has no address in this format, so http://127.0.0.1:8000 is used; set the variable NVIDIA_BASE_URL to the address of the server",
        "backends.json:26:16 together_ai.api_key: is a placeholder, so this backend gets no calls; write "\${TOGETHER_API_KEY}" there and set that variable",
      ]
    `);
    expect(
      resolveConfig(options)
        .config.providers.filter(({ enabled }) => enabled)
        .map(({ id }) => id),
    ).toEqual(['nvidia', 'cpu']);
  });

  test('takes what it lacks from variables, and says so', async () => {
    const variables = { ...env, NVIDIA_API_KEY: 'nvapi', NVIDIA_DEFAULT_MODEL: 'meta/llama' };
    const options = await fromFile(file('backends'), { env: variables });
    const { nvidia, together_ai } = options.providers;
    expect([nvidia?.url, nvidia?.apiKey, nvidia?.defaultModel, together_ai?.apiKey]).toEqual([
      'http://gpu-box:8000/v1',
      'nvapi',
      'meta/llama',
      'canary-key',
    ]);
    expect(options.report).toEqual([
      { variable: 'NVIDIA_BASE_URL', sets: ['providers.nvidia.url'] },
      { variable: 'NVIDIA_API_KEY', sets: ['providers.nvidia.apiKey'] },
      { variable: 'NVIDIA_DEFAULT_MODEL', sets: ['providers.nvidia.defaultModel'] },
      { variable: 'TOGETHER_API_KEY', sets: ['providers.together_ai.apiKey'] },
    ]);
    expect(options.warnings).toEqual([]);
  });
});

describe('the four scenarios of the guide', () => {
  test.each([
    ['backends-nvidia-cpu', 'nvidia=0 cpu=1', undefined],
    ['backends-together-cpu', 'together_ai=0 cpu=1', true],
    ['backends-nvidia-together', 'nvidia=0 together_ai=1', true],
    ['backends-shared', 'nvidia=0*0.7 together_ai=0*0.3', true],
  ])('%s is %s', async (name, expected, allowPaid) => {
    const options = await fromFile(file(name), { env });
    expect(order(options)).toBe(expected);
    expect(options.allowPaid).toBe(allowPaid);
    expect(options.warnings).toEqual([]);
    expect(resolveConfig(options).warnings).toEqual([]);
  });

  test.each(['fast', 'heavy'])(
    'the shared one gives seven of ten %s calls to NVIDIA, and a failed one goes to the other',
    async (intent) => {
      const asked: string[] = [];
      let isDown = false;
      const transport: Transport = {
        async send({ url, method }) {
          const { host } = new URL(url);
          if (method === 'POST') asked.push(host);
          const isFine = method === 'POST' && !(isDown && host === 'gpu-box:8000');
          const answer = {
            id: 'a',
            model: 'm',
            choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
          };
          const response = Response.json(isFine ? answer : { error: {} }, { status: isFine ? 200 : 500 });
          return {
            status: response.status,
            header: (name) => response.headers.get(name),
            body: response.body,
            text: () => response.text(),
          };
        },
      };
      const options = await fromFile(file('backends-shared'), { env });
      await using router = createRouter({ ...options, transport, checkModels: false, pollMs: false, health: false });
      const chat = (): Promise<unknown> => router.chat({ model: 'm', messages: [{ role: 'user', content: 'Hi' }] }, { intent });
      for (let call = 0; call < 20; call++) await chat();
      expect(asked.filter((host) => host === 'gpu-box:8000')).toHaveLength(14);
      isDown = true;
      asked.length = 0;
      for (let call = 0; call < 2; call++) await chat();
      expect(asked).toContain('gpu-box:8000');
      expect(asked.filter((host) => host === 'api.together.ai')).toHaveLength(2);
    },
  );
});

describe('priority', () => {
  const auto = { primary: 'auto', secondary: 'auto' };
  test.each([
    ['auto takes what costs nothing', { priority: auto }, 'nvidia=0 cpu=1 together_ai=2'],
    [
      'auto leaves out whoever is named for the other place',
      { priority: { ...auto, secondary: 'nvidia' } },
      'cpu=0 nvidia=1 together_ai=2',
    ],
    ['auto takes what costs money where nothing else is there', { priority: auto, nvidia: undefined, cpu: undefined }, 'together_ai=0'],
    ['auto is what stands for nothing', { priority: { primary: undefined, secondary: undefined } }, 'nvidia=0 cpu=1 together_ai=2'],
    ['auto_failover false leaves the first alone', { priority: { auto_failover: false } }, 'nvidia=0'],
    [
      'the second goes first where it gets everything',
      { priority: { load_balancing: true, load_ratio: 0 } },
      'together_ai=0 nvidia=1 cpu=2',
    ],
    ['a ratio of 1 is an order', { priority: { load_balancing: true, load_ratio: 1 } }, 'nvidia=0 together_ai=1 cpu=2'],
    ['the third stands behind the two that share', { priority: { load_balancing: true } }, 'nvidia=0*0.8 together_ai=0*0.2 cpu=2'],
  ] as const)('%s', (_, changes, expected) => {
    const options = load(changes);
    expect(order(options)).toBe(expected);
    expect(() => resolveConfig(options)).not.toThrow();
  });

  test.each([1e-13, 0.9999999999999])('a share of %d leaves the other side one above 0', (load_ratio) => {
    const options = load({ priority: { load_balancing: true, load_ratio } });
    const weights = Object.values(options.providers).map(({ weight }) => weight ?? 0);
    expect(weights.slice(0, 2).every((weight) => weight > 0)).toBe(true);
  });

  test('what gets no calls stays in the options, switched off', () => {
    const { providers } = load({ priority: { auto_failover: false }, cpu: { enabled: false } });
    expect(Object.entries(providers).map(([id, { enabled }]) => [id, enabled])).toEqual([
      ['nvidia', undefined],
      ['together_ai', false],
      ['cpu', false],
    ]);
  });

  test('attempts are counted over all backends, and are those of one where there is no other', () => {
    expect(load({ priority: { failover_attempts: 2 } }).maxAttempts).toBe(2);
    expect(load({ priority: { failover_attempts: undefined } }).maxAttempts).toBeUndefined();
    expect(load({ priority: { auto_failover: false } }).maxAttempts).toBeUndefined();
    expect(load({ priority: { auto_failover: false, primary: 'together_ai' } }).maxAttempts).toBe(4);
    expect(load({ priority: { auto_failover: false, load_balancing: true } }).maxAttempts).toBe(1);
    expect(order(load({ priority: { auto_failover: false, load_balancing: true } }))).toBe('nvidia=0*0.8 together_ai=0*0.2');
  });

  test('times are seconds', () => {
    const options = load({ priority: { failover_timeout: 2.5 }, together_ai: { timeout: 0.5 } });
    expect(options.timeouts).toEqual({ firstTokenMs: 2_500 });
    expect(options.providers['together_ai']?.timeouts).toEqual({ totalMs: 500 });
  });

  test('money is spent only on whom a priority names', () => {
    const options = load({ priority: { primary: 'nvidia', secondary: 'cpu' } });
    expect(options.allowPaid).toBeUndefined();
    expect(warnings(options)).toMatchInlineSnapshot(`
      [
        "together_ai: is switched on, but costs money and is named in neither priority.primary nor priority.secondary, so it gets no calls; name it there to allow it",
      ]
    `);
    expect(load({ priority: { auto_failover: false } }).allowPaid).toBeUndefined();
    expect(load({ priority: { primary: 'auto', secondary: 'together_ai' } }).allowPaid).toBe(true);
  });

  test('what is odd is told', () => {
    expect(warnings(load({ priority: { secondary: 'nvidia' } }))[0]).toMatchInlineSnapshot(
      `"priority.secondary: names nvidia, which goes first already; it is tried once"`,
    );
    expect(warnings(load({ priority: { secondary: 'auto', load_balancing: true }, cpu: { enabled: false } }))).toMatchInlineSnapshot(`
      [
        "priority.load_balancing: has no second backend to share the calls with; switch one on, and name it in priority.secondary",
        "together_ai: is switched on, but costs money and is named in neither priority.primary nor priority.secondary, so it gets no calls; name it there to allow it",
      ]
    `);
  });
});

test('an encoder that is a GGUF file is a path', () => {
  expect(load({ cpu: { default_embedding_model: 'minilm.GGUF' } }).providers['cpu']).toMatchObject({ embeddingModelPath: 'minilm.GGUF' });
});

test('every bad setting is an issue that says what to do', () => {
  const written = { api_key: 'sk-canary' };
  const none = {} as typeof env;
  expect([
    issues({
      priority: { primry: 'nvidia', primary: 'nvida', load_ratio: 80, failover_timeout: 0, failover_attempts: 0, auto_failover: 'yes' },
    }),
    issues({
      nvidia: { enable_trt: true, enable_fp8: 1, quantization_bit_width: 4.5, cuda_memory_fraction: 85, default_quant_method: '' },
    }),
    issues({ together_ai: { apikey: 'canary', timeout: '60', max_retries: -1, default_model: 5 }, cpu: { threads: 4, context_size: 0 } }),
    issues({ nvidia: { enabled: false } }),
    issues({ together_ai: undefined }),
    issues({ cpu: { default_model: undefined, default_embedding_model: undefined } }),
    issues({ nvidia: undefined, cpu: undefined, priority: { primary: 'together_ai', secondary: 'auto' } }, none),
    issues({ together_ai: { api_key: 'Bearer canary' } }),
    issues({ together_ai: { api_key: '${TOGETHER_KEY}' } }),
    issues({}, { ...env, NVIDIA_BASE_URL: 'gpu-box' }),
    issuesOf(() => fromJson({ priority: {}, nvidia: { enabled: false } }, { env })),
    issuesOf(() => fromJson({ priority: [], cpu: 5, extra: 1 }, { env })),
  ]).toMatchInlineSnapshot(`
    [
      [
        "priority.primary: must be one of nvidia, together_ai, cpu, auto; did you mean "nvidia"?",
        "priority.auto_failover: must be true or false",
        "priority.failover_attempts: must be a whole number from 1 to 100",
        "priority.failover_timeout: must be a number of seconds above 0 and at most 2147483",
        "priority.load_ratio: must be a fraction from 0 to 1, like 0.8 for 80 %",
        "priority.primry: unknown option "primry"; did you mean "primary"?",
      ],
      [
        "nvidia.enable_fp8: must be true or false",
        "nvidia.default_quant_method: must not be empty",
        "nvidia.quantization_bit_width: must be a whole number from 1 to 64",
        "nvidia.cuda_memory_fraction: must be a number from 0 to 1",
        "nvidia.enable_trt: unknown option "enable_trt"; did you mean "enabled"?",
      ],
      [
        "together_ai.default_model: must be text",
        "together_ai.timeout: must be a number of seconds above 0 and at most 2147483",
        "together_ai.max_retries: must be a whole number from 0 to 100",
        "together_ai.apikey: unknown option "apikey"; did you mean "api_key"?",
        "cpu.context_size: must be a whole number from 1 to 100000000",
        "cpu.threads: unknown option "threads"; did you mean "num_threads"?",
      ],
      [
        "priority.primary: names nvidia, but nvidia.enabled is false; change one of the two",
      ],
      [
        "priority.secondary: names together_ai, and the file has no section "together_ai"; add one",
      ],
      [
        "cpu.default_model: is missing: give the path of a GGUF file, or an encoder in default_embedding_model",
      ],
      [
        "together_ai.api_key: is a placeholder; write "\${TOGETHER_API_KEY}" there and set that variable",
      ],
      [
        "together_ai.api_key: holds blanks or characters that a header cannot carry; give the key alone, without "Bearer"",
      ],
      [
        "together_ai.api_key: refers to \${TOGETHER_KEY}, a variable that is not set; set it, or write a default as \${NAME:-default}",
      ],
      [
        "providers.nvidia.url: is no address; write it like http://127.0.0.1:11434; its value is the text of \${NVIDIA_BASE_URL}",
      ],
      [
        ": every backend is switched off; leave one of them enabled",
      ],
      [
        "priority: must be an object",
        "cpu: must be an object",
        "extra: unknown option "extra"",
      ],
    ]
  `);
  expect(warnings(load({ together_ai: written }))).toMatchInlineSnapshot(`
    [
      "together_ai.api_key: is written out; write \${TOGETHER_API_KEY} for it and set that variable, so that the file holds no secret",
    ]
  `);
});
