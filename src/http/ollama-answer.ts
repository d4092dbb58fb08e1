import type { FinishReason, ToolCall, ToolCallDelta, Usage } from '../index.ts';
import type { ReadCall } from './tool-calls.ts';

/** A piece of an answer, or all of it. */
export interface Part {
  readonly content: string;
  readonly thinking?: string | undefined;
  readonly toolCalls?: readonly ReadCall[] | undefined;
  /** In OpenAI's shape, as the answer has them. */
  readonly logprobs?: unknown;
}

/** How a route writes a piece. */
export type WritePart = (part: Part) => object;

/** `/api/chat` */
export const writeMessage: WritePart = ({ content, thinking, toolCalls = [], logprobs }) => ({
  message: {
    role: 'assistant',
    content,
    ...(thinking && { thinking }),
    ...(toolCalls.length > 0 && { tool_calls: toolCalls.map(writeCall) }),
  },
  ...writeLogprobs(logprobs),
});

/** `/api/generate` */
export const writeResponse: WritePart = ({ content, thinking, logprobs }) => ({
  response: content,
  ...(thinking && { thinking }),
  ...writeLogprobs(logprobs),
});

/** Times of one answer, on the router's clock. */
export interface Times {
  readonly startMs: number;
  /** When the first content came, where that was seen. */
  readonly firstMs: number | undefined;
  readonly endMs: number;
}

/**
 * What the end of an answer has beside its content. Durations are nanoseconds: that of the prompt lasts until the first content came, and
 * that of the answer from there on. Loading is not told apart, and counts that nobody made are left out.
 */
export function writeEnd(reason: FinishReason | undefined, usage: Usage | null | undefined, times: Times): object {
  const { startMs, firstMs = startMs, endMs } = times;
  return {
    done: true,
    done_reason: reason === 'length' ? 'length' : 'stop',
    total_duration: nanoseconds(endMs - startMs),
    load_duration: 0,
    ...(usage && { prompt_eval_count: usage.prompt_tokens }),
    prompt_eval_duration: nanoseconds(firstMs - startMs),
    ...(usage && { eval_count: usage.completion_tokens }),
    // Clients divide by it.
    eval_duration: Math.max(1, nanoseconds(endMs - firstMs)),
  };
}

export function nanoseconds(ms: number): number {
  return Math.round(ms * 1_000_000);
}

/** Puts the calls of a stream together: this wire has no word for a part of one. */
export function createCallJoiner(): { add(deltas: readonly ToolCallDelta[]): void; calls(): readonly ToolCall[] } {
  const calls = new Map<number, { id: string; name: string; text: string }>();
  return {
    add(deltas) {
      for (const { index, id, function: called } of deltas) {
        const call = calls.get(index) ?? { id: '', name: '', text: '' };
        // Some servers repeat both with every piece.
        call.id ||= id ?? '';
        call.name ||= called?.name ?? '';
        call.text += called?.arguments ?? '';
        calls.set(index, call);
      }
    },
    calls: () => Array.from(calls.values(), ({ id, name, text }) => ({ id, type: 'function', function: { name, arguments: text } })),
  };
}

function writeCall({ id, name, input }: ReadCall, index: number): object {
  return { id, function: { index, name, arguments: input } };
}

function writeLogprobs(logprobs: unknown): object {
  const content = (logprobs as { readonly content?: unknown } | null | undefined)?.content;
  return Array.isArray(content) && content.length > 0 ? { logprobs: content } : {};
}

/** The text of an answer; a refusal is one as well. */
export function contentOf({ content, refusal }: { readonly content?: string | null; readonly refusal?: string | null }): string {
  return (content || refusal) ?? '';
}
