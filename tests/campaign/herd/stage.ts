import { type CallOptions, type Clock, createRouter, isRouterError, type ProviderOptions, type Router } from '../../../src/index.ts';
import { type TestClock, testClock } from '../../../src/testing/test-clock.ts';
import type { Canaries } from '../_kit/canaries.ts';
import { plantedChat } from '../_kit/planted-chat.ts';
import { type Gates, plantedGates } from '../_kit/planted-gates.ts';
import { type HeldBackend, heldBackend } from './held-backend.ts';

/** How a backend came to be left alone, and what is asked of it afterwards. */
export interface Setting {
  readonly canaries: Canaries;
  /** Gets the kinds of canaries that arrived somewhere. */
  readonly planted: Set<string>;
  readonly verb: 'chat' | 'stream';
  /** `refuse` opens the breaker of the provider, `fail` that of the model. */
  readonly fault: 'refuse' | 'fail';
  readonly seed: number;
}

/** A router on a clock that stands still, over one backend that can be held and, if wanted, one that answers. */
export interface Stage {
  readonly setting: Setting;
  readonly clock: TestClock;
  readonly router: Router;
  readonly main: HeldBackend;
  readonly gates: Gates;
  /** From now on timers are lost, as when a process is suspended for good with a call under way. */
  loseTimers(areLost: boolean): void;
}

/** What one caller of a crowd got. */
export interface Outcome {
  settledAtMs: number | undefined;
  provider?: string;
  error?: unknown;
}

export const crowd = 1_000;

export function openStage(setting: Setting, hasSpare: boolean, hears = true): Stage {
  const { canaries, planted, seed } = setting;
  const clock = testClock({ seed });
  const main = heldBackend(canaries, planted, hears);
  let areLost = false;
  const lossy: Clock = {
    nowMs: clock.nowMs,
    wallMs: clock.wallMs,
    schedule: (delayMs, callback) => (areLost ? () => undefined : clock.schedule(delayMs, callback)),
  };
  const gates = plantedGates(canaries, planted);
  const providers: Record<string, ProviderOptions> = {
    main: { type: 'custom', adapter: main.adapter },
  };
  if (hasSpare) providers['spare'] = { type: 'custom', adapter: heldBackend(canaries, planted).adapter, priority: 1 };
  const router = createRouter({
    clock: lossy,
    random: clock.random,
    health: false,
    providers: { ...providers, ...gates.providers },
    transport: gates.transport,
  });
  canaries.watch(router);
  return { setting, clock, router, main, gates, loseTimers: (lost) => void (areLost = lost) };
}

/** Opens the breaker with three failures and waits for the moment at which it lets one call through. */
export async function tripAndWait({ router, clock, main, gates, setting }: Stage): Promise<void> {
  await gates.knock(router);
  main.does = setting.fault;
  const request = plantedChat(setting.canaries, 'fail');
  for (let failure = 0; failure < 3; failure++) await router.chat(request, { maxAttempts: 1 }).catch(() => undefined);
  const openUntilMs = openUntil(router);
  if (openUntilMs === undefined) throw new Error('Three failures did not open the breaker.');
  await clock.advance(openUntilMs - clock.nowMs());
}

/** When the breaker of the first provider, or of its model, lets the next call through. */
export function openUntil(router: Router): number | undefined {
  const [main] = router.snapshot().providers;
  return main?.openUntilMs ?? main?.models.find(({ model }) => model === 'tiny')?.openUntilMs;
}

export function breakerIs({ router }: Stage): string {
  const [main] = router.snapshot().providers;
  const own = main?.models.find(({ model }) => model === 'tiny')?.breaker ?? 'closed';
  return main?.breaker === 'closed' ? own : (main?.breaker ?? 'closed');
}

/** Many callers in one turn of the loop. No time passes until they have got what can be got without waiting. */
export async function gather(stage: Stage, count: number = crowd, options: CallOptions = {}): Promise<Outcome[]> {
  const request = plantedChat(stage.setting.canaries, 'go');
  const outcomes = Array.from({ length: count }, () => callOnce(stage, request, options));
  await stage.clock.settle();
  return outcomes;
}

function callOnce({ router, clock, setting }: Stage, request: ReturnType<typeof plantedChat>, options: CallOptions): Outcome {
  const outcome: Outcome = { settledAtMs: undefined };
  const settle = (more: Partial<Outcome>): void => void Object.assign(outcome, more, { settledAtMs: clock.nowMs() });
  const work = async (): Promise<string> => {
    if (setting.verb === 'chat') return (await router.chat(request, options)).route.provider;
    const stream = await router.stream(request, options);
    for await (const _ of stream);
    return stream.route.provider;
  };
  work().then(
    (provider) => settle({ provider }),
    (error: unknown) => settle({ error }),
  );
  return outcome;
}

/** It failed at once, and says after how long another call makes sense. */
export function saysLater({ error }: Outcome): boolean {
  return isRouterError(error, 'no_provider') && typeof error.retryAfterMs === 'number' && error.retryAfterMs > 0;
}
