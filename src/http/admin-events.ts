import { type Clock, type EventName, eventNames, isRouterError, type Listener, type Router } from '../index.ts';
import type { AdminEvent } from './admin-contract.ts';
import { deskOf, tellChange } from './admin-desk.ts';
import { adminHeaders } from './admin-page.ts';
import { HttpRefusal } from './failure.ts';
import { sseFrame, streamResponse } from './respond.ts';
import type { Exchange } from './route.ts';

/** Pages that may be open at once; each listens to every event. */
export const mostReaders = 16;

/** Events that wait for one reader; of more the oldest are given up. */
export const mostWaiting = 256;
const silenceMs = 15_000;

/** `GET events` */
export async function answerEvents(exchange: Exchange): Promise<Response> {
  const { router, config, call } = exchange;
  const desk = deskOf(config);
  if (desk.readers >= mostReaders) {
    const message = `More than ${mostReaders} pages are open.`;
    throw new HttpRefusal({ status: 429, code: 'too_many_readers', message, retryAfterMs: 15_000 });
  }
  desk.readers += 1;
  const onEnd = (): void => void (desk.readers -= 1);
  const frames = followEvents({ router, clock: config.clock, signal: call.signal, onEnd });
  tellChange(config, { action: 'login', keys: [], ok: true });
  return streamResponse({ type: 'text/event-stream', headers: adminHeaders, frames }, exchange);
}

/** A comment of a server-sent stream: it keeps what stands between from cutting a silent connection. */
const comment = ': \n\n';

interface Follower {
  readonly router: Router;
  readonly clock: Clock;
  /** Of this one reader. */
  readonly signal: AbortSignal | undefined;
  /** Runs once, when nothing is listened to any more. */
  readonly onEnd: () => void;
}

/**
 * Every event of the router from now on, as frames. What is announced while the reader is slow waits, up to a bound. It ends with the
 * signal, with `return()`, and some time after the router was closed.
 */
function followEvents({ router, clock, signal, onEnd }: Follower): AsyncIterableIterator<string> {
  const waiting: AdminEvent[] = [];
  let id = 0;
  let isBegun = false;
  let isOver = false;
  let wake: (() => void) | undefined;
  const leave = listenToAll(router, (name, payload) => {
    id += 1;
    if (waiting.length >= mostWaiting) waiting.shift();
    waiting.push({ id, atMs: clock.wallMs(), name, payload: shown(payload) });
    wake?.();
  });
  const stop = (): void => {
    if (isOver) return;
    isOver = true;
    leave();
    wake?.();
    onEnd();
  };
  const next = async (): Promise<IteratorResult<string, undefined>> => {
    if (isBegun && waiting.length === 0 && !isOver) {
      await silence(clock, (end) => void (wake = end));
      wake = undefined;
    }
    if (waiting.length === 0 && router.snapshot().closed) stop();
    if (isOver) return { done: true, value: undefined };
    // The first frame says at once that the stream stands.
    const event = isBegun ? waiting.shift() : undefined;
    isBegun = true;
    return { done: false, value: event === undefined ? comment : sseFrame(event) };
  };
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted === true) stop();
  return iteratorOf(next, stop);
}

function iteratorOf(next: () => Promise<IteratorResult<string, undefined>>, stop: () => void): AsyncIterableIterator<string> {
  const iterator: AsyncIterableIterator<string> = {
    next,
    async return() {
      stop();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}

/** Resolves when it has lasted too long, or when the function that `onBegin` gets is called. */
function silence(clock: Clock, onBegin: (end: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.schedule(silenceMs, resolve, true);
    onBegin(() => {
      cancel();
      resolve();
    });
  });
}

/** Gives what takes the listeners off again. */
function listenToAll(router: Router, hear: (name: EventName, payload: object) => void): () => void {
  const listeners = eventNames.map((name): readonly [EventName, Listener<EventName>] => [name, (payload) => hear(name, payload)]);
  for (const [name, listener] of listeners) router.on(name, listener);
  return () => {
    for (const [name, listener] of listeners) router.off(name, listener);
  };
}

/** Payloads are safe as they are, but for errors: a foreign one may be anything. */
function shown(payload: object): AdminEvent['payload'] {
  return Object.fromEntries(Object.entries(payload).map(([name, value]) => [name, name === 'error' ? shownError(value) : value]));
}

/** An error as data. Of a foreign one nothing is told. */
export function shownError(error: unknown): { readonly code: string; readonly message: string } {
  return isRouterError(error)
    ? { code: error.code, message: error.message }
    : { code: 'foreign', message: 'An error that does not come from the router.' };
}
