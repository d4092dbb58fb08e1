import { createRouter, type Router, type RouterOptions } from '../index.ts';
import { type EventRecord, recordEvents } from './record-events.ts';
import { type TestClock, testClock } from './test-clock.ts';

export interface TestRouterOptions {
  /**
   * Of the router's random numbers; without effect where `clock` or the router's own `random` is given.
   * @default 1
   */
  readonly seed?: number | undefined;
  /** Several routers on one clock, or one that has a time already. Default: a new one. */
  readonly clock?: TestClock | undefined;
}

export interface TestRouter extends AsyncDisposable {
  readonly router: Router;
  readonly clock: TestClock;
  readonly events: EventRecord;
  /** For tests without `await using`. */
  close(): Promise<void>;
}

/**
 * A router whose time stands still, whose jitter is the same in every run, and whose events are written down. It does not look up
 * its default models nor ask servers for their load, so that no request is made but those of the test. `await using` closes it.
 */
export function createTestRouter(
  options: Omit<RouterOptions, 'clock'>,
  { seed, clock = testClock({ seed }) }: TestRouterOptions = {},
): TestRouter {
  const router = createRouter({ checkModels: false, health: false, pollMs: false, random: clock.random, ...options, clock });
  // Calls that are still under way get their time to end, which nobody else would let pass.
  const close = (): Promise<void> => clock.run(router.close());
  return {
    router,
    clock,
    events: recordEvents(router),
    close,
    [Symbol.asyncDispose]: close,
  };
}
