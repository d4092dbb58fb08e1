import { type Candidate, isAmong, type PlannedCandidate } from '../routing/plan.ts';
import type { Opened, Opener } from './carry-out.ts';
import { isFull, othersLeft, passOver, stubLeft, takeOut } from './candidates.ts';
import { giveUp } from './give-up.ts';
import { obstacleOf } from './obstacles.ts';
import { slotFor } from './queue.ts';
import { allTaken, type Run } from './run.ts';
import type { HeldSlot } from './slots.ts';
import { tryOnce } from './try-once.ts';
import { nextTurn, replan, type Turn } from './turns.ts';
import { panic, tryAgain } from './try-again.ts';
import { isOnly } from './waiting.ts';

/**
 * Tries the candidates of the plan in order, then, where nothing else is left, the same ones again. One loop for chat, stream and
 * embed; a stream that broke comes back to it for its remaining candidates. Rejects with the caller's own abort reason, with the error
 * of a candidate where no other could do better, or with the error of the whole call.
 */
export async function runAttempts<Request, Result>(run: Run<Request>, opener: Opener<Request, Result>): Promise<Opened<Request, Result>> {
  const { call, engine } = run;
  call.signal?.throwIfAborted();
  engine.shutdown.throwIfAborted();
  if (run.attempts === 0) engine.metering.admit(call, run.account);
  let opened = await tryEach(run, opener);
  if (opened === undefined && hasLostAll(run)) {
    replan(run);
    opened = await tryEach(run, opener);
  }
  opened ??= (await withLeave(run, opener)) ?? (await panic(run, opener)) ?? (await tryAgain(run, opener));
  const { trace } = run;
  ({ provider: trace.provider, model: trace.model, substituted: trace.substituted } = opened.attempt.candidate);
  return opened;
}

/**
 * Nobody is left but those whose breakers are due, and who may be probed by one router at a time of all that share a store: this one asks
 * for leave. The only time that a call waits for the store, and never long.
 */
async function withLeave<Request, Result>(
  run: Run<Request>,
  opener: Opener<Request, Result>,
): Promise<Opened<Request, Result> | undefined> {
  const asked = run.engine.sharing?.askFor([...run.plan.skipped, ...run.passed]);
  if (asked === undefined) return undefined;
  await asked;
  run.call.signal?.throwIfAborted();
  replan(run);
  return tryEach(run, opener);
}

async function tryEach<Request, Result>(run: Run<Request>, opener: Opener<Request, Result>): Promise<Opened<Request, Result> | undefined> {
  for (;;) {
    if (run.attempts >= run.call.maxAttempts) return standIn(run, opener);
    const turn = nextTurn(run);
    if (turn === undefined) return undefined;
    const opened = await (turn.type === 'go' ? tryCandidate(run, turn.candidate, undefined, opener) : tryWhenFree(run, turn, opener));
    if (opened !== undefined) return opened;
  }
}

/**
 * While it waited, the model ran out of memory with everybody whom it could have asked: a new plan puts a pin to the test, as a call of now
 * would. Once: where that has failed for another call, it fails for this one.
 */
function hasLostAll({ attempts, passed }: Run<unknown>): boolean {
  return attempts === 0 && passed.some(({ code }) => code === 'out_of_memory');
}

/** The stub, where one is left, else the end of the call. */
async function standIn<Request, Result>(run: Run<Request>, opener: Opener<Request, Result>): Promise<Opened<Request, Result> | undefined> {
  if (run.plan.isPartial) replan(run);
  const stub = stubLeft(run);
  if (stub === undefined) throw giveUp(run, 'max-attempts');
  takeOut(run, stub);
  const opened = await tryCandidate(run, stub, undefined, opener);
  if (opened === undefined) throw giveUp(run, 'max-attempts');
  return opened;
}

/** Waits for the first slot among busy candidates. Where none came, those are passed over, or the next one is not waited for again. */
async function tryWhenFree<Request, Result>(
  run: Run<Request>,
  { candidates, limitMs }: Turn & { readonly type: 'wait' },
  opener: Opener<Request, Result>,
): Promise<Opened<Request, Result> | undefined> {
  const granted = await slotFor(run, candidates, limitMs, () => isAnybodyReady(run));
  if (granted === 'stopped') return void replan(run);
  // The next look at them passes them over.
  if (granted === 'gone') return undefined;
  if (granted === undefined) {
    run.hasWaited = true;
    if (limitMs !== Infinity) return undefined;
    // One whose queue was full has a slot by now, perhaps.
    for (const candidate of candidates) if (isFull(run, candidate)) passOver(run, candidate, allTaken);
    return undefined;
  }
  const { candidate, slot } = granted;
  // Much may have happened while it waited. If so, the next look at it passes it over.
  if (obstacleOf(run, candidate) !== undefined) return void slot.give();
  takeOut(run, candidate);
  for (const other of candidates) passIfBarred(run, other);
  try {
    return await tryCandidate(run, candidate, slot, opener);
  } finally {
    // Unless an attempt took it over.
    slot.give();
  }
}

/** One that it waited for as well, and that cannot be asked any more. */
function passIfBarred(run: Run<unknown>, candidate: PlannedCandidate): void {
  const obstacle = run.remaining.includes(candidate) ? obstacleOf(run, candidate) : undefined;
  if (obstacle !== undefined && obstacle !== 'unfit') passOver(run, candidate, obstacle);
}

/** Has what one was left out for ended: a rest, an open breaker, a pin? It may do so before its time. */
function isAnybodyReady(run: Run<unknown>): boolean {
  return [...run.plan.skipped, ...run.passed].some(
    (candidate) =>
      candidate.readyAtMs !== undefined &&
      !isAmong(run.failed, candidate) &&
      obstacleOf(run, candidate) === undefined &&
      !isFull(run, candidate),
  );
}

function tryCandidate<Request, Result>(
  run: Run<Request>,
  candidate: Candidate,
  slot: HeldSlot | undefined,
  opener: Opener<Request, Result>,
): Promise<Opened<Request, Result> | undefined> | undefined {
  return tryOnce(run, candidate, { isLast: !othersLeft(run) && isOnly(run, { candidate }), slot }, opener);
}
