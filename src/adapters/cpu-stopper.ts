/** One signal for everything that can stop a call. */
export interface Stopper {
  readonly signal: AbortSignal;
  /** Stops the call for a reason of our own, which nobody is told. */
  stop(): void;
  /** Takes the listeners off the signals that were passed in. */
  dispose(): void;
}

/** Aborts with the untouched reason of the first of `signals` that does. */
export function createStopper(signals: readonly AbortSignal[]): Stopper {
  const controller = new AbortController();
  const removals: (() => void)[] = [];
  for (const signal of signals) {
    if (signal.aborted) controller.abort(signal.reason);
    const onAbort = (): void => controller.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    removals.push(() => signal.removeEventListener('abort', onAbort));
  }
  return {
    signal: controller.signal,
    stop: () => controller.abort(),
    dispose() {
      for (const remove of removals) remove();
    },
  };
}
