import type { ChatAnswer, ChatChoice, EmbedAnswer } from '../core/types.ts';
import { areFinite } from '../lib/finite.ts';
import { isCount, isJsonObject, type JsonObject, parseJsonWithin } from '../lib/json.ts';

/** An answer as it is kept, with what has to hold for it to be given again. */
export interface Entry {
  /** Under which it was kept: a store that mixes up its keys gives the wrong answer. */
  readonly key: string;
  /** On the wall clock. */
  readonly keptAtMs: number;
  readonly provider: string;
  /** The provider's own name for it; undefined where the server chose. */
  readonly model: string | undefined;
  /** Embeddings: what their vectors belong to. */
  readonly space: string | undefined;
  readonly answer: ChatAnswer | EmbedAnswer;
}

/** Characters of an entry. What is longer is neither kept nor read. */
export const longestEntry = 1_000_000;

/** Undefined where it is too long, or no JSON. */
export function entryText(entry: Entry): string | undefined {
  try {
    const text = JSON.stringify(entry);
    return text.length > longestEntry ? undefined : text;
  } catch {
    return undefined;
  }
}

/** What a store gave, if it is an entry from front to back: it may be anything, of any version, by anybody. */
export function readEntry(value: unknown, isAnswer: (answer: JsonObject) => boolean): Entry | undefined {
  if (typeof value !== 'string' || value.length > longestEntry) return undefined;
  const entry = parseJsonWithin(value);
  if (!isJsonObject(entry)) return undefined;
  const { key, keptAtMs, provider, model, space, answer } = entry;
  const isWhole =
    typeof key === 'string' &&
    Number.isFinite(keptAtMs) &&
    typeof provider === 'string' &&
    isTextOrNone(model) &&
    isTextOrNone(space) &&
    isJsonObject(answer) &&
    isAnswer(answer);
  return isWhole ? ({ key, keptAtMs, provider, model, space, answer } as unknown as Entry) : undefined;
}

/** Whether an answer is one to give again: whole, a model's own, and nothing of it left out. */
export function isWholeChat({ choices, degraded }: Pick<ChatAnswer, 'choices' | 'degraded'>, isBound: boolean): boolean {
  return degraded === undefined && choices.length > 0 && choices.every((choice) => isWholeChoice(choice, isBound));
}

/** @param isBound the request itself limits the answer, so that one which ends there is the whole of it */
function isWholeChoice({ message, finish_reason: reason }: ChatChoice, isBound: boolean): boolean {
  if (reason !== 'stop' && reason !== 'tool_calls' && !(reason === 'length' && isBound)) return false;
  const { content, tool_calls: calls, refusal } = message;
  return !refusal && (Boolean(content) || (calls !== undefined && calls.length > 0));
}

export function isChatAnswer(answer: JsonObject): boolean {
  const { id, object, created, model, choices, usage, system_fingerprint: fingerprint } = answer;
  return (
    typeof id === 'string' &&
    object === 'chat.completion' &&
    isCount(created) &&
    typeof model === 'string' &&
    Array.isArray(choices) &&
    choices.every(isChoice) &&
    isUsage(usage, ['prompt_tokens', 'completion_tokens', 'total_tokens']) &&
    isTextOrNone(fingerprint ?? undefined)
  );
}

function isChoice(choice: unknown): boolean {
  if (!isJsonObject(choice) || !isCount(choice['index']) || typeof choice['finish_reason'] !== 'string') return false;
  const { message } = choice;
  if (!isJsonObject(message)) return false;
  const { role, content, reasoning_content, refusal, tool_calls: calls, thinking_blocks: blocks } = message;
  const texts: readonly unknown[] = [content, reasoning_content, refusal];
  return (
    role === 'assistant' &&
    texts.every((text) => isTextOrNone(text ?? undefined)) &&
    isListOrNone(calls, isToolCall) &&
    isListOrNone(blocks, isThinkingBlock)
  );
}

function isToolCall(call: unknown): boolean {
  if (!isJsonObject(call) || typeof call['id'] !== 'string' || call['type'] !== 'function') return false;
  const named = call['function'];
  return isJsonObject(named) && typeof named['name'] === 'string' && typeof named['arguments'] === 'string';
}

function isThinkingBlock(block: unknown): boolean {
  if (!isJsonObject(block)) return false;
  const { type, thinking, signature, data } = block;
  if (type === 'redacted_thinking') return typeof data === 'string';
  return type === 'thinking' && typeof thinking === 'string' && typeof signature === 'string';
}

/** @param count how many vectors were asked for */
export function isEmbedAnswer(answer: JsonObject, count: number, dimensions: number | undefined): boolean {
  const { object, data, model, usage } = answer;
  if (object !== 'list' || typeof model !== 'string' || !Array.isArray(data) || data.length !== count) return false;
  if (answer['degraded'] !== undefined || !isUsage(usage, ['prompt_tokens', 'total_tokens'])) return false;
  const length = dimensions ?? lengthOf(data[0]);
  return length > 0 && data.every((entry, index) => isVector(entry, index, length));
}

function lengthOf(entry: unknown): number {
  const vector = isJsonObject(entry) ? entry['embedding'] : undefined;
  return Array.isArray(vector) ? vector.length : 0;
}

function isVector(entry: unknown, index: number, length: number): boolean {
  if (!isJsonObject(entry) || entry['object'] !== 'embedding' || entry['index'] !== index) return false;
  const { embedding } = entry;
  return Array.isArray(embedding) && embedding.length === length && areFinite(embedding);
}

function isUsage(usage: unknown, names: readonly string[]): boolean {
  return usage === undefined || (isJsonObject(usage) && names.every((name) => isCount(usage[name])));
}

function isTextOrNone(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

function isListOrNone(value: unknown, isEntry: (entry: unknown) => boolean): boolean {
  return value === undefined || (Array.isArray(value) && value.every(isEntry));
}
