import type { Locality } from '../core/locality.ts';
import type { TimeoutOptions } from './provider-options.ts';

/**
 * Who goes first among candidates that stand equal. `priority`: the order of the registry, but whoever has the model in memory
 * first. `weighted`: turns in proportion to `weight`. `least-busy`: whoever has the fewest requests under way for its weight.
 * `expected-ttft`: whoever is expected to give the first token soonest.
 */
export type Balance = 'priority' | 'weighted' | 'least-busy' | 'expected-ttft';

/** Which calls get a slot first: `fast` ones, for which slots are reserved, or `heavy` ones, which can wait. */
export type Lane = 'fast' | 'heavy';

/** What a kind of call needs. The built-in ones are `fast` and `heavy`. */
export interface IntentOptions {
  /**
   * Devices and ids of providers in the order they are tried; a list inside the list stands for equals, between which `balance`
   * decides. Devices left out come last, in the order gpu, remote, cpu, cloud. A name that is both means the device. Naming the id
   * of a paid provider is consent to pay for calls with this intent, and it stands where it was named, before free ones too.
   */
  readonly order?: readonly (string | readonly string[])[] | undefined;
  /** @default 'priority' for `heavy`, which is the same each time, else the router's */
  readonly balance?: Balance | undefined;
  /** @default 'heavy' for `heavy`, else 'fast' */
  readonly lane?: Lane | undefined;
  /**
   * Whether a call prefers, between equals, the provider that served the model or the beginning of its prompt of late; under `least-busy`
   * and `expected-ttft`.
   * @default false for `heavy`, else true
   */
  readonly affinity?: boolean | undefined;
  /** The nearest of the router's, this one and the call's holds. */
  readonly maxLocality?: Locality | undefined;
  /** @default the router's */
  readonly allowPaid?: boolean | undefined;
  /** The smallest of the router's, this one and the call's holds. */
  readonly maxCostUsd?: number | undefined;
  /** Over the router's, under a provider's own. `heavy` allows 60_000 ms until the first token. */
  readonly timeouts?: TimeoutOptions | undefined;
  /** For a whole call with this intent. Left out: the router's; `heavy` allows 300_000 ms. */
  readonly deadlineMs?: number | undefined;
}

/** Calls that wait for a slot of a provider, where it has a limit (`maxConcurrent`). */
export interface QueueOptions {
  /**
   * Calls that may wait for one provider; 0: none.
   * @default 1_000
   */
  readonly limit?: number | undefined;
  /** How long a call may wait for a slot in all. Left out: until its deadline. */
  readonly timeoutMs?: number | undefined;
  /**
   * Batch work keeps moving while interactive calls keep coming: when no heavy call has got a slot for this long, the first that waits
   * goes before all fast ones that come later.
   * @default 30_000
   */
  readonly agingMs?: number | undefined;
}
