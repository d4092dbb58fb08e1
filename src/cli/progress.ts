import type { Outgoing } from './io.ts';

export interface Progress {
  show(done: number, note: string): void;
  clear(): void;
}

const barSigns = 24;

/** A bar on one line that is written over, where somebody sees it; otherwise nothing. */
export function createProgress(out: Outgoing, total: number): Progress {
  if (!out.isTerminal) return { show: () => undefined, clear: () => undefined };
  const write = (text: string): void => void out.write(`\r\u001b[K${text}`);
  return {
    show(done, note) {
      const filled = Math.round((done / total) * barSigns);
      const line = `${'█'.repeat(filled)}${'░'.repeat(barSigns - filled)} ${done}/${total}  ${note}`;
      // A line that is wrapped could not be written over.
      write(
        Array.from(line)
          .slice(0, Math.max(0, (out.columns ?? 80) - 1))
          .join(''),
      );
    },
    clear: () => write(''),
  };
}
