import { goneModels, type GoneModelRow } from '../core/default-models.ts';
import type { ProviderConfig } from '../config/config.ts';
import { askable, type Engine } from './engine.ts';
import { listModels } from './questions.ts';
import { quoted, sameName } from './model-name.ts';
import type { Provider } from './provider.ts';

/**
 * Compares the default models of each provider with the provider's own list, once, beside everything else; `config:warning`
 * names those that it does not serve. Never rejects: a provider that does not answer is the health check's business.
 */
export async function checkDefaultModels(engine: Engine): Promise<void> {
  const asked = askable(engine, engine.config.maxLocality);
  await Promise.all(asked.map((provider) => checkProvider(provider, engine)));
}

async function checkProvider(provider: Provider, engine: Engine): Promise<void> {
  const { config, adapter } = provider;
  const fields = (['defaultModel', 'embeddingModel'] as const).filter((field) => config[field] !== undefined);
  if (fields.length === 0 || adapter.models === undefined || adapter.modelName === 'ignored') return;
  const listed = await listModels(provider, engine, undefined).catch(() => undefined);
  // An empty list is that of a server which loads what it is asked for.
  if (listed === undefined || listed.length === 0) return;
  for (const field of fields) {
    const model = config[field] as string;
    // Where the list does not show everything, an encoder may be missing in it and be there.
    if (field === 'embeddingModel' && !adapter.listsAllModels && goneRow(config, model) === undefined) continue;
    if (listed.some(({ id }) => isListedAs(model, id))) continue;
    engine.announce('config:warning', { path: `providers.${config.id}.${field}`, message: notServed(config, model) });
  }
}

/**
 * Lists leave out tags (Ollama), dates (Anthropic's `-20251001`, which names write as `-latest` or leave out) and policies (Hugging
 * Face's `:fastest`) that names may carry or lack. Case speaks against no call, so it is no reason to warn either.
 */
function isListedAs(asked: string, id: string): boolean {
  const [model, listed] = [asked.toLowerCase(), id.toLowerCase()];
  if (sameName(listed, model)) return true;
  const dateless = model.replace(/-latest$/, '');
  if (listed.startsWith(`${dateless}-`) && /^\d{8}$/.test(listed.slice(dateless.length + 1))) return true;
  return model.includes('/') && model.startsWith(`${listed}:`);
}

function goneRow({ type }: ProviderConfig, model: string): GoneModelRow | undefined {
  return goneModels.find((row) => row.type === type && row.model === model);
}

function notServed(config: ProviderConfig, model: string): string {
  const { id } = config;
  const gone = goneRow(config, model);
  const fate = gone === undefined ? '' : `: it ${gone.fate}`;
  return `${quoted(model)} is not in the list of models that ${id} serves now${fate}; name another one`;
}
