import type { ProviderHealth, ServedModel } from '../index.ts';
import { answersNow, statusOf, statusWithModels, type ViewInput } from './view-words.ts';

export interface ModelJson {
  /** What a call names. */
  readonly id: string;
  readonly name: string;
  /** Its name at the Hugging Face hub, else its name at the server. */
  readonly hf_name: string;
  /** Null: it runs in this process, or nobody serves it now. */
  readonly endpoint: string | null;
  readonly available: boolean;
}

export interface ModelHealthJson {
  readonly model_id: string;
  readonly endpoint: string | null;
  readonly healthy: boolean;
  readonly status: 'available' | 'unavailable';
}

/**
 * `GET /models`: servers that were started with one model (TGI, and whatever has `metadata.hf_name`) by their own ids, then the aliases
 * and the models of all others.
 */
export function modelListView({ health, inventory }: ViewInput): readonly ModelJson[] {
  const single = health.providers.filter(({ type, metadata }) => type === 'tgi' || metadata['hf_name'] !== undefined);
  const listed = single.map(singleModel);
  const known = new Set(listed.flatMap(({ id, hf_name }) => [id, hf_name]));
  const others = new Map(
    health.providers.filter((provider) => !single.includes(provider)).map((provider) => [provider.provider, provider]),
  );
  const isOther = ({ id, isAlias, servedBy }: ServedModel): boolean =>
    isAlias ? !known.has(id) : servedBy.some(({ provider }) => others.has(provider));
  const all = new Map(health.providers.map((provider) => [provider.provider, provider]));
  return [...listed, ...inventory.models.filter(isOther).map((model) => servedModel(model, all))];
}

/** `GET /models/{id}/health`; undefined where no such model is listed. */
export function modelHealthView(input: ViewInput, id: string): ModelHealthJson | undefined {
  const model = modelListView(input).find((listed) => listed.id === id);
  if (model === undefined) return undefined;
  const { endpoint, available } = model;
  return { model_id: id, endpoint, healthy: available, status: available ? 'available' : 'unavailable' };
}

function singleModel(provider: ProviderHealth): ModelJson {
  const { provider: id, metadata, models, defaultModel, url, pins } = provider;
  return {
    id,
    name: metadata['name'] ?? id,
    hf_name: metadata['hf_name'] ?? models?.[0]?.id ?? defaultModel ?? id,
    endpoint: url ?? null,
    available: answersNow[statusWithModels(provider)] && pins.length === 0,
  };
}

/** The endpoint is that of the first server that can give it now, else of the first that has it. */
function servedModel({ id, servedBy }: ServedModel, providers: ReadonlyMap<string, ProviderHealth>): ModelJson {
  const servers = servedBy.flatMap(({ provider, model }) => {
    const server = providers.get(provider);
    return server === undefined ? [] : [{ server, model }];
  });
  const ready = servers.find(({ server, model }) => isReady(server, model));
  const shown = ready ?? servers[0];
  return { id, name: id, hf_name: shown?.model ?? id, endpoint: shown?.server.url ?? null, available: ready !== undefined };
}

/** Pins know a model without the tag that goes without saying. */
function isReady(server: ProviderHealth, model: string): boolean {
  const isPinned = server.pins.some((pin) => pin.model === model || `${pin.model}:latest` === model);
  return answersNow[statusOf(server)] && !isPinned;
}
