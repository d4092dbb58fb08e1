import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRouter, type ProviderHealth, type ProviderStatus } from '../../src/index.ts';
import {
  backendStatusView,
  gpuProvidersView,
  inferenceHealthView,
  modelHealthView,
  modelListView,
  pairCheckView,
  pairModelsView,
  type ViewInput,
  views,
} from '../../src/http/index.ts';
import { broken, down, input, models, nowMs, provider, untried } from './health-of.ts';
import { fault } from '../_kit/fake-adapter.ts';
import { fakeRouter, hello } from '../_kit/fake-router.ts';
import * as samples from './samples.ts';

const statuses: readonly ProviderStatus[] = [
  'ok',
  'saturated',
  'warming',
  'limited',
  'misconfigured',
  'out-of-memory',
  'open',
  'probing',
  'down',
  'unknown',
];

/** Each status with the word that a view has for it. */
function wordsOf(word: (input: ViewInput) => unknown, given: Partial<ProviderHealth> = {}): Record<string, unknown> {
  return Object.fromEntries(statuses.map((status) => [status, word(input([provider('a', { successes: 0, ...given, status })]))]));
}

/** As a client reads it. */
const parsed = (json: unknown): unknown => JSON.parse(JSON.stringify(json));

const backend = (seen: ViewInput, id: string) => {
  const { backends, failover } = backendStatusView(seen);
  return { ...backends[id], ...failover[`${id}_backend`] };
};

const only = (given: Partial<ProviderHealth>) => gpuProvidersView(input([provider('a', given)])).gpu_providers.providers['a'];

const overall = (...providers: readonly ProviderHealth[]) => gpuProvidersView(input(providers)).status;

const tgi = (id: string, given: Partial<ProviderHealth> = {}) =>
  provider(id, { type: 'tgi', url: `http://${id}:8080`, metadata: { hf_name: `org/${id}` }, models: models(`org/${id}`), ...given });

const maybe = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { nil: undefined });

const jsonOf = (seen: ViewInput): [string, unknown][] =>
  Object.entries(views).map(([name, { toJson }]) => [name, toJson(seen, modelListView(seen)[0]?.id) ?? null]);

describe("the documents' own samples", () => {
  test('of the first and the second backend', () => {
    const seen = input([provider('nvidia'), provider('together_ai'), provider('cpu', { url: undefined })], { balance: 'weighted' });
    expect(parsed(backendStatusView(seen))).toStrictEqual(samples.backendStatusSample);
  });

  test('of the GPU providers', () => {
    const seen = input([
      provider('ollama_local'),
      provider('remote_gpu', {
        ...broken,
        status: 'probing',
        checkedAtMs: nowMs - 300_000,
        error: { code: 'timeout', message: 'remote_gpu did not answer in time.' },
        successes: 5,
        circuitOpenUntilMs: nowMs,
      }),
      provider('huggingface', { latencyMs: 120.04, successes: 2 }),
      provider('local_stub', { url: undefined, latencyMs: 0, successes: 0 }),
    ]);
    expect(parsed(gpuProvidersView(seen))).toStrictEqual(samples.gpuProvidersSample);
  });

  test('of the registry of models, and of one model', () => {
    const metadata = { name: 'GPT-2', hf_name: 'gpt2' };
    const seen = input([provider('gpt-2', { type: 'tgi', url: 'http://gpu-server:8080', metadata, models: models('gpt2') })]);
    expect(parsed(modelListView(seen))).toStrictEqual(samples.modelListSample);
    expect(parsed(modelHealthView(seen, 'gpt-2'))).toStrictEqual(samples.modelHealthSample);
  });

  test('of inference', () => {
    const seen = input([
      provider('ollama', { models: models('llama3.1:8b') }),
      provider('openai', { type: 'openai', models: models('gpt-4o', 'gpt-4o-mini', 'text-embedding-3-small') }),
      down('vllm', { type: 'vllm' }),
    ]);
    expect(parsed(inferenceHealthView(seen))).toStrictEqual(samples.inferenceHealthSample);
  });

  test('of the GPU and the CPU server, and of their models', () => {
    const seen = input([
      provider('gpu', { models: models('llama3.1:8b', 'llama3.2:3b') }),
      provider('cpu', { device: 'cpu', url: 'http://127.0.0.1:11435', models: models('llama3.1:70b', 'qwen2.5:32b') }),
    ]);
    expect(parsed(pairCheckView(seen))).toStrictEqual(samples.pairCheckSample);
    expect(parsed(pairModelsView(seen))).toStrictEqual(samples.pairModelsSample);
  });
});

describe('the status of backends', () => {
  test('has a word for each status', () => {
    expect(wordsOf((seen) => backendStatusView(seen).backends['a']?.status)).toEqual({
      ok: 'available',
      saturated: 'available',
      warming: 'unavailable',
      limited: 'unavailable',
      misconfigured: 'unavailable',
      'out-of-memory': 'unavailable',
      open: 'unavailable',
      probing: 'unavailable',
      down: 'unavailable',
      unknown: 'unknown',
    });
  });

  test('shows the three states of a breaker', () => {
    const seen = input([
      provider('shut'),
      provider('open', broken),
      provider('half', { ...broken, status: 'probing', circuit: 'half-open', circuitOpenUntilMs: undefined }),
    ]);
    expect(['shut', 'open', 'half'].map((id) => backend(seen, id))).toEqual([
      { status: 'available', error: null, is_healthy: true, failure_count: 0, circuit_state: 'CLOSED' },
      { status: 'unavailable', error: 'timeout', is_healthy: false, failure_count: 3, circuit_state: 'OPEN' },
      { status: 'unavailable', error: 'timeout', is_healthy: false, failure_count: 3, circuit_state: 'HALF_OPEN' },
    ]);
  });

  test('counts the breaker of a model as that of its backend, though the server answers its health check', () => {
    const seen = input([provider('a', { ...broken, status: 'ok' })]);
    expect(backend(seen, 'a')).toMatchObject({ status: 'unavailable', is_healthy: false, circuit_state: 'OPEN' });
  });

  test('tells why a backend is not available, and of one that is nothing of the past', () => {
    const seen = input([
      down('a'),
      provider('b', { status: 'misconfigured', lastError: { code: 'auth', atMs: nowMs } }),
      provider('c', { lastError: { code: 'timeout', atMs: nowMs } }),
    ]);
    expect(Object.values(backendStatusView(seen).backends)).toEqual([
      { status: 'unavailable', error: 'a cannot be reached.' },
      { status: 'unavailable', error: 'auth' },
      { status: 'available', error: null },
    ]);
  });

  test('knows that what runs in this process is there, and of a server that cannot be asked by its calls', () => {
    const seen = input([
      provider('process', { ...untried, url: undefined }),
      provider('served', { ...untried, successes: 1 }),
      provider('failed', { ...untried, successes: 1, consecutiveFailures: 1 }),
      provider('untried', untried),
    ]);
    expect(Object.values(backendStatusView(seen).backends).map(({ status }) => status)).toEqual([
      'available',
      'available',
      'unknown',
      'unknown',
    ]);
  });

  test('names no second backend where there is one, and none at all where there is none', () => {
    expect(backendStatusView(input([provider('only')]))).toMatchObject({
      secondary_backend: null,
      auto_failover: false,
      load_balancing: false,
    });
    expect(backendStatusView(input([]))).toEqual({
      primary_backend: null,
      secondary_backend: null,
      backends: {},
      load_balancing: false,
      auto_failover: false,
      initialized_backends: [],
      failover: {},
    });
  });
});

describe('the GPU providers', () => {
  test('have a word for each status', () => {
    expect(wordsOf((seen) => gpuProvidersView(seen).gpu_providers.providers['a']?.status)).toEqual({
      ok: 'healthy',
      saturated: 'healthy',
      warming: 'healthy',
      limited: 'unhealthy',
      misconfigured: 'unhealthy',
      'out-of-memory': 'unhealthy',
      open: 'circuit_open',
      probing: 'circuit_open',
      down: 'unhealthy',
      unknown: 'unhealthy',
    });
  });

  test('stay healthy while one of them is', () => {
    expect(overall(provider('a', broken), provider('b'))).toBe('healthy');
    expect(overall(provider('a', broken), down('b'))).toBe('unhealthy');
    expect(overall()).toBe('unhealthy');
  });

  test('tell until when a breaker is open, be it that of a model', () => {
    const told = { status: 'circuit_open', error_count: 3, circuit_open_until: '2024-01-15T10:34:59Z', last_error: 'timeout' };
    expect(only(broken)).toMatchObject(told);
    expect(only({ ...broken, status: 'ok' })).toMatchObject(told);
    expect(only({ ...broken, status: 'misconfigured' })?.status).toBe('unhealthy');
  });

  test('show the breaker of a router, as long as it stays open', async () => {
    const { router } = fakeRouter({ gpu: fault('driver'), cpu: 'yes' }, { breaker: 'classic' });
    for (let call = 0; call < 3; call++) await router.chat(hello);
    const health = await router.health();
    const { status, gpu_providers } = gpuProvidersView({ health });
    expect({ status, available: gpu_providers.available_providers }).toEqual({ status: 'healthy', available: ['cpu'] });
    expect(gpu_providers.providers['gpu']).toMatchObject({
      status: 'circuit_open',
      error_count: 3,
      circuit_open_until: new Date(health.atMs + 300_000).toISOString().replace('.000Z', 'Z'),
      last_error: 'driver',
    });
    expect(backendStatusView({ health }).failover['gpu_backend']).toEqual({ is_healthy: false, failure_count: 3, circuit_state: 'OPEN' });
  });

  test('count failures in a row, not all of them', () => {
    expect(only({ failures: 40, consecutiveFailures: 2 })).toMatchObject({ error_count: 2, success_count: 15 });
  });

  test('were never asked, or gave no answer', () => {
    expect(only(untried)).toEqual({
      status: 'unhealthy',
      last_check: null,
      latency_ms: 0,
      error_count: 0,
      success_count: 0,
      circuit_open_until: null,
      last_error: null,
    });
    expect(gpuProvidersView(input([down('a', { latencyMs: 5_000 })])).gpu_providers.providers['a']).toMatchObject({
      last_check: '2024-01-15T10:29:55Z',
      latency_ms: 0,
      last_error: 'a cannot be reached.',
    });
  });
});

describe('the registry of models', () => {
  test('says of each status whether the model is available', () => {
    const given = { type: 'tgi', metadata: {} };
    expect(wordsOf((seen) => modelHealthView(seen, 'a')?.status, given)).toEqual({
      ...Object.fromEntries(statuses.map((status) => [status, 'unavailable'])),
      ok: 'available',
      saturated: 'available',
    });
  });

  test('lists a server of one model once, under its id, whatever else the model is called', () => {
    const servedBy = [{ provider: 'mistral', model: 'org/mistral' }];
    const aliases = ['mistral', 'org/mistral'].map((id) => ({ id, isAlias: true, servedBy }));
    expect(modelListView(input([tgi('mistral')], { aliases }))).toEqual([
      { id: 'mistral', name: 'mistral', hf_name: 'org/mistral', endpoint: 'http://mistral:8080', available: true },
    ]);
  });

  test('keeps a server that is down, and one whose breaker is open, as not available', () => {
    const seen = input([down('gpt-2', { type: 'tgi', metadata: { hf_name: 'gpt2' } }), tgi('b', { ...broken, status: 'ok' })]);
    expect(modelListView(seen).map(({ id, available }) => [id, available])).toEqual([
      ['gpt-2', false],
      ['b', false],
    ]);
    expect(modelHealthView(seen, 'gpt-2')).toEqual({
      model_id: 'gpt-2',
      endpoint: 'http://127.0.0.1:11434',
      healthy: false,
      status: 'unavailable',
    });
  });

  test('takes the name from the server where nobody wrote one down', () => {
    const hub = (given: Partial<ProviderHealth>) => modelListView(input([tgi('a', { metadata: {}, ...given })]))[0]?.hf_name;
    expect([hub({ models: models('org/told') }), hub({ models: undefined, defaultModel: 'org/set' }), hub({ models: [] })]).toEqual([
      'org/told',
      'org/set',
      'a',
    ]);
  });

  test('lists models and aliases of other servers behind them', () => {
    const servedBy = [
      { provider: 'gpu', model: 'llama3.1:8b' },
      { provider: 'cpu', model: 'llama3.1:8b' },
    ];
    const seen = input([tgi('mistral'), down('gpu'), provider('cpu', { url: 'http://127.0.0.1:11435', models: models('phi:latest') })], {
      aliases: [
        { id: 'small', isAlias: true, servedBy },
        { id: 'gone', isAlias: true, servedBy: [] },
      ],
    });
    expect(modelListView(seen).slice(1)).toEqual([
      { id: 'small', name: 'small', hf_name: 'llama3.1:8b', endpoint: 'http://127.0.0.1:11435', available: true },
      { id: 'gone', name: 'gone', hf_name: 'gone', endpoint: null, available: false },
      { id: 'phi:latest', name: 'phi:latest', hf_name: 'phi:latest', endpoint: 'http://127.0.0.1:11435', available: true },
    ]);
  });

  test('does not offer a model that is kept away from its server for want of memory', () => {
    const pins = ['phi', 'org/mistral'].map((model) => ({ model, untilMs: nowMs + 1 }));
    const seen = input([tgi('mistral', { pins }), provider('gpu', { pins, models: models('phi:latest', 'qwen:4b') })]);
    expect(modelListView(seen).map(({ id, available }) => [id, available])).toEqual([
      ['mistral', false],
      ['phi:latest', false],
      ['qwen:4b', true],
    ]);
  });

  test('knows no model that is not listed', () => {
    const seen = input([tgi('mistral')]);
    for (const id of ['', 'none', 'org/mistral', '__proto__', 'constructor']) expect(modelHealthView(seen, id)).toBeUndefined();
    expect(modelListView(input([]))).toEqual([]);
    expect(views['model-health'].toJson(seen)).toBeUndefined();
    expect(views['model-health'].toJson(seen, 'mistral')).toMatchObject({ model_id: 'mistral' });
  });
});

describe('the health of inference', () => {
  test('is that of what would answer now', () => {
    expect(wordsOf((seen) => inferenceHealthView(seen).primary?.healthy)).toEqual({
      ...Object.fromEntries(statuses.map((status) => [status, false])),
      ok: true,
      saturated: true,
    });
  });

  test('shows no models of a provider that is not healthy, though it listed some before', () => {
    const [seen, listed] = [(given: Partial<ProviderHealth>) => inferenceHealthView(input([provider('a', given)])), models('m')];
    expect(seen({ status: 'warming', models: listed }).primary).toEqual({ type: 'ollama', healthy: false, models: [] });
    expect(seen({ models: undefined }).primary).toEqual({ type: 'ollama', healthy: true, models: [] });
  });

  test('tells of a fallback why it is not healthy, in place of its models, where that is known', () => {
    const seen = input([
      provider('a'),
      provider('b', { status: 'limited', lastError: { code: 'quota_exhausted', atMs: 0 } }),
      provider('c', untried),
    ]);
    expect(inferenceHealthView(seen).fallbacks).toEqual([
      { type: 'ollama', healthy: false, error: 'quota_exhausted' },
      { type: 'ollama', healthy: false, models: [] },
    ]);
  });

  test('has no fallbacks where calls do not fail over, and no primary where there is no provider', () => {
    expect(inferenceHealthView(input([provider('a'), provider('b')], { failsOver: false })).fallbacks).toEqual([]);
    expect(inferenceHealthView(input([]))).toEqual({ primary: null, fallbacks: [] });
  });
});

describe('the pair', () => {
  test('has a word for each status', () => {
    expect(wordsOf((seen) => pairCheckView(seen)['a']?.status)).toEqual({
      ...Object.fromEntries(statuses.map((status) => [status, 'unhealthy'])),
      ok: 'healthy',
      warming: 'healthy',
      saturated: 'healthy',
    });
  });

  test('goes by the ids of its servers, and leaves out what is neither', () => {
    const seen = input([
      provider('big'),
      provider('slow', { device: 'cpu' }),
      provider('openai', { device: 'cloud' }),
      provider('box', { device: 'remote' }),
    ]);
    expect(Object.entries(pairCheckView(seen)).map(([id, { is_gpu }]) => [id, is_gpu])).toEqual([
      ['big', true],
      ['slow', false],
    ]);
    expect(pairModelsView(seen)).toEqual({ big: [], slow: [] });
    expect(pairCheckView(input([provider('openai', { device: 'cloud' })]))).toEqual({});
  });

  test('tells of a server that is down why, and the version it had', () => {
    const seen = input([down('gpu', { models: models('old') }), provider('cpu', { ...untried, device: 'cpu', url: undefined })]);
    expect(pairCheckView(seen)).toEqual({
      gpu: { status: 'unhealthy', version: '0.14.3', url: 'http://127.0.0.1:11434', is_gpu: true, error: 'gpu cannot be reached.' },
      cpu: { status: 'healthy', version: 'unknown', url: null, is_gpu: false },
    });
    expect(pairModelsView(seen)).toEqual({ gpu: [], cpu: [] });
  });

  test('is well though one of its models is behind a breaker or does not fit', () => {
    const pins = [{ model: 'm', untilMs: nowMs + 1 }];
    expect(pairCheckView(input([provider('gpu', { ...broken, status: 'ok', pins })]))['gpu']).toEqual(samples.pairCheckSample.gpu);
  });
});

describe('every view', () => {
  const time = fc.integer({ min: -62_000_000_000_000, max: 8_640_000_000_000_000 });
  const count = fc.nat();
  const text = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString', 'a_backend'));
  const failure = fc.record({ code: fc.string(), message: fc.string() });
  const anyProvider: fc.Arbitrary<ProviderHealth> = fc
    .record({
      provider: text,
      type: fc.constantFrom('ollama', 'tgi', 'openai', 'stub'),
      device: fc.constantFrom('gpu' as const, 'cpu' as const, 'remote' as const, 'cloud' as const),
      url: maybe(fc.webUrl()),
      defaultModel: maybe(text),
      metadata: fc.dictionary(fc.constantFrom('name', 'hf_name', 'dtype'), fc.string()),
      status: fc.constantFrom(...statuses),
      checkedAtMs: maybe(time),
      latencyMs: maybe(fc.double({ min: 0, max: 1e9, noNaN: true })),
      version: maybe(fc.string()),
      error: maybe(failure),
      successes: count,
      consecutiveFailures: count,
      lastError: maybe(fc.record({ code: fc.string(), atMs: time })),
      circuit: fc.constantFrom('closed' as const, 'open' as const, 'half-open' as const),
      circuitOpenUntilMs: maybe(time),
      pins: fc.array(fc.record({ model: text, untilMs: time }), { maxLength: 2 }),
      models: maybe(fc.array(fc.record({ id: text }), { maxLength: 3 })),
    })
    .map(({ provider: id, ...given }) => provider(id, given));
  const anyInput: fc.Arbitrary<ViewInput> = fc
    .record({
      providers: fc.uniqueArray(anyProvider, { selector: (each) => each.provider, maxLength: 6 }),
      atMs: time,
      balance: fc.constantFrom('priority' as const, 'weighted' as const),
      failsOver: fc.boolean(),
      aliases: fc.array(
        fc.record({ id: text, isAlias: fc.boolean(), servedBy: fc.array(fc.record({ provider: text, model: text }), { maxLength: 2 }) }),
        { maxLength: 3 },
      ),
    })
    .map(({ providers, ...rest }) => input(providers, rest));

  test('gives its own JSON, whatever the health: nothing that JSON drops or changes', () => {
    fc.assert(
      fc.property(anyInput, (seen) => {
        for (const [name, json] of jsonOf(seen)) expect([name, isDeepStrictEqual(parsed(json), json)]).toEqual([name, true]);
      }),
    );
  });

  test('uses only the words of its document', () => {
    const allowed = {
      'backend-status': { status: ['available', 'unavailable', 'unknown'], circuit_state: ['CLOSED', 'OPEN', 'HALF_OPEN'] },
      'gpu-providers': { status: ['healthy', 'unhealthy', 'circuit_open'] },
      'model-health': { status: ['available', 'unavailable'] },
      'pair-check': { status: ['healthy', 'unhealthy'] },
    } as Record<string, Record<string, readonly string[]>>;
    const met = new Set<string>();
    fc.assert(
      fc.property(anyInput, (seen) => {
        for (const [name, json] of jsonOf(seen))
          JSON.stringify(json, (key, value: unknown) => {
            if (typeof value === 'string' && (key === 'status' || key === 'circuit_state')) {
              met.add(`${name} ${value}`);
              expect(allowed[name]?.[key]).toContain(value);
            }
            return value;
          });
      }),
      { seed: 6, numRuns: 300 },
    );
    expect(met.size).toBe(Object.values(allowed).flatMap((keys) => Object.values(keys).flat()).length);
  });

  test('has a path of its own, or none', () => {
    expect(Object.entries(views).map(([name, { path }]) => `${name} ${path}`)).toEqual([
      'backend-status /api/v1/backend/status',
      'gpu-providers /health/gpu-providers',
      'models /models',
      'model-health /models/{id}/health',
      'inference /v1/health/inference',
      'pair-check undefined',
      'pair-models undefined',
    ]);
  });

  test('changes nothing of what it is given', () => {
    const seen = input([provider('a', { models: models('m') }), down('b')]);
    const before = structuredClone(seen);
    jsonOf(seen);
    expect(seen).toStrictEqual(before);
  });

  test('tells of hundreds of providers, each once and in their order', () => {
    const ids = Array.from({ length: 500 }, (_, index) => `gpu-${index}`);
    const seen = input(ids.map((id) => provider(id, { models: models(`m-${id}`) })));
    expect(Object.keys(backendStatusView(seen).backends)).toEqual(ids);
    expect(gpuProvidersView(seen).gpu_providers.available_providers).toEqual(ids);
    expect(inferenceHealthView(seen).fallbacks).toHaveLength(499);
    expect(Object.keys(pairModelsView(seen))).toEqual(ids);
    expect(modelListView(seen).map(({ id }) => id)).toEqual(ids.map((id) => `m-${id}`));
  });

  test('shows neither keys nor the path of a URL, of a router that has both', async () => {
    await using router = createRouter({
      providers: {
        tunnel: { type: 'tgi', url: 'http://user:word@127.0.0.1:8080/secret-path', apiKey: 'secret-key' },
        gpu: { type: 'ollama', url: 'http://127.0.0.1:8081/secret-path' },
        last: { type: 'stub', reply: 'secret-reply' },
      },
      models: { small: { gpu: 'm', last: 'm' } },
      health: false,
      transport: { send: () => Promise.reject(new Error('secret-cause')) },
    });
    const [health, inventory] = await Promise.all([router.health(), router.models()]);
    const told = JSON.stringify(jsonOf({ health, inventory }));
    expect(told).toContain('http://127.0.0.1:8080/…');
    expect(told).not.toMatch(/secret|user|word/);
    expect(gpuProvidersView({ health }).gpu_providers.available_providers).toEqual(['last']);
  });
});
