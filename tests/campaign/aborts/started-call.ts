import { setTimeout as sleep } from 'node:timers/promises';
import { type CallOptions, type ChatRequest, type EventName, eventNames, type Router } from '../../../src/index.ts';
import type { Canaries } from '../_kit/canaries.ts';
import { sharedNowMs } from './upstream.ts';

export type Verb = 'chat' | 'stream';

/** A call under way, and what can be seen of it from outside. */
export interface StartedCall {
  readonly requestId: string;
  readonly controller: AbortController;
  readonly seen: Seen;
  /** Resolves when the call has settled, or its stream has ended, however that was. */
  readonly ended: Promise<Ended>;
}

export interface Seen {
  pieces: number;
  hasFinish: boolean;
  /** Names of the events of this call, in order. */
  readonly events: EventName[];
  /** Events that came after the one that ended it. */
  late: number;
}

export interface Ended {
  readonly atMs: number;
  /** Undefined where it ended well. */
  readonly error: unknown;
}

/** Starts a call and reads it to its end. The events of a call begin while it is being made, so that the first one names it. */
export function startCall(router: Router, verb: Verb, request: ChatRequest, canaries: Canaries, options: CallOptions = {}): StartedCall {
  const controller = new AbortController();
  const seen: Seen = { pieces: 0, hasFinish: false, events: [], late: 0 };
  const requestId = { current: '' };
  router.once('request:start', (payload) => void (requestId.current = payload.requestId));
  const merged = { ...options, signal: controller.signal };
  const work = verb === 'chat' ? router.chat(request, merged) : read(router, request, merged, seen);
  const ended = work.then(
    () => ({ atMs: sharedNowMs(), error: undefined }),
    (error: unknown) => ({ atMs: sharedNowMs(), error }),
  );
  void ended.then(({ error }) => canaries.look('error', error));
  watchEvents(router, requestId.current, seen);
  return { requestId: requestId.current, controller, seen, ended };
}

async function read(router: Router, request: ChatRequest, options: CallOptions, seen: Seen): Promise<void> {
  for await (const { choices } of await router.stream(request, options)) {
    if (choices[0]?.delta.content) seen.pieces += 1;
    if (choices[0]?.finish_reason) seen.hasFinish = true;
  }
}

/** Notes every event of one call from now on. */
export function watchEvents(router: Router, requestId: string, seen: Seen): void {
  let isOver = false;
  for (const name of eventNames) {
    router.on(name, (payload) => {
      if ((payload as { requestId?: string }).requestId !== requestId) return;
      if (isOver) seen.late += 1;
      seen.events.push(name);
      isOver ||= name === 'request:end' || name === 'request:error';
    });
  }
}

/** Waits, a millisecond at a time, for what the client sees; throws where it does not come, because then the rig is wrong. */
export async function eventually(isSo: () => boolean, what: string): Promise<void> {
  for (let waited = 0; !isSo(); waited++) {
    if (waited > 3_000) throw new Error(`It did not come to this: ${what}.`);
    await sleep(1);
  }
}
