import { RouterError } from '../core/errors.ts';
import type { ChatChunk, ChatMessage, ChatRequest } from '../core/types.ts';
import type { Attempt } from './attempt.ts';
import { openStream, type OpenStream, readMore } from './open-stream.ts';

/** What a caller has of an answer whose stream broke. */
export interface Begun {
  note(chunks: readonly ChatChunk[]): void;
  text(): string;
  /** Pieces of text, each about one token. */
  pieces(): number;
  /** There is text, nothing but text, and it has not been said to be complete. */
  isPlain(): boolean;
}

export function createBegun(): Begun {
  let text = '';
  let pieces = 0;
  let isOnlyText = true;
  return {
    note(chunks) {
      for (const { choices } of chunks) {
        for (const { index, delta, finish_reason: reason } of choices) {
          // Thoughts cannot be given back to another model, and half a tool call to nobody.
          const hasMore = delta.reasoning_content || delta.refusal || delta.thinking_blocks?.length || delta.tool_calls?.length;
          if (index !== 0 || hasMore || reason) isOnlyText = false;
          if (!delta.content) continue;
          text += delta.content;
          pieces += 1;
        }
      }
    },
    text: () => text,
    pieces: () => pieces,
    isPlain: () => isOnlyText && text.trim() !== '',
  };
}

/**
 * A schema has to be met by one answer as a whole, several choices cannot all be taken up, and log probabilities and stop sequences
 * would miss what lies across the seam. Messages must end with somebody the assistant answers.
 */
export function canBeContinued({ response_format: format, n, logprobs, stop, messages }: ChatRequest): boolean {
  const isOne = (n === undefined || n === 1) && logprobs !== true && stop === undefined;
  const last = messages.at(-1);
  return isOne && (format === undefined || format.type === 'text') && (last?.role !== 'assistant' || isText(last));
}

function isText({ content, tool_calls }: ChatMessage): boolean {
  return typeof content === 'string' && tool_calls === undefined;
}

/** Held back of the rest, to see that it is one. */
const sampleChars = 32;

/** An attempt that asks for the rest of an answer: the text so far is its last message. */
export function continuing(begun: Begun): (attempt: Attempt<ChatRequest>) => Promise<OpenStream> {
  return async (attempt) => {
    const request = withBeginning(attempt.call.request, begun);
    const open = await openStream({ ...attempt, call: { ...attempt.call, request, continues: true } }, undefined);
    const first = await readMore(attempt, open, sampleChars, 'idle', attempt.timeouts.idleMs);
    refuseAnother(attempt, begun.text(), first.begun);
    return { ...first, begun: withoutSeam(first.begun, blankEnd(begun.text())) };
  };
}

/** Servers and templates disagree about blanks at the end: some refuse them, some trim them, so they are not sent. */
function withBeginning(request: ChatRequest, begun: Begun): ChatRequest {
  const { messages, max_tokens, max_completion_tokens } = request;
  const last = messages.at(-1);
  // A caller may have given the beginning of the beginning.
  const [before, given] = last?.role === 'assistant' ? [messages.slice(0, -1), String(last.content)] : [messages, ''];
  const left = (limit: number): number => Math.max(1, limit - begun.pieces());
  return {
    ...request,
    messages: [...before, { role: 'assistant', content: `${given}${begun.text()}`.trimEnd() }],
    ...(max_tokens !== undefined && { max_tokens: left(max_tokens) }),
    ...(max_completion_tokens !== undefined && { max_completion_tokens: left(max_completion_tokens) }),
  };
}

/** Templates that do not know of begun answers make a model begin anew, and thinking models think first. */
function refuseAnother({ candidate: { provider, model } }: Attempt<ChatRequest>, text: string, first: readonly ChatChunk[]): void {
  const deltas = first.flatMap(({ choices }) => choices.map(({ delta }) => delta));
  const rest = deltas.map(({ content }) => content ?? '').join('');
  const beginning = text.trimStart().slice(0, sampleChars);
  const isAnew = beginning.length >= sampleChars / 2 && rest.trimStart().startsWith(beginning);
  if (!isAnew && !deltas.some(({ reasoning_content: thought }) => thought)) return;
  throw new RouterError('bad_response', `${provider}: it did not go on with the answer but began another one.`, { provider, model });
}

function blankEnd(text: string): string {
  return text.slice(text.trimEnd().length);
}

/** The blanks that the caller has already, taken off the front of the rest. */
function withoutSeam(chunks: readonly ChatChunk[], blank: string): readonly ChatChunk[] {
  let owed = blank;
  return chunks.map((chunk) => {
    const [choice, ...others] = chunk.choices;
    const content = choice?.delta.content;
    if (owed === '' || choice === undefined || !content) return chunk;
    let length = 0;
    while (length < owed.length && content[length] === owed[length]) length += 1;
    owed = length === content.length ? owed.slice(length) : '';
    return { ...chunk, choices: [{ ...choice, delta: { ...choice.delta, content: content.slice(length) } }, ...others] };
  });
}
