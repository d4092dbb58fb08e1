/** There is nothing yet. */
export const pending: unique symbol = Symbol('pending');

/**
 * What comes piece by piece and is read through several layers. With a promise in each of them a token that comes alone costs more in promises
 * and in frames of async functions, all of them out of the processor's caches by the time it comes, than in everything that is done with it.
 */
export interface Polled<Value> {
  /**
   * The next value; undefined at the end; `pending` where there is none yet. Then `wake` is called when it is of use to ask again, perhaps
   * for nothing, and perhaps in the middle of what is being told: who asks again does so in a microtask. Before that it means nothing.
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

type Outcome<Result> = { readonly result: Result } | { readonly error: unknown };

/** Polls what gives promises. */
export class PolledPromises<Value, Result> implements Polled<Value> {
  readonly #next: () => Promise<Result>;
  readonly #valueOf: (result: Result) => Value | undefined;
  #outcome: Outcome<Result> | undefined;
  #isAsked = false;
  #wake: (() => void) | undefined;
  // Once, and not for each of them.
  readonly #onResult = (result: Result): void => this.#settle({ result });
  readonly #onError = (error: unknown): void => this.#settle({ error });

  /**
   * @param next Not called again before its promise has settled.
   * @param valueOf The value in what it gives; undefined at the end.
   */
  constructor(next: () => Promise<Result>, valueOf: (result: Result) => Value | undefined) {
    this.#next = next;
    this.#valueOf = valueOf;
  }

  poll(wake: () => void): Value | typeof pending | undefined {
    const outcome = this.#outcome;
    this.#wake = wake;
    if (outcome === undefined) {
      if (!this.#isAsked) this.#ask();
      return pending;
    }
    this.#outcome = undefined;
    if ('error' in outcome) throw outcome.error;
    return this.#valueOf(outcome.result);
  }

  #ask(): void {
    const next = this.#next();
    this.#isAsked = true;
    next.then(this.#onResult, this.#onError);
  }

  #settle(outcome: Outcome<Result>): void {
    this.#isAsked = false;
    this.#outcome = outcome;
    this.#wake?.();
  }
}
