import { setImmediate } from 'node:timers/promises';

/** Fake backends of this process that wait for a turn of the event loop, and for nothing else. */
let takers = 0;

/** Lets the event loop turn. */
export async function takeTurns(count: number): Promise<void> {
  takers += 1;
  try {
    for (let turn = 0; turn < count; turn++) await setImmediate();
  } finally {
    takers -= 1;
  }
}

/**
 * Turns without news after which nothing is expected any more. A call takes about five of them to its answer, through msw as over
 * the loopback, which delivers at once.
 */
const quietTurns = 16;

/** Resolves when everything has happened that waits for promises, for turns of the loop, and for the writes of fake backends. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < quietTurns; turn = takers === 0 ? turn + 1 : 0) await setImmediate();
}
