import { setTimeout as sleep } from 'node:timers/promises';
import { type ChatStream, type Router, textOf } from '../../../src/index.ts';
import type { Canaries } from '../_kit/canaries.ts';
import { plantedChat } from '../_kit/planted-chat.ts';
import { openRouter, type Scene } from './phases.ts';
import { type Seen, watchEvents } from './started-call.ts';
import { openRequests, sharedNowMs, type Upstream } from './upstream.ts';
import { collectGarbage } from '../../_kit/collect-garbage.ts';

/** One stream that was left without an abort. */
export interface Left {
  readonly way: string;
  /** From the moment it was left until the server saw the connection go; undefined where it did not within two seconds. */
  readonly closedMs: number | undefined;
  /** The router counted it out. */
  readonly isIdle: boolean;
  /** Times that the router said that the call has ended. */
  readonly ends: number;
  readonly failures: number;
  readonly seen: Seen;
}

/** Leaves the stream in its own way, and gives the time at which it was left. */
type Leave = (stream: ChatStream) => Promise<number>;

/** The limit that ends a stream which nobody reads. */
const unreadMs = 400;
const goneMs = 2_000;

/** Every way in which a reader goes, beside an abort. `manner`: what the server does meanwhile. */
export const ways: readonly { readonly name: string; readonly manner: string; readonly leave: Leave }[] = [
  { name: 'break while content flows', manner: 'flow', leave: leaveByBreak },
  { name: 'return() while content flows', manner: 'flow', leave: leaveByReturn },
  { name: 'return() while next() waits', manner: 'pause', leave: leaveWhileWaiting },
  { name: 'return() before anything was read', manner: 'flow', leave: leaveUnread },
  { name: 'throw out of the loop after the finish reason', manner: 'finish', leave: leaveByThrow },
];

async function leaveByBreak(stream: ChatStream): Promise<number> {
  let pieces = 0;
  let leftAtMs = Number.NaN;
  for await (const _ of stream) {
    leftAtMs = sharedNowMs();
    if (++pieces === 2) break;
  }
  return leftAtMs;
}

async function leaveByReturn(stream: ChatStream): Promise<number> {
  const iterator = stream[Symbol.asyncIterator]();
  await iterator.next();
  const leftAtMs = sharedNowMs();
  await iterator.return?.();
  return leftAtMs;
}

async function leaveWhileWaiting(stream: ChatStream): Promise<number> {
  const iterator = stream[Symbol.asyncIterator]();
  await iterator.next();
  const waiting = iterator.next();
  await sleep(2);
  const leftAtMs = sharedNowMs();
  await iterator.return?.();
  // It ends with the stream; where it does not, the server will tell that it goes on.
  await Promise.race([waiting, sleep(1_000)]);
  return leftAtMs;
}

async function leaveUnread(stream: ChatStream): Promise<number> {
  const leftAtMs = sharedNowMs();
  await stream[Symbol.asyncIterator]().return?.();
  return leftAtMs;
}

async function leaveByThrow(stream: ChatStream): Promise<number> {
  let leftAtMs = Number.NaN;
  try {
    for await (const { choices } of stream) {
      leftAtMs = sharedNowMs();
      if (choices[0]?.finish_reason) throw new Error('seen enough');
    }
  } catch {
    return leftAtMs;
  }
  throw new Error('The stream ended by itself.');
}

/** Opens a stream, leaves it, and measures how long the server is kept. */
export async function leaveOnce(scene: Scene, way: (typeof ways)[number]): Promise<Left> {
  const router = openRouter(scene);
  const { seen, stream } = await openWatched(router, scene.canaries, `do:${way.manner}:${scene.key}`);
  const leftAtMs = await way.leave(await stream);
  return measure(way.name, leftAtMs, scene, router, seen);
}

/** A stream that is held and never read: its deadline ends it. */
export async function neverRead(scene: Scene): Promise<Left> {
  const router = openRouter(scene, { deadlineMs: unreadMs });
  const startMs = sharedNowMs();
  const { seen, stream } = await openWatched(router, scene.canaries, `do:flow:${scene.key}`);
  const held = await stream;
  const left = await measure('never read, until the deadline', startMs + unreadMs, scene, router, seen);
  scene.canaries.look('route', held.route);
  return left;
}

/** Streams that nobody holds any more, some of them begun: the collector takes them, and the time counts from there. */
export async function dropAll(scenes: readonly Scene[]): Promise<Left[]> {
  const dropped = await Promise.all(scenes.map((scene, index) => drop(scene, index % 2 === 1)));
  await sleep(10);
  collectGarbage();
  const leftAtMs = sharedNowMs();
  // One that is still held by somebody was not dropped, and proves nothing.
  await sleep(0);
  if (dropped.some(({ stream }) => stream.deref() !== undefined)) throw new Error('A dropped stream is still held.');
  return Promise.all(dropped.map(({ scene, router, seen }) => measure('dropped and collected', leftAtMs, scene, router, seen)));
}

interface Dropped {
  readonly scene: Scene;
  readonly router: Router;
  readonly seen: Seen;
  readonly stream: WeakRef<ChatStream>;
}

async function drop(scene: Scene, isBegun: boolean): Promise<Dropped> {
  const router = openRouter(scene);
  const { seen, stream } = await openWatched(router, scene.canaries, `do:flow:${scene.key}`);
  const held = await stream;
  if (isBegun) await held[Symbol.asyncIterator]().next();
  return { scene, router, seen, stream: new WeakRef(held) };
}

/** In an object, because a promise would be taken for what it promises. */
async function openWatched(
  router: Router,
  canaries: Canaries,
  text: string,
): Promise<{ readonly seen: Seen; readonly stream: Promise<ChatStream> }> {
  const seen: Seen = { pieces: 0, hasFinish: false, events: [], late: 0 };
  router.once('request:start', ({ requestId }) => watchEvents(router, requestId, seen));
  return { seen, stream: router.stream(plantedChat(canaries, text)) };
}

/** Streams that somebody still reads, or may read, when the collector comes. How many of them were cut off. */
export async function keepAll(scenes: readonly Scene[]): Promise<number> {
  const kept = await Promise.all(scenes.map((scene, index) => keep(scene, index)));
  await sleep(10);
  collectGarbage();
  await sleep(20);
  const going = await Promise.all(kept.map(({ readOn }) => readOn()));
  for (const { router } of kept) void router.close({ drainMs: 0 });
  return going.filter((isGoing) => !isGoing).length;
}

/** By its iterator alone, by a loop under way, by its text alone, or whole and not begun. */
async function keep(scene: Scene, index: number): Promise<{ readonly router: Router; readonly readOn: () => Promise<boolean> }> {
  const router = openRouter(scene);
  const { seen, stream } = await openWatched(router, scene.canaries, `do:flow:${scene.key}`);
  if (index % 4 === 0) return { router, readOn: readOnOf((await stream)[Symbol.asyncIterator]()) };
  if (index % 4 === 1) return { router, readOn: readOnOf(textOf(await stream)) };
  if (index % 4 === 2) {
    const loop = countTo(await stream, 30);
    return { router, readOn: async () => (await loop) === 30 && seen.events.at(-1) === 'request:end' };
  }
  const held = await stream;
  return { router, readOn: () => readOnOf(held[Symbol.asyncIterator]())() };
}

function readOnOf(iterator: AsyncIterator<unknown>): () => Promise<boolean> {
  return async () => {
    const read = [await iterator.next(), await iterator.next(), await iterator.next()];
    await iterator.return?.();
    return read.every(({ done }) => done !== true);
  };
}

async function countTo(stream: ChatStream, most: number): Promise<number> {
  let count = 0;
  for await (const _ of stream) if (++count === most) break;
  return count;
}

async function measure(way: string, leftAtMs: number, { upstream, key, canaries }: Scene, router: Router, seen: Seen): Promise<Left> {
  const isGone = await upstream.until(isClosed(upstream, key), key, goneMs);
  const { inFlight, providers } = router.snapshot();
  canaries.look('snapshot', router.snapshot());
  const failures = providers.reduce((sum, provider) => sum + provider.failures, 0);
  void router.close({ drainMs: 0 });
  return {
    way,
    closedMs: isGone ? Math.max(...upstream.fateOf(key).closedAtMs) - leftAtMs : undefined,
    isIdle: inFlight === 0,
    ends: seen.events.filter((name) => name === 'request:end' || name === 'request:error').length,
    failures,
    seen,
  };
}

function isClosed(upstream: Upstream, key: string): () => boolean {
  return () => openRequests(upstream.fateOf(key)) === 0 && upstream.fateOf(key).arrivedAtMs.length > 0;
}
