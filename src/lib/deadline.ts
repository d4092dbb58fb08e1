import { type Phase, RouterError } from '../core/errors.ts';
import type { Clock } from './clock.ts';
import { createWait, type StopSignal } from './stop.ts';

/** The limits of one attempt on one signal. Only the phase in force counts, and never beyond the end of the attempt. */
export interface AttemptDeadline {
  /** Aborts for the caller, for shutdown, or for a limit; its reason says which. */
  readonly signal: AbortSignal;
  /** The promise, or the reason of `signal` as soon as it aborts. One at a time. */
  waitFor<Value>(promise: Promise<Value>): Promise<Value>;
  /** From now on the attempt waits for `phase`, at most `limitMs` milliseconds. */
  enter(phase: Phase, limitMs: number): void;
  /** Nothing is awaited from the provider: it is our reader that takes its time. Only the end of the attempt holds. */
  pause(): void;
  /** Since when our reader takes its time; undefined while the provider is awaited. */
  pausedAtMs(): number | undefined;
  /** Gives the attempt up from our side: whatever still works for it is told to stop. */
  abort(reason: unknown): void;
  /** Cancels the timer and takes the listeners off the signals that were passed in. */
  dispose(): void;
}

export interface DeadlineOptions {
  readonly clock: Clock;
  readonly provider: string;
  /** The caller's signal, where there is one, and the router's shutdown. */
  readonly signals: readonly (AbortSignal | StopSignal | undefined)[];
  /** End of the attempt on the clock, and the name of the limit that set it. */
  readonly endsAtMs: number;
  readonly endPhase: 'total' | 'deadline';
}

/**
 * A timer that fires late because the event loop was blocked proves nothing about the provider: its answer may lie unread in
 * the socket. Such a timer gives the loop this long to read before it judges.
 */
const graceMs = 25;

/** Opens the limits of one attempt. One controller and one timer, whatever the number of phases. */
export function openDeadline({ clock, provider, signals, endsAtMs, endPhase }: DeadlineOptions): AttemptDeadline {
  const controller = new AbortController();
  const wait = createWait();
  const stop = (reason: unknown): void => {
    controller.abort(reason);
    wait.stop(controller.signal.reason);
  };
  const openedAtMs = clock.nowMs();
  let phase: Phase = endPhase;
  let pausedAtMs: number | undefined;
  const alarm = createAlarm(clock, (limitMs) => stop(timeoutError(provider, phase, limitMs)));
  const listeners = signals.filter((signal) => signal !== undefined).map((signal) => ({ signal, onAbort: () => stop(signal.reason) }));
  for (const { signal, onAbort } of listeners) {
    if (signal.aborted) stop(signal.reason);
    else signal.addEventListener('abort', onAbort, { once: true });
  }
  const toTheEnd = (): void => {
    phase = endPhase;
    alarm.set(openedAtMs, endsAtMs);
  };
  toTheEnd();
  return {
    signal: controller.signal,
    waitFor: wait.for,
    enter(next, limitMs) {
      const nowMs = clock.nowMs();
      pausedAtMs = undefined;
      if (nowMs + limitMs >= endsAtMs) return toTheEnd();
      phase = next;
      alarm.set(nowMs, nowMs + limitMs);
    },
    pause() {
      pausedAtMs = clock.nowMs();
      toTheEnd();
    },
    pausedAtMs: () => pausedAtMs,
    abort: stop,
    dispose() {
      alarm.cancel();
      for (const { signal, onAbort } of listeners) signal.removeEventListener('abort', onAbort);
    },
  };
}

interface Alarm {
  set(fromMs: number, dueMs: number): void;
  cancel(): void;
}

/** Rings once, with the length of the limit that ran out. It is moved lazily: one that is set too early wakes up and moves itself. */
function createAlarm(clock: Clock, ring: (limitMs: number) => void): Alarm {
  let fromMs = 0;
  let dueMs = Infinity;
  let timerMs = Infinity;
  let graceGiven = false;
  let cancelTimer: (() => void) | undefined;
  const arm = (atMs: number): void => {
    cancelTimer?.();
    timerMs = atMs;
    cancelTimer = clock.schedule(Math.max(0, atMs - clock.nowMs()), onTimer);
  };
  const onTimer = (): void => {
    const nowMs = clock.nowMs();
    const latenessMs = nowMs - timerMs;
    timerMs = Infinity;
    if (nowMs < dueMs) return arm(dueMs);
    if (!graceGiven && latenessMs > Math.min(graceMs, (dueMs - fromMs) / 2)) {
      graceGiven = true;
      return arm(nowMs + graceMs);
    }
    ring(dueMs - fromMs);
  };
  return {
    set(from, due) {
      fromMs = from;
      dueMs = due;
      graceGiven = false;
      // Moving the timer at every piece of a stream would cost more than waking up for nothing now and then.
      if (due < timerMs) arm(due);
    },
    cancel() {
      cancelTimer?.();
      // Whoever still comes with a limit arms nothing.
      timerMs = -Infinity;
    },
  };
}

const waitedFor: Readonly<Record<Phase, string>> = {
  connect: 'no connection',
  'first-token': 'no content',
  throughput: 'too little content',
  idle: 'nothing more',
  total: 'no complete answer',
  deadline: 'no complete answer before the deadline of the call',
};

/** The error of a limit that ran out. `deadline` belongs to the call and ends it; the others belong to one attempt. */
export function timeoutError(provider: string | undefined, phase: Phase, limitMs: number): RouterError<'timeout'> {
  const who = provider === undefined ? '' : `${provider}: `;
  return new RouterError('timeout', `${who}${waitedFor[phase]} within ${Math.round(limitMs)} ms.`, { provider, phase });
}
