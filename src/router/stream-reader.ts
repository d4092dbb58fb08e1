import { hasContent } from '../core/collect.ts';
import { isRouterError, RouterError } from '../core/errors.ts';
import type { ChatChunk, ChatRequest, Usage } from '../core/types.ts';
import { type AttemptDeadline, openDeadline, timeoutError } from '../lib/deadline.ts';
import { type Polled, pending } from '../lib/polled.ts';
import type { Attempt } from './attempt.ts';
import type { Opened } from './carry-out.ts';
import { finalError, interrupted } from './interrupted.ts';
import { letGo, type OpenStream, type ReadingFrom, readingFrom } from './open-stream.ts';
import { createResume, noticeChunk, type Resume, type Resumed } from './resume.ts';
import type { Run } from './run.ts';

/** Reads the rest of a stream, batch by batch, and ends its attempts and its call exactly once, whatever happens. */
export interface StreamReader extends Polled<readonly ChatChunk[]> {
  /** The next batch; undefined at the end. Throws, once, what broke the stream. */
  poll(wake: () => void): Polling;
  /** Something ended the stream while nobody was reading; the next `poll` tells it. */
  isBroken(): boolean;
  isLeft(): boolean;
  /** The reader wants no more: the connection is closed. */
  leave(): void;
}

type Polling = readonly ChatChunk[] | typeof pending | undefined;

type OpenedStream = Opened<ChatRequest, OpenStream>;

/** Pieces without content may come for this many idle limits; then they are no sign of life any more. */
const emptyLimits = 10;

export function createReader(run: Run<ChatRequest>, first: OpenedStream): StreamReader {
  const reading = new Reading(run, first);
  attach(reading, first);
  return reading;
}

/** One stream that is being read. A class, because closures took several times as much, as long as the stream lasts. */
class Reading implements StreamReader {
  readonly run: Run<ChatRequest>;
  readonly resume: Resume;
  open: ReadingFrom;
  /** What the stream has told beside its content. */
  usage: Usage | undefined;
  /** Of chunks that came without a time: one for all. */
  startedS: number | undefined;
  /** For how long only pieces without content have come. */
  silentMs = 0;
  /** Since when the provider is awaited; undefined while it is our reader who takes its time. */
  awaitedFromMs: number | undefined;
  /** Told by the next read. */
  broken: { readonly error: unknown } | undefined;
  /** Mended by the next read. */
  lost: Lost | undefined;
  left = false;
  /** Another provider is being asked. */
  mending = false;
  /** What it has begun with. */
  takenOver: readonly ChatChunk[] | undefined;
  /** For whoever waits for the next batch. */
  wake: () => void = nobody;

  constructor(run: Run<ChatRequest>, first: OpenedStream) {
    this.run = run;
    this.resume = createResume(run);
    this.open = readingFrom(first);
  }

  poll(wake: () => void): Polling {
    this.wake = wake;
    return poll(this);
  }

  isBroken(): boolean {
    return this.broken !== undefined;
  }

  isLeft(): boolean {
    return this.left;
  }

  leave(): void {
    leave(this);
  }
}

interface Lost {
  readonly from: Attempt<ChatRequest>;
  readonly error: RouterError;
  /** What still holds until the next read. */
  readonly limits: AttemptDeadline;
}

const nobody = (): void => undefined;

function poll(state: Reading): Polling {
  for (;;) {
    const { lost, open, takenOver } = state;
    state.takenOver = undefined;
    if (takenOver !== undefined) return takenOver;
    if (lost !== undefined && !state.left) void mend(state, lost);
    if (state.mending) return pending;
    if (open.attempt.isOver()) return endOrThrow(state);
    try {
      return pollOpen(state, open);
    } catch (error) {
      breakOff(state, open, error);
    }
  }
}

/** Whatever ends the attempt meanwhile wakes who waits. */
function pollOpen(state: Reading, open: ReadingFrom): Polling {
  const startMs = (state.awaitedFromMs ??= open.deadline.enter('idle', open.idleMs));
  const batch = open.rest.poll(state.wake);
  return batch === pending ? pending : noteRead(state, open, startMs, batch);
}

/** What a read of the stream that is open has brought. */
function noteRead(
  state: Reading,
  { attempt, deadline, idleMs }: ReadingFrom,
  startMs: number,
  batch: readonly ChatChunk[] | undefined,
): readonly ChatChunk[] | undefined {
  state.awaitedFromMs = undefined;
  const endMs = deadline.pause();
  if (batch === undefined) {
    attempt.succeed(state.usage);
    state.run.end(state.usage, false);
    return undefined;
  }
  state.silentMs = batch.some(hasContent) ? 0 : state.silentMs + endMs - startMs;
  if (state.silentMs >= emptyLimits * idleMs) throw timeoutError(attempt.candidate.provider, 'idle', state.silentMs);
  return take(state, batch);
}

function take(state: Reading, chunks: readonly ChatChunk[]): readonly ChatChunk[] {
  state.open.attempt.charge.pieces += chunks.length;
  note(state, chunks);
  state.resume.note(chunks);
  return chunks;
}

function attach(state: Reading, next: OpenedStream): void {
  const open = readingFrom(next);
  state.open = open;
  state.silentMs = 0;
  state.awaitedFromMs = undefined;
  const { signal } = open.deadline;
  // A limit may run out, or the caller abort, while nobody reads: the attempt has to end all the same.
  const onAbort = (): void => {
    breakOff(state, open, signal.reason);
    state.wake();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  take(state, next.result.begun);
  // Between the first content and this line the caller had a turn, and a signal that has aborted calls no listener any more.
  if (signal.aborted) breakOff(state, open, signal.reason);
}

function breakOff(state: Reading, { attempt, result }: ReadingFrom, error: unknown): void {
  if (attempt.isOver()) return;
  const { run, resume } = state;
  const cause = attempt.fail(error);
  letGo(result);
  // Whoever was told of the failure may have left.
  if (state.left) return;
  const told = interrupted(run, attempt, cause);
  if (state.left) return;
  if (told !== cause && isRouterError(cause) && resume.may(cause)) lose(state, attempt, cause);
  else state.broken = { error: run.fail(told) };
}

/** The next read mends it. Where nobody reads, the call still ends at its deadline, when the caller aborts, and with the router. */
function lose(state: Reading, from: Attempt<ChatRequest>, error: RouterError): void {
  const { run } = state;
  const { call, engine } = run;
  const signals = [call.signal, engine.shutdown];
  const { provider } = from.candidate;
  const limits = openDeadline({ clock: engine.config.clock, provider, signals, endsAtMs: call.endsAtMs, endPhase: 'deadline' });
  const onAbort = (): void => {
    if (state.lost === undefined) return;
    forget(state);
    state.broken = { error: run.fail(finalError(run, from, error, limits.signal.reason)) };
  };
  state.lost = { from, error, limits };
  // A listener of what was just told may have aborted the call, or closed the router.
  if (limits.signal.aborted) onAbort();
  else limits.signal.addEventListener('abort', onAbort);
}

function forget(state: Reading): void {
  state.lost?.limits.dispose();
  state.lost = undefined;
}

/** Another provider goes on, or the stream is broken for good. */
async function mend(state: Reading, { from, error }: Lost): Promise<void> {
  const { run, resume } = state;
  forget(state);
  state.mending = true;
  try {
    const next = await resume.go(from, error);
    if (state.left) {
      next.attempt.abandon(undefined);
      letGo(next.result);
    } else takeOver(state, next);
  } catch (given) {
    if (!state.left) state.broken = { error: run.fail(finalError(run, from, error, given)) };
  }
  state.mending = false;
  if (state.left) run.end(state.usage, true);
  state.wake();
}

function takeOver(state: Reading, next: Resumed): void {
  const { run } = state;
  if (next.notice.type === 'reset') {
    // What was told beside the content is void as well.
    state.usage = undefined;
    state.startedS = undefined;
    run.trace.degraded = false;
  }
  attach(state, next);
  state.takenOver = [noticeChunk(next), ...next.result.begun];
}

function endOrThrow(state: Reading): undefined {
  const { broken, left } = state;
  state.broken = undefined;
  if (broken !== undefined && !left) throw broken.error;
  return undefined;
}

function leave(state: Reading): void {
  if (state.left) return;
  state.left = true;
  forget(state);
  const { run, usage, open } = state;
  const isReading = !open.attempt.isOver();
  if (isReading) open.attempt.abandon(usage);
  // Who is about to take over is stopped first: a call ends after its attempts.
  if (state.mending) run.leaving?.stop(new RouterError('closed', 'The reader left the stream.'));
  else run.end(usage, true);
  if (isReading) letGo(open.result);
}

function note(state: Reading, chunks: readonly ChatChunk[]): void {
  for (const chunk of chunks) {
    // Adapters have no clock, so what came without a time gets its own here.
    if (chunk.created === 0) chunk.created = Math.floor((state.startedS ??= state.run.engine.config.clock.wallMs() / 1_000));
    if (chunk.usage) state.usage = chunk.usage;
    if (chunk.degraded) state.run.trace.degraded = true;
  }
}
