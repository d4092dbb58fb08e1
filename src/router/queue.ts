import { isRouterError } from '../core/errors.ts';
import { openDeadline } from '../lib/deadline.ts';
import type { Candidate } from '../routing/plan.ts';
import { leastMs, leftMs, type Run } from './run.ts';
import { type HeldSlot, heldSlot } from './slots.ts';

/** A candidate with a slot that waits for its attempt. */
export interface Granted {
  readonly candidate: Candidate;
  readonly slot: HeldSlot;
}

/**
 * Waits in the queues of all these candidates at once; whichever has a slot first gets the call, and the others are left. Undefined where
 * none had one within `limitMs`, within what the call may wait in all, or where their queues are full. Rejects with the reason of whoever
 * aborts, and then no slot is kept.
 */
export async function slotFor(run: Run<unknown>, candidates: readonly Candidate[], limitMs: number): Promise<Granted | undefined> {
  const { call, engine, leaving, trace } = run;
  const { clock, queue } = engine.config;
  const startMs = clock.nowMs();
  const mayWaitMs = Math.min(limitMs, leftMs(run) - leastMs, (queue.timeoutMs ?? Infinity) - trace.queuedMs);
  if (mayWaitMs <= 0) return undefined;
  const wait = joinAll(run, candidates, startMs);
  if (wait === undefined) return undefined;
  const { requestId } = call;
  const signals = [call.signal, engine.shutdown, leaving?.signal];
  const limit = openDeadline({ clock, provider: '', signals, endsAtMs: startMs + mayWaitMs, endPhase: 'total' });
  engine.announce('queue:enter', { requestId, providers: candidates.map(({ provider }) => provider), lane: call.lane });
  let granted: Granted | undefined;
  try {
    granted = await limit.waitFor(wait.granted);
    return granted;
  } catch (error) {
    call.signal?.throwIfAborted();
    if (isRouterError(error, 'timeout')) return undefined;
    throw error;
  } finally {
    limit.dispose();
    if (granted === undefined) wait.leave();
    const ms = clock.nowMs() - startMs;
    trace.queuedMs += ms;
    engine.announce('queue:leave', { requestId, provider: granted?.candidate.provider, ms });
  }
}

interface Wait {
  readonly granted: Promise<Granted>;
  /** Leaves all queues, and gives back a slot that came too late. */
  leave(): void;
}

/** Undefined where every queue is full. */
function joinAll({ engine, call }: Run<unknown>, candidates: readonly Candidate[], nowMs: number): Wait | undefined {
  const leaves: (() => void)[] = [];
  let first: Granted | undefined;
  let tell: (granted: Granted) => void = () => undefined;
  const granted = new Promise<Granted>((resolve) => (tell = resolve));
  const leaveAll = (): void => leaves.forEach((leave) => leave());
  for (const candidate of candidates) {
    const lanes = engine.providers.get(candidate.provider)?.lanes(candidate.model);
    const leave = lanes?.join(call.lane, nowMs, () => {
      first = { candidate, slot: heldSlot(lanes, call.lane, engine.config.clock) };
      leaveAll();
      tell(first);
    });
    if (leave !== undefined) leaves.push(leave);
    // One was free after all.
    if (first !== undefined) break;
  }
  if (leaves.length === 0) return undefined;
  return {
    granted,
    leave() {
      leaveAll();
      first?.slot.give();
    },
  };
}
