export interface BreakerOptions {
  /**
   * Consecutive failures that open it.
   * @default 3
   */
  readonly failureThreshold?: number | undefined;
  /**
   * Outcomes within `windowMs` from which on a ratio decides as well, so that a busy provider survives a short run of bad luck.
   * @default 10
   */
  readonly minimumOutcomes?: number | undefined;
  /**
   * Share of the last 20 outcomes that must have failed, 0 to 1, once `minimumOutcomes` are known.
   * @default 0.5
   */
  readonly failureRatio?: number | undefined;
  /** @default 60_000 */
  readonly windowMs?: number | undefined;
  /**
   * How long it stays open the first time; doubles with each failed probe, and each time that it opens again within ten healthy minutes.
   * @default 30_000
   */
  readonly openMs?: number | undefined;
  /** @default 300_000 */
  readonly maxOpenMs?: number | undefined;
  /**
   * Random share by which the open time is stretched or shortened, so that many processes do not probe together.
   * @default 0.2
   */
  readonly jitter?: number | undefined;
}

/**
 * A bucket of tokens for each provider. A failed attempt takes one out, a good one puts some back, and while half of them or fewer
 * are left the provider gets first attempts only: no retry, no failover and no hedge goes there. The rule is gRPC's.
 */
export interface RetryOptions {
  /** @default 20 */
  readonly maxTokens?: number | undefined;
  /** @default 0.2 */
  readonly tokensPerSuccess?: number | undefined;
}

/** A second attempt beside one that is slow, at another provider of the same cost. The first content wins, the other is stopped. */
export interface HedgeOptions {
  /**
   * Never sooner than this; beyond it the delay is what 95 of 100 calls of that model at that provider needed for their first content
   * (streams) or their whole answer.
   * @default 1_000
   */
  readonly minDelayMs?: number | undefined;
  /**
   * So many times have to be known before the first hedge.
   * @default 20
   */
  readonly minSamples?: number | undefined;
  /**
   * Hedges as a share of all calls, 0 to 1.
   * @default 0.05
   */
  readonly maxLoad?: number | undefined;
}

/** A stream that begins but crawls is left for another provider, before anything of it has been handed on. */
export interface ThroughputOptions {
  /** Characters of content a second, over the sample. A token is about 4. */
  readonly minCharsPerSecond: number;
  /**
   * So many characters are held back and timed. Streams that are shorter are handed on whole.
   * @default 256
   */
  readonly sampleChars?: number | undefined;
}
