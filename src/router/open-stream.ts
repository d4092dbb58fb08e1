import { hasContent } from '../core/collect.ts';
import { RouterError } from '../core/errors.ts';
import type { ChatChunk, ChatRequest } from '../core/types.ts';
import type { Attempt } from './attempt.ts';

/** A stream whose first content is in hand: from here on no other provider is asked. */
export interface OpenStream {
  readonly attempt: Attempt<ChatRequest>;
  /** What was read so far: the preamble, and the batch with the first content. */
  readonly begun: readonly ChatChunk[];
  readonly rest: AsyncIterator<readonly ChatChunk[]>;
}

/** Batches without content that a stream may begin with: a role, an identifier. More is no answer. */
const longestPreamble = 256;

/** Opens a stream and reads up to its first content, all inside the attempt: a failure up to here is silent to the caller. */
export async function openStream(attempt: Attempt<ChatRequest>): Promise<OpenStream> {
  const { provider, call, deadline, candidate } = attempt;
  const batches = await deadline.waitFor(provider.adapter.stream(call));
  const rest = batches[Symbol.asyncIterator]();
  const begun: ChatChunk[] = [];
  for (let reads = 0; reads < longestPreamble; reads++) {
    const { done, value } = await deadline.waitFor(rest.next());
    if (done === true) throw noContent(candidate.provider, 'ended without content');
    begun.push(...value);
    if (!value.some(hasContent)) continue;
    attempt.firstContent();
    return { attempt, begun, rest };
  }
  throw noContent(candidate.provider, `sent ${longestPreamble} pieces without content`);
}

function noContent(provider: string, what: string): RouterError<'bad_response'> {
  return new RouterError('bad_response', `${provider}: the stream ${what}.`, { provider });
}
