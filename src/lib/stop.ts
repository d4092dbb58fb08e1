/**
 * As much of an `AbortSignal` as the engine's own stop needs. Every attempt listens to it, and a platform signal takes
 * several times as long to add and remove a listener as the rest of an attempt's book-keeping.
 */
export interface StopSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(name: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(name: 'abort', listener: () => void): void;
  throwIfAborted(): void;
}

/** Listeners are called once, in the order in which they came. */
export function createStop(): { readonly signal: StopSignal; stop(reason: unknown): void } {
  const listeners = new Set<() => void>();
  let stopped: { readonly reason: unknown } | undefined;
  return {
    signal: {
      get aborted() {
        return stopped !== undefined;
      },
      get reason() {
        return stopped?.reason;
      },
      addEventListener: (_, listener) => void listeners.add(listener),
      removeEventListener: (_, listener) => void listeners.delete(listener),
      throwIfAborted() {
        if (stopped !== undefined) throw stopped.reason;
      },
    },
    stop(reason) {
      if (stopped !== undefined) return;
      stopped = { reason };
      for (const listener of listeners) listener();
      listeners.clear();
    },
  };
}

/** One promise that is waited for at a time, and a way to wait no longer. */
export interface Wait {
  /** The promise, or the reason of `stop` as soon as that is called. What the promise says after it goes nowhere. */
  for<Value>(promise: Promise<Value>): Promise<Value>;
  stop(reason: unknown): void;
}

export function createWait(): Wait {
  let stopped: { readonly reason: unknown } | undefined;
  let giveUp: ((reason: unknown) => void) | undefined;
  return {
    for: (promise) =>
      new Promise((resolve, reject) => {
        if (stopped === undefined) giveUp = reject;
        else reject(stopped.reason);
        // After a stop this has settled, and what the promise still says changes nothing.
        promise.then(resolve, reject);
      }),
    stop(reason) {
      stopped ??= { reason };
      // Rejecting what has settled already does nothing.
      giveUp?.(stopped.reason);
    },
  };
}
