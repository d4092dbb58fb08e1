import type { Clock } from '../index.ts';
import type { Action, Ending, Head } from './play.ts';
import { takeTurns } from './turns.ts';

/** Where an answer goes: a socket, or a response of msw. */
export interface Sink {
  head(head: Head): void;
  /** Never called with nothing. */
  write(bytes: Uint8Array): void;
  end(how: Ending): void;
}

/** Before a connection is cut, its client gets the chance to read what was sent: it forgets what it has not read by then. */
const turnsBeforeCut = 4;

/**
 * Carries the actions out, until they are over (`done`), ask for the script (`again`), or `gone` aborts, which means that nobody
 * is there any more (`gone`).
 */
export async function perform(actions: readonly Action[], sink: Sink, clock: Clock, gone: AbortSignal): Promise<'done' | 'again' | 'gone'> {
  let writes = 0;
  for (const action of actions) {
    if (gone.aborted) return 'gone';
    switch (action.act) {
      case 'wait':
        await pause(clock, action.ms, gone);
        break;
      case 'stall':
        await aborted(gone);
        break;
      case 'head':
        sink.head(action);
        break;
      case 'bytes':
        if (action.bytes.length === 0) break;
        // One turn of the loop between two writes, or the system would join them.
        if (writes++ > 0) await takeTurns(1);
        if (gone.aborted) return 'gone';
        sink.write(action.bytes);
        break;
      case 'close':
        // No turn before a regular end: a client that has read the last piece may leave at once, and that is no abort.
        if (action.how === 'fin' || action.how === 'rst') await takeTurns(turnsBeforeCut);
        sink.end(action.how);
        return 'done';
      case 'again':
        return 'again';
    }
  }
  return 'gone';
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Resolves when the time is over or nobody waits any more; either way no timer is left. */
function pause(clock: Clock, ms: number, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      cancel();
      resolve();
    };
    const cancel = clock.schedule(ms, () => {
      gone.removeEventListener('abort', stop);
      resolve();
    });
    gone.addEventListener('abort', stop, { once: true });
  });
}
