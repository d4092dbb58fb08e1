import type { Adapter, HealthReport, ModelInfo } from '../core/adapter.ts';
import type { ChatMessage } from '../core/types.ts';
import type { HttpClient } from '../lib/http.ts';
import { isJsonObject, isPositive } from '../lib/json.ts';
import type { NetworkContext } from './context.ts';
import { openaiCompatible } from './openai-compatible.ts';
import { okWithVersion, tgiLoad } from './openai-probes.ts';
import type { ChatBody } from './openai-wire.ts';

const plain: (context: NetworkContext) => Adapter = openaiCompatible({
  name: 'tgi',
  modelName: 'ignored',
  // No `json_object`: every grammar needs properties, and with none the only object that fits is `{}`.
  capabilities: { tools: true, toolChoice: true, vision: true, jsonSchema: true, logprobs: true },
  // The server makes a repetition penalty of the presence penalty, two higher, so that even 0 spoils the answer.
  ignores: ['presence_penalty', 'parallel_tool_calls', 'user'],
  limitName: 'max_tokens',
  body,
  // Since 3.0 it goes on wherever the last message is an assistant's, without being told; blanks at the end of the text get lost.
  continued: (body) => body,
  embed: false,
  models,
  health,
  load: tgiLoad,
});

/** Text Generation Inference and its Messages API. It serves the model that it was started with, whatever name is asked for. */
export const tgi = ({ provider, http }: NetworkContext): Adapter => plain({ provider, http: withTextArguments(http) });

/**
 * `stop` must be a list, `top_p` lie strictly below 1 (which means what leaving it out means), and a tool have parameters.
 * `temperature: 0` is its word for greedy on this route, although the native one refuses it. `model` was required once.
 */
function body(asked: ChatBody): ChatBody {
  const { model = 'tgi', messages, stop, top_p, tools, response_format: format } = asked;
  return {
    ...asked,
    model,
    messages: messages.map(withoutEmptyText),
    stop: typeof stop === 'string' ? [stop] : stop,
    top_p: top_p === 1 ? undefined : top_p,
    tools: tools?.map((tool) => ({ ...tool, function: { parameters: { type: 'object', properties: {} }, ...tool.function } })),
    response_format: toGrammar(format),
  };
}

/** The server reads a message as text if it has any, even empty, and then not its tool calls. */
function withoutEmptyText(message: ChatMessage): ChatMessage {
  return message.tool_calls !== undefined && message.content === '' ? { ...message, content: undefined } : message;
}

/** The schema stands under `value`; with OpenAI's key, or with `type: 'text'`, the server answers 422. */
function toGrammar(format: ChatBody['response_format']): ChatBody['response_format'] {
  if (format?.type !== 'json_schema') return undefined;
  const { name, schema, strict } = format.json_schema;
  // The shape is this server's own, which the type of OpenAI's body does not have.
  return { type: 'json_schema', value: { name, schema, strict } } as unknown as ChatBody['response_format'];
}

/** Older versions give the arguments of a tool call as an object; in streams they always were text. */
function withTextArguments(http: HttpClient): HttpClient {
  return {
    ...http,
    async postJson(path, sent, call) {
      const answer = await http.postJson(path, sent, call);
      for (const made of toolCallsOf(answer)) {
        if (isJsonObject(made['arguments'])) made['arguments'] = JSON.stringify(made['arguments']);
      }
      return answer;
    },
  };
}

function toolCallsOf(answer: unknown): Record<string, unknown>[] {
  const choices: unknown = isJsonObject(answer) ? answer['choices'] : undefined;
  const messages = listOf(choices).map((choice) => choice['message']);
  const calls = messages.flatMap((message) => listOf(isJsonObject(message) ? message['tool_calls'] : undefined));
  return calls.map((call) => call['function']).filter(isJsonObject);
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** Prompt and answer together may have `max_total_tokens`. */
async function models(http: HttpClient, signal: AbortSignal): Promise<readonly ModelInfo[]> {
  const info = await http.getJson('/info', signal);
  if (!isJsonObject(info) || typeof info['model_id'] !== 'string') throw http.badResponse('its description names no model.');
  const length = info['max_total_tokens'];
  return [{ id: info['model_id'], ...(isPositive(length) && { contextLength: length }) }];
}

/** `/health` answers with an empty body, or 503 after a failed generation until one succeeds. */
async function health(http: HttpClient, signal: AbortSignal): Promise<HealthReport> {
  await http.getText('/health', signal);
  return okWithVersion(http, '/info', 'version', signal);
}
