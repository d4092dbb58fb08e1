import type { AdminEvent } from '../http/admin-contract.ts';
import { type Api, ApiFailure } from './api.ts';
import { random, schedule, wallMs } from './browser.ts';

/** The stream of events, as it stands. Times are of this machine's clock. */
export type Link =
  | { readonly is: 'connecting' }
  | { readonly is: 'live' }
  | { readonly is: 'lost'; readonly sinceMs: number; readonly retryAtMs: number };

export interface FeedListener {
  onEvents(events: readonly AdminEvent[]): void;
  onLink(link: Link): void;
  /** Events that were not delivered: so many, or nobody knows how many where the stream broke. */
  onGap(missed: number | undefined): void;
  onRefused(): void;
}

const firstDelayMs = 500;
const longestDelayMs = 15_000;
/** The server gives a sign of life every 15 s. */
const silenceMs = 40_000;
/** What happens within this time is shown at once. */
const gatherMs = 120;

/** Follows the events until it is ended, over one connection after the other. */
export function followFeed(api: Api, listener: FeedListener): () => void {
  const over = new AbortController();
  void follow(api, listener, over.signal);
  return () => over.abort();
}

async function follow(api: Api, listener: FeedListener, over: AbortSignal): Promise<void> {
  let delayMs = firstDelayMs;
  let lostAtMs: number | undefined;
  listener.onLink({ is: 'connecting' });
  while (!over.aborted) {
    const begun = (): void => {
      if (lostAtMs !== undefined) listener.onGap(undefined);
      lostAtMs = undefined;
      delayMs = firstDelayMs;
      listener.onLink({ is: 'live' });
    };
    const ending = await readOnce(api, listener, over, begun);
    if (over.aborted) return;
    if (ending === 'refused') return listener.onRefused();
    lostAtMs ??= wallMs();
    const waitMs = delayMs * (0.75 + random() / 2);
    delayMs = Math.min(delayMs * 2, longestDelayMs);
    listener.onLink({ is: 'lost', sinceMs: lostAtMs, retryAtMs: wallMs() + waitMs });
    await pause(waitMs, over);
  }
}

/** Reads one connection to its end. */
async function readOnce(api: Api, listener: FeedListener, over: AbortSignal, onBegin: () => void): Promise<'ended' | 'refused'> {
  const cut = new AbortController();
  const onOver = (): void => cut.abort();
  over.addEventListener('abort', onOver, { once: true });
  const gather = gatherEvents(listener);
  let cancelSilence = schedule(silenceMs, onOver);
  let lastId: number | undefined;
  try {
    for await (const event of api.events(cut.signal)) {
      cancelSilence();
      cancelSilence = schedule(silenceMs, onOver);
      if (lastId === undefined) onBegin();
      lastId ??= 0;
      if (event === undefined) continue;
      if (event.id > lastId + 1) gather.gap(event.id - lastId - 1);
      lastId = event.id;
      gather.add(event);
    }
    return 'ended';
  } catch (error) {
    return error instanceof ApiFailure && error.status === 401 ? 'refused' : 'ended';
  } finally {
    cancelSilence();
    gather.flush();
    over.removeEventListener('abort', onOver);
  }
}

/** A busy router tells of hundreds of events in a second, and the page is drawn only so often. */
function gatherEvents(listener: FeedListener): { add(event: AdminEvent): void; gap(missed: number): void; flush(): void } {
  let gathered: AdminEvent[] = [];
  let cancel: (() => void) | undefined;
  const flush = (): void => {
    cancel?.();
    cancel = undefined;
    const events = gathered;
    gathered = [];
    if (events.length > 0) listener.onEvents(events);
  };
  return {
    add(event) {
      gathered.push(event);
      cancel ??= schedule(gatherMs, flush);
    },
    gap(missed) {
      flush();
      listener.onGap(missed);
    },
    flush,
  };
}

function pause(delayMs: number, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      over.removeEventListener('abort', end);
      resolve();
    };
    const cancel = schedule(delayMs, end);
    over.addEventListener('abort', end);
  });
}
