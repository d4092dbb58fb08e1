import { hasContent } from '../core/collect.ts';
import { isRouterError, RouterError } from '../core/errors.ts';
import type { ChatChunk, ChatRequest, Usage } from '../core/types.ts';
import type { StreamNotice } from '../core/route.ts';
import { timeoutError } from '../lib/deadline.ts';
import type { Attempt } from './attempt.ts';
import type { Opened } from './carry-out.ts';
import type { OpenStream } from './open-stream.ts';
import { createResume, type Resume } from './resume.ts';
import type { Run } from './run.ts';
import { letGo } from './stream-verb.ts';

/** Reads the rest of a stream, batch by batch, and ends its attempts and its call exactly once, whatever happens. */
export interface StreamReader {
  /** The next batch; undefined at the end. Rejects, once, with what broke the stream. */
  read(): Promise<readonly ChatChunk[] | undefined>;
  /** Something ended the stream while nobody was reading; the next `read` tells it. */
  isBroken(): boolean;
  /** The reader wants no more: the connection is closed. */
  leave(): void;
}

type OpenedStream = Opened<ChatRequest, OpenStream>;

/** Pieces without content may come for this many idle limits; then they are no sign of life any more. */
const emptyLimits = 10;

export function createReader(run: Run<ChatRequest>, first: OpenedStream): StreamReader {
  const state: Reading = { run, resume: createResume(run), notes: createNotes(run), open: first, silentMs: 0, left: false };
  attach(state, first);
  return {
    read: () => read(state),
    isBroken: () => state.broken !== undefined,
    leave: () => leave(state),
  };
}

/** One stream that is being read. */
interface Reading {
  readonly run: Run<ChatRequest>;
  readonly resume: Resume;
  readonly notes: Notes;
  open: OpenedStream;
  /** For how long only pieces without content have come. */
  silentMs: number;
  /** Told by the next read. */
  broken?: { readonly error: unknown } | undefined;
  /** Mended by the next read. */
  lost?: Lost | undefined;
  left: boolean;
}

interface Lost {
  readonly from: Attempt<ChatRequest>;
  readonly error: RouterError;
}

async function read(state: Reading): Promise<readonly ChatChunk[] | undefined> {
  for (;;) {
    const { lost, open } = state;
    if (lost !== undefined && !state.left) return mend(state, lost);
    if (open.attempt.isOver()) return endOrThrow(state);
    try {
      return await readOn(state, open);
    } catch (error) {
      breakOff(state, open, error);
    }
  }
}

/** The next batch of the stream that is open. */
async function readOn(state: Reading, { attempt, result }: OpenedStream): Promise<readonly ChatChunk[] | undefined> {
  const { run, notes } = state;
  const { clock } = run.engine.config;
  const { deadline, timeouts } = attempt;
  const startMs = clock.nowMs();
  deadline.enter('idle', Math.min(timeouts.idleMs, Math.max(0, emptyLimits * timeouts.idleMs - state.silentMs)));
  const { done, value } = await deadline.waitFor(result.rest.next());
  deadline.pause();
  if (done === true) {
    attempt.succeed();
    run.end(notes.usage(), false);
    return undefined;
  }
  state.silentMs = value.some(hasContent) ? 0 : state.silentMs + clock.nowMs() - startMs;
  if (state.silentMs >= emptyLimits * timeouts.idleMs) throw timeoutError(attempt.candidate.provider, 'idle', state.silentMs);
  return take(state, value);
}

function take({ notes, resume }: Reading, chunks: readonly ChatChunk[]): readonly ChatChunk[] {
  notes.note(chunks);
  resume.note(chunks);
  return chunks;
}

function attach(state: Reading, next: OpenedStream): void {
  state.open = next;
  state.silentMs = 0;
  const { signal } = next.attempt.deadline;
  // A limit may run out, or the caller abort, while nobody reads: the attempt has to end all the same.
  signal.addEventListener('abort', () => breakOff(state, next, signal.reason), { once: true });
  take(state, next.result.begun);
  // Between the first content and this line the caller had a turn, and a signal that has aborted calls no listener any more.
  if (signal.aborted) breakOff(state, next, signal.reason);
}

function breakOff(state: Reading, { attempt, result }: OpenedStream, error: unknown): void {
  if (attempt.isOver()) return;
  const { run, resume } = state;
  const cause = attempt.fail(error);
  letGo(result);
  const told = interrupted(run, attempt, cause);
  if (told !== cause && isRouterError(cause) && resume.may(cause)) state.lost = { from: attempt, error: cause };
  else state.broken = { error: run.fail(told) };
}

/** Another provider goes on, or the stream is broken for good. */
async function mend(state: Reading, { from, error }: Lost): Promise<readonly ChatChunk[] | undefined> {
  const { run, resume } = state;
  state.lost = undefined;
  try {
    const next = await resume.go(from, error);
    if (state.left) {
      next.attempt.abandon();
      letGo(next.result);
      return undefined;
    }
    attach(state, next);
    return [toChunk(next), ...next.result.begun];
  } catch (given) {
    // The caller's own reason, or that of a router which closes; otherwise nobody could take over, and the first failure stands.
    const isOurs = isRouterError(given) && given.code !== 'closed';
    state.broken = { error: run.fail(isOurs ? broke(from, error, run) : given) };
  }
  return endOrThrow(state);
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
  const { run, notes, open } = state;
  const isReading = !open.attempt.isOver();
  if (isReading) open.attempt.abandon();
  run.end(notes.usage(), true);
  if (isReading) letGo(open.result);
  // Somebody may be about to take over.
  else run.leaving?.stop(new RouterError('closed', 'The reader left the stream.'));
}

/** What a stream tells beside its content. */
interface Notes {
  note(chunks: readonly ChatChunk[]): void;
  usage(): Usage | undefined;
}

function createNotes(run: Run<ChatRequest>): Notes {
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

/** The chunk that says that another provider goes on. */
function toChunk({ result, notice }: OpenedStream & { readonly notice: StreamNotice }): ChatChunk {
  const { id = '', created = 0, model = '' } = result.begun[0] ?? {};
  return { id, object: 'chat.completion.chunk', created, model, choices: [], inferlane: notice };
}

/** The error of a stream that broke after the caller had got content of it. The caller's own reason stays as it is. */
function interrupted(run: Run<ChatRequest>, attempt: Attempt<ChatRequest>, cause: unknown): unknown {
  const isTheCallers = run.call.signal?.aborted === true || !isRouterError(cause) || cause.code === 'closed';
  if (isTheCallers) return cause;
  const { provider, model } = attempt.candidate;
  const error = broke(attempt, cause, run);
  run.engine.announce('stream:interrupted', { requestId: run.call.requestId, provider, model, error });
  return error;
}

function broke({ candidate }: Attempt<ChatRequest>, cause: RouterError, { failed }: Run<ChatRequest>): RouterError<'stream_interrupted'> {
  const { provider, model } = candidate;
  const { phase, status, reason } = cause;
  const message = `The stream broke after content had been delivered; what came stands. ${cause.message}`;
  return new RouterError('stream_interrupted', message, { provider, model, phase, status, reason, cause, attempts: failed });
}
