import type { LanguageModelV4StreamPart, SharedV4Warning } from '@ai-sdk/provider';
import { type ChatChunk, type ChatStream, isRouterError, RouterError, type StreamNotice } from '../index.ts';
import { warningsOf } from './answer.ts';
import { toSdkError } from './errors.ts';
import { createPartWriter } from './part-writer.ts';

interface Told {
  readonly parts: readonly LanguageModelV4StreamPart[];
  readonly isLast: boolean;
}

/**
 * Our stream as the AI SDK's. Nothing is fetched before it is asked for; cancelling it closes the connection at once. A failure is its
 * last part but one, the caller's own abort rejects with its reason.
 */
export function toPartStream(
  stream: ChatStream,
  warnings: readonly SharedV4Warning[],
  includesRaw: boolean,
): ReadableStream<LanguageModelV4StreamPart> {
  const chunks = stream[Symbol.asyncIterator]();
  const next = createTeller(stream, chunks, includesRaw);
  return new ReadableStream<LanguageModelV4StreamPart>(
    {
      start: (controller) => controller.enqueue({ type: 'stream-start', warnings: [...warnings, ...warningsOf(stream.route)] }),
      async pull(controller) {
        let told: Told;
        // A pull that enqueues nothing is not asked again.
        do told = await next();
        while (told.parts.length === 0 && !told.isLast);
        for (const part of told.parts) controller.enqueue(part);
        if (told.isLast) controller.close();
      },
      async cancel() {
        await chunks.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

function createTeller({ route }: ChatStream, chunks: AsyncIterator<ChatChunk>, includesRaw: boolean): () => Promise<Told> {
  const writer = createPartWriter();
  return async () => {
    try {
      const { done, value } = await chunks.next();
      if (done === true) return { parts: writer.finish(route), isLast: true };
      if (value.inferlane?.type === 'reset') {
        await chunks.return?.();
        throw beganAnew(value.inferlane);
      }
      const parts = writer.add(value);
      return { parts: includesRaw ? [{ type: 'raw', rawValue: value }, ...parts] : parts, isLast: false };
    } catch (error) {
      if (!isRouterError(error)) throw error;
      return { parts: writer.fail(toSdkError(error), route), isLast: true };
    }
  };
}

/** Never asked for here; a router behind a wrapper may do it all the same, and two answers in one would be worse than none. */
function beganAnew({ from }: StreamNotice): RouterError {
  const message = `${from}: the stream broke and began anew, which the AI SDK's stream cannot tell.`;
  return new RouterError('stream_interrupted', message, { provider: from });
}
