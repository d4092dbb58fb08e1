import { createRouter, isRouterError } from '../../../src/index.ts';
import { percentile } from '../_kit/numbers.ts';
import { plantedChat } from '../_kit/planted-chat.ts';
import { heldBackend } from './held-backend.ts';
import type { Setting } from './stage.ts';

export interface TurnedAway {
  /** Calls that failed for want of anybody to ask, and were told when to come again. */
  readonly told: number;
  /** Of all of them, from the call to its failure, on the clock of the machine. */
  readonly p99Ms: number;
  /** Calls that a backend saw all the same. */
  readonly entered: number;
}

/** One call after the other while the breakers of all providers are open, in real time. */
export async function turnAway({ canaries, planted }: Pick<Setting, 'canaries' | 'planted'>, count: number): Promise<TurnedAway> {
  const backends = ['one', 'two', 'three'].map((id) => ({ id, backend: heldBackend(canaries, planted) }));
  const providers = Object.fromEntries(backends.map(({ id, backend }) => [id, { type: 'custom' as const, adapter: backend.adapter }]));
  // Open for longer than all of this takes.
  const breaker = { failureThreshold: 1, openMs: 300_000, maxOpenMs: 300_000 };
  await using router = createRouter({ providers, breaker, health: false });
  canaries.watch(router);
  const request = plantedChat(canaries, 'go');
  for (const { id, backend } of backends) {
    backend.does = 'refuse';
    await router.chat(request, { provider: id, maxAttempts: 1 }).catch(() => undefined);
  }
  const entered = (): number => backends.reduce((sum, { backend }) => sum + backend.entered(), 0);
  const before = entered();
  const times: number[] = [];
  let told = 0;
  for (let call = 0; call < count; call++) {
    const startMs = performance.now();
    const error: unknown = await (call % 2 === 0 ? router.chat(request) : router.stream(request)).catch((reason: unknown) => reason);
    times.push(performance.now() - startMs);
    if (isRouterError(error, 'no_provider') && typeof error.retryAfterMs === 'number' && error.retryAfterMs > 0) told += 1;
  }
  return { told, p99Ms: percentile(times, 0.99), entered: entered() - before };
}
