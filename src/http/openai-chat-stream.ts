import type { ChatChunk, ChatStream, ChunkChoice, ChunkDelta, ToolCallDelta, Usage } from '../index.ts';
import { type FinishJson, finishJson, type LogprobsJson, logprobsJson, usageJson } from './openai-chat-answer.ts';
import { sseFrame } from './respond.ts';
import { refuseReset } from './stream-failure.ts';

/** OpenAI's `chat.completion.chunk`. */
export interface ChunkJson {
  readonly id: string;
  readonly object: 'chat.completion.chunk';
  readonly created: number;
  readonly model: string;
  readonly choices: readonly ChunkChoiceJson[];
  /** Only where it was asked for: null but in the last chunk, which has no choices. */
  readonly usage?: Usage | null;
  readonly system_fingerprint?: string;
}

interface ChunkChoiceJson {
  readonly index: number;
  readonly delta: DeltaJson;
  readonly logprobs: LogprobsJson | null;
  readonly finish_reason: FinishJson | null;
}

interface DeltaJson {
  readonly role?: 'assistant';
  readonly content?: string | null;
  readonly refusal?: string | null;
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly ToolCallDelta[];
}

interface ChoiceState {
  hasToolCalls: boolean;
  hasEnded: boolean;
}

type Head = Pick<ChunkJson, 'id' | 'object' | 'created' | 'model' | 'system_fingerprint'>;

/**
 * The chunks of a stream as OpenAI's clients know them: one id and one time for all, each choice with its role at the beginning and its
 * reason at the end, however the server, or the two of them that gave it, wrote them.
 * @throws {RouterError} what broke the stream, or that it would begin anew, which these chunks cannot tell.
 */
export async function* chatChunks(stream: ChatStream, includesUsage: boolean): AsyncGenerator<ChunkJson, void, undefined> {
  const choices = new Map<number, ChoiceState>();
  let head: Head | undefined;
  let usage: Usage | undefined;
  const noUsage = includesUsage ? { usage: null } : {};
  for await (const chunk of stream) {
    refuseReset(chunk);
    head = { ...headOf(chunk), ...(head && { id: head.id, created: head.created }) };
    usage = chunk.usage ?? usage;
    // Counts, and notices of the router, come without choices.
    if (chunk.choices.length > 0) yield { ...head, choices: chunk.choices.map((choice) => choiceOf(choice, choices)), ...noUsage };
  }
  if (head === undefined) return;
  const open = [...choices].filter(([, { hasEnded }]) => !hasEnded);
  if (open.length > 0) yield { ...head, choices: open.map(([index, state]) => endOf(index, state)), ...noUsage };
  if (includesUsage && usage !== undefined) yield { ...head, choices: [], usage: usageJson(usage) };
}

/** As frames, with the terminator behind the last. */
export async function* framesOf(chunks: AsyncIterable<object>): AsyncGenerator<string, void, undefined> {
  for await (const chunk of chunks) yield sseFrame(chunk);
  yield 'data: [DONE]\n\n';
}

function headOf({ id, created, model, system_fingerprint }: ChatChunk): Head {
  const fingerprint = typeof system_fingerprint === 'string' ? { system_fingerprint } : {};
  return { id, object: 'chat.completion.chunk', created, model, ...fingerprint };
}

function choiceOf({ index, delta, logprobs, finish_reason: reason }: ChunkChoice, choices: Map<number, ChoiceState>): ChunkChoiceJson {
  const known = choices.get(index);
  const state = known ?? { hasToolCalls: false, hasEnded: false };
  choices.set(index, state);
  if (delta.tool_calls?.length) state.hasToolCalls = true;
  // A second reason changes nothing: the first one ended the choice.
  const finish = reason && !state.hasEnded ? finishJson(reason, state.hasToolCalls) : null;
  if (finish !== null) state.hasEnded = true;
  // Some servers repeat the role with every piece, and readers that join texts would join it as well.
  const role = known === undefined ? ({ role: 'assistant' } as const) : {};
  return { index, delta: { ...role, ...deltaOf(delta) }, logprobs: logprobsJson(logprobs), finish_reason: finish };
}

function deltaOf({ content, refusal, reasoning_content, tool_calls }: ChunkDelta): DeltaJson {
  return {
    ...(content !== undefined && { content }),
    ...(refusal && { refusal }),
    ...(reasoning_content && { reasoning_content }),
    ...(tool_calls?.length && { tool_calls: tool_calls.map(toolCallOf) }),
  };
}

function toolCallOf({ index, id, type, function: called }: ToolCallDelta): ToolCallDelta {
  const { name, arguments: text } = called ?? {};
  const detail = { ...(name !== undefined && { name }), ...(typeof text === 'string' && { arguments: text }) };
  return { index, ...(id !== undefined && { id }), ...(type !== undefined && { type }), ...(called && { function: detail }) };
}

/** For servers that end a stream without a word. */
function endOf(index: number, { hasToolCalls }: ChoiceState): ChunkChoiceJson {
  return { index, delta: {}, logprobs: null, finish_reason: finishJson('unknown', hasToolCalls) };
}
