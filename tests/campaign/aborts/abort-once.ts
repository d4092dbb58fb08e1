import { setTimeout as sleep } from 'node:timers/promises';
import type { Router } from '../../../src/index.ts';
import type { Phase, Scene } from './phases.ts';
import { stands } from './phases.ts';
import type { Ended, Seen } from './started-call.ts';
import { openRequests, sharedNowMs } from './upstream.ts';

/** One abort, measured. */
export interface Abort {
  readonly phase: string;
  readonly key: string;
  /** The call stood where the phase says. */
  readonly stood: boolean;
  readonly abortedAtMs: number;
  readonly settledMs: number;
  /** Until the server saw all connections of the call go; undefined where there was none. */
  readonly closedMs: number | undefined;
  /** Requests that the server still worked on after two seconds. */
  readonly orphans: number;
  readonly keptReason: boolean;
  /** The provider's books and breakers were as before, and nothing was counted as under way any more. */
  readonly leftNoMark: boolean;
  readonly afterwardsHeld: boolean;
  readonly seen: Seen;
}

const orphanMs = 2_000;
const unsettledMs = 3_000;

export async function abortOnce(phase: Phase, scene: Scene): Promise<Abort> {
  const { upstream, key, index } = scene;
  const { router, call, afterwards } = await phase.enter(scene);
  const stood = stands(phase, scene);
  const before = booksOf(router);
  // Anything may be a reason, and whatever it is comes back.
  const reason: unknown = index % 3 === 0 ? `reason ${key}` : index % 3 === 1 ? { key } : new Error(key);
  const abortedAtMs = sharedNowMs();
  call.controller.abort(reason);
  const { atMs, error } = await Promise.race([call.ended, never()]);
  const leftNoMark = booksOf(router) === before && isIdle(router);
  const isClosed = await upstream.until((fate) => openRequests(fate) === 0, key, orphanMs);
  const fate = upstream.fateOf(key);
  const afterwardsHeld = (await afterwards?.()) ?? true;
  scene.canaries.look('snapshot', router.snapshot());
  void router.close({ drainMs: 0 });
  return {
    phase: phase.name,
    key,
    stood,
    abortedAtMs,
    settledMs: atMs - abortedAtMs,
    closedMs: isClosed && fate.closedAtMs.length > 0 ? Math.max(...fate.closedAtMs) - abortedAtMs : undefined,
    orphans: isClosed ? 0 : openRequests(fate),
    keptReason: error === reason,
    leftNoMark,
    afterwardsHeld,
    seen: call.seen,
  };
}

/** How a call ends that does not end. */
async function never(): Promise<Ended> {
  await sleep(unsettledMs, undefined, { ref: false });
  return { atMs: Infinity, error: undefined };
}

/** What the router holds for and against its providers, calls under way left out. */
function booksOf(router: Router): string {
  const books = router.snapshot().providers.map(({ provider, failures, breaker, restsUntilMs, models }) => {
    const ofModels = models.map((model) => [model.model, model.breaker, model.pinnedUntilMs, model.missingUntilMs]);
    return [provider, failures, breaker, restsUntilMs, ofModels];
  });
  return JSON.stringify(books);
}

function isIdle(router: Router): boolean {
  const { inFlight, providers } = router.snapshot();
  return inFlight === 0 && providers.every((provider) => provider.inFlight === 0 && provider.models.every((model) => model.inFlight === 0));
}
