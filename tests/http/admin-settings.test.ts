import { expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { defaults } from '../../src/config/defaults.ts';
import { createRouter, type ProviderOptions, type RouterOptions } from '../../src/index.ts';
import type { AdminSettings, AdminState } from '../../src/http/admin-contract.ts';
import type { AdminOptions } from '../../src/http/admin-options.ts';
import { builtInIntents, usualSettings } from '../../src/http/admin-settings.ts';
import { fake } from '../_kit/fake-adapter.ts';
import { testClock } from '../_kit/test-clock.ts';
import { adminServer, type AdminServer, errorOf, hello, servedBy } from './admin-kit.ts';

const settingsPath = '/admin/api/settings';

async function stateOf({ get }: Pick<AdminServer, 'get'>): Promise<AdminState> {
  const response = await get('/admin/api/state');
  expect(response.status).toBe(200);
  return (await response.json()) as AdminState;
}

/** A router over providers of the network, which nobody asks anything. */
function configured(providers: Record<string, ProviderOptions>, more: Omit<RouterOptions, 'providers'> = {}): Omit<AdminServer, 'fakes'> {
  const clock = testClock();
  const options: RouterOptions = { clock, health: false, checkModels: false, pollMs: false, ...more, providers };
  return servedBy(createRouter(options), options, clock);
}

test('the state is health, snapshot and settings of one moment, and since when the handler has been there', async () => {
  const server = adminServer();
  const startedAtMs = server.clock.wallMs();
  await server.clock.advance(5_000);
  await server.router.chat(hello);
  const state = await stateOf(server);
  expect(state).toMatchObject({ version: manifest.version, startedAtMs, atMs: startedAtMs + 5_000 });
  expect(state.health.providers.map(({ provider }) => provider)).toEqual(['gpu', 'cpu']);
  expect(state.snapshot.providers.map(({ provider, successes }) => [provider, successes])).toEqual([
    ['gpu', 1],
    ['cpu', 0],
  ]);
  expect(state.settings.providers['gpu']).toEqual({ type: 'custom', enabled: true, hasKey: false });
});

test('what is shown where nothing is set is what the router does', async () => {
  const { balance, defaultIntent, maxAttempts, deadlineMs } = defaults;
  expect(usualSettings).toEqual({ balance, defaultIntent, maxAttempts, deadlineMs });
  const resolved = Object.entries(defaults.intents).map(([name, { order, ...rest }]) => [name, { ...rest, order: order.flat() }]);
  for (const [name, intent] of resolved as [keyof typeof builtInIntents, object][]) {
    expect({ timeouts: {}, ...builtInIntents[name] }).toEqual(JSON.parse(JSON.stringify(intent)));
  }
  const { settings } = await stateOf(adminServer());
  expect(settings).toMatchObject({ ...usualSettings, allowPaid: false, intents: builtInIntents });
});

test('a router of paid providers alone is shown as one that may pay, which it is', async () => {
  const paid: ProviderOptions = { type: 'custom', adapter: fake('yes').adapter, cost: 'paid' };
  const free: ProviderOptions = { type: 'custom', adapter: fake('yes').adapter };
  const shown = async (providers: Record<string, ProviderOptions>): Promise<boolean> =>
    (await stateOf(configured(providers))).settings.allowPaid;
  expect(await shown({ paid, stub: { type: 'stub' } })).toBe(true);
  expect(await shown({ paid, free })).toBe(false);
});

test('of an address the origin is shown, the usual one where none is set, and of credentials whether they are there', async () => {
  const { settings } = await stateOf(
    configured({
      path: { type: 'vllm', url: 'http://127.0.0.1:8001/secret-path/v1' },
      user: { type: 'vllm', url: 'http://me:secret@127.0.0.1:8002' },
      header: { type: 'vllm', url: 'http://127.0.0.1:8003', headers: { Authorization: 'Bearer secret' } },
      key: { type: 'vllm', url: 'http://127.0.0.1:8004', apiKey: () => 'secret' },
      other: { type: 'vllm', url: 'http://127.0.0.1:8005', headers: { 'x-team': 'secret' } },
      usual: { type: 'ollama' },
    }),
  );
  const shown = Object.entries(settings.providers).map(([id, { url, hasKey }]) => [id, url, hasKey]);
  expect(shown).toEqual([
    ['path', 'http://127.0.0.1:8001', false],
    ['user', 'http://127.0.0.1:8002', true],
    ['header', 'http://127.0.0.1:8003', true],
    ['key', 'http://127.0.0.1:8004', true],
    ['other', 'http://127.0.0.1:8005', false],
    ['usual', 'http://127.0.0.1:11434', false],
  ]);
});

test('a change reaches the router, is answered with the settings of now, and is told by its keys', async () => {
  const server = adminServer();
  const { post, router, changes, clock } = server;
  expect((await router.chat(hello)).route.provider).toBe('gpu');
  const response = await post(settingsPath, {
    maxAttempts: 2,
    providers: { gpu: { priority: 5, enabled: true } },
    intents: { heavy: { affinity: true } },
  });
  expect(response.status).toBe(200);
  const settings = (await response.json()) as AdminSettings;
  expect(settings).toMatchObject({
    maxAttempts: 2,
    providers: { gpu: { priority: 5 } },
    intents: { heavy: { lane: 'heavy', affinity: true } },
  });
  expect(settings).toEqual((await stateOf(server)).settings);
  expect((await router.chat(hello)).route.provider).toBe('cpu');
  const keys = ['maxAttempts', 'intents.heavy.affinity', 'providers.gpu.enabled', 'providers.gpu.priority'];
  expect(changes).toEqual([{ atMs: clock.wallMs(), action: 'update', keys, ok: true }]);
});

test('what a change leaves out stays as it is, from one change to the next', async () => {
  const { post } = adminServer();
  await post(settingsPath, {
    deadlineMs: 5_000,
    providers: { gpu: { priority: 5 } },
    intents: { night: { lane: 'heavy', maxCostUsd: 1 } },
  });
  await post(settingsPath, { providers: { gpu: { weight: 2 } }, intents: { night: { affinity: false } } });
  const settings = (await (await post(settingsPath, {})).json()) as AdminSettings;
  expect(settings).toMatchObject({
    deadlineMs: 5_000,
    providers: { gpu: { priority: 5, weight: 2 } },
    intents: { night: { lane: 'heavy', maxCostUsd: 1, affinity: false } },
  });
});

test('what only a server can act on is shown, and the options of a model on the processor can be set', async () => {
  const server = configured({
    nvidia: { type: 'nvidia', url: 'http://gpu-box:8000', metadata: { enable_fp8: 'true' } },
    cpu: { type: 'cpu', modelPath: 'a.gguf', threads: 4 },
  });
  const { settings } = await stateOf(server);
  expect(settings.providers['nvidia']).toMatchObject({ metadata: { enable_fp8: 'true' } });
  expect(settings.providers['cpu']).toMatchObject({ threads: 4 });
  const changed = await server.post(settingsPath, { providers: { cpu: { threads: 2, contextSize: 4_096 } } });
  expect(await changed.json()).toMatchObject({ providers: { cpu: { threads: 2, contextSize: 4_096 } } });
});

test('null takes a value back to its default', async () => {
  const { post, router } = adminServer();
  await post(settingsPath, {
    maxAttempts: 1,
    deadlineMs: 5_000,
    providers: { gpu: { priority: 5 } },
    intents: { heavy: { lane: 'fast' } },
  });
  const response = await post(settingsPath, {
    maxAttempts: null,
    deadlineMs: null,
    providers: { gpu: { priority: null } },
    intents: { heavy: { lane: null } },
  });
  const settings = (await response.json()) as AdminSettings;
  expect(settings).toMatchObject({ maxAttempts: 3, deadlineMs: 120_000, intents: builtInIntents });
  expect(settings.providers['gpu']).not.toHaveProperty('priority');
  expect((await router.chat(hello)).route.provider).toBe('gpu');
});

test('a change of nothing updates nothing and tells nothing', async () => {
  const { post, router, changes } = adminServer();
  let updates = 0;
  router.on('config:update', () => void updates++);
  expect((await post(settingsPath, { providers: { gpu: {} } })).status).toBe(200);
  expect([updates, changes]).toEqual([0, []]);
});

test('what the router refuses is 400 with every issue and without the values, and the router goes on as it was', async () => {
  const server = adminServer();
  const before = (await stateOf(server)).settings;
  const response = await server.post(settingsPath, {
    deadlineMs: -77_123,
    defaultIntent: 'canary',
    providers: { gpu: { weight: -88_123, apiKey: 'canary' } },
  });
  expect(response.status).toBe(400);
  const text = await response.text();
  expect(text).not.toMatch(/canary|77123|88123/);
  const { error } = JSON.parse(text) as { error: { code: string; issues: { path: string; message: string }[] } };
  expect(error.code).toBe('invalid_config');
  expect(error.issues.map(({ path }) => path).toSorted()).toEqual([
    'deadlineMs',
    'defaultIntent',
    'providers.gpu.apiKey',
    'providers.gpu.weight',
  ]);
  expect((await stateOf(server)).settings).toEqual(before);
  expect((await server.router.chat(hello)).route.provider).toBe('gpu');
  const keys = ['defaultIntent', 'deadlineMs', 'providers.gpu.weight', 'providers.gpu.apiKey'];
  expect(server.changes).toEqual([{ atMs: server.clock.wallMs(), action: 'update', keys: expect.arrayContaining(keys), ok: false }]);
});

const refusals: readonly (readonly [unknown, string, string])[] = [
  [{ providers: { gpu: { url: 'http://169.254.169.254/canary' } } }, 'field_not_allowed', 'url'],
  [{ providers: { gpu: { type: 'canary' } } }, 'field_not_allowed', 'type'],
  [{ providers: { gpu: { headers: { host: 'canary' } } } }, 'field_not_allowed', 'headers'],
  [{ providers: { gpu: { modelPath: '/canary' } } }, 'field_not_allowed', 'modelPath'],
  [{ providers: { gpu: { embeddingModelPath: '/canary' } } }, 'field_not_allowed', 'embeddingModelPath'],
  [{ providers: { gpu: { dialect: 'canary' } } }, 'field_not_allowed', 'dialect'],
  [{ providers: { canary: { type: 'ollama', url: 'http://127.0.0.1:1' } } }, 'field_not_allowed', 'Providers cannot be added'],
  [{ providers: { canary: { enabled: true } } }, 'field_not_allowed', 'Providers cannot be added'],
  [{ providers: { constructor: { enabled: true } } }, 'field_not_allowed', 'Providers cannot be added'],
  [{ providers: { gpu: { metadata: { a: 'canary' } } } }, 'unknown_parameter', 'providers.gpu.metadata'],
  [{ transport: 'canary' }, 'unknown_parameter', 'transport'],
  [{ models: { canary: {} } }, 'unknown_parameter', 'models'],
  [{ intents: { 'canary name': {} } }, 'invalid_request', 'intents'],
  [{ intents: { heavy: { order: 'canary' } } }, 'invalid_request', 'intents.heavy.order'],
  [{ intents: { heavy: { timeouts: { totalMs: 'canary' } } } }, 'invalid_request', 'intents.heavy.timeouts.totalMs'],
  [{ providers: { gpu: { apiKey: 7_123_123 } } }, 'invalid_request', 'providers.gpu.apiKey'],
  [{ providers: { gpu: { enabled: 'canary' } } }, 'invalid_request', 'providers.gpu.enabled'],
  [{ providers: { gpu: { device: 'canary' } } }, 'invalid_request', 'providers.gpu.device'],
  [{ providers: { gpu: 'canary' } }, 'invalid_request', 'providers.gpu'],
  [{ providers: ['canary'] }, 'invalid_request', 'providers'],
  [{ balance: 'canary' }, 'invalid_request', 'balance'],
  [{ allowPaid: null }, 'invalid_request', 'allowPaid'],
];

test.each(refusals)('%j is refused before the router hears of it, and not repeated', async (patch, code, field) => {
  const { post, router, changes } = adminServer();
  let updates = 0;
  router.on('config:update', () => void updates++);
  const response = await post(settingsPath, patch);
  expect(response.status).toBe(400);
  const error = await errorOf(response);
  expect(error['code']).toBe(code);
  expect(error['message']).toContain(field);
  expect(JSON.stringify(error)).not.toMatch(/canary|7123123|169\.254/);
  expect([updates, changes]).toEqual([0, []]);
});

test('the body of settings is read like every other: counted, and of one shape', async () => {
  const { post } = adminServer();
  const send = async (body: string): Promise<string> => String((await errorOf(await post(settingsPath, undefined, { body })))['code']);
  expect(await send('{')).toBe('invalid_json');
  expect(await send(`${'['.repeat(100)}${']'.repeat(100)}`)).toBe('invalid_json');
  expect(await send(`{"a":"${'x'.repeat(5_000_000)}"}`)).toBe('body_too_large');
});

/** What the provider is sent as credentials. */
function watched(provider: Omit<ProviderOptions, 'type'>): {
  readonly server: Omit<AdminServer, 'fakes'>;
  readonly sent: () => Promise<unknown>;
} {
  let headers: Readonly<Record<string, string>> = {};
  const transport = {
    send: (request: { readonly headers: Readonly<Record<string, string>> }): Promise<never> => {
      ({ headers } = request);
      return Promise.reject(new TypeError('fetch failed'));
    },
  };
  const server = configured(
    { box: { type: 'openai-compatible', defaultModel: 'm', url: 'http://127.0.0.1:8009', ...provider } },
    { transport },
  );
  const sent = async (): Promise<unknown> => {
    await server.router.tryChat(hello, { maxAttempts: 1 });
    return headers['authorization'];
  };
  return { server, sent };
}

test.each([
  ['a key', { apiKey: 'old-secret-key' }],
  ['a header', { headers: { Authorization: 'Bearer old-secret-key' } }],
  ['an address', { url: 'http://me:old-secret-key@127.0.0.1:8009' }],
])('a new credential takes the place of one in %s, and null leaves none', async (_where, provider) => {
  const { server, sent } = watched(provider);
  expect(String(await sent())).toMatch(/^(?:Bearer old-secret-key|Basic )/);
  const written = await server.post(settingsPath, { providers: { box: { apiKey: 'new-secret-key' } } });
  expect(((await written.json()) as AdminSettings).providers['box']?.hasKey).toBe(true);
  expect(await sent()).toBe('Bearer new-secret-key');
  const removed = await server.post(settingsPath, { providers: { box: { apiKey: null } } });
  expect(((await removed.json()) as AdminSettings).providers['box']?.hasKey).toBe(false);
  expect(await sent()).toBeUndefined();
});

test('a change that is no credential leaves credentials and other headers alone', async () => {
  const { server, sent } = watched({ headers: { Authorization: 'Bearer old-secret-key' } });
  await server.post(settingsPath, { providers: { box: { priority: 3 } } });
  expect(await sent()).toBe('Bearer old-secret-key');
});

test('an application that updates the router itself says so, and the page goes on from there', async () => {
  const base = adminServer();
  let now = base.options;
  const admin = {
    get options() {
      return now;
    },
  } as Partial<AdminOptions>;
  const { post } = servedBy(base.router, base.options, base.clock, admin);
  await post(settingsPath, { maxAttempts: 1 });
  now = { ...base.options, deadlineMs: 7_000 };
  base.router.update(now);
  const settings = (await (await post(settingsPath, { allowPaid: true })).json()) as AdminSettings;
  expect(settings).toMatchObject({ maxAttempts: 3, deadlineMs: 7_000, allowPaid: true });
});

test.each([
  [
    'throws',
    () => {
      throw new Error('full disk');
    },
  ],
  [
    'rejects',
    async () => {
      throw new Error('full disk');
    },
  ],
])('a log that %s does not fail the change', async (_how, onChange) => {
  const base = adminServer();
  const { post } = servedBy(base.router, base.options, base.clock, { onChange });
  expect((await post(settingsPath, { maxAttempts: 1 })).status).toBe(200);
});
