import type { Adapter, HealthReport, LoadReport } from '../core/adapter.ts';
import type { HttpClient } from '../lib/http.ts';
import { isJsonObject } from '../lib/json.ts';
import type { NetworkContext } from './context.ts';
import { openaiCompatible } from './openai-compatible.ts';

/**
 * text-generation-webui. It answers with the model that is loaded, whatever name is asked for, and embeds with a model of its
 * own. A prompt too long for the context is cut in silence.
 */
export const textgen: (context: NetworkContext) => Adapter = openaiCompatible({
  name: 'textgen',
  modelName: 'ignored',
  cutsPrompts: true,
  // Of `tool_choice` it knows `none` and a name; `required` is taken for `auto`. `n`, `response_format` are not read at all.
  capabilities: { tools: true, vision: true, logprobs: true, logitBias: true },
  ignores: ['parallel_tool_calls', 'user'],
  base64: true,
  // `continue_`: "makes the last bot message in the history be continued". The server hands out the grown message.
  continued: (body) => ({ ...body, continue_: true }),
  repeatsBegun: true,
  limitName: 'max_tokens',
  isNoModel: ({ model }) => isNone(model),
  health,
  load,
});

/**
 * Without a model the server is up and answers with empty text, which is no answer: reported as `model_not_found`. That is why
 * `/v1/internal/health`, which knows nothing of models, is not asked.
 */
async function health(http: HttpClient, signal: AbortSignal): Promise<HealthReport> {
  const info = await http.getJson('/v1/internal/model/info', signal);
  if (!isJsonObject(info) || !isNone(info['model_name'])) return { state: 'ok' };
  const error = { code: 'model_not_found', message: 'The server runs, but no model is loaded.' };
  throw http.errorIn({ error }, undefined) ?? http.badResponse(error.message);
}

/** Loaders that serve several requests at once, as many as their settings say, which the server does not tell. */
const parallelLoaders = /^(?:exllamav3|tensorrt-llm)$/i;

/** With the other loaders a lock lets one request in at a time, unless llama.cpp was told otherwise; what waits for it is not told. */
async function load(http: HttpClient, signal: AbortSignal): Promise<LoadReport> {
  const info = await http.getJson('/v1/internal/model/info', signal);
  const loader = isJsonObject(info) ? info['loader'] : undefined;
  return typeof loader === 'string' && parallelLoaders.test(loader) ? {} : { slots: 1 };
}

function isNone(model: unknown): boolean {
  return model === null || model === 'None';
}
