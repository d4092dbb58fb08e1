import { setTimeout as sleep } from 'node:timers/promises';
import { createRouter, type ProviderOptions, type Router, type RouterOptions } from '../../../src/index.ts';
import type { Canaries } from '../_kit/canaries.ts';
import { plantedChat, plantedProvider } from '../_kit/planted-chat.ts';
import { eventually, type StartedCall, startCall, type Verb } from './started-call.ts';
import { type Fate, openRequests, type Upstream } from './upstream.ts';

/** What one abort is tried in. */
export interface Scene {
  readonly upstream: Upstream;
  readonly canaries: Canaries;
  /** Under which the server reports the request. */
  readonly key: string;
  readonly index: number;
  readonly verb: Verb;
}

/** A call that stands in its phase. */
export interface Entered {
  readonly router: Router;
  readonly call: StartedCall;
  /** What has to hold after the abort beside what holds in every phase. */
  readonly afterwards?: () => Promise<boolean>;
}

export interface Phase {
  readonly name: string;
  readonly verbs: readonly Verb[];
  /** Requests that the server is working on when the phase is reached. */
  readonly open: 0 | 1 | 2;
  enter(scene: Scene): Promise<Entered>;
}

const both: readonly Verb[] = ['chat', 'stream'];
const arrived = ({ arrivedAtMs }: Fate): boolean => arrivedAtMs.length > 0;

/** All the places in which a call can stand when its caller aborts it. */
export const phases: readonly Phase[] = [
  { name: 'queued', verbs: both, open: 0, enter: enterQueued },
  { name: 'connecting', verbs: both, open: 0, enter: enterConnecting },
  { name: 'request sent', verbs: both, open: 1, enter: (scene) => enterRequest(scene, 'silent', 0) },
  { name: 'headers received', verbs: both, open: 1, enter: (scene) => enterRequest(scene, 'head', 5) },
  { name: 'stream before content', verbs: ['stream'], open: 1, enter: (scene) => enterRequest(scene, 'role', 12) },
  { name: 'content flowing', verbs: both, open: 1, enter: enterContent },
  { name: 'after the finish reason', verbs: ['stream'], open: 1, enter: enterFinish },
  { name: 'back-off between attempts', verbs: both, open: 0, enter: enterBackOff },
  { name: 'hedge pair', verbs: both, open: 2, enter: enterHedge },
  { name: 'half-open probe', verbs: both, open: 1, enter: enterProbe },
  { name: 'closing', verbs: both, open: 1, enter: enterClosing },
];

export function openRouter(
  { upstream, canaries, index }: Scene,
  options: Omit<RouterOptions, 'providers'> = {},
  ...more: readonly Partial<ProviderOptions>[]
): Router {
  const provider = plantedProvider(canaries, upstream.url, index % 2 === 0 ? 'key' : 'url');
  const all = (more.length === 0 ? [{}] : more).map((own, index) => [`box${index}`, { ...provider, ...own }] as const);
  const router = createRouter({
    checkModels: false,
    health: false,
    pollMs: false,
    random: () => 0.9,
    ...options,
    providers: Object.fromEntries(all),
  });
  canaries.watch(router);
  return router;
}

export function start({ canaries, verb, key }: Scene, router: Router, manner: string, ownKey: string = key): StartedCall {
  return startCall(router, verb, plantedChat(canaries, `do:${manner}:${ownKey}`), canaries);
}

/** Nothing has been sent: in the same turn in which the call was made, or while it waits for a key that does not come. */
async function enterQueued(scene: Scene): Promise<Entered> {
  const { upstream, key, index } = scene;
  const waiting: ((key: string) => void)[] = [];
  const router = openRouter(scene, {}, { apiKey: () => new Promise<string>((resolve) => waiting.push(resolve)) });
  const call = start(scene, router, 'answer');
  if (index % 4 >= 2) await sleep(1);
  const afterwards = async (): Promise<boolean> => {
    for (const give of waiting) give('late');
    await sleep(3);
    return !arrived(upstream.fateOf(key));
  };
  return { router, call, afterwards };
}

/** A connection that does not come to stand. */
async function enterConnecting(scene: Scene): Promise<Entered> {
  const router = openRouter(scene, {}, { url: scene.upstream.muteUrl });
  const call = start(scene, router, 'answer');
  await sleep(4);
  return { router, call };
}

async function enterRequest(scene: Scene, manner: string, pauseMs: number): Promise<Entered> {
  const router = openRouter(scene);
  const call = start(scene, router, manner);
  await scene.upstream.until(arrived, scene.key, 3_000);
  // For what the server sent to be read.
  await sleep(pauseMs);
  return { router, call };
}

/** A stream with content that goes on; a chat of which half has come. */
async function enterContent(scene: Scene): Promise<Entered> {
  const entered = await enterRequest(scene, 'flow', 5);
  if (scene.verb === 'stream') await eventually(() => entered.call.seen.pieces >= 2, 'content');
  return entered;
}

async function enterFinish(scene: Scene): Promise<Entered> {
  const entered = await enterRequest(scene, 'finish', 0);
  await eventually(() => entered.call.seen.hasFinish, 'the finish reason');
  return entered;
}

/** Waits for another try at the only provider: after a failure of its own, or because it asked for time. */
async function enterBackOff(scene: Scene): Promise<Entered> {
  const router = openRouter(scene);
  let pauses = 0;
  router.on('retry', () => (pauses += 1));
  const call = start(scene, router, scene.index % 4 >= 2 ? 'later' : 'fail');
  await eventually(() => pauses > 0, 'a pause');
  await scene.upstream.until(({ answered }) => answered > 0, scene.key, 3_000);
  return { router, call };
}

/** Two attempts side by side, none with content yet. */
async function enterHedge(scene: Scene): Promise<Entered> {
  const router = openRouter(scene, { hedge: { minDelayMs: 5, minSamples: 1, maxLoad: 1 } }, {}, {});
  for (let sample = 0; sample < 3; sample++) await start(scene, router, 'answer', `${scene.key}-${sample}`).ended;
  const call = start(scene, router, 'silent');
  await scene.upstream.until(({ arrivedAtMs }) => arrivedAtMs.length === 2, scene.key, 3_000);
  return { router, call };
}

/** The one call that tests whether the provider has recovered. After it, the next one has to be let through. */
async function enterProbe(scene: Scene): Promise<Entered> {
  const router = openRouter(scene, { breaker: { failureThreshold: 1, openMs: 10, maxOpenMs: 10, jitter: 0 }, maxAttempts: 1 });
  const seen = { halfOpen: 0, closed: 0 };
  router.on('breaker:half-open', () => (seen.halfOpen += 1));
  router.on('breaker:close', () => (seen.closed += 1));
  await start(scene, router, 'fail', `${scene.key}-before`).ended;
  await sleep(12);
  const call = start(scene, router, 'silent');
  await scene.upstream.until(arrived, scene.key, 3_000);
  const wasProbe = seen.halfOpen === 1;
  const afterwards = async (): Promise<boolean> => {
    const { error } = await start(scene, router, 'answer', `${scene.key}-after`).ended;
    return wasProbe && error === undefined && seen.closed === 1;
  };
  return { router, call, afterwards };
}

/** The router takes nothing new and waits for what is under way. */
async function enterClosing(scene: Scene): Promise<Entered> {
  const entered = await enterRequest(scene, scene.verb === 'stream' ? 'flow' : 'silent', 0);
  const { router } = entered;
  let isClosed = false;
  const closing = router.close({ drainMs: 10_000 }).then(() => (isClosed = true));
  await sleep(2);
  const wasOpen = !isClosed;
  const afterwards = async (): Promise<boolean> => wasOpen && (await Promise.race([closing, sleep(500, false)]));
  return { ...entered, afterwards };
}

/** Whether the server works on as many requests as the phase says. */
export function stands({ open }: Phase, { upstream, key }: Scene): boolean {
  return openRequests(upstream.fateOf(key)) === open;
}
