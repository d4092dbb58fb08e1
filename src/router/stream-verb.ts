import type { ChatRequest } from '../core/types.ts';
import type { Verb } from './carry-out.ts';
import { letGo, openStream, type OpenStream } from './open-stream.ts';

/** What an attempt of a stream does: it opens it up to its first content. */
export const streaming: Verb<ChatRequest, OpenStream> = {
  open: (attempt, { engine }) => openStream(attempt, engine.config.throughput),
  check: (open) => open,
  drop: letGo,
};
