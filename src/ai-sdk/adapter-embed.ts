import type { EmbeddingModelV4 } from '@ai-sdk/provider';
import { type Embed, type Embedding, RouterError } from '../index.ts';
import { toRouterError } from './adapter-errors.ts';
import { providerOptionsOf } from './adapter-request.ts';

/** A list that is longer than the model takes at once goes in parts, one after the other. */
export function embedWith(model: EmbeddingModelV4, name: string): Embed {
  return async (call) => {
    const { request, signal, headers } = call;
    const input = typeof request.input === 'string' ? [request.input] : request.input;
    const data: Embedding[] = [];
    let tokens: number | undefined = 0;
    try {
      const most = (await model.maxEmbeddingsPerCall) ?? input.length;
      for (let start = 0; start < input.length; start += most) {
        const values = input.slice(start, start + most);
        const { embeddings, usage } = await model.doEmbed({
          values,
          abortSignal: signal,
          ...(headers && { headers: { ...headers } }),
          ...(request.dimensions !== undefined && { dimensions: request.dimensions }),
          ...providerOptionsOf(request, model.provider, name),
        });
        if (embeddings.length !== values.length) throw bad(name, 'the number of vectors is not that of the texts.');
        data.push(...embeddings.map((embedding, index) => ({ object: 'embedding' as const, index: start + index, embedding })));
        if (data.some(({ embedding }) => embedding.length !== data[0]?.embedding.length)) throw bad(name, 'vectors of different lengths.');
        tokens = tokens === undefined || usage === undefined ? undefined : tokens + usage.tokens;
      }
    } catch (error) {
      throw await toRouterError(error, call, name);
    }
    const usage = tokens === undefined ? {} : { usage: { prompt_tokens: tokens, total_tokens: tokens } };
    return { object: 'list', data, model: model.modelId, ...usage };
  };
}

function bad(name: string, text: string): RouterError {
  return new RouterError('bad_response', `${name}: ${text}`, { provider: name });
}
