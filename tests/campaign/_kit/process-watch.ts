/** What a process must not see while the router works: rejections and exceptions that nobody takes, and warnings of the platform. */
export interface ProcessWatch {
  readonly seen: readonly string[];
  stop(): void;
}

export function watchProcess(): ProcessWatch {
  const seen: string[] = [];
  const names = ['unhandledRejection', 'uncaughtException', 'warning'] as const;
  const listeners = names.map((name) => ({ name, listener: (what: unknown) => void seen.push(`${name}: ${String(what).slice(0, 200)}`) }));
  for (const { name, listener } of listeners) process.on(name, listener);
  return {
    seen,
    stop() {
      for (const { name, listener } of listeners) process.off(name, listener);
    },
  };
}
