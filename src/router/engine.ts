import type { Announce } from '../core/events.ts';
import type { RouterConfig } from '../config/config.ts';
import type { StopSignal } from '../lib/stop.ts';
import type { HedgeLoad } from './hedge-delay.ts';
import type { Provider } from './provider.ts';

/** What every part of a running router shares. Made once by `createRouter`, changed by nobody. */
export interface Engine {
  readonly config: RouterConfig;
  /** In the order of the registry; disabled providers are not in it. */
  readonly providers: ReadonlyMap<string, Provider>;
  readonly announce: Announce;
  readonly hedgeLoad: HedgeLoad;
  /** Aborts when the router closes for good; its reason is the `closed` error. */
  readonly shutdown: StopSignal;
}
