import { describe, expect, test } from 'vitest';
import type { HandlerOptions } from '../../src/http/handler-options.ts';
import { createHandler } from '../../src/http/handler.ts';
import { routes } from '../../src/http/routes.ts';
import type { ViewInput } from '../../src/http/index.ts';
import type { Router } from '../../src/index.ts';
import { refused } from '../_kit/fake-adapter.ts';
import { fakeRouter, hello } from '../_kit/fake-router.ts';
import { testClock } from '../_kit/test-clock.ts';
import { broken, down, input, models, nowMs, provider } from './health-of.ts';
import { callersOf, type Scene } from './ollama-scene.ts';
import * as samples from './samples.ts';

const token = 'kXw91-Lq0z7Vd3RtYp';
const known = { authorization: `Bearer ${token}` };

/** A handler in front of a router of which this is known. */
function showing({ health, inventory }: ViewInput, options: HandlerOptions = {}): Pick<Scene, 'get'> {
  const clock = testClock();
  const { router } = fakeRouter({ box: 'yes' });
  return callersOf(createHandler({ ...router, health: async () => health, models: async () => inventory }, { clock, ...options }));
}

const json = async (response: Promise<Response>): Promise<unknown> => (await response).json();

const vllm = down('vllm', { type: 'vllm' });
const metadata = { name: 'GPT-2', hf_name: 'gpt2' };
const gpt2 = provider('gpt-2', { type: 'tgi', url: 'http://gpu-server:8080', metadata, models: models('gpt2') });

describe("the documents' own samples", () => {
  test.each<[path: string, seen: ViewInput, sample: unknown]>([
    [
      '/api/v1/backend/status',
      input([provider('nvidia'), provider('together_ai'), provider('cpu', { url: undefined })], { balance: 'weighted' }),
      samples.backendStatusSample,
    ],
    [
      '/health/gpu-providers',
      input([
        provider('ollama_local'),
        provider('remote_gpu', {
          ...broken,
          checkedAtMs: nowMs - 300_000,
          error: { code: 'timeout', message: 'remote_gpu did not answer in time.' },
          successes: 5,
          circuitOpenUntilMs: nowMs,
        }),
        provider('huggingface', { latencyMs: 120.04, successes: 2 }),
        provider('local_stub', { url: undefined, latencyMs: 0, successes: 0 }),
      ]),
      samples.gpuProvidersSample,
    ],
    ['/models', input([gpt2]), samples.modelListSample],
    ['/models/gpt-2/health', input([gpt2]), samples.modelHealthSample],
    [
      '/v1/health/inference',
      input([
        provider('ollama', { models: models('llama3.1:8b') }),
        provider('openai', { type: 'openai', models: models('gpt-4o', 'gpt-4o-mini', 'text-embedding-3-small') }),
        vllm,
      ]),
      samples.inferenceHealthSample,
    ],
  ])('come from %s', async (path, seen, sample) => {
    expect(await json(showing(seen).get(path))).toStrictEqual(sample);
    expect(await json(showing(seen, { tokens: [token] }).get(path, known))).toStrictEqual(sample);
  });
});

describe('who has no token', () => {
  const detail = input([gpt2, provider('secret-box', { type: 'secret-type', models: models('secret-model') }), vllm]);

  test.each<[path: string, up: unknown]>([
    [
      '/api/v1/backend/status',
      {
        primary_backend: 'router',
        secondary_backend: null,
        backends: { router: { status: 'available', error: null } },
        load_balancing: false,
        auto_failover: true,
        initialized_backends: ['router'],
        failover: { router_backend: { is_healthy: true, failure_count: 0, circuit_state: 'CLOSED' } },
      },
    ],
    [
      '/health/gpu-providers',
      {
        status: 'healthy',
        timestamp: '2024-01-15T10:30:00Z',
        gpu_providers: {
          providers: {
            router: {
              status: 'healthy',
              last_check: null,
              latency_ms: 0,
              error_count: 0,
              success_count: 0,
              circuit_open_until: null,
              last_error: null,
            },
          },
          available_providers: ['router'],
        },
      },
    ],
    ['/v1/health/inference', { primary: { type: 'router', healthy: true, models: [] }, fallbacks: [] }],
    ['/readyz', { status: 'ok' }],
    ['/healthz', { status: 'ok' }],
  ])('sees at %s, in its own shape, that calls are answered, and no more', async (path, up) => {
    expect(await json(showing(detail, { tokens: [token] }).get(path))).toStrictEqual(up);
  });

  test('sees that they are not', async () => {
    const { get } = showing(input([vllm], { status: 'down' }), { tokens: [token] });
    expect(await json(get('/api/v1/backend/status'))).toMatchObject({
      backends: { router: { status: 'unavailable' } },
      failover: { router_backend: { is_healthy: false } },
    });
    expect(await json(get('/health/gpu-providers'))).toMatchObject({ status: 'unhealthy', gpu_providers: { available_providers: [] } });
    expect(await json(get('/v1/health/inference'))).toMatchObject({ primary: { healthy: false } });
  });

  test.each(['/models', '/models/gpt-2/health', '/models/none/health'])('does not see %s, which is a list of models', async (path) => {
    const response = await showing(detail, { tokens: [token] }).get(path);
    expect([response.status, await response.text()]).toEqual([401, expect.not.stringContaining('gpt')]);
  });

  test('learns nothing of a provider from any route that is open to all', async () => {
    const { get } = showing(detail, { tokens: [token] });
    const open = routes.filter(({ access, method }) => access === 'public' && method === 'GET');
    expect(open.map(({ path }) => path)).toEqual(expect.arrayContaining(['/', '/healthz', '/readyz', '/v1/health/inference']));
    for (const { path } of open) expect(await (await get(path)).text()).not.toMatch(/secret|gpt|vllm|tgi|127\.0\.0\.1|gpu-server|cannot/);
  });
});

describe('a model that is not there', () => {
  test.each(['none', '%3Cb%3E', '__proto__', 'constructor'])('is not found, and is not repeated: %s', async (id) => {
    const response = await showing(input([gpt2])).get(`/models/${id}/health`);
    expect([response.status, await response.json()]).toEqual([
      404,
      { error: { code: 'model_not_found', message: 'There is no model of this id.' } },
    ]);
  });
});

describe('readiness', () => {
  test.each([
    ['ok', 200],
    ['degraded', 200],
    ['down', 503],
  ] as const)('of a router that is %s is %i', async (status, code) => {
    const response = await showing(input([gpt2], { status })).get('/readyz');
    expect([response.status, await response.json()]).toEqual([code, { status }]);
  });

  test('is that of a real router, whose one provider comes back', async () => {
    let isUp = false;
    const { get, clock } = counting(async () => {
      if (!isUp) throw refused();
    });
    expect((await get('/readyz')).status).toBe(503);
    isUp = true;
    await clock.advance(10_000);
    expect((await get('/readyz')).status).toBe(200);
  });

  test('is another matter than that the process is up, which asks nobody', async () => {
    const { get, asked } = counting();
    expect([(await get('/healthz')).status, asked()]).toEqual([200, { health: 0, models: 0 }]);
  });
});

function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open: (() => void) | undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open?.() };
}

describe('questions after health', () => {
  const paths = ['/readyz', '/api/v1/backend/status', '/health/gpu-providers', '/v1/health/inference', '/models', '/models/m/health'];
  const all = (get: Scene['get']): Promise<Response[]> => Promise.all(paths.flatMap((path) => Array.from({ length: 50 }, () => get(path))));

  test('reach a provider once in ten seconds, however many ask', async () => {
    const { get, clock, asked } = counting();
    await all(get);
    for (let second = 0; second < 9; second += 1) {
      await clock.advance(1_000);
      await all(get);
    }
    const { health, models: listed } = asked();
    // Whoever asks for health asks for models too.
    expect([health, listed]).toEqual([1, 2]);
    await clock.advance(1_000);
    await all(get);
    expect(asked().health).toBe(2);
  });

  test('that come while it has not answered wait for its one answer', async () => {
    const answer = gate();
    const { get, clock, asked } = counting(() => answer.opened);
    const responses = Array.from({ length: 50 }, () => get('/readyz'));
    await clock.advance(2_000);
    responses.push(get('/readyz'));
    answer.open();
    expect((await Promise.all(responses)).map(({ status }) => status)).toEqual(Array.from({ length: 51 }, () => 200));
    expect(asked().health).toBe(1);
  });

  test('of one who leaves are answered to those who stay', async () => {
    const answer = gate();
    const { handler } = counting(() => answer.opened);
    const leaver = new AbortController();
    const ask = (signal?: AbortSignal): Promise<Response> => handler(new Request('http://127.0.0.1:8000/readyz', signal && { signal }));
    const responses = [ask(leaver.signal), ask()];
    leaver.abort();
    await Promise.resolve();
    answer.open();
    expect((await Promise.all(responses))[1]?.status).toBe(200);
  });

  test('are asked anew of other providers', async () => {
    const { get, asked, update } = counting();
    await get('/models');
    update();
    await get('/models');
    expect(asked().models).toBeGreaterThanOrEqual(3);
  });

  test('that failed late do not undo what was asked since', async () => {
    const old = gate();
    let isFirst = true;
    const { router, fakes } = fakeRouter({ box: 'yes' });
    let asked = 0;
    const models: Router['models'] = async () => {
      asked += 1;
      if (isFirst) {
        isFirst = false;
        await old.opened;
        throw new Error('gone');
      }
      return { providers: [], models: [] };
    };
    const { get } = callersOf(createHandler({ ...router, models }));
    const late = get('/v1/models');
    await Promise.resolve();
    router.update({ providers: { box: { type: 'custom', adapter: fakes.box.adapter } }, health: false });
    expect((await get('/v1/models')).status).toBe(200);
    old.open();
    expect((await late).status).toBe(500);
    expect((await get('/v1/models')).status).toBe(200);
    expect(asked).toBe(2);
  });

  test('that fail are asked again at once', async () => {
    let asked = 0;
    const { router } = fakeRouter({ box: 'yes' });
    const models: Router['models'] = async () => {
      asked += 1;
      throw new Error('gone');
    };
    const { get } = callersOf(createHandler({ ...router, models }));
    expect([(await get('/v1/models')).status, (await get('/v1/models')).status, asked]).toEqual([500, 500, 2]);
  });

  test('see at once what a call has found out, and the breaker that it opened', async () => {
    const { router, clock } = fakeRouter({ gpu: refused(), cpu: 'yes' }, { breaker: 'classic' });
    const { get } = callersOf(createHandler(router, { clock }));
    const circuit = async (): Promise<unknown> =>
      ((await json(get('/api/v1/backend/status'))) as { failover: Record<string, { circuit_state: string }> }).failover['gpu_backend']
        ?.circuit_state;
    expect(await circuit()).toBe('CLOSED');
    for (let call = 0; call < 3; call += 1) await router.chat(hello);
    await clock.advance(1_000);
    expect(await circuit()).toBe('OPEN');
  });
});

describe('the root', () => {
  test('says what the service is, with paths that there are', async () => {
    const { get } = showing(input([gpt2]), { basePath: '/llm', tokens: [token] });
    const { service, endpoints } = (await json(get('/llm/'))) as { service: string; endpoints: Record<string, string> };
    expect(service).toBe('inferlane');
    const paths = new Set(routes.map(({ path }) => `/llm${path}`));
    expect(Object.values(endpoints).filter((path) => !paths.has(path))).toEqual([]);
  });

  test('is there for those who ask with HEAD whether a server is', async () => {
    const { router, clock } = fakeRouter({ box: 'yes' });
    const response = await createHandler(router, { clock })(new Request('http://127.0.0.1:8000/', { method: 'HEAD' }));
    expect([response.status, await response.text()]).toEqual([200, '']);
  });
});

test('figures for Prometheus are not there', async () => {
  expect((await showing(input([gpt2])).get('/metrics')).status).toBe(404);
});

interface Counting extends Pick<Scene, 'get' | 'clock' | 'handler'> {
  asked(): { readonly health: number; readonly models: number };
  update(): void;
}

/** One provider that counts what it is asked. */
function counting(answer: () => Promise<void> = async () => undefined): Counting {
  const counts = { health: 0, models: 0 };
  const { router, clock, fakes } = fakeRouter({
    box: {
      does: 'yes',
      fake: {
        health: async () => {
          counts.health += 1;
          await answer();
          return { state: 'ok' };
        },
        models: async () => {
          counts.models += 1;
          return [{ id: 'm' }];
        },
      },
    },
  });
  const handler = createHandler(router, { clock });
  const update = (): void => void router.update({ providers: { box: { type: 'custom', adapter: fakes.box.adapter } }, health: false });
  return { ...callersOf(handler), handler, clock, asked: () => counts, update };
}
