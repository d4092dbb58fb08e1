import type { LanguageModelV4CallOptions, SharedV4Warning } from '@ai-sdk/provider';
import type { ChatRequest, ResponseFormat, Tool, ToolChoice } from '../index.ts';
import { headerWarnings, type InferlaneOptions, requestFieldsOf } from './options.ts';
import { toMessages } from './prompt.ts';

export interface Asked {
  readonly request: ChatRequest;
  /** What of the call has no place in a request. */
  readonly warnings: SharedV4Warning[];
}

/** The AI SDK's call as a request of ours. Nothing is sent that was not set, and nothing that was set is left out in silence. */
export function toRequest(call: LanguageModelV4CallOptions, model: string | undefined, options: InferlaneOptions): Asked {
  const warnings = headerWarnings(call.headers);
  const format = toFormat(call.responseFormat, options.strictJsonSchema);
  const { reasoning = 'provider-default', stopSequences = [] } = call;
  if (call.topK !== undefined) {
    const details = "There is no such field in OpenAI's requests; set it per backend in providerOptions.inferlane.extra.";
    warnings.push({ type: 'unsupported', feature: 'topK', details });
  }
  const request: ChatRequest = {
    ...(model !== undefined && { model }),
    messages: toMessages(call.prompt, warnings),
    ...(call.maxOutputTokens !== undefined && { max_tokens: call.maxOutputTokens }),
    ...(call.temperature !== undefined && { temperature: call.temperature }),
    ...(call.topP !== undefined && { top_p: call.topP }),
    ...(call.presencePenalty !== undefined && { presence_penalty: call.presencePenalty }),
    ...(call.frequencyPenalty !== undefined && { frequency_penalty: call.frequencyPenalty }),
    ...(call.seed !== undefined && { seed: call.seed }),
    ...(stopSequences.length > 0 && { stop: stopSequences }),
    ...(format && { response_format: format }),
    ...(reasoning !== 'provider-default' && { reasoning_effort: reasoning }),
    ...toolsOf(call, warnings),
    ...requestFieldsOf(options),
  };
  return { request, warnings };
}

function toFormat(format: LanguageModelV4CallOptions['responseFormat'], strict: boolean | undefined): ResponseFormat | undefined {
  if (format?.type !== 'json') return undefined;
  const { schema, name = 'answer', description } = format;
  if (schema === undefined) return { type: 'json_object' };
  const own = { ...(description !== undefined && { description }), ...(strict !== undefined && { strict }) };
  return { type: 'json_schema', json_schema: { name, schema: schema as Readonly<Record<string, unknown>>, ...own } };
}

function toolsOf(
  { tools = [], toolChoice }: LanguageModelV4CallOptions,
  warnings: SharedV4Warning[],
): Pick<ChatRequest, 'tools' | 'tool_choice'> {
  const functions: Tool[] = [];
  for (const tool of tools) {
    if (tool.type === 'provider') {
      warnings.push({ type: 'unsupported', feature: `the tool ${tool.id} of one provider` });
      continue;
    }
    if (tool.inputExamples !== undefined) warnings.push({ type: 'unsupported', feature: `input examples of the tool ${tool.name}` });
    const { name, description, inputSchema, strict } = tool;
    const parameters = inputSchema as Readonly<Record<string, unknown>>;
    const own = { ...(description !== undefined && { description }), ...(strict !== undefined && { strict }) };
    functions.push({ type: 'function', function: { name, ...own, parameters } });
  }
  const choice = toChoice(toolChoice);
  return functions.length === 0 ? {} : { tools: functions, ...(choice !== undefined && { tool_choice: choice }) };
}

/** `auto` is what every server does with tools by itself, and the AI SDK always says it. */
function toChoice(choice: LanguageModelV4CallOptions['toolChoice']): ToolChoice | undefined {
  if (choice === undefined || choice.type === 'auto') return undefined;
  return choice.type === 'tool' ? { type: 'function', function: { name: choice.toolName } } : choice.type;
}
