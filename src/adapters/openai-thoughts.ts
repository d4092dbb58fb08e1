import type { ChatAnswer, ChatChunk, ChunkDelta } from '../core/types.ts';
import type { JsonObject } from '../lib/json.ts';
import { splitThink, type ThinkSplitter } from '../lib/think-tags.ts';

/** Moves a `<think>` block at the start of a text to `reasoning_content`, in place, where the server sent no reasoning itself. */
export function moveThoughts(answer: ChatAnswer): ChatAnswer {
  for (const { message } of answer.choices) {
    if (!message.content || message.reasoning_content) continue;
    const { content, reasoning } = splitThink(message.content);
    if (content === message.content) continue;
    message.content = content === '' && message.tool_calls !== undefined ? null : content;
    if (reasoning !== '') message.reasoning_content = reasoning;
  }
  return answer;
}

/** The splitter of one choice; undefined once there is nothing to split any more, so that every later piece costs one test. */
export interface ThoughtState {
  readonly index: number;
  splitter: ThinkSplitter | undefined;
}

/** The same for one delta of a stream. `isLast`: the choice ends with it, so that nothing may be held back. */
export function moveDeltaThoughts(delta: JsonObject, state: ThoughtState, isLast: boolean): void {
  const { splitter } = state;
  if (splitter === undefined) return;
  const said = (delta['content'] ?? '') as string;
  const thought = (delta['reasoning_content'] ?? '') as string;
  const isServers = thought !== '';
  let content = '';
  let reasoning = '';
  if (!isServers && said !== '') ({ content, reasoning } = splitter.push(said));
  if (isServers || isLast) {
    const held = splitter.end();
    content += held.content;
    reasoning += held.reasoning;
  }
  if (isServers) content += said;
  if (splitter.isSettled) state.splitter = undefined;
  if (content !== said) delta['content'] = content;
  if (reasoning !== '') delta['reasoning_content'] = reasoning + thought;
}

/** What was still held back when a stream ended without a finish reason, as a chunk of its own. */
export function restOf(states: readonly ThoughtState[], like: ChatChunk | undefined): ChatChunk | undefined {
  const choices: ChatChunk['choices'] = [];
  for (const { index, splitter } of states) {
    const held = splitter?.end();
    if (!held?.content && !held?.reasoning) continue;
    const delta: ChunkDelta = {
      ...(held.content && { content: held.content }),
      ...(held.reasoning && { reasoning_content: held.reasoning }),
    };
    choices.push({ index, delta, finish_reason: null });
  }
  if (like === undefined || choices.length === 0) return undefined;
  const { id, object, created, model } = like;
  return { id, object, created, model, choices };
}
