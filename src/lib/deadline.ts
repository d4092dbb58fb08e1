import { type Phase, RouterError } from '../core/errors.ts';
import type { Clock } from './clock.ts';

/** The limits of one attempt on one signal. Only the phase in force counts, and never beyond the end of the attempt. */
export interface AttemptDeadline {
  /** Aborts for the caller, for shutdown, or for a limit; its reason says which. */
  readonly signal: AbortSignal;
  /** From now on the attempt waits for `phase`, at most `limitMs` milliseconds. */
  enter(phase: Phase, limitMs: number): void;
  /** Nothing is awaited from the provider: it is our reader that takes its time. Only the end of the attempt holds. */
  pause(): void;
  /** Gives the attempt up from our side: whatever still works for it is told to stop. */
  abort(reason: unknown): void;
  /** Cancels the timer and takes the listeners off the signals that were passed in. */
  dispose(): void;
}

export interface DeadlineOptions {
  readonly clock: Clock;
  readonly provider: string;
  /** The caller's signal and the router's shutdown. */
  readonly signals: readonly AbortSignal[];
  /** End of the attempt on the clock, and the name of the limit that set it. */
  readonly endsAtMs: number;
  readonly endPhase: 'total' | 'deadline';
}

/**
 * A timer that fires late because the event loop was blocked proves nothing about the provider: its answer may lie unread in
 * the socket. Such a timer gives the loop this long to read before it judges.
 */
const graceMs = 25;

/** Opens the limits of one attempt. One controller and one timer, whatever the number of phases: the timer is moved lazily. */
export function openDeadline({ clock, provider, signals, endsAtMs, endPhase }: DeadlineOptions): AttemptDeadline {
  const controller = new AbortController();
  const openedAtMs = clock.nowMs();
  let phase: Phase = endPhase;
  let phaseStartMs = openedAtMs;
  let dueMs = endsAtMs;
  let timerMs = Infinity;
  let cancelTimer: (() => void) | undefined;
  let graceGiven = false;

  const arm = (atMs: number): void => {
    cancelTimer?.();
    timerMs = atMs;
    cancelTimer = clock.schedule(Math.max(0, atMs - clock.nowMs()), onTimer);
  };
  const setDue = (atMs: number): void => {
    dueMs = atMs;
    graceGiven = false;
    // A timer that is set too early only wakes up and moves itself: cheaper than moving it at every piece of a stream.
    if (atMs < timerMs) arm(atMs);
  };
  const onTimer = (): void => {
    const nowMs = clock.nowMs();
    const latenessMs = nowMs - timerMs;
    timerMs = Infinity;
    if (nowMs < dueMs) return arm(dueMs);
    if (!graceGiven && latenessMs > Math.min(graceMs, (dueMs - phaseStartMs) / 2)) {
      graceGiven = true;
      return arm(nowMs + graceMs);
    }
    controller.abort(timeoutError(provider, phase, dueMs - phaseStartMs));
  };
  const listeners = signals.map((signal) => ({ signal, onAbort: () => controller.abort(signal.reason) }));
  for (const { signal, onAbort } of listeners) {
    if (signal.aborted) controller.abort(signal.reason);
    else signal.addEventListener('abort', onAbort, { once: true });
  }
  setDue(endsAtMs);
  return {
    signal: controller.signal,
    enter(next, limitMs) {
      const nowMs = clock.nowMs();
      const untilMs = nowMs + limitMs;
      phase = untilMs < endsAtMs ? next : endPhase;
      phaseStartMs = untilMs < endsAtMs ? nowMs : openedAtMs;
      setDue(Math.min(untilMs, endsAtMs));
    },
    pause() {
      phase = endPhase;
      phaseStartMs = openedAtMs;
      setDue(endsAtMs);
    },
    abort: (reason) => controller.abort(reason),
    dispose() {
      cancelTimer?.();
      for (const { signal, onAbort } of listeners) signal.removeEventListener('abort', onAbort);
    },
  };
}

const waitedFor: Readonly<Record<Phase, string>> = {
  connect: 'no connection',
  'first-token': 'no content',
  idle: 'nothing more',
  total: 'no complete answer',
  deadline: 'no complete answer before the deadline of the call',
};

/** The error of a limit that ran out. `deadline` belongs to the call and ends it; the others belong to one attempt. */
export function timeoutError(provider: string | undefined, phase: Phase, limitMs: number): RouterError<'timeout'> {
  const who = provider === undefined ? '' : `${provider}: `;
  return new RouterError('timeout', `${who}${waitedFor[phase]} within ${Math.round(limitMs)} ms.`, { provider, phase });
}
