import { type Link, Ring } from './ring.ts';

/**
 * As much of an `AbortSignal` as the engine's own stop needs. Every attempt listens to it, and a platform signal takes
 * several times as long to add and remove a listener as the rest of an attempt's book-keeping.
 */
export interface StopSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  /** Until it is removed. */
  listen(listener: () => void): Link;
  throwIfAborted(): void;
}

/** The signal, in the hand of whoever may stop. */
export interface Stop extends StopSignal {
  stop(reason: unknown): void;
}

/** Listeners are called once, in the order in which they came. */
export function createStop(): Stop {
  return new ListenedStop();
}

/** A class, because there is one for every stream. */
class ListenedStop implements Stop {
  /** Made for the first one: hardly any stream has one. */
  #listeners: Ring<() => void> | undefined;
  #stopped: { readonly reason: unknown } | undefined;

  get aborted(): boolean {
    return this.#stopped !== undefined;
  }

  get reason(): unknown {
    return this.#stopped?.reason;
  }

  listen(listener: () => void): Link {
    this.#listeners ??= new Ring();
    return this.#listeners.add(listener);
  }

  throwIfAborted(): void {
    if (this.#stopped !== undefined) throw this.#stopped.reason;
  }

  stop(reason: unknown): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = { reason };
    for (let listener = this.#listeners?.shift(); listener !== undefined; listener = this.#listeners?.shift()) listener();
  }
}

/** Listens to a signal of either kind, until the link is removed. */
export function listenTo(signal: AbortSignal | StopSignal, listener: () => void): Link {
  if ('listen' in signal) return signal.listen(listener);
  signal.addEventListener('abort', listener, { once: true });
  return { remove: () => signal.removeEventListener('abort', listener) };
}
