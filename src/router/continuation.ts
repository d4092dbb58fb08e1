import { textLength } from '../core/collect.ts';
import { RouterError } from '../core/errors.ts';
import type { ChatChunk, ChatMessage, ChatRequest } from '../core/types.ts';
import type { Attempt } from './attempt.ts';
import { letGo, openStream, type OpenStream, readMore } from './open-stream.ts';

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
        // What cannot be taken up is not kept.
        if (!isOnlyText) return void (text = '');
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

/** What servers call a schema, or something else that forbids a seam, among the fields that are passed on as they are. */
const shaping: ReadonlySet<string> = new Set([
  'response_format',
  'format',
  'json_schema',
  'structured_outputs',
  'guided_json',
  'guided_regex',
  'guided_choice',
  'guided_grammar',
  'grammar',
  'regex',
  'ebnf',
  'structural_tag',
  'stop',
  'n',
  'logprobs',
]);

/** Ollama and TGI keep such fields one level deeper. */
function isShaped(fields: unknown, depth: number = 0): boolean {
  if (typeof fields !== 'object' || fields === null || depth > 1) return false;
  return Object.entries(fields).some(
    ([name, value]) => (shaping.has(name) && (value ?? undefined) !== undefined) || isShaped(value, depth + 1),
  );
}

/**
 * A schema has to be met by one answer as a whole, several choices cannot all be taken up, and log probabilities and stop sequences
 * would miss what lies across the seam. Messages must end with somebody the assistant answers.
 */
export function canBeContinued({ response_format: format, n, logprobs, stop, messages, extra }: ChatRequest): boolean {
  // Callers in plain JavaScript write null for what they leave out.
  const isOne = (n ?? 1) === 1 && logprobs !== true && (stop ?? undefined) === undefined;
  const last = messages.at(-1);
  const isFree = (format?.type ?? 'text') === 'text' && !Object.values(extra ?? {}).some((fields) => isShaped(fields));
  return isOne && isFree && (last?.role !== 'assistant' || isText(last));
}

function isText({ content, tool_calls }: ChatMessage): boolean {
  return typeof content === 'string' && tool_calls === undefined;
}

/** Characters of text that are held back of the rest, to see that it is one; blanks at its front are not counted. */
const sampleChars = 32;
/** A beginning that is shorter may well come twice in one answer. */
const shortestChars = 8;
/** A rest of nothing but blanks, or without text, is believed after this many characters. */
const longestSampleChars = 1_024;

/** An attempt that asks for the rest of an answer: the text so far is its last message. */
export function continuing(begun: Begun): (attempt: Attempt<ChatRequest>) => Promise<OpenStream> {
  return async (attempt) => {
    const request = withBeginning(attempt.call.request, begun);
    const open = await openStream(attempt, undefined, { ...attempt.call, request, continues: true });
    try {
      const first = await readSample(attempt, open, begun.text());
      return { ...first, begun: withoutSeam(first.begun, blankEnd(begun.text())) };
    } catch (error) {
      letGo(open);
      throw error;
    }
  };
}

/** Piece by piece, so that the limit for silence is for each of them, and a model that thinks first is not read to the end of its thoughts. */
async function readSample(attempt: Attempt<ChatRequest>, opened: OpenStream, text: string): Promise<OpenStream> {
  let open = opened;
  for (;;) {
    refuseAnother(text, open.begun);
    const chars = textLength(open.begun);
    if (textIn(open.begun).trimStart().length >= sampleChars || chars >= longestSampleChars) return open;
    const more = await readMore(attempt, open, chars + 1, 'idle', attempt.timeouts.idleMs);
    if (more.rest !== open.rest) return more;
    open = more;
  }
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
    ...(typeof max_tokens === 'number' && { max_tokens: left(max_tokens) }),
    ...(typeof max_completion_tokens === 'number' && { max_completion_tokens: left(max_completion_tokens) }),
  };
}

/** Templates that do not know of begun answers make a model begin anew, and thinking models think first. */
function refuseAnother(text: string, first: readonly ChatChunk[]): void {
  const beginning = text.trimStart().slice(0, sampleChars);
  const isAnew = beginning.length >= shortestChars && textIn(first).trimStart().startsWith(beginning);
  const thinks = first.some(({ choices }) => choices.some(({ delta }) => delta.reasoning_content));
  if (!isAnew && !thinks) return;
  throw new RouterError('unsupported', 'it did not go on with the answer but began another one.');
}

function textIn(chunks: readonly ChatChunk[]): string {
  return chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta.content ?? '')).join('');
}

function blankEnd(text: string): string {
  return text.slice(text.trimEnd().length);
}

/** The blanks that the caller has already, taken off the front of the rest. */
function withoutSeam(chunks: readonly ChatChunk[], blank: string): readonly ChatChunk[] {
  let owed = blank;
  return chunks.map((chunk) => {
    const [choice, ...others] = chunk.choices;
    if (!choice?.delta.content) return chunk;
    const { content } = choice.delta;
    let length = 0;
    while (length < owed.length && content[length] === owed[length]) length += 1;
    owed = length === content.length ? owed.slice(length) : '';
    return { ...chunk, choices: [{ ...choice, delta: { ...choice.delta, content: content.slice(length) } }, ...others] };
  });
}
