import type { ChatChunk, ChatStream, ChunkDelta, FinishReason, Usage } from '../index.ts';
import { countsOf, headOf, stopOf, toUsage } from './anthropic-answer.ts';
import { createBlocks } from './anthropic-stream-blocks.ts';
import { sseFrame } from './respond.ts';
import { refuseReset } from './stream-failure.ts';

/** One event of the stream; its name is its type. */
export type StreamEvent = { readonly type: string } & Readonly<Record<string, unknown>>;

/** The frames of a stream: those of one chunk come together. */
export async function* toFrames(stream: ChatStream, requestId: string): AsyncGenerator<string> {
  const message = createMessage(requestId);
  for await (const chunk of stream) {
    const events = message.add(chunk);
    if (events.length > 0) yield toText(events);
  }
  yield toText(message.end());
}

function toText(events: readonly StreamEvent[]): string {
  return events.map((event) => sseFrame(event, event.type)).join('');
}

/** A message as it grows: the events that each chunk means, and those of the end. */
interface GrowingMessage {
  add(chunk: ChatChunk): StreamEvent[];
  end(): StreamEvent[];
}

function createMessage(requestId: string): GrowingMessage {
  const blocks = createBlocks();
  let hasStarted = false;
  let reason: FinishReason | undefined;
  let refusal = '';
  let usage: Usage | undefined;
  const start = (head: Pick<ChatChunk, 'id' | 'model'>): StreamEvent[] => {
    if (hasStarted) return [];
    hasStarted = true;
    const ending = { stop_reason: null, stop_sequence: null, stop_details: null };
    return [{ type: 'message_start', message: { ...headOf(head, requestId), content: [], ...ending, usage: toUsage(undefined) } }];
  };
  return {
    add(chunk) {
      refuseReset(chunk);
      usage = chunk.usage ?? usage;
      const choice = chunk.choices.find(({ index }) => index === 0);
      reason ??= choice?.finish_reason ?? undefined;
      const delta: ChunkDelta = choice?.delta ?? {};
      refusal += delta.refusal ?? '';
      return [...start(chunk), ...blocks.add(delta)];
    },
    end() {
      const stop = stopOf(reason ?? 'unknown', blocks.hasCalls(), refusal);
      return [
        ...start({ id: '', model: '' }),
        ...blocks.end(),
        { type: 'message_delta', delta: { ...stop, container: null }, usage: countsOf(usage) },
        { type: 'message_stop' },
      ];
    },
  };
}
