import type { ModelInfo } from '../core/adapter.ts';
import type { HttpClient } from '../lib/http.ts';
import { isJsonObject, isPositive } from '../lib/json.ts';

/** `GET /v1/models`. */
export async function listModels(http: HttpClient, signal: AbortSignal): Promise<readonly ModelInfo[]> {
  return toModels(await http.getJson('/v1/models', signal), http);
}

/**
 * `{ data: [...] }` (OpenAI), `{ models: [...], data: [...] }` (llama.cpp) or a bare list (Together). The context length
 * stands in `max_model_len` (vLLM), `meta.n_ctx` (llama.cpp) or `context_length` (Together); `meta.n_ctx_train` is not what is served.
 */
export function toModels(value: unknown, http: HttpClient): readonly ModelInfo[] {
  const list = isJsonObject(value) ? (value['data'] ?? value['models']) : value;
  if (!Array.isArray(list)) throw http.badResponse('the list of models is no list.');
  return list.filter(isJsonObject).flatMap((model) => {
    const { id, max_model_len: longest, context_length: length } = model;
    const { n_ctx: window, size: sizeBytes, n_params: parameters } = isJsonObject(model['meta']) ? model['meta'] : {};
    const contextLength = [longest, window, length].find(isPositive);
    if (typeof id !== 'string' || id === '') return [];
    return [
      {
        id,
        ...(contextLength !== undefined && { contextLength }),
        ...(isPositive(sizeBytes) && { sizeBytes }),
        ...(isPositive(parameters) && { parametersBillions: parameters / 1e9 }),
      },
    ];
  });
}
