import { createCollector } from '../core/collect.ts';
import { isRouterError, RouterError } from '../core/errors.ts';
import type { ChatChunk, ChatCompletion, ChatRequest, RouteTrace, Usage } from '../core/types.ts';
import { orAborted } from '../lib/abort.ts';
import type { OpenStream } from './open-stream.ts';
import type { Run } from './run.ts';

/**
 * The chunks of one answer, from exactly one provider. Reading drives it: nothing is fetched before it is asked for. Leaving the loop
 * closes the connection. It can be read once.
 */
export interface ChatStream extends AsyncIterable<ChatChunk> {
  /** Who answers, and what was tried before. Complete when the stream has ended. */
  readonly route: RouteTrace;
  [Symbol.asyncIterator](): AsyncIterableIterator<ChatChunk>;
}

/** Makes the stream that callers read of one that has begun. */
export function createChatStream(run: Run<ChatRequest>, open: OpenStream): ChatStream {
  const { attempt, rest } = open;
  const { timeouts, deadline } = attempt;
  let batch: readonly ChatChunk[] = open.begun;
  let index = 0;
  let usage: Usage | undefined;
  let isRead = false;
  let reading: Promise<unknown> = Promise.resolve();
  /** What ended the stream while nobody was reading; the next read tells it. */
  let broken: { readonly error: unknown } | undefined;

  const createdS = Math.floor(run.engine.config.clock.wallMs() / 1_000);
  const note = (chunks: readonly ChatChunk[]): void => {
    for (const chunk of chunks) {
      // Adapters have no clock, so what came without a time gets its own here.
      if (chunk.created === 0) chunk.created = createdS;
      if (chunk.usage) usage = chunk.usage;
      if (chunk.degraded) run.trace.degraded = true;
    }
  };
  const fail = (error: unknown): unknown => {
    if (attempt.ended) return error;
    const cause = attempt.fail(error);
    void rest.return?.()?.catch(() => undefined);
    const isOurs = run.call.signal?.aborted !== true && isRouterError(cause) && cause.code !== 'closed';
    return run.fail(isOurs ? interrupted(run, open, cause) : cause);
  };
  /** Nobody may be reading when a limit runs out or the caller aborts: the attempt has to end all the same. */
  const onAbort = (): void => {
    if (attempt.ended) return;
    broken = { error: fail(deadline.signal.reason) };
    batch = [];
  };
  const takeBroken = (): unknown => {
    const { error } = broken as { readonly error: unknown };
    broken = undefined;
    return error;
  };
  const pull = async (): Promise<IteratorResult<ChatChunk>> => {
    while (index >= batch.length) {
      if (broken !== undefined) return Promise.reject(takeBroken() as Error);
      if (attempt.ended) return { done: true, value: undefined };
      deadline.enter('idle', timeouts.idleMs);
      const read = await orAborted(rest.next(), deadline.signal).catch(rethrow);
      deadline.pause();
      if (read.done === true) {
        attempt.succeed();
        run.end(usage, false);
        return { done: true, value: undefined };
      }
      batch = read.value;
      index = 0;
      note(batch);
    }
    return { done: false, value: batch[index++] as ChatChunk };
  };
  const rethrow = (error: unknown): never => {
    throw broken === undefined ? fail(error) : takeBroken();
  };
  const leave = async (): Promise<IteratorResult<ChatChunk>> => {
    batch = [];
    if (!attempt.ended) {
      attempt.abandon();
      run.end(usage, true);
      void rest.return?.()?.catch(() => undefined);
    }
    return { done: true, value: undefined };
  };
  note(batch);
  deadline.signal.addEventListener('abort', onAbort, { once: true });
  return {
    route: run.trace,
    [Symbol.asyncIterator]() {
      if (isRead) throw new RouterError('invalid_request', 'A stream can be read once; collect(stream) keeps its answer.');
      isRead = true;
      return {
        next() {
          if (index < batch.length) return Promise.resolve({ done: false, value: batch[index++] as ChatChunk });
          // Calls that do not wait for each other get their pieces in order.
          const next = reading.then(pull, pull);
          reading = next;
          return next;
        },
        return: leave,
        [Symbol.asyncIterator]() {
          return this;
        },
      };
    },
  };
}

function interrupted(run: Run<ChatRequest>, { attempt }: OpenStream, cause: RouterError): RouterError<'stream_interrupted'> {
  const { provider, model } = attempt.candidate;
  const message = `The stream broke after content had been delivered; what came stands. ${cause.message}`;
  const { phase, status, reason } = cause;
  const error = new RouterError('stream_interrupted', message, { provider, model, phase, status, reason, cause });
  run.engine.announce('stream:interrupted', { requestId: run.call.requestId, provider, model, error });
  return error;
}

/** The whole answer of a stream, as `router.chat()` gives it. Rejects with whatever interrupted the stream. */
export async function collect(stream: ChatStream): Promise<ChatCompletion> {
  const collector = createCollector();
  for await (const chunk of stream) collector.add(chunk);
  // A collected answer has a choice: the collector throws where none came.
  return Object.assign(collector.answer() as Omit<ChatCompletion, 'route'>, { route: stream.route });
}

/** The text of the first choice, piece by piece. */
export async function* textOf(stream: ChatStream): AsyncGenerator<string, void, undefined> {
  for await (const { choices } of stream) {
    const content = choices.find(({ index }) => index === 0)?.delta.content;
    if (content) yield content;
  }
}
