import type { ProviderType } from './provider-types.ts';

/** A model that is used where the options name none, at the usual address of a provider type. */
export interface DefaultModelRow {
  readonly type: ProviderType;
  readonly verb: 'chat' | 'embed';
  readonly model: string;
  /** The day on which the provider was last known to serve it. */
  readonly asOf: string;
}

/** A model that is often asked for and is no longer there. */
export interface GoneModelRow {
  readonly type: ProviderType;
  readonly model: string;
  /** What became of it, as the end of a sentence about it. */
  readonly fate: string;
}

/**
 * The one place of default models. Servers on one's own machines have none: they serve what was put there. Lists of models
 * change, so the router compares these with the provider's own list at its start (`checkModels`).
 */
export const defaultModels: readonly DefaultModelRow[] = Object.freeze([
  { type: 'openai', verb: 'chat', model: 'gpt-4o-mini', asOf: '2026-11-21' },
  { type: 'openai', verb: 'embed', model: 'text-embedding-3-small', asOf: '2026-11-21' },
  { type: 'anthropic', verb: 'chat', model: 'claude-haiku-4-5', asOf: '2026-11-21' },
  { type: 'huggingface', verb: 'chat', model: 'openai/gpt-oss-120b', asOf: '2026-11-21' },
] as const);

export const goneModels: readonly GoneModelRow[] = Object.freeze([
  { type: 'anthropic', model: 'claude-3-5-haiku-20241022', fate: 'was retired on 2026-02-19' },
  { type: 'huggingface', model: 'distilgpt2', fate: 'is not served since the free inference host was closed' },
  { type: 'huggingface', model: 'gpt2', fate: 'is not served since the free inference host was closed' },
  { type: 'together', model: 'togethercomputer/m2-bert-80M-8k-retrieval', fate: 'is no longer supported since June 2025' },
] as const);

export function defaultModelOf(type: ProviderType, verb: 'chat' | 'embed'): string | undefined {
  return defaultModels.find((row) => row.type === type && row.verb === verb)?.model;
}
