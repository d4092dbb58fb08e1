import type { ModelInfo } from '../core/adapter.ts';
import { orAborted } from '../lib/abort.ts';
import type { Engine } from './engine.ts';
import { caselessName, plainName } from './model-name.ts';
import type { Provider } from './provider.ts';
import { listModels } from './questions.ts';
import { type ShownError, shownError } from './shown-error.ts';

export interface InventoryAsk {
  readonly signal?: AbortSignal | undefined;
}

/** What one provider serves. */
export interface ProviderModels {
  readonly provider: string;
  /** Undefined where it keeps no list, or did not answer. */
  readonly models: readonly ModelInfo[] | undefined;
  /** Why it did not answer: a code, and a message that holds no key and no full URL. */
  readonly error: ShownError | undefined;
}

/** Who serves a model, each by its own name for it. */
export interface ServedModel {
  /** An alias of the configuration, else the name of the model without what goes without saying (`:latest`). */
  readonly id: string;
  readonly isAlias: boolean;
  readonly servedBy: readonly { readonly provider: string; readonly model: string }[];
}

export interface ModelInventory {
  readonly providers: readonly ProviderModels[];
  /** The same by model, aliases first. An alias that nobody serves is listed with nobody. */
  readonly models: readonly ServedModel[];
}

/** Asks everybody at once. Never rejects for a provider; rejects with the signal's reason. */
export async function takeInventory(engine: Engine, { signal }: InventoryAsk): Promise<ModelInventory> {
  const asked = Promise.all(engine.list.map((provider) => modelsOf(provider, engine, signal)));
  const providers = await orAborted(asked, signal);
  return { providers, models: merged(providers, engine.config.models) };
}

async function modelsOf(provider: Provider, engine: Engine, signal: AbortSignal | undefined): Promise<ProviderModels> {
  try {
    return { provider: provider.id, models: await listModels(provider, engine, signal), error: undefined };
  } catch (error) {
    return { provider: provider.id, models: undefined, error: shownError(error, 'Its list of models could not be read.') };
  }
}

function merged(providers: readonly ProviderModels[], aliases: Engine['config']['models']): readonly ServedModel[] {
  const byAlias = new Map(Array.from(aliases, ([alias]) => [alias, [] as { provider: string; model: string }[]]));
  const byName = new Map<string, { provider: string; model: string }[]>();
  for (const { provider, models = [] } of providers) {
    for (const id of new Set(models.map((model) => model.id))) {
      const name = plainName(id);
      const meant = [...aliases].filter(([, names]) => isSameModel(names.get(provider), name)).map(([alias]) => alias);
      for (const alias of meant) byAlias.get(alias)?.push({ provider, model: id });
      // Under its own name it can be asked for as well, but there it is told once.
      if (meant.length === 0) byName.set(name, [...(byName.get(name) ?? []), { provider, model: id }]);
    }
  }
  return [
    ...Array.from(byAlias, ([id, servedBy]) => ({ id, isAlias: true, servedBy })),
    ...Array.from(byName, ([id, servedBy]) => ({ id, isAlias: false, servedBy })),
  ];
}

function isSameModel(name: string | undefined, listed: string): boolean {
  return name !== undefined && caselessName(name) === caselessName(listed);
}
