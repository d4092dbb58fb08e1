/**
 * As much of an `AbortSignal` as the engine's own stop needs. Every attempt listens to it, and a platform signal takes
 * several times as long to add and remove a listener as the rest of an attempt's book-keeping.
 */
export interface StopSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  listen(listener: () => void): Listening;
  throwIfAborted(): void;
}

/** One who listens. */
export interface Listening {
  /** Not called any more, and let go of. */
  remove(): void;
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
  #listeners: Link | undefined;
  #stopped: { readonly reason: unknown } | undefined;

  get aborted(): boolean {
    return this.#stopped !== undefined;
  }

  get reason(): unknown {
    return this.#stopped?.reason;
  }

  listen(listener: () => void): Listening {
    this.#listeners ??= new Link(undefined);
    return this.#listeners.addBefore(listener);
  }

  throwIfAborted(): void {
    if (this.#stopped !== undefined) throw this.#stopped.reason;
  }

  stop(reason: unknown): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = { reason };
    this.#listeners?.callAll();
  }
}

/**
 * A ring of listeners, whose first link stands for none. No `Set`: attempts come and go, and of a `Set` that is put in order again and
 * again the collector of new objects takes every earlier state for alive, with all that it held: each answer was copied twice for it.
 */
class Link implements Listening {
  #listener: (() => void) | undefined;
  #previous: Link = this;
  #next: Link = this;

  constructor(listener: (() => void) | undefined) {
    this.#listener = listener;
  }

  addBefore(listener: () => void): Link {
    const added = new Link(listener);
    added.#previous = this.#previous;
    added.#next = this;
    this.#previous.#next = added;
    this.#previous = added;
    return added;
  }

  remove(): void {
    this.#previous.#next = this.#next;
    this.#next.#previous = this.#previous;
    this.#previous = this.#next = this;
    this.#listener = undefined;
  }

  callAll(): void {
    while (this.#next !== this) {
      const first = this.#next;
      const listener = first.#listener;
      first.remove();
      listener?.();
    }
  }
}
