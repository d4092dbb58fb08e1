import type { Call } from '../core/adapter.ts';
import type { ChatAnswer, ChatChunk, ChatRequest, ChunkDelta, FinishReason, ToolCall, Usage } from '../core/types.ts';
import type { HttpClient } from '../lib/http.ts';
import { isCount, isJsonObject, type JsonObject } from '../lib/json.ts';

// What Ollama's native API sends, turned into OpenAI's shapes, without any I/O. Facts: the Go types of the server
// (`api/types.go`), where `omitempty` means that a count of 0 is left out.

/** One object of `/api/chat`: the whole answer, or one line of a stream. */
export interface ChatLine {
  readonly model: string | undefined;
  /** Seconds since 1970; 0 where the server gave no time. */
  readonly created: number;
  /** Undefined where the object holds no message at all. */
  readonly content: string | undefined;
  readonly thinking: string;
  readonly toolCalls: readonly FoundCall[];
  readonly logprobs: readonly unknown[];
  readonly done: boolean;
  readonly doneReason: unknown;
  readonly usage: Usage | undefined;
}

/** `arguments` is an object on this wire; `id` is missing in older servers. */
interface FoundCall {
  readonly id: string | undefined;
  readonly name: string;
  readonly arguments: unknown;
}

/** Reads what the server sent, once; everything after it is typed. */
export function readChatLine(value: unknown, badResponse: HttpClient['badResponse']): ChatLine {
  if (!isJsonObject(value)) throw badResponse('a part of the answer is not an object.');
  const message = isJsonObject(value['message']) ? value['message'] : undefined;
  const { content = '', thinking = '', tool_calls: calls } = message ?? {};
  if (typeof content !== 'string' || typeof thinking !== 'string') throw badResponse('the content of the answer is not text.');
  return {
    model: typeof value['model'] === 'string' ? value['model'] : undefined,
    created: toSeconds(value['created_at']),
    content: message && content,
    thinking,
    toolCalls: Array.isArray(calls) ? calls.map((call) => readCall(call, badResponse)) : [],
    logprobs: Array.isArray(value['logprobs']) ? value['logprobs'] : [],
    done: value['done'] === true,
    doneReason: value['done_reason'],
    usage: value['done'] === true ? toUsage(value) : undefined,
  };
}

function readCall(call: unknown, badResponse: HttpClient['badResponse']): FoundCall {
  const { id, function: called } = isJsonObject(call) ? call : {};
  const { name, arguments: given } = isJsonObject(called) ? called : {};
  if (typeof name !== 'string' || name === '') throw badResponse('a tool call names no function.');
  return { id: typeof id === 'string' && id !== '' ? id : undefined, name, arguments: given };
}

/**
 * Both counts are numbers in the server's own types and are left out when they are 0: a prompt that was cached whole has no
 * `prompt_eval_count`, an empty answer no `eval_count`. So one that is there makes the other 0, and with neither the server
 * has counted nothing.
 */
function toUsage({ prompt_eval_count: prompt, eval_count: completion }: JsonObject): Usage | undefined {
  if (!isCount(prompt) && !isCount(completion)) return undefined;
  const [prompt_tokens, completion_tokens] = [isCount(prompt) ? prompt : 0, isCount(completion) ? completion : 0];
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}

function toSeconds(createdAt: unknown): number {
  const ms = typeof createdAt === 'string' ? Date.parse(createdAt) : NaN;
  return Number.isNaN(ms) ? 0 : Math.floor(ms / 1000);
}

/** `done_reason` stays `stop` where tools were called, and is missing in old versions. */
function toFinishReason(reason: unknown, calledTools: boolean, badResponse: HttpClient['badResponse']): FinishReason {
  if (reason === 'load' || reason === 'unload') throw badResponse(`the model was ${reason}ed; that is not a completion.`);
  if (reason === 'length') return 'length';
  if (calledTools) return 'tool_calls';
  return reason === 'stop' ? 'stop' : 'unknown';
}

/** `index` counts over the whole answer; where the server gives no id, one is made that no other answer has. */
function toToolCall({ id, name, arguments: given }: FoundCall, index: number, requestId: string): ToolCall {
  const text = typeof given === 'string' ? given : JSON.stringify(given ?? {});
  return { id: id ?? `call_${requestId}_${index}`, type: 'function', function: { name, arguments: text } };
}

export function toAnswer(line: ChatLine, call: Call<ChatRequest>, badResponse: HttpClient['badResponse']): ChatAnswer {
  const toolCalls = line.toolCalls.map((found, index) => toToolCall(found, index, call.requestId));
  const finish_reason = toFinishReason(line.doneReason, toolCalls.length > 0, badResponse);
  if (!line.done || line.content === undefined) throw badResponse('the answer is empty or was cut short.');
  const message = {
    role: 'assistant' as const,
    content: line.content === '' && toolCalls.length > 0 ? null : line.content,
    ...(line.thinking !== '' && { reasoning_content: line.thinking }),
    ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
  };
  return {
    id: `chatcmpl-${call.requestId}`,
    object: 'chat.completion',
    created: line.created,
    model: line.model ?? call.model ?? '',
    choices: [{ index: 0, message, finish_reason, ...(line.logprobs.length > 0 && { logprobs: { content: line.logprobs } }) }],
    ...(line.usage && { usage: line.usage }),
  };
}

/** Turns the lines of one stream into chunks; a line without content gives none, the last one also the end and the usage. */
export function createChunker(call: Call<ChatRequest>, badResponse: HttpClient['badResponse']): (line: ChatLine) => readonly ChatChunk[] {
  let head: Omit<ChatChunk, 'choices'> | undefined;
  let isOpened = false;
  let calls = 0;
  return (line) => {
    head ??= {
      id: `chatcmpl-${call.requestId}`,
      object: 'chat.completion.chunk',
      created: line.created,
      model: line.model ?? call.model ?? '',
    };
    if (!line.done && line.content === undefined) throw badResponse('a line of the stream holds no message.');
    const chunks: ChatChunk[] = [];
    const delta = toDelta(line, calls, call.requestId);
    if (delta !== undefined || line.logprobs.length > 0) {
      const logprobs = line.logprobs.length > 0 && { logprobs: { content: line.logprobs } };
      chunks.push({
        ...head,
        choices: [{ index: 0, delta: { ...(!isOpened && { role: 'assistant' }), ...delta }, finish_reason: null, ...logprobs }],
      });
      isOpened = true;
    }
    calls += line.toolCalls.length;
    if (!line.done) return chunks;
    chunks.push({ ...head, choices: [{ index: 0, delta: {}, finish_reason: toFinishReason(line.doneReason, calls > 0, badResponse) }] });
    if (line.usage) chunks.push({ ...head, choices: [], usage: line.usage });
    return chunks;
  };
}

function toDelta({ content, thinking, toolCalls }: ChatLine, calls: number, requestId: string): ChunkDelta | undefined {
  if (!content && thinking === '' && toolCalls.length === 0) return undefined;
  return {
    ...(content && { content }),
    ...(thinking !== '' && { reasoning_content: thinking }),
    ...(toolCalls.length > 0 && {
      tool_calls: toolCalls.map((found, at) => ({ index: calls + at, ...toToolCall(found, calls + at, requestId) })),
    }),
  };
}
