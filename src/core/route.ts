/** What the router adds to answers and streams of its own: who answered, and what happened on the way. */

import type { SkippedCandidate } from './errors.ts';

/**
 * A stream went on after its provider had failed. `reset`: what came before is void, and the answer begins anew. `resumed`: what comes
 * now goes on where the text stopped.
 */
export interface StreamNotice {
  type: 'reset' | 'resumed';
  /** Who failed. */
  from: string;
  /** Who goes on. */
  provider: string;
  model: string | undefined;
  /** The code of the error. */
  reason: string;
}

/** One call to one provider. Times in milliseconds; `startedMs` counts from the start of the whole call. */
export interface RouteAttempt {
  readonly provider: string;
  readonly model: string | undefined;
  readonly startedMs: number;
  readonly ms: number;
  /** Streams only: from the attempt's start to its first content. */
  readonly firstContentMs?: number;
  /** The time until the first content that was expected when the plan was made, where that decided. */
  readonly expectedMs?: number;
  /** Why the attempt failed. The message holds no key, no prompt and no full URL. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** Who answered, and everything that was tried before. */
export interface RouteTrace {
  readonly requestId: string;
  readonly provider: string;
  /** The provider's own name for the model; undefined where the server chooses. */
  readonly model: string | undefined;
  readonly intent: string;
  readonly attempts: readonly RouteAttempt[];
  /** Those that were not asked, each with the reason: left out of the plan, or when their turn came. */
  readonly skipped: readonly SkippedCandidate[];
  /** Time that the call waited for a free slot, in all. */
  readonly queuedMs: number;
  /** The answer is a stand-in (the stub's), not a model's. */
  readonly degraded: boolean;
  /** The provider lacks the model asked for and answered with its default (`onModelMissing: 'substitute'`). */
  readonly substituted: boolean;
  /** The server has probably dropped a part of the prompt in silence: it counted too few tokens. */
  readonly truncated: boolean;
  /** The answer was kept from an earlier call, and nobody was asked for it (`cache`). */
  readonly cached: boolean;
  /** A second attempt was sent beside one that was slow (`hedge`). */
  readonly hedged: boolean;
}
