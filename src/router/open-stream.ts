import { hasContent, textLength } from '../core/collect.ts';
import { type Phase, RouterError } from '../core/errors.ts';
import type { ChatChunk, ChatRequest } from '../core/types.ts';
import type { ThroughputConfig } from '../config/config.ts';
import type { Attempt } from './attempt.ts';

/** A stream whose first content is in hand: from here on no other provider is asked in silence. */
export interface OpenStream {
  /** What was read so far: the preamble, and the batch with the first content. */
  readonly begun: readonly ChatChunk[];
  readonly rest: AsyncIterator<readonly ChatChunk[]>;
}

/** Batches without content that a stream may begin with: a role, an identifier. More is no answer. */
const longestPreamble = 256;

/**
 * Opens a stream and reads up to its first content, all inside the attempt: a failure up to here is silent to the caller. With
 * `throughput`, a sample of the content is read too, while somebody else could take over.
 */
export async function openStream(attempt: Attempt<ChatRequest>, throughput: ThroughputConfig | undefined): Promise<OpenStream> {
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
    if (throughput === undefined || attempt.isLast) return { begun, rest };
    const { minCharsPerSecond, sampleChars } = throughput;
    return readMore(attempt, { begun, rest }, sampleChars, 'throughput', (sampleChars / minCharsPerSecond) * 1_000);
  }
  throw noContent(candidate.provider, `sent ${longestPreamble} pieces without content`);
}

/** Reads on until there are so many characters or the stream has ended; `phase` is the limit for that. */
export async function readMore(
  { deadline }: Attempt<ChatRequest>,
  { begun, rest }: OpenStream,
  chars: number,
  phase: Phase,
  limitMs: number,
): Promise<OpenStream> {
  const all = [...begun];
  deadline.enter(phase, limitMs);
  for (let read = textLength(all); read < chars;) {
    const { done, value } = await deadline.waitFor(rest.next());
    if (done === true) return { begun: all, rest: ended };
    all.push(...value);
    read += textLength(value);
  }
  deadline.pause();
  return { begun: all, rest };
}

const ended: AsyncIterator<readonly ChatChunk[]> = { next: async () => ({ done: true, value: undefined }) };

function noContent(provider: string, what: string): RouterError<'bad_response'> {
  return new RouterError('bad_response', `${provider}: the stream ${what}.`, { provider });
}
