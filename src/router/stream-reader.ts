import { isRouterError, RouterError } from '../core/errors.ts';
import type { ChatChunk, ChatRequest, Usage } from '../core/types.ts';
import type { OpenStream } from './open-stream.ts';
import type { Run } from './run.ts';

/** Reads the rest of a stream, batch by batch, and ends its attempt and its call exactly once, whatever happens. */
export interface StreamReader {
  /** The next batch; undefined at the end. Rejects, once, with what broke the stream. */
  read(): Promise<readonly ChatChunk[] | undefined>;
  /** Something ended the stream while nobody was reading; the next `read` tells it. */
  isBroken(): boolean;
  /** The reader wants no more: the connection is closed. */
  leave(): void;
}

export function createReader(run: Run<ChatRequest>, open: OpenStream): StreamReader {
  const { attempt, rest } = open;
  const { deadline, timeouts } = attempt;
  const { note, usage } = createNotes(run);
  let broken: { readonly error: unknown } | undefined;

  const letGo = (): void => void rest.return?.()?.catch(() => undefined);
  const breakOff = (error: unknown): void => {
    if (attempt.isOver()) return;
    const cause = attempt.fail(error);
    letGo();
    broken = { error: run.fail(interrupted(run, open, cause)) };
  };
  // A limit may run out, or the caller abort, while nobody reads: the attempt has to end all the same.
  deadline.signal.addEventListener('abort', () => breakOff(deadline.signal.reason), { once: true });
  note(open.begun);
  // Between the first content and this line the caller had a turn, and a signal that has aborted calls no listener any more.
  if (deadline.signal.aborted) breakOff(deadline.signal.reason);

  return {
    async read() {
      if (attempt.isOver()) return endOrThrow();
      deadline.enter('idle', timeouts.idleMs);
      try {
        const { done, value } = await deadline.waitFor(rest.next());
        deadline.pause();
        if (done !== true) {
          note(value);
          return value;
        }
        attempt.succeed();
        run.end(usage(), false);
      } catch (error) {
        breakOff(error);
      }
      return endOrThrow();
    },
    isBroken: () => broken !== undefined,
    leave() {
      if (attempt.isOver()) return;
      attempt.abandon();
      run.end(usage(), true);
      letGo();
    },
  };

  function endOrThrow(): undefined {
    if (broken === undefined) return undefined;
    const { error } = broken;
    broken = undefined;
    throw error;
  }
}

/** What a stream tells beside its content. */
function createNotes(run: Run<ChatRequest>): { note(chunks: readonly ChatChunk[]): void; usage(): Usage | undefined } {
  const createdS = Math.floor(run.engine.config.clock.wallMs() / 1_000);
  let usage: Usage | undefined;
  return {
    note(chunks) {
      for (const chunk of chunks) {
        // Adapters have no clock, so what came without a time gets its own here.
        if (chunk.created === 0) chunk.created = createdS;
        if (chunk.usage) usage = chunk.usage;
        if (chunk.degraded) run.trace.degraded = true;
      }
    },
    usage: () => usage,
  };
}

/** The error of a stream that broke after the caller had got content of it. The caller's own reason stays as it is. */
function interrupted(run: Run<ChatRequest>, { attempt }: OpenStream, cause: unknown): unknown {
  const isTheCallers = run.call.signal?.aborted === true || !isRouterError(cause) || cause.code === 'closed';
  if (isTheCallers) return cause;
  const { provider, model } = attempt.candidate;
  const { phase, status, reason } = cause;
  const message = `The stream broke after content had been delivered; what came stands. ${cause.message}`;
  const error = new RouterError('stream_interrupted', message, { provider, model, phase, status, reason, cause });
  run.engine.announce('stream:interrupted', { requestId: run.call.requestId, provider, model, error });
  return error;
}
