import type { ChatRequest } from '../core/types.ts';
import type { Verb } from './carry-out.ts';
import { letGo, openStream, type OpenStream } from './open-stream.ts';
import type { Run } from './run.ts';

/** What an attempt of a stream does: it opens it up to its first content. */
export function streamVerb({ engine }: Run<ChatRequest>): Verb<ChatRequest, OpenStream> {
  return { open: (attempt) => openStream(attempt, engine.config.throughput), drop: letGo };
}
