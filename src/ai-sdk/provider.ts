import { type EmbeddingModelV4, type LanguageModelV4, NoSuchModelError } from '@ai-sdk/provider';
import type { Router } from '../index.ts';
import { toResult } from './answer.ts';
import { toEmbeddingModel } from './embedding-model.ts';
import { toSdkError } from './errors.ts';
import { type InferlaneDefaults, optionsOf, routingOf } from './options.ts';
import { toPartStream } from './part-stream.ts';
import { toRequest } from './request.ts';

/**
 * A provider of the AI SDK (specification v4), for `generateText({ model: inferlane('llama3.1') })`, registries and custom providers.
 * Model ids are those of requests: an alias of `models`, or a provider's own name. `'default'`, or no id, is each provider's default model.
 */
export interface InferlaneProvider {
  (modelId?: string): LanguageModelV4;
  readonly specificationVersion: 'v4';
  languageModel(modelId?: string): LanguageModelV4;
  embeddingModel(modelId?: string): EmbeddingModelV4;
  /** @throws {NoSuchModelError} always: routers make no images. */
  imageModel(modelId: string): never;
}

/**
 * A router as a provider of the AI SDK. `defaults` hold for each of its calls; `providerOptions: { inferlane: { … } }` changes them for
 * one. The router stays the application's own: it is not closed here, and its events tell of these calls too.
 */
export function createInferlane(router: Router, defaults: InferlaneDefaults = {}): InferlaneProvider {
  const languageModel = (modelId?: string): LanguageModelV4 => toLanguageModel(router, modelId, defaults);
  return Object.assign((modelId?: string) => languageModel(modelId), {
    specificationVersion: 'v4' as const,
    languageModel,
    embeddingModel: (modelId?: string) => toEmbeddingModel(router, modelId, defaults),
    imageModel(modelId: string): never {
      throw new NoSuchModelError({ modelId, modelType: 'imageModel' });
    },
  });
}

function toLanguageModel(router: Router, model: string | undefined, defaults: InferlaneDefaults): LanguageModelV4 {
  return {
    specificationVersion: 'v4',
    provider: 'inferlane',
    modelId: model ?? 'default',
    // Images travel inside the request: a server on this machine fetches no addresses, and another one may have to take over.
    supportedUrls: {},
    async doGenerate(call) {
      const options = optionsOf('chat', defaults, call.providerOptions);
      const { request, warnings } = toRequest(call, model, options);
      try {
        return toResult(await router.chat(request, routingOf(options, call)), warnings);
      } catch (error) {
        throw toSdkError(error);
      }
    },
    async doStream(call) {
      const options = optionsOf('chat', defaults, call.providerOptions);
      const { request, warnings } = toRequest(call, model, options);
      try {
        const { onStreamFailure = 'error' } = options;
        const stream = await router.stream(request, { ...routingOf(options, call), onStreamFailure });
        return { stream: toPartStream(stream, warnings, call.includeRawChunks === true) };
      } catch (error) {
        throw toSdkError(error);
      }
    },
  };
}
