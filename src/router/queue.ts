import { isRouterError } from '../core/errors.ts';
import type { Clock } from '../lib/clock.ts';
import { openDeadline } from '../lib/deadline.ts';
import type { Candidate } from '../routing/plan.ts';
import { providerOf } from './engine.ts';
import type { Lanes } from './lanes.ts';
import { obstacleOf } from './obstacles.ts';
import { mayWaitMs, type Run } from './run.ts';
import { type HeldSlot, heldSlot, warnOfSupposedSlots } from './slots.ts';
import { makeRoom } from './unread-streams.ts';

/** A candidate with a slot that waits for its attempt. */
export interface Granted {
  readonly candidate: Candidate;
  readonly slot: HeldSlot;
}

/**
 * Waits in the queues of all these candidates at once; whichever has a slot first gets the call, and the others are left. Undefined where
 * none had one within `limitMs`, within what the call may wait in all, or where their queues are full. Rejects with the reason of whoever
 * aborts, and then no slot is kept. `isStopped` is asked each second: true ends the wait. `gone`: none of them can be asked
 * any more.
 */
export async function slotFor(
  run: Run<unknown>,
  candidates: readonly Candidate[],
  limitMs: number,
  isStopped: () => boolean,
): Promise<Granted | 'stopped' | 'gone' | undefined> {
  const { call, engine, leaving, trace } = run;
  const { clock } = engine.config;
  const startMs = clock.nowMs();
  const longestMs = Math.min(limitMs, mayWaitMs(run));
  if (longestMs <= 0) return undefined;
  const wait = joinAll(run, candidates, startMs);
  if (wait === undefined) return undefined;
  const { requestId } = call;
  const signals = [call.signal, engine.shutdown, leaving];
  const limit = openDeadline({ clock, provider: '', signals, endsAtMs: startMs + longestMs, endPhase: 'total' });
  for (const { provider } of candidates) warnOfSupposedSlots(providerOf(engine, provider), engine.announce);
  engine.announce('queue:enter', { requestId, providers: wait.providers, lane: call.lane });
  let granted: Granted | undefined;
  const look = eachSecond(clock, () => {
    wait.lookAgain(clock.nowMs());
    return isStopped();
  });
  try {
    const ending = await limit.waitFor(Promise.race([wait.granted, look.isTrue]));
    // Both may have come in the same moment.
    granted = wait.given();
    return granted ?? (ending === 'stopped' ? 'stopped' : 'gone');
  } catch (error) {
    call.signal?.throwIfAborted();
    if (isRouterError(error, 'timeout')) return undefined;
    throw error;
  } finally {
    look.cancel();
    limit.dispose();
    if (granted === undefined) wait.leave();
    const ms = clock.nowMs() - startMs;
    trace.queuedMs += ms;
    engine.announce('queue:leave', { requestId, provider: granted?.candidate.provider, ms });
  }
}

const secondMs = 1_000;

/** Asks until the answer is true, or nobody wants to know any more. */
function eachSecond(clock: Clock, ask: () => boolean): { readonly isTrue: Promise<'stopped'>; cancel(): void } {
  let cancel: (() => void) | undefined;
  const isTrue = new Promise<'stopped'>((resolve) => {
    const look = (): void => {
      cancel = clock.schedule(secondMs, () => (ask() ? resolve('stopped') : look()));
    };
    look();
  });
  return { isTrue, cancel: () => cancel?.() };
}

interface Wait {
  /** Those whose queue had a place at once. */
  readonly providers: readonly string[];
  /** Undefined where none of them can be asked any more. */
  readonly granted: Promise<Granted | undefined>;
  given(): Granted | undefined;
  /** Looks for slots of streams that nobody reads, and for places in queues that were full. */
  lookAgain(nowMs: number): void;
  /** Leaves all queues, and gives back a slot that came too late. */
  leave(): void;
}

/** A place in one queue. */
interface QueuePlace {
  readonly provider: string;
  makeRoom(nowMs: number): void;
  leave(): void;
}

/** Undefined where every queue is full. */
function joinAll(run: Run<unknown>, candidates: readonly Candidate[], startMs: number): Wait | undefined {
  const { engine, call } = run;
  const places: QueuePlace[] = [];
  let first: Granted | undefined;
  let open = 0;
  let isJoining = true;
  let tell: ((granted: Granted | undefined) => void) | undefined;
  const granted = new Promise<Granted | undefined>((resolve) => (tell = resolve));
  const leaveAll = (): void => places.forEach(({ leave }) => leave());
  /** True where the call has its slot. */
  const accept = (candidate: Candidate, lanes: Lanes): boolean => {
    const slot = heldSlot(lanes, call.lane, engine.config.clock);
    if (obstacleOf(run, candidate) === undefined) {
      first = { candidate, slot };
      leaveAll();
      tell?.(first);
      return true;
    }
    // It cannot be asked any more; the call keeps its places elsewhere.
    slot.give();
    open -= 1;
    if (open === 0 && !isJoining) tell?.(undefined);
    return false;
  };
  /** False where the queue is full. */
  const join = (candidate: Candidate, nowMs: number): boolean => {
    // Another of them has had a slot free meanwhile.
    if (first !== undefined) return true;
    const provider = providerOf(engine, candidate.provider);
    const lanes = provider.lanes(candidate.model);
    const { streams } = provider.state;
    makeRoom(streams, lanes, call.lane, nowMs);
    const sinceMs = run.waitingSinceMs?.get(lanes) ?? nowMs;
    let isOver = false;
    open += 1;
    const leave = lanes.join(call.lane, sinceMs, () => (isOver = !accept(candidate, lanes)));
    if (leave === undefined) open -= 1;
    if (leave === undefined || isOver) return leave !== undefined;
    (run.waitingSinceMs ??= new Map()).set(lanes, sinceMs);
    places.push({ provider: candidate.provider, makeRoom: (atMs) => makeRoom(streams, lanes, undefined, atMs), leave });
    return true;
  };
  let refused = candidates.filter((candidate) => !join(candidate, startMs));
  isJoining = false;
  if (open === 0 && first === undefined) return undefined;
  return {
    providers: places.map(({ provider }) => provider),
    granted,
    given: () => first,
    lookAgain(nowMs) {
      for (const place of places) place.makeRoom(nowMs);
      refused = refused.filter((candidate) => !join(candidate, nowMs));
    },
    leave() {
      leaveAll();
      first?.slot.give();
    },
  };
}
