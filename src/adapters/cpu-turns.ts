/** One at a time, in the order of asking. */
export interface Turns {
  /** Resolves when it is the caller's turn, with the function that ends it; rejects with the signal's reason while waiting. */
  take(signal: AbortSignal): Promise<() => void>;
  running(): number;
  waiting(): number;
}

export function createTurns(): Turns {
  const queue: (() => void)[] = [];
  let isBusy = false;

  const end = (): void => {
    const next = queue.shift();
    if (next) next();
    else isBusy = false;
  };

  return {
    running: () => (isBusy ? 1 : 0),
    waiting: () => queue.length,
    take(signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason as Error);
        if (!isBusy) {
          isBusy = true;
          return resolve(end);
        }
        const onTurn = (): void => {
          signal.removeEventListener('abort', onAbort);
          resolve(end);
        };
        const onAbort = (): void => {
          queue.splice(queue.indexOf(onTurn), 1);
          reject(signal.reason as Error);
        };
        queue.push(onTurn);
        signal.addEventListener('abort', onAbort, { once: true });
      });
    },
  };
}
