import type { Announce } from '../core/events.ts';
import { isWithin, type Locality } from '../core/locality.ts';
import type { RouterConfig } from '../config/config.ts';
import type { StopSignal } from '../lib/stop.ts';
import type { Affinity } from '../routing/affinity.ts';
import type { Placement } from '../routing/facts.ts';
import type { PrefixMemory } from '../routing/prefixes.ts';
import type { Shares } from '../routing/weighted.ts';
import type { EmbeddingCanaries } from './embedding-canary.ts';
import type { EmbeddingSpaces } from './embedding-space.ts';
import type { HedgeLoad } from './hedge-delay.ts';
import type { KeptAnswers } from './kept-answers.ts';
import type { Metering } from './metering.ts';
import type { Provider } from './provider.ts';
import type { Sharing } from './sharing.ts';

/** All that runs on one configuration. `update()` makes another; a call stays with the one that it began with. */
export interface Engine {
  readonly config: RouterConfig;
  /** In the order of the registry; disabled providers are not in it. */
  readonly providers: ReadonlyMap<string, Provider>;
  /** The same, by the index in the registry that places name. */
  readonly list: readonly Provider[];
  /** Where each provider stands for each intent. */
  readonly standings: ReadonlyMap<string, Standing>;
  readonly affinity: Affinity;
  readonly prefixes: PrefixMemory;
  readonly spaces: EmbeddingSpaces;
  /** Undefined where embeddings are not checked. */
  readonly canaries: EmbeddingCanaries | undefined;
  /** When the first provider is due to be asked for its load; goes on when the configuration is replaced. */
  readonly poll: { dueMs: number };
  /** Calls and questions under way on this configuration, when the last call began, and what follows when there are none any more. */
  readonly calls: { underWay: number; lastAtMs: number; onIdle: (() => void) | undefined };
  readonly announce: Announce;
  /** What was said of headers that cannot be sent, once for each router; goes on when the configuration is replaced. */
  readonly headerWarnings: Set<string>;
  readonly hedgeLoad: HedgeLoad;
  readonly metering: Metering;
  /** Undefined where nothing is kept and no request is shared. */
  readonly kept: KeptAnswers | undefined;
  /** What is told to other processes; undefined where there is no store. */
  readonly sharing: Sharing | undefined;
  /** Aborts when the router closes for good; its reason is the `closed` error. */
  readonly shutdown: StopSignal;
}

/** A provider that a plan of this engine has named: the registry of an engine never changes, so it is there. */
export function providerOf({ providers }: Pick<Engine, 'providers'>, id: string): Provider {
  return providers.get(id) as Provider;
}

/** Those whom background questions may go to: nobody is asked that lies beyond `maxLocality`. */
export function askable({ list }: Pick<Engine, 'list'>, maxLocality: Locality): readonly Provider[] {
  return list.filter(({ config }) => isWithin(config.locality, maxLocality));
}

/** How an intent orders providers. */
export interface Standing {
  /** First to last. */
  readonly places: readonly Placement[];
  /** So many of them are enough to plan most calls with: whole tiers, of a large registry only. */
  readonly firstPart: number;
  /** Some stand equal, so that the balance has something to decide. */
  readonly hasEquals: boolean;
  /** The shares given out by weight, for each tier. */
  sharesOf(tier: number): Shares;
}

/** Counts something in that uses the adapters of a configuration: they are not closed before it is over. Gives what counts it out, once. */
export function holdEngine({ calls }: Engine): () => void {
  let isHeld = true;
  calls.underWay += 1;
  return () => {
    if (!isHeld) return;
    isHeld = false;
    calls.underWay -= 1;
    if (calls.underWay === 0) calls.onIdle?.();
  };
}
