import type { ModelName } from '../core/adapter.ts';
import type { Verb } from '../core/events.ts';
import type { ProviderConfig, RouterConfig } from '../config/config.ts';

/** What a provider would be asked for, and why it may not be. */
export interface ResolvedModel {
  readonly model: string | undefined;
  readonly missing: string | undefined;
  readonly substituted: boolean;
  /** The model's name across providers, for embeddings. */
  readonly space: string;
}

export interface ModelQuestion {
  readonly verb: Verb;
  /** As the caller wrote it: an alias, a provider's own name, or nothing. */
  readonly requested: string | undefined;
  readonly provider: ProviderConfig;
  readonly modelName: ModelName;
  readonly config: RouterConfig;
  /** Why the provider is known not to serve a model of its own naming; undefined where nothing is known. */
  readonly denies: (model: string) => string | undefined;
}

/** The provider's own name for the model that a caller asked for. */
export function resolveModel(question: ModelQuestion): ResolvedModel {
  const { requested, provider, verb } = question;
  if (requested === undefined) return withDefault(question);
  const names = question.config.models.get(requested);
  const model = names === undefined ? requested : names.get(provider.id);
  const missing = model === undefined ? `models has no name for ${quoted(requested)} there` : question.denies(model);
  if (missing === undefined) return { model, missing, substituted: false, space: names === undefined ? untagged(requested) : requested };
  const substitute = question.config.onModelMissing === 'substitute' && verb !== 'embed' ? withDefault(question) : undefined;
  if (substitute?.missing === undefined && substitute !== undefined) return { ...substitute, substituted: true };
  return { model, missing, substituted: false, space: names === undefined ? untagged(requested) : requested };
}

function withDefault({ verb, provider, modelName, denies }: ModelQuestion): ResolvedModel {
  const field = verb === 'embed' ? 'embeddingModel' : 'defaultModel';
  const model = provider[field];
  const space = model === undefined ? `the default of ${provider.id}` : untagged(model);
  if (model === undefined && modelName === 'required') {
    return { model, missing: `the request names no model and it has no ${field}`, substituted: false, space };
  }
  return { model, missing: model === undefined ? undefined : denies(model), substituted: false, space };
}

/** Ollama's names carry a tag, and none means `latest`. */
export function untagged(model: string): string {
  return model.endsWith(':latest') ? model.slice(0, -':latest'.length) : model;
}

/** A name as it may stand in a message: what a caller sends as a model may be anything, of any length. */
export function quoted(model: string): string {
  return JSON.stringify(model.length > 100 ? `${model.slice(0, 100)}…` : model);
}
