import { RouterError } from '../index.ts';
import type { Ending } from './ending.ts';
import type { HandlerConfig } from './handler-options.ts';

/** The pieces of one streamed answer, for one reader. */
export interface FrameSource<Piece = string> {
  /** Undefined at the end. Rejects where the stream broke. */
  next(): Promise<Piece | undefined>;
  /** The reader has gone, which ends the call at once. Safe after the end. */
  leave(): void;
  /** What to do when the reader left the next piece unasked for too long; the last one that was given counts. */
  onCut(cut: () => void): void;
}

const nothing = (): void => undefined;

/** `lastWords`: the piece that tells the reader what broke the stream, after which iterators have no more; undefined: nobody is left to tell. */
export function createFrameSource<Piece>(
  pieces: AsyncIterable<Piece>,
  ending: Pick<Ending, 'end'>,
  { clock, writeTimeoutMs }: Pick<HandlerConfig, 'clock' | 'writeTimeoutMs'>,
  lastWords?: (error: unknown) => Piece | undefined,
): FrameSource<Piece> {
  const iterator = pieces[Symbol.asyncIterator]();
  let cut = nothing;
  let isLeft = false;
  const leave = (): void => {
    stopWaiting();
    if (isLeft) return;
    isLeft = true;
    // The iterator may be in the middle of a piece: ending the call is what frees the provider.
    ending.end(true);
    void iterator.return?.()?.then(undefined, () => undefined);
  };
  const cutNow = (): void => {
    leave();
    cut();
  };
  const waitForReader = (): (() => void) => (writeTimeoutMs === Infinity ? nothing : clock.schedule(writeTimeoutMs, cutNow, true));
  // A reader may never come.
  let stopWaiting = waitForReader();
  return {
    async next() {
      stopWaiting();
      if (isLeft) return undefined;
      try {
        const { done, value } = await iterator.next();
        if (done === true) {
          ending.end(false);
          return undefined;
        }
        if (!isLeft) stopWaiting = waitForReader();
        return value;
      } catch (error) {
        const last = lastWords?.(error);
        if (last === undefined) {
          ending.end(true);
          throw error;
        }
        if (!isLeft) stopWaiting = waitForReader();
        return last;
      }
    },
    leave,
    onCut(callback) {
      cut = callback;
    },
  };
}

/** For readers of the web's kind. Where the signal aborts they get its reason; it is not for this to end the call. */
export function toWebStream(source: FrameSource, signal?: AbortSignal): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let forget = nothing;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        source.onCut(() => controller.error(new RouterError('timeout', 'The reader stopped reading.')));
        const onAbort = (): void => controller.error(signal?.reason);
        signal?.addEventListener('abort', onAbort, { once: true });
        forget = () => signal?.removeEventListener('abort', onAbort);
      },
      async pull(controller) {
        const frame = await source.next();
        if (signal?.aborted === true) return;
        if (frame !== undefined) return controller.enqueue(encoder.encode(frame));
        forget();
        controller.close();
      },
      cancel() {
        forget();
        source.leave();
      },
    },
    { highWaterMark: 0 },
  );
}
