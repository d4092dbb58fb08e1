import type { ChatChunk, ChatStream, Router } from '../index.ts';
import type { Outcome } from './otel-attributes.ts';
import { countAttributes, endCall, type TracedCall, type Tracing } from './otel-call.ts';
import { createOutput } from './otel-content.ts';

/**
 * A stream outlives the promise that brought it, and may end while nobody reads it: left, dropped, aborted, or at its deadline. The router
 * tells of each of these, once.
 */
export function watchStreams(router: Router, tracing: Tracing): void {
  const find = (requestId: string): TracedCall | undefined => tracing.calls.get(requestId)?.find(({ verb }) => verb === 'stream');
  router.on('request:end', ({ requestId, usage, abandoned }) => {
    const call = find(requestId);
    if (call === undefined) return;
    call.answer = { ...call.answer, usage };
    endCall(tracing, call, abandoned ? 'abandoned' : 'answered');
  });
  router.on('request:error', ({ requestId, error, aborted }) => {
    const call = find(requestId);
    if (call !== undefined) endCall(tracing, call, aborted ? 'aborted' : 'failed', error);
  });
}

/** Passes a stream on, and looks at what goes by. Nothing that lives longer than the stream leads to it, or it could not be dropped. */
export function tracedStream(tracing: Tracing, call: TracedCall, stream: ChatStream): ChatStream {
  const { clock, instruments } = tracing;
  const firstChunkS = (clock.nowMs() - call.startMs) / 1_000;
  call.route = stream.route;
  call.span.setAttribute('gen_ai.response.time_to_first_chunk', firstChunkS);
  instruments.firstChunk(firstChunkS, countAttributes(tracing, call, stream.route.provider));
  const observe = createObserver(tracing, call);
  return {
    get route() {
      return stream.route;
    },
    // The router has told of the end before, and the first word holds; this is for routers that are not ours.
    [Symbol.asyncIterator]: () =>
      passOn(stream[Symbol.asyncIterator](), observe, (outcome, error) => endCall(tracing, call, outcome, error)),
  };
}

function passOn(
  inner: AsyncIterableIterator<ChatChunk>,
  observe: (chunk: ChatChunk) => void,
  end: (outcome: Outcome, error?: unknown) => void,
): AsyncIterableIterator<ChatChunk> {
  const passed = (result: IteratorResult<ChatChunk>): IteratorResult<ChatChunk> => {
    if (result.done === true) end('answered');
    else observe(result.value);
    return result;
  };
  const failed = (error: unknown): never => {
    end('failed', error);
    throw error;
  };
  const iterator: AsyncIterableIterator<ChatChunk> = {
    next: () => inner.next().then(passed, failed),
    async return() {
      await inner.return?.();
      end('abandoned');
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}

/** Notes what an answer says of itself, and how long each chunk was waited for. */
function createObserver(tracing: Tracing, call: TracedCall): (chunk: ChatChunk) => void {
  const { clock, instruments, captureContent } = tracing;
  const output = captureContent && call.span.isRecording() ? createOutput() : undefined;
  call.output = output && (() => output.messages());
  let reasons = new Map<number, string>();
  let lastMs: number | undefined;
  let attributes = countAttributes(tracing, call, call.route?.provider);
  return (chunk) => {
    if (chunk.inferlane?.type === 'reset') reasons = new Map();
    for (const { index, finish_reason } of chunk.choices) if (finish_reason) reasons.set(index, finish_reason);
    output?.add(chunk);
    if (call.answer.model !== chunk.model || chunk.inferlane !== undefined || reasons.size > 0) {
      call.answer = { ...call.answer, id: chunk.id, model: chunk.model, finishReasons: [...reasons.values()] };
      attributes = countAttributes(tracing, call, call.route?.provider);
    }
    const nowMs = clock.nowMs();
    if (lastMs !== undefined) instruments.outputChunk((nowMs - lastMs) / 1_000, attributes);
    lastMs = nowMs;
  };
}
