import type { EmbeddingModelV4, LanguageModelV4 } from '@ai-sdk/provider';
import { type Adapter, type Capabilities, type Chat, ConfigError, defineAdapter, type Parameter, type Stream } from '../index.ts';
import { toAnswer } from './adapter-answer.ts';
import { embedWith } from './adapter-embed.ts';
import { refuseDropped, toRouterError } from './adapter-errors.ts';
import { toCallOptions } from './adapter-request.ts';
import { toChunks } from './adapter-stream.ts';

export interface AiSdkAdapterOptions {
  /**
   * The adapter's name in messages; best the provider's id. Under it `extra` of a request holds the model's provider options: `extra: { 'ai-sdk': { … } }`.
   * @default 'ai-sdk'
   */
  readonly name?: string | undefined;
  /** Embeds for the same provider. */
  readonly embeddings?: EmbeddingModelV4 | undefined;
  /**
   * What the model can do: the AI SDK's models do not tell. An answer for which the model left out a tool or the format, which it says
   * in a warning, is refused as `unsupported`, and another provider is asked.
   * @default { tools: true, toolChoice: true, jsonObject: true, jsonSchema: true }
   */
  readonly capabilities?: Partial<Capabilities> | undefined;
  /** Parameters that the model has no place for, beside those that the AI SDK has no word for (`user`, `parallel_tool_calls`). */
  readonly ignores?: readonly Parameter[] | undefined;
}

const usual: Partial<Capabilities> = { tools: true, toolChoice: true, jsonObject: true, jsonSchema: true };
const unspoken: readonly Parameter[] = ['parallel_tool_calls', 'user'];

/**
 * A model of the AI SDK (specification v4) as a provider: `{ type: 'custom', adapter: aiSdkAdapter(anthropic('claude-opus-5')) }`.
 * It answers with the model that it was made with, whatever name a request has.
 * @throws {ConfigError} for a model of an older specification, or one that is only a name.
 */
export function aiSdkAdapter(model: LanguageModelV4 | EmbeddingModelV4, options: AiSdkAdapterOptions = {}): Adapter {
  const { name = 'ai-sdk', capabilities, ignores = [] } = options;
  for (const each of [model, options.embeddings]) if (each !== undefined) checkModel(each);
  const common = { name, ignores: [...unspoken, ...ignores], modelName: 'ignored' as const };
  if ('doEmbed' in model) return defineAdapter({ ...common, capabilities: { ...capabilities }, embed: embedWith(model, name) });
  return defineAdapter({
    ...common,
    capabilities: { ...usual, ...capabilities },
    chat: chatWith(model, name),
    stream: streamWith(model, name),
    ...(options.embeddings && { embed: embedWith(options.embeddings, name) }),
  });
}

function checkModel(model: unknown): void {
  const version = typeof model === 'object' && model !== null && 'specificationVersion' in model ? model.specificationVersion : undefined;
  if (version === 'v4') return;
  const what = version === undefined ? 'This is no model of the AI SDK' : `This model follows specification ${String(version)}`;
  const message = `${what}; take one of specification v4: a provider of AI SDK 7, or wrapLanguageModel({ model, middleware: [] }) around an older one.`;
  throw new ConfigError([{ path: 'aiSdkAdapter', message }]);
}

function chatWith(model: LanguageModelV4, name: string): Chat {
  return async (call) => {
    try {
      const result = await model.doGenerate(await toCallOptions(call, model, name));
      refuseDropped(result.warnings, name);
      return toAnswer(result, call, model.modelId, name);
    } catch (error) {
      throw await toRouterError(error, call, name);
    }
  };
}

function streamWith(model: LanguageModelV4, name: string): Stream {
  return async (call) => {
    try {
      const { stream } = await model.doStream(await toCallOptions(call, model, name));
      return toChunks(stream, call, model.modelId, name);
    } catch (error) {
      throw await toRouterError(error, call, name);
    }
  };
}
