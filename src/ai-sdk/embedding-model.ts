import type { EmbeddingModelV4 } from '@ai-sdk/provider';
import type { Router } from '../index.ts';
import { metadataOf, warningsOf } from './answer.ts';
import { toSdkError } from './errors.ts';
import { headerWarnings, type InferlaneDefaults, optionsOf, requestFieldsOf, routingOf } from './options.ts';

/** Few servers take more at once by default, and a part that fails is tried again by itself. */
const usualPerCall = 512;

/** All vectors of one list come from one vector space, also where `embedMany` cuts the list: the router keeps to it. */
export function toEmbeddingModel(router: Router, model: string | undefined, defaults: InferlaneDefaults): EmbeddingModelV4 {
  return {
    specificationVersion: 'v4',
    provider: 'inferlane',
    modelId: model ?? 'default',
    maxEmbeddingsPerCall: defaults.maxEmbeddingsPerCall ?? usualPerCall,
    supportsParallelCalls: true,
    async doEmbed({ values, dimensions, abortSignal, providerOptions, headers }) {
      const options = optionsOf('embed', defaults, providerOptions);
      const { user, extra } = requestFieldsOf(options);
      const request = {
        ...(model !== undefined && { model }),
        input: values,
        ...(dimensions !== undefined && { dimensions }),
        ...(user !== undefined && { user }),
        ...(extra !== undefined && { extra }),
      };
      try {
        const routing = routingOf(options, { ...(abortSignal && { abortSignal }), ...(headers && { headers }) });
        const { data, usage, route } = await router.embed(request, routing);
        return {
          embeddings: data.map(({ embedding }) => embedding),
          ...(usage && { usage: { tokens: usage.prompt_tokens } }),
          providerMetadata: metadataOf(route),
          warnings: [...headerWarnings(headers), ...warningsOf(route)],
        };
      } catch (error) {
        throw toSdkError(error);
      }
    },
  };
}
