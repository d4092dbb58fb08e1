import type { Call } from '../core/adapter.ts';
import { RouterError } from '../core/errors.ts';
import type { ChatMessage, ChatRequest, EmbedRequest, ReasoningEffort, ResponseFormat, ToolCall } from '../core/types.ts';
import { isJsonObject, type JsonObject, parseJsonWithin } from '../lib/json.ts';

/** What every body of one provider carries. */
export interface OllamaSettings {
  readonly provider: string;
  /** Seconds that an idle model stays loaded; negative: for ever. Undefined: the server's setting. */
  readonly keepAliveS: number | undefined;
  /**
   * Context window in tokens. A load-time option that differs from the last request's reloads the model, so it is the same
   * number with every chat and every embedding, or in none.
   */
  readonly contextSize: number | undefined;
}

/**
 * The body of `/api/chat`. Fields that are undefined vanish when it is written as JSON. Throws `invalid_request` and
 * `unsupported`, before anything is sent.
 *
 * `truncate: false`: by default the server drops the oldest messages in silence until the prompt fits; now it answers 400,
 * which is `context_length`, and a provider with a larger window may take over. Servers that do not know the field ignore it.
 * `shift` is never sent: it reloads the model as well.
 */
export function toChatBody(call: Call<ChatRequest>, settings: OllamaSettings, stream: boolean): JsonObject {
  const { request } = call;
  const { provider, keepAliveS, contextSize } = settings;
  const { options, ...extra } = request.extra?.['ollama'] ?? {};
  return {
    model: modelOf(call.model, provider, 'defaultModel'),
    messages: toMessages(request.messages, provider),
    // There is no `tool_choice` on this wire: not to be called means not to be shown.
    tools: request.tool_choice === 'none' ? undefined : request.tools,
    format: toFormat(request.response_format),
    think: toThink(request.reasoning_effort),
    logprobs: request.logprobs,
    top_logprobs: request.top_logprobs,
    truncate: false,
    keep_alive: keepAliveS,
    ...extra,
    options: { num_ctx: contextSize, ...toOptions(request), ...(isJsonObject(options) ? options : undefined) },
    // Last, because the reader of the answer depends on it.
    stream,
  };
}

/** The body of `/api/embed`. Always a list: the single text `""` would be answered with no vector at all. */
export function toEmbedBody(call: Call<EmbedRequest>, settings: OllamaSettings): JsonObject & { readonly input: readonly string[] } {
  const { input, dimensions, extra: extras } = call.request;
  const { provider, keepAliveS, contextSize } = settings;
  const { options, ...extra } = extras?.['ollama'] ?? {};
  const loaded = { ...(contextSize !== undefined && { num_ctx: contextSize }), ...(isJsonObject(options) ? options : undefined) };
  return {
    model: modelOf(call.model, provider, 'embeddingModel'),
    dimensions,
    truncate: false,
    keep_alive: keepAliveS,
    ...extra,
    ...(Object.keys(loaded).length > 0 && { options: loaded }),
    // Last, because the answer is checked against it.
    input: typeof input === 'string' ? [input] : input,
  };
}

function modelOf(model: string | undefined, provider: string, option: string): string {
  if (model !== undefined && model !== '') return model;
  const message = `${provider}: Ollama answers only for a named model. Set "model" in the request or "${option}" of this provider.`;
  throw new RouterError('invalid_request', message, { provider });
}

function toOptions(request: ChatRequest): JsonObject {
  const { stop } = request;
  return {
    num_predict: request.max_completion_tokens ?? request.max_tokens,
    temperature: request.temperature,
    top_p: request.top_p,
    seed: request.seed,
    stop: typeof stop === 'string' ? [stop] : stop,
    frequency_penalty: request.frequency_penalty,
    presence_penalty: request.presence_penalty,
  };
}

function toFormat(format: ResponseFormat | undefined): unknown {
  if (format?.type === 'json_object') return 'json';
  return format?.type === 'json_schema' ? format.json_schema.schema : undefined;
}

/** `think` takes false, true, `low`, `medium`, `high` and `max`. */
function toThink(effort: ReasoningEffort | undefined): unknown {
  if (effort === 'none') return false;
  if (effort === 'xhigh') return 'max';
  return effort === 'minimal' ? 'low' : effort;
}

function toMessages(messages: readonly ChatMessage[], provider: string): readonly JsonObject[] {
  // A tool's result names its call by id; templates want the name of the tool.
  const toolNames = new Map<string, string>();
  return messages.map((message, at) => {
    // Filled on the way: some servers count their ids anew in each answer, and a result belongs to the call before it.
    for (const { id, function: called } of message.tool_calls ?? []) toolNames.set(id, called.name);
    const { role, tool_call_id } = message;
    return {
      role: role === 'developer' ? 'system' : role,
      ...toContent(message, at, provider),
      thinking: message.reasoning_content ?? undefined,
      tool_calls: message.tool_calls?.map((call, index) => toToolCall(call, `messages[${at}].tool_calls[${index}]`, provider)),
      tool_name: role === 'tool' ? (toolNames.get(tool_call_id ?? '') ?? message.name) : undefined,
      tool_call_id,
    };
  });
}

function toContent({ content }: ChatMessage, at: number, provider: string): JsonObject {
  if (typeof content === 'string' || content == null) return { content: content ?? '' };
  const texts: string[] = [];
  const images: string[] = [];
  for (const part of content) {
    if (part.type === 'text') texts.push(part.text);
    else if (part.type === 'image_url') images.push(toImage(part.image_url.url, at, provider));
    else throw new RouterError('unsupported', `${provider}: messages[${at}] holds a part that Ollama has no place for.`, { provider });
  }
  return { content: texts.join('\n'), images: images.length > 0 ? images : undefined };
}

/** The bare base64 of a `data:` URL. Ollama fetches nothing, and neither does the router. */
function toImage(url: string, at: number, provider: string): string {
  const head = /^data:[^,]*;base64,/i.exec(url)?.[0];
  if (head !== undefined) return url.slice(head.length);
  if (!/^data:/i.test(url)) {
    const message = `${provider}: Ollama takes no image addresses (messages[${at}]). Send the image as a base64 data: URL.`;
    throw new RouterError('unsupported', message, { provider });
  }
  throw new RouterError('invalid_request', `${provider}: the data: URL in messages[${at}] is not base64.`, { provider });
}

/** Arguments are JSON text for the caller and an object here; no arguments at all may be written as empty text. */
function toToolCall(call: ToolCall, path: string, provider: string): JsonObject {
  const { name, arguments: text } = call.function;
  const parsed = text.trim() === '' ? {} : parseJsonWithin(text);
  if (isJsonObject(parsed)) return { id: call.id, function: { name, arguments: parsed } };
  throw new RouterError('invalid_request', `${provider}: ${path}.function.arguments is not a JSON object, or nests too deep.`, {
    provider,
  });
}
