import type { Call } from '../core/adapter.ts';
import { hasContent, textLength } from '../core/collect.ts';
import { type Phase, RouterError } from '../core/errors.ts';
import type { ChatChunk, ChatRequest } from '../core/types.ts';
import type { AttemptDeadline } from '../lib/deadline.ts';
import { isPolled, nextOf, type Polled, PolledPromises } from '../lib/polled.ts';
import type { ThroughputConfig } from '../config/config.ts';
import type { Attempt } from './attempt.ts';
import type { Opened, Opener } from './carry-out.ts';

/** A stream whose first content is in hand: from here on no other provider is asked in silence. */
export interface OpenStream {
  /** What was read so far: the preamble, and the batch with the first content. */
  readonly begun: readonly ChatChunk[];
  readonly rest: Polled<readonly ChatChunk[]>;
  /** Where it comes from. */
  readonly source: Source;
}

type Source = AsyncIterator<readonly ChatChunk[]>;

/** All that a read of it needs, at hand: each step to it is one into memory that no cache holds when a token comes. */
export interface ReadingFrom {
  readonly attempt: Attempt<ChatRequest>;
  readonly deadline: AttemptDeadline;
  readonly rest: OpenStream['rest'];
  readonly idleMs: number;
  readonly result: OpenStream;
}

export function readingFrom({ attempt, result }: Opened<ChatRequest, OpenStream>): ReadingFrom {
  return { attempt, deadline: attempt.deadline, rest: result.rest, idleMs: attempt.timeouts.idleMs, result };
}

/** Batches without content that a stream may begin with: a role, an identifier. More is no answer. */
const longestPreamble = 256;

/**
 * Opens a stream and reads up to its first content, all inside the attempt: a failure up to here is silent to the caller. With
 * `throughput`, a sample of the content is read too, while somebody else could take over. `call` stands in for the attempt's own.
 */
export async function openStream(
  attempt: Attempt<ChatRequest>,
  throughput: ThroughputConfig | undefined,
  call: Call<ChatRequest> = attempt.call,
): Promise<OpenStream> {
  const source = await sourceOf(attempt, call);
  try {
    const open = await readBeginning(attempt, source);
    if (throughput === undefined || attempt.isLast) return firstContent(attempt, open);
    const { minCharsPerSecond, sampleChars } = throughput;
    // At the same rate, but no longer than a pause between two pieces may take: one that stalls has to leave time for the others.
    const chars = Math.min(sampleChars, Math.ceil((minCharsPerSecond * attempt.timeouts.idleMs) / 1_000));
    const limitMs = attempt.withinShare((chars / minCharsPerSecond) * 1_000);
    return firstContent(attempt, await readMore(attempt, open, chars, 'throughput', limitMs));
  } catch (error) {
    letGo({ source });
    throw error;
  }
}

/** The moment at which something can be handed on. */
function firstContent(attempt: Attempt<ChatRequest>, open: OpenStream): OpenStream {
  attempt.firstContent();
  return open;
}

async function sourceOf({ provider, deadline }: Attempt<ChatRequest>, call: Call<ChatRequest>): Promise<Source> {
  const opening = provider.adapter.stream(call);
  try {
    return (await deadline.waitFor(opening))[Symbol.asyncIterator]();
  } catch (error) {
    // One that comes after the attempt has ended is nobody's.
    opening.then((late) => letGo({ source: late[Symbol.asyncIterator]() })).catch(() => undefined);
    throw error;
  }
}

/** What adapters make of a stream themselves cannot be polled. */
function polled(source: Source): OpenStream['rest'] {
  if (isPolled<readonly ChatChunk[]>(source)) return source;
  return new PolledPromises(
    () => source.next(),
    ({ done, value }) => (done === true ? undefined : value),
  );
}

async function readBeginning(attempt: Attempt<ChatRequest>, source: Source): Promise<OpenStream> {
  const rest = polled(source);
  let begun: readonly ChatChunk[] = [];
  for (let reads = 0; reads < longestPreamble; reads++) {
    const batch = await attempt.deadline.waitFor(nextOf(rest));
    if (batch === undefined) throw noContent('ended without content');
    begun = begun.length === 0 ? batch : [...begun, ...batch];
    if (batch.some(hasContent)) return { begun, rest, source };
  }
  throw noContent(`sent ${longestPreamble} pieces without content`);
}

/** Reads on until there are so many characters or the stream has ended; `phase` is the limit for that. */
export async function readMore(
  { deadline }: Attempt<ChatRequest>,
  { begun, rest, source }: OpenStream,
  chars: number,
  phase: Phase,
  limitMs: number,
): Promise<OpenStream> {
  const all = [...begun];
  let isOver = false;
  deadline.enter(phase, limitMs);
  for (let read = textLength(all), empty = 0; read < chars && !isOver; empty++) {
    if (empty === longestPreamble) throw noContent(`sent ${longestPreamble} pieces in a row without content`);
    const batch = await deadline.waitFor(nextOf(rest));
    if (batch === undefined) isOver = true;
    else {
      all.push(...batch);
      read += textLength(batch);
      if (batch.some(hasContent)) empty = -1;
    }
  }
  // What follows is read at the pace of our reader, after a stream that has ended as well.
  deadline.pause();
  return { begun: all, rest: isOver ? ended : rest, source };
}

/** Closes what is left of a stream, and does not wait for that. Whatever the source makes of it goes nowhere. */
export function letGo({ source }: Pick<OpenStream, 'source'>): void {
  const close = async (): Promise<void> => void (await source.return?.());
  close().catch(() => undefined);
}

const ended: OpenStream['rest'] = { poll: () => undefined };

function noContent(what: string): RouterError<'bad_response'> {
  return new RouterError('bad_response', `the stream ${what}.`);
}

/** What an attempt of a stream does: it opens it up to its first content. */
export const streamOpener: Opener<ChatRequest, OpenStream> = {
  open: (attempt, { engine }) => openStream(attempt, engine.config.throughput),
  check: (open) => open,
  drop: letGo,
};
