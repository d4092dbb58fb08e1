import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4FunctionTool, SharedV4ProviderOptions } from '@ai-sdk/provider';
import type { Call, ChatRequest } from '../index.ts';
import { toPrompt } from './adapter-prompt.ts';

/** A call of ours as the AI SDK's. Nothing is set that the request does not set. */
export async function toCallOptions(call: Call<ChatRequest>, model: LanguageModelV4, name: string): Promise<LanguageModelV4CallOptions> {
  const { request, signal, headers } = call;
  const maxOutputTokens = request.max_completion_tokens ?? request.max_tokens;
  const format = toFormat(request.response_format);
  const stop = typeof request.stop === 'string' ? [request.stop] : request.stop;
  return {
    prompt: toPrompt(request.messages, await model.supportedUrls, name),
    abortSignal: signal,
    ...(headers && { headers: { ...headers } }),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(request.temperature !== undefined && { temperature: request.temperature }),
    ...(request.top_p !== undefined && { topP: request.top_p }),
    ...(request.presence_penalty !== undefined && { presencePenalty: request.presence_penalty }),
    ...(request.frequency_penalty !== undefined && { frequencyPenalty: request.frequency_penalty }),
    ...(request.seed !== undefined && { seed: request.seed }),
    ...(stop !== undefined && { stopSequences: [...stop] }),
    ...(format && { responseFormat: format }),
    ...(request.reasoning_effort !== undefined && { reasoning: request.reasoning_effort }),
    ...toolsOf(request),
    ...providerOptionsOf(request, model.provider, name),
  };
}

function toFormat(format: ChatRequest['response_format']): LanguageModelV4CallOptions['responseFormat'] {
  if (format === undefined || format.type === 'text') return undefined;
  if (format.type === 'json_object') return { type: 'json' };
  const { schema, name, description } = format.json_schema;
  return { type: 'json', schema, name, ...(description !== undefined && { description }) };
}

function toolsOf({ tools = [], tool_choice: choice }: ChatRequest): Pick<LanguageModelV4CallOptions, 'tools' | 'toolChoice'> {
  if (tools.length === 0) return {};
  const functions = tools.map(({ function: { name, description, parameters, strict } }): LanguageModelV4FunctionTool => ({
    type: 'function',
    name,
    inputSchema: { ...(parameters ?? { type: 'object', properties: {} }) },
    ...(description !== undefined && { description }),
    ...(typeof strict === 'boolean' && { strict }),
  }));
  if (choice === undefined) return { tools: functions };
  return { tools: functions, toolChoice: typeof choice === 'string' ? { type: choice } : { type: 'tool', toolName: choice.function.name } };
}

/** The fields of `extra` under the name that the model's provider has for its own options: the first part of `openai.responses`. */
export function providerOptionsOf(
  { extra }: Pick<ChatRequest, 'extra'>,
  provider: string,
  name: string,
): { readonly providerOptions?: SharedV4ProviderOptions } {
  const own = extra?.[name];
  const key = provider.split('.', 1)[0] ?? provider;
  return own === undefined ? {} : { providerOptions: { [key]: own } as SharedV4ProviderOptions };
}
