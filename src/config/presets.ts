import type { EnvTarget } from './env-targets.ts';
import type { RouterOptions } from './options.ts';
import type { ProviderOptions } from './provider-options.ts';

export const presetNames = ['multi-backend', 'free-first', 'hybrid', 'tgi-registry', 'switchable'] as const;

/** What INFERLANE_PRESET and `fromEnv(env, { preset })` may name. */
export type PresetName = (typeof presetNames)[number];

/** A way to read the environment, and the options that belong to it. What a variable says comes over all of it. */
export interface Preset {
  /** In a sentence. */
  readonly about: string;
  /** Which providers there may be, first to last; others are left out, unless PROVIDER_ORDER names them. */
  readonly order: readonly EnvTarget[];
  /** Those that are there without any variable of their own. */
  readonly assumed: readonly EnvTarget[];
  /** The variables that say who goes first and who follows; undefined: `order` does. */
  readonly selects?: 'INFERENCE_PROVIDER' | 'PRIMARY_BACKEND';
  /** Who goes first where no variable says so. */
  readonly first?: EnvTarget;
  /** Who stands behind the first: whoever is there, or only whom variables name. */
  readonly follows: 'present' | 'named';
  /** Ids in place of the usual ones. */
  readonly ids: Readonly<Partial<Record<EnvTarget, string>>>;
  /** Options of its providers. */
  readonly providers: Readonly<Partial<Record<EnvTarget, Partial<ProviderOptions>>>>;
  /** The GPU and the CPU server of Ollama, where variables do not say where they are. */
  readonly lanes?: Readonly<Record<'gpu' | 'cpu', string>>;
  /** Intents that begin with one provider; all that are made are ordered by id. */
  readonly intents: Readonly<Record<string, EnvTarget | undefined>>;
  /** One name for the model in each provider's own words. */
  readonly aliases?: 'defaults' | 'endpoints';
  /** Options of the router. */
  readonly options: Omit<RouterOptions, 'providers' | 'intents' | 'models'>;
}

const usual = { assumed: [], follows: 'present', ids: {}, providers: {}, intents: {}, options: {} } as const;

/**
 * Models are named as the systems name them that these presets stand for; some are gone by now, which `config:warning` says right after
 * the start. Name another one in the options.
 */
export const presets: Readonly<Record<PresetName, Preset>> = Object.freeze({
  'multi-backend': {
    ...usual,
    about: 'A GPU server, a paid cloud and a model in this process: one of them first, another behind it, or both in shares.',
    order: ['nvidia', 'together', 'gguf'],
    assumed: ['nvidia', 'gguf'],
    selects: 'PRIMARY_BACKEND',
    providers: {
      together: {
        defaultModel: 'meta-llama/Llama-2-70b-chat-hf',
        embeddingModel: 'togethercomputer/m2-bert-80M-8k-retrieval',
        timeouts: { totalMs: 60_000 },
      },
      gguf: { modelPath: 'llama-2-7b-chat.Q4_K_M.gguf', embeddingModel: 'all-MiniLM-L6-v2', threads: 4, contextSize: 2_048 },
    },
  },
  'free-first': {
    ...usual,
    about: 'What is free first: Ollama on this machine, a remote GPU, Hugging Face; paid clouds where they are allowed; a stub at the end.',
    order: ['ollama', 'remote-gpu', 'huggingface', 'openai', 'anthropic', 'stub'],
    assumed: ['ollama', 'stub'],
    ids: { ollama: 'ollama_local' },
    providers: {
      ollama: { defaultModel: 'deepseek-r1:8b' },
      // What it gives for nothing; beyond that it answers 402, unless the account pays.
      huggingface: { defaultModel: 'distilgpt2', cost: 'free' },
      openai: { defaultModel: 'gpt-4o-mini' },
      anthropic: { defaultModel: 'claude-3-5-haiku-20241022' },
    },
    intents: { fast: undefined, complex: 'remote-gpu' },
    options: { breaker: 'classic', timeouts: { firstTokenMs: 15_000 } },
  },
  hybrid: {
    ...usual,
    about: 'Two servers of Ollama on one machine: `fast` goes to the GPU first, `heavy` to the CPU first.',
    order: ['ollama'],
    assumed: ['ollama'],
    lanes: { gpu: 'http://127.0.0.1:11434', cpu: 'http://127.0.0.1:11435' },
    options: { health: { mode: 'per-request' } },
  },
  'tgi-registry': {
    ...usual,
    about: 'One server of TGI for each model: a call goes to the server of the model it names.',
    order: ['tgi'],
    aliases: 'endpoints',
    options: { timeouts: { totalMs: 120_000 }, health: { intervalMs: 30_000 } },
  },
  switchable: {
    ...usual,
    about: 'One provider, exchanged by a variable, and a chain behind it where one is given.',
    order: ['openai', 'ollama', 'vllm', 'llamacpp', 'textgen'],
    selects: 'INFERENCE_PROVIDER',
    first: 'openai',
    follows: 'named',
    providers: {
      openai: { timeouts: { totalMs: 60_000 } },
      ollama: { embeddingModel: 'nomic-embed-text', timeouts: { totalMs: 120_000 } },
      vllm: { timeouts: { totalMs: 120_000 } },
      llamacpp: { timeouts: { totalMs: 120_000 } },
      textgen: { timeouts: { totalMs: 120_000 } },
    },
    aliases: 'defaults',
  },
});
