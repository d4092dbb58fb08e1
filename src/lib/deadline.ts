import { type Phase, RouterError } from '../core/errors.ts';
import type { Clock } from './clock.ts';
import type { Link } from './ring.ts';
import { listenTo, type StopSignal } from './stop.ts';

/** The limits of one attempt on one signal. Only the phase in force counts, and never beyond the end of the attempt. */
export interface AttemptDeadline {
  /** Aborts for the caller, for shutdown, or for a limit; its reason says which. */
  readonly signal: AbortSignal;
  /** The promise, or the reason of `signal` as soon as it aborts. One at a time. */
  waitFor<Value>(promise: Promise<Value>): Promise<Value>;
  /** From now on the attempt waits for `phase`, at most `limitMs` milliseconds. Gives the time on the clock. */
  enter(phase: Phase, limitMs: number): number;
  /** Nothing is awaited from the provider: it is our reader that takes its time. Only the end of the attempt holds. Gives the time on the clock. */
  pause(): number;
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
  /** Where the clock has just been asked. */
  readonly nowMs?: number;
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
export function openDeadline(options: DeadlineOptions): AttemptDeadline {
  return new Deadline(options);
}

/**
 * Rings with the length of the limit that ran out. It is moved lazily: one that is set too early wakes up and moves itself. A class to extend
 * rather than to hold, as what is touched with every token of a thousand streams is never in the processor's caches.
 */
abstract class Alarm {
  protected readonly clock: Clock;
  #fromMs = 0;
  #dueMs = Infinity;
  #timerMs = Infinity;
  #graceGiven = false;
  #cancelTimer: (() => void) | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  protected abstract ring(limitMs: number): void;

  protected set(fromMs: number, dueMs: number, nowMs: number): void {
    this.#fromMs = fromMs;
    this.#dueMs = dueMs;
    this.#graceGiven = false;
    // Moving the timer at every piece of a stream would cost more than waking up for nothing now and then.
    if (dueMs < this.#timerMs) this.#arm(dueMs, nowMs);
  }

  protected cancel(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    // Whoever still comes with a limit arms nothing.
    this.#timerMs = -Infinity;
  }

  #arm(atMs: number, nowMs: number): void {
    this.#cancelTimer?.();
    this.#timerMs = atMs;
    this.#cancelTimer = this.clock.schedule(Math.max(0, atMs - nowMs), () => this.#onTimer());
  }

  #onTimer(): void {
    const nowMs = this.clock.nowMs();
    const latenessMs = nowMs - this.#timerMs;
    this.#timerMs = Infinity;
    if (nowMs < this.#dueMs) return this.#arm(this.#dueMs, nowMs);
    if (!this.#graceGiven && latenessMs > Math.min(graceMs, (this.#dueMs - this.#fromMs) / 2)) {
      this.#graceGiven = true;
      return this.#arm(nowMs + graceMs, nowMs);
    }
    return this.ring(this.#dueMs - this.#fromMs);
  }
}

/** A class, because there is one for every attempt: as closures it was four times as large. */
class Deadline extends Alarm implements AttemptDeadline {
  readonly signal: AbortSignal;
  readonly #provider: string;
  readonly #signals: DeadlineOptions['signals'];
  readonly #controller = new AbortController();
  readonly #openedAtMs: number;
  readonly #endsAtMs: number;
  readonly #endPhase: DeadlineOptions['endPhase'];
  readonly #onAbort = (): void => this.abort(this.#signals.find((signal) => signal?.aborted)?.reason);
  /** At the signals. */
  readonly #links: readonly (Link | undefined)[];
  #phase: Phase;
  #pausedAtMs: number | undefined;
  #giveUp: ((reason: unknown) => void) | undefined;

  constructor({ clock, provider, signals, endPhase, endsAtMs, nowMs = clock.nowMs() }: DeadlineOptions) {
    super(clock);
    this.#provider = provider;
    this.#signals = signals;
    this.#endsAtMs = endsAtMs;
    this.#endPhase = endPhase;
    this.signal = this.#controller.signal;
    this.#openedAtMs = nowMs;
    this.#phase = endPhase;
    this.#links = signals.map((signal) => signal && this.#heed(signal));
    this.set(nowMs, endsAtMs, nowMs);
  }

  waitFor<Value>(promise: Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      if (this.signal.aborted) reject(this.signal.reason as Error);
      else this.#giveUp = reject;
      // After an abort this has settled, and what the promise still says changes nothing.
      promise.then(resolve, reject);
    });
  }

  enter(phase: Phase, limitMs: number): number {
    const nowMs = this.clock.nowMs();
    this.#pausedAtMs = undefined;
    if (nowMs + limitMs >= this.#endsAtMs) this.#toTheEnd(nowMs);
    else {
      this.#phase = phase;
      this.set(nowMs, nowMs + limitMs, nowMs);
    }
    return nowMs;
  }

  pause(): number {
    const nowMs = this.clock.nowMs();
    this.#pausedAtMs = nowMs;
    this.#toTheEnd(nowMs);
    return nowMs;
  }

  pausedAtMs(): number | undefined {
    return this.#pausedAtMs;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
    // Rejecting what has settled already does nothing.
    this.#giveUp?.(this.signal.reason);
  }

  dispose(): void {
    this.cancel();
    for (const link of this.#links) link?.remove();
  }

  protected override ring(limitMs: number): void {
    this.abort(timeoutError(this.#provider, this.#phase, limitMs));
  }

  #heed(signal: AbortSignal | StopSignal): Link | undefined {
    if (!signal.aborted) return listenTo(signal, this.#onAbort);
    this.abort(signal.reason);
    return undefined;
  }

  #toTheEnd(nowMs: number): void {
    this.#phase = this.#endPhase;
    this.set(this.#openedAtMs, this.#endsAtMs, nowMs);
  }
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
