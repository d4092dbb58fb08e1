import type { ModelName } from '../core/adapter.ts';
import type { Verb } from '../core/events.ts';
import type { ProviderConfig, RouterConfig } from '../config/config.ts';

/** What a provider would be asked for, and why it may not be. */
export interface ResolvedModel {
  readonly model: string | undefined;
  readonly missing: string | undefined;
  readonly substituted: boolean;
  /** What its vectors belong to, across providers: the provider's `embeddingSpace`, else the alias, else the name. */
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

/**
 * A server that answers whatever it is asked for, and whose names are told: what is not among them is not what it has. Such a server
 * compares no names at all, so case is no difference there.
 */
function denial({ verb, requested, provider, modelName, config: { models } }: ModelQuestion, model: string): string | undefined {
  if (modelName !== 'ignored' || requested === undefined || models.has(requested)) return undefined;
  const served = servedBy(provider, models);
  if (!served.says[verb === 'embed' ? 'embed' : 'chat'] || served.names.has(caselessName(model))) return undefined;
  return `models names what it serves, and ${quoted(model)} is not among it`;
}

/** What `models` tells of one provider. */
interface Served {
  readonly models: RouterConfig['models'];
  readonly names: ReadonlySet<string>;
  readonly says: { readonly embed: boolean; readonly chat: boolean };
}

/** Asked for every candidate of every plan, and there may be thousands of aliases. */
const servedOnce = new WeakMap<ProviderConfig, Served>();

function servedBy(provider: ProviderConfig, models: RouterConfig['models']): Served {
  const known = servedOnce.get(provider);
  if (known?.models === models) return known;
  const { id, defaultModel = '', embeddingModel = '' } = provider;
  const aliased = [...models.values()].flatMap((names) => names.get(id) ?? []).map(caselessName);
  const names = new Set([...aliased, caselessName(defaultModel), caselessName(embeddingModel)]);
  // An alias of the embedding model says nothing of what it chats with.
  const says = { embed: aliased.length > 0, chat: aliased.some((name) => name !== caselessName(embeddingModel)) };
  const served = { models, names, says };
  servedOnce.set(provider, served);
  return served;
}

/** A name as a server sees it that overlooks case: some do, and none tells two models apart by it. */
export function caselessName(name: string): string {
  return plainName(name.toLowerCase());
}

/** The provider's own name for the model that a caller asked for. */
export function resolveModel(question: ModelQuestion): ResolvedModel {
  const { requested, provider, verb } = question;
  const { models } = question.config;
  if (requested === undefined) return withDefault(question);
  const exact = models.get(requested);
  // An alias may be asked for with the tag that no tag means.
  const alias = exact === undefined ? plainName(requested) : requested;
  const names = exact ?? models.get(alias);
  const model = names === undefined ? requested : names.get(provider.id);
  const missing =
    model === undefined ? `models has no name for ${quoted(requested)} there` : (denial(question, model) ?? question.denies(model));
  const space = spaceOf(provider, model) ?? alias;
  if (missing === undefined) return { model, missing, substituted: false, space };
  const substitute = question.config.onModelMissing === 'substitute' && verb !== 'embed' ? withDefault(question) : undefined;
  if (substitute?.missing === undefined && substitute !== undefined) return { ...substitute, substituted: true };
  return { model, missing, substituted: false, space };
}

function withDefault({ verb, provider, modelName, denies }: ModelQuestion): ResolvedModel {
  const field = verb === 'embed' ? 'embeddingModel' : 'defaultModel';
  const model = provider[field];
  const space = provider.embeddingSpace ?? (model === undefined ? `the default of ${provider.id}` : plainName(model));
  if (model === undefined && modelName === 'required') {
    return { model, missing: `the request names no model and it has no ${field}`, substituted: false, space };
  }
  return { model, missing: model === undefined ? undefined : denies(model), substituted: false, space };
}

/** The space that was declared is that of the provider's embedding model, and of no other that it may serve beside. */
function spaceOf({ embeddingSpace, embeddingModel }: ProviderConfig, model: string | undefined): string | undefined {
  const isMeant = embeddingModel === undefined || model === undefined || sameName(model, embeddingModel);
  return isMeant ? embeddingSpace : undefined;
}

/** Ollama's own registry and namespace go without saying; the namespace alone is a name's first part, and its only one. */
const ollamaHome = /^(?:(?:registry\.ollama\.ai|ollama\.com)\/(?:library\/(?=[^/]+$))?|library\/(?=[^/]+$))(?=.)/;

/**
 * A name for comparisons, never for the wire: without the tag that no tag means, without the registry that no registry means, and with
 * one of Hugging Face's two addresses. Case stays: of most servers it is not known that they overlook it.
 */
export function plainName(model: string): string {
  const name = model.endsWith(':latest') ? model.slice(0, -':latest'.length) : model;
  // Asked for every candidate of every plan, and most names have no address at all.
  if (!name.includes('/')) return name;
  return name.replace(ollamaHome, '').replace(/^huggingface\.co\/(?=.)/, 'hf.co/');
}

/** Two names of one model, as far as names tell. */
export function sameName(left: string, right: string): boolean {
  return plainName(left) === plainName(right);
}

/** A name as it may stand in a message: what a caller sends as a model may be anything, of any length. */
export function quoted(model: string): string {
  return JSON.stringify(model.length > 100 ? `${model.slice(0, 100)}…` : model);
}
