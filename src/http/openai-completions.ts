import type { ChatCompletion, Usage } from '../index.ts';
import { chatJson, type FinishJson } from './openai-chat-answer.ts';
import type { ChunkJson } from './openai-chat-stream.ts';

/** OpenAI's `text_completion`, whole or as a chunk of a stream: both have one shape. */
export interface CompletionJson {
  readonly id: string;
  readonly object: 'text_completion';
  readonly created: number;
  readonly model: string;
  readonly choices: readonly TextJson[];
  readonly usage?: Usage | null;
  readonly system_fingerprint?: string;
}

interface TextJson {
  readonly index: number;
  readonly text: string;
  readonly logprobs: null;
  /** Null in a stream, where it goes on. */
  readonly finish_reason: Exclude<FinishJson, 'tool_calls'> | null;
}

export function completionJson(answer: ChatCompletion): CompletionJson {
  const { choices, ...head } = chatJson(answer);
  const texts = choices.map(({ index, message, finish_reason }) => textOf(index, message.content ?? message.refusal ?? '', finish_reason));
  return { ...head, object: 'text_completion', choices: texts };
}

/** Roles and thoughts have no place in texts, so there are fewer chunks. */
export async function* completionChunks(chunks: AsyncIterable<ChunkJson>): AsyncGenerator<CompletionJson, void, undefined> {
  for await (const { choices, ...head } of chunks) {
    const texts = choices
      .map(({ index, delta, finish_reason }) => textOf(index, delta.content || delta.refusal || '', finish_reason))
      .filter(({ text, finish_reason }) => text !== '' || finish_reason !== null);
    if (texts.length > 0 || choices.length === 0) yield { ...head, object: 'text_completion', choices: texts };
  }
}

function textOf(index: number, text: string, reason: FinishJson | null): TextJson {
  return { index, text, logprobs: null, finish_reason: reason === 'tool_calls' ? 'stop' : reason };
}
