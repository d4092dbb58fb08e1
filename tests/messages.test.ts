import { createServer } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { createCpu } from '../src/adapters/cpu.ts';
import { createRouter, isRouterError, type Router, type RouterOptions } from '../src/index.ts';
import { adapterContext } from './_kit/adapter-context.ts';

// What users read when something is wrong before anything worked: what, where, and what to do.

const request = { model: 'llama3.1', messages: [{ role: 'user', content: 'a prompt that must not be shown' }] } as const;

async function messageOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (isRouterError(error)) return error.message;
    throw error;
  }
  throw new Error('it worked');
}

test('options with several mistakes', async () => {
  const options = { providers: { gpu: { type: 'olama', url: 'box:11434' } }, retires: 3 } as unknown as RouterOptions;
  expect(await messageOf(() => createRouter(options))).toMatchInlineSnapshot(`
    "The configuration has 2 issues:
      providers.gpu.type: must be one of ollama, vllm, llamacpp, tgi, textgen, sglang, lmstudio, nvidia, remote-gpu, tei, openai, anthropic, huggingface, together, openai-compatible, cpu, stub, custom; did you mean "ollama"?
      retires: unknown option "retires"; did you mean "retry"?"
  `);
});

test('no options and nothing in the environment', async () => {
  const kept = { ...process.env };
  for (const name of Object.keys(process.env)) if (/OLLAMA|OPENAI|INFERENCE|LOCAL_|FALLBACK|ENABLE_/.test(name)) delete process.env[name];
  const message = await messageOf(() => createRouter());
  Object.assign(process.env, kept);
  expect(message).toMatchInlineSnapshot(`
    "The configuration has 1 issue:
      providers: no variable names a provider; set OLLAMA_BASE_URL, OLLAMA_GPU_URL and OLLAMA_CPU_URL, OPENAI_API_KEY, INFERENCE_PROVIDER (openai, ollama, vllm, llamacpp, textgen), or INFERLANE_PRESET"
  `);
});

test('a provider that does not exist', async () => {
  const router: Router = createRouter({ providers: { gpu: { type: 'ollama' }, cpu: { type: 'ollama', url: 'http://127.0.0.1:11435' } } });
  expect(await messageOf(() => router.chat(request, { provider: 'gpi' }))).toMatchInlineSnapshot(
    `"The call cannot be carried out: there is no provider "gpi"; did you mean "gpu"?; configured: gpu, cpu."`,
  );
});

test('an address where nobody listens', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const router = createRouter({ providers: { gpu: { type: 'ollama', url: `http://127.0.0.1:${port}` } }, maxAttempts: 1 });
  const message = await messageOf(() => router.chat(request));
  expect(message.replace(String(port), 'PORT')).toMatchInlineSnapshot(
    `"No provider could answer. gpu: not available [ECONNREFUSED] at 127.0.0.1:PORT: The connection was refused. maxAttempts (1) leaves no further try."`,
  );
});

test('nobody may answer', async () => {
  const router = createRouter({
    providers: { gpu: { type: 'ollama' }, openai: { type: 'openai', apiKey: 'k' } },
    models: { 'llama3.1': { openai: 'gpt-4o-mini' } },
  });
  expect(await messageOf(() => router.chat(request))).toMatchInlineSnapshot(
    `"No provider may answer this call now. gpu: models has no name for "llama3.1" there; openai: costs money, and allowPaid is false."`,
  );
});

test('the package of in-process inference is missing', async () => {
  const missing = Object.assign(new Error("Cannot find package 'node-llama-cpp'"), { code: 'ERR_MODULE_NOT_FOUND' });
  const cpu = createCpu(() => Promise.reject(missing));
  const adapter = cpu({ ...adapterContext('http://127.0.0.1'), modelPath: import.meta.filename, provider: 'cpu' });
  const call = { request, model: undefined, signal: new AbortController().signal, requestId: '1' };
  expect(await messageOf(() => adapter.health?.(call.signal))).toMatchInlineSnapshot(
    `"Provider "cpu" needs the optional package node-llama-cpp: npm install node-llama-cpp"`,
  );
});

test('a request without messages', async () => {
  const router = createRouter({ providers: { gpu: { type: 'ollama' } } });
  expect(await messageOf(() => router.chat({ messages: [] }))).toMatchInlineSnapshot(
    `"The call cannot be carried out: messages must be a list with at least one message."`,
  );
});
