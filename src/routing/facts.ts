import type { Capabilities, Parameter } from '../core/capabilities.ts';
import type { ErrorCode } from '../core/error-codes.ts';
import type { Verb } from '../core/events.ts';
import type { Locality } from '../core/locality.ts';
import type { ModelPrice } from '../core/prices.ts';
import type { TokenRatio } from './tokens.ts';

/** Where a provider stands for one intent: what never changes while the configuration stays. */
export interface Placement {
  /** Of its provider in the registry. */
  readonly index: number;
  readonly provider: string;
  readonly device: string;
  readonly cost: 'free' | 'paid';
  readonly locality: Locality;
  /** The same as a number: the farther, the larger. */
  readonly distance: number;
  readonly weight: number;
  readonly verbs: Readonly<Record<Verb, boolean>>;
  /** Smaller goes first; candidates of one tier stand equal, and the balance decides between them. */
  readonly tier: number;
  /** Its tier for a model that runs mostly on the processor there. */
  readonly spilledTier: number;
  /** The intent's order names it, which is consent to pay for it. */
  readonly isNamed: boolean;
  /** Why it stands there, as one sentence. */
  readonly reason: string;
}

/** What is known of one (provider, model) pair at the moment of planning. Times are on the router's clock. */
export interface CandidateFacts {
  readonly place: Placement;
  /** The provider's own name for the model; undefined where the server chooses. */
  readonly model: string | undefined;
  /** Why the provider cannot serve the model asked for; undefined where nothing speaks against it. */
  readonly missing: string | undefined;
  /** The model is the provider's default in place of the one asked for. */
  readonly substituted: boolean;
  /** What the model is called across providers: embeddings stay within one. */
  readonly space: string;
  readonly capabilities: Capabilities;
  /** Parameters that the request would go out without; asked only where that matters. */
  readonly leftOut: readonly Parameter[];
  /** What else speaks against it for as long as the configuration stays: the model is too large, its vectors are others. */
  readonly refusal: { readonly code: ErrorCode; readonly reason: string } | undefined;
  /** Tokens of prompt and answer together, where the server or the configuration says so. */
  readonly window: number | undefined;
  /** How its counts of prompt tokens compare with ours. */
  readonly tokenRatio: TokenRatio | undefined;
  /** Asked only for paid providers, and only where the cost is limited. */
  readonly price: ModelPrice | undefined;
  /** Why the provider is out until its configuration changes, or for a long rest. */
  readonly disabled: string | undefined;
  readonly pinnedUntilMs: number | undefined;
  /** What the provider, or the model there, rests for. */
  readonly rests: { readonly untilMs: number; readonly reason: ErrorCode } | undefined;
  /** What a limit of ours or a budget says against it; for good where no end is said. */
  readonly held: { readonly code: ErrorCode; readonly reason: string; readonly readyAtMs?: number } | undefined;
  /** Set while the breaker lets nothing through: when it will let a probe through. */
  readonly openUntilMs: number | undefined;
  /** It does so because it has just been open, and now finds out with few calls whether the provider is back. */
  readonly isRecovering: boolean;
  /** Part of the model that lies in GPU memory, 0 to 1, where the server tells and it is not all. */
  readonly vramShare: number | undefined;
  /** It was asked how it is and gave no sign of life, and no call has found out otherwise since. */
  readonly isDown: boolean;
  /** Our own calls there, under way and waiting. */
  readonly busy: number;
  /** Requests of others there, where the server tells. */
  readonly elsewhere: number;
  /** A call of this lane would have to wait for a slot. */
  readonly isFull: boolean;
  /** Calls that it serves at once; Infinity where nobody knows a limit. */
  readonly slots: number;
  /** Estimated tokens of the prompt's beginning that it has seen of late. */
  readonly seenTokens: number;
  /** How long a call would wait for the model to be loaded; 0 where it is in memory, or no model is loaded by a call. */
  readonly loadMs: number;
  /** The server tells that the model is in its memory. */
  readonly isLoaded: boolean;
  /** Smoothed share of attempts that succeeded of late, 0 to 1. */
  readonly successShare: number;
}

/** The most of a model that may lie outside of GPU memory before the provider counts as a processor for it. */
const leastVramShare = 0.5;

/** Behind all tiers. */
const downTiers = 1_000_000;

export function tierOf({ place, vramShare, isDown }: CandidateFacts): number {
  const tier = vramShare !== undefined && vramShare < leastVramShare ? place.spilledTier : place.tier;
  return isDown ? tier + downTiers : tier;
}
