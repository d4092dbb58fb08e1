import { isThenable } from '../core/thenable.ts';

/**
 * Where a record goes: a function that gets each line without its line break, or something like Node's writable streams, which get it with
 * one. What it throws or rejects with changes nothing for calls; a stream that says `false` is given no more before its `drain`.
 */
export type RecordSink = ((line: string) => unknown) | RecordWriter;

export interface RecordWriter {
  write(line: string): unknown;
  once?(event: 'drain' | 'error', listener: (error?: unknown) => void): unknown;
}

/** Lines that wait for the sink. More are counted and not kept. */
const mostWaiting = 10_000;

export interface Outlet {
  put(line: object): void;
  /** Tells of lines that are missing. What waits for the sink still goes there. */
  end(): void;
}

/** `lost` makes the line that tells of lines that are missing; `onFailure` hears of a sink that failed. */
export function createOutlet(sink: RecordSink, lost: (lines: number) => object, onFailure: (error: unknown) => void): Outlet {
  const waiting: string[] = [];
  let missing = 0;
  const state = { isHeld: false, isFlushing: false };
  const fail = (error: unknown): void => {
    missing += 1;
    onFailure(error);
  };
  const goOn = (): void => {
    state.isHeld = false;
    flush();
  };
  const hold = (until: Promise<unknown>): void => {
    state.isHeld = true;
    until.catch(fail).then(goOn, goOn);
  };
  const give = (text: string): void => {
    try {
      const given = typeof sink === 'function' ? sink(text) : sink.write(`${text}\n`);
      if (isThenable(given)) hold(Promise.resolve(given));
      else if (given === false && typeof sink === 'object' && sink.once !== undefined) {
        state.isHeld = true;
        sink.once('drain', goOn);
      }
    } catch (error) {
      fail(error);
    }
  };
  const flush = (): void => {
    // A sink may make a call of its own, and its line waits for this one.
    if (state.isFlushing) return;
    state.isFlushing = true;
    let next = 0;
    while (!state.isHeld && next < waiting.length) give(waiting[next++] as string);
    waiting.splice(0, next);
    state.isFlushing = false;
  };
  const tellMissing = (): void => {
    if (missing === 0) return;
    waiting.push(JSON.stringify(lost(missing)));
    missing = 0;
  };
  if (typeof sink === 'object') onErrors(sink, fail);
  return {
    put(line) {
      if (waiting.length >= mostWaiting) return void (missing += 1);
      tellMissing();
      waiting.push(JSON.stringify(line));
      flush();
    },
    end() {
      tellMissing();
      flush();
    },
  };
}

/** An error that nobody listens to would end the process, and a writer that goes on after one may fail again. */
function onErrors(sink: RecordWriter, fail: (error: unknown) => void): void {
  sink.once?.('error', (error) => {
    onErrors(sink, fail);
    fail(error);
  });
}
