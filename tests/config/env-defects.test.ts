import { describe, expect, test } from 'vitest';
import { fromEnv, readEnv } from '../../src/config/env.ts';
import { envProviders } from '../../src/config/env-parsers.ts';
import type { Env } from '../../src/config/env-values.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import { resolveConfig } from '../../src/config/resolve.ts';
import type { PlannedCandidate } from '../../src/routing/plan.ts';
import { createRouter } from '../../src/router/create-router.ts';

// What an implementation of the switchable backend got wrong in its configuration, each of it once, by its number in the list that was
// made of it. The defects of its requests and answers stand with the adapters and the router.

const quiet = { checkModels: false, pollMs: false, health: false } as const;
const made = (env: Env): RouterOptions => fromEnv(env, { preset: 'switchable' });

function candidates(env: Env, model?: string): readonly PlannedCandidate[] {
  const router = createRouter({ ...made(env), ...quiet });
  const plan = router.explain({ messages: [{ role: 'user', content: 'Hello!' }], ...(model !== undefined && { model }) });
  void router.close();
  return plan.candidates;
}

const asked = (env: Env, model?: string): string[] => candidates(env, model).map((each) => `${each.provider}: ${each.model}`);

const local = { INFERENCE_PROVIDER: 'ollama', LOCAL_INFERENCE_URL: 'http://ollama:11434', LOCAL_MODEL_NAME: 'llama3.1:8b' };
const key = { OPENAI_API_KEY: 'k' };

describe('defects of configuration', () => {
  test('1: one address for all local servers: it belongs to the first alone', () => {
    const { providers } = made({ ...local, FALLBACK_CHAIN: 'vllm,llamacpp,textgen' });
    expect(Object.values(providers).map(({ type, url }) => [type, url])).toEqual([
      ['ollama', 'http://ollama:11434'],
      ['vllm', undefined],
      ['llamacpp', undefined],
      ['textgen', undefined],
    ]);
  });

  test('2: one name of a model for all providers: each is asked for its own', () => {
    expect(asked({ ...local, ...key, FALLBACK_CHAIN: 'openai' }, 'llama3.1:8b')).toEqual(['ollama: llama3.1:8b', 'openai: gpt-4o-mini']);
    const vllm = { VLLM_MODEL_NAME: 'meta-llama/Llama-3.1-8B-Instruct', FALLBACK_CHAIN: 'vllm' };
    expect(asked({ ...local, ...vllm }, 'llama3.1:8b')).toEqual(['ollama: llama3.1:8b', 'vllm: meta-llama/Llama-3.1-8B-Instruct']);
  });

  test('3: the model "default" is passed on as a name: it means the own model of each provider', () => {
    const env = { ...local, ...key, FALLBACK_CHAIN: 'openai' };
    expect(asked(env, 'default')).toEqual(['ollama: llama3.1:8b', 'openai: gpt-4o-mini']);
    expect(asked(env)).toEqual(asked(env, 'default'));
  });

  test('6: a chain that names the first provider has it tried twice: it is tried once, and that is said', () => {
    const env = { ...local, ...key, FALLBACK_CHAIN: 'openai,ollama' };
    expect(asked(env)).toEqual(['ollama: llama3.1:8b', 'openai: gpt-4o-mini']);
    expect(readEnv(env, { preset: 'switchable' }).warnings.map(({ path }) => path)).toEqual(['FALLBACK_CHAIN']);
  });

  test('12: variables of health and of the model that nothing reads: they are read', () => {
    const options = made({ ...local, HEALTH_CHECK_INTERVAL: '30', HEALTH_CHECK_TIMEOUT: '2.5' });
    expect(options.health).toEqual({ intervalMs: 30_000, timeoutMs: 2_500 });
    expect(options.providers['ollama']?.defaultModel).toBe('llama3.1:8b');
    expect(resolveConfig(options).config.health).toMatchObject({ mode: 'background', intervalMs: 30_000, timeoutMs: 2_500 });
  });

  test('14: three of five providers are known, and the others are skipped in silence: all five are known, and no other name is taken', () => {
    expect(envProviders).toEqual(['openai', 'ollama', 'vllm', 'llamacpp', 'textgen']);
    const env = { ...local, ...key, FALLBACK_CHAIN: 'textgen,llamacpp,vllm,openai' };
    expect(Object.keys(made(env).providers)).toEqual(['ollama', 'textgen', 'llamacpp', 'vllm', 'openai']);
    expect(() => made({ ...local, FALLBACK_CHAIN: 'vllm,tabby' })).toThrow('FALLBACK_CHAIN: entry 2 must be one of');
  });

  test('15: a first provider without its key keeps all from starting: it is switched off, and the others serve', () => {
    const options = made({ INFERENCE_PROVIDER: 'openai', FALLBACK_CHAIN: 'ollama' });
    const { config, warnings } = resolveConfig(options);
    expect(config.providers.map(({ id, enabled }) => [id, enabled])).toEqual([
      ['openai', false],
      ['ollama', true],
    ]);
    expect(warnings).toEqual([{ path: 'providers.openai.apiKey', message: expect.stringContaining('OPENAI_API_KEY') as string }]);
  });

  test('16: a server of vLLM with a key is called a cloud: a key changes neither what it is nor what it costs', () => {
    const env = { INFERENCE_PROVIDER: 'vllm', LOCAL_INFERENCE_URL: 'http://gpu-box:8000', VLLM_API_KEY: 'k' };
    const [vllm] = resolveConfig(made(env)).config.providers;
    expect(vllm).toMatchObject({ type: 'vllm', device: 'gpu', cost: 'free', locality: 'lan' });
    expect(vllm?.apiKey).toBeDefined();
  });
});
