/** Calls a function of the application that keeps a log. One that fails is no reason to fail what it is told of. */
export function tellLog(tell: () => unknown): void {
  try {
    const returned = tell();
    if (returned instanceof Promise) returned.catch(() => undefined);
  } catch {
    return;
  }
}
