/** There is nothing yet. */
export const pending: unique symbol = Symbol('pending');

/**
 * What comes piece by piece and is read through several layers. With a promise in each of them a token that comes alone costs more in promises
 * and in frames of async functions, all of them out of the processor's caches by the time it comes, than in everything that is done with it.
 */
export interface Polled<Value> {
  /**
   * The next value; undefined at the end; `pending` where there is none yet. Then `wake` is called when it is of use to ask again, never
   * from within `poll`, perhaps in the middle of what is being told, and perhaps for nothing: who asks again does so in a microtask.
   * One asks at a time, and the last `wake` is the one that is called. Throws what broke it.
   */
  poll(wake: () => void): Value | typeof pending | undefined;
}

export function isPolled<Value>(source: object): source is Polled<Value> {
  return 'poll' in source;
}

/** Waits in the place of whoever polls. `wake` leads to him only while he waits, so that whoever keeps it does not keep him. */
export class Waker {
  #resolve: (() => void) | undefined;

  readonly wake = (): void => {
    this.#resolve?.();
    this.#resolve = undefined;
  };

  /** Resolves with the next `wake`. */
  sleep(): Promise<void> {
    return new Promise((resolve) => (this.#resolve = resolve));
  }
}

/** The next value, for those who wait for it; undefined at the end. */
export async function nextOf<Value>(source: Polled<Value>): Promise<Value | undefined> {
  const waker = new Waker();
  for (;;) {
    const value = source.poll(waker.wake);
    if (value !== pending) return value;
    await waker.sleep();
  }
}

type Outcome<Value> = { readonly value: Value | undefined } | { readonly error: unknown };

/** Polls what gives promises. */
export class PolledPromises<Value> implements Polled<Value> {
  readonly #next: () => Promise<Value | undefined>;
  #outcome: Outcome<Value> | undefined;
  #isAsked = false;
  #wake: (() => void) | undefined;

  /** @param next The next value; undefined at the end. Not called again before it has settled. */
  constructor(next: () => Promise<Value | undefined>) {
    this.#next = next;
  }

  poll(wake: () => void): Value | typeof pending | undefined {
    const outcome = this.#outcome;
    if (outcome === undefined) {
      if (!this.#isAsked) this.#ask();
      this.#wake = wake;
      return pending;
    }
    this.#outcome = undefined;
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  #ask(): void {
    const next = this.#next();
    this.#isAsked = true;
    next.then(
      (value) => this.#settle({ value }),
      (error: unknown) => this.#settle({ error }),
    );
  }

  #settle(outcome: Outcome<Value>): void {
    this.#isAsked = false;
    this.#outcome = outcome;
    this.#wake?.();
  }
}
