/** How providers are asked how they are, beside the calls themselves, which tell most. */
export interface HealthOptions {
  /**
   * `background`: now and then, with no call waiting for it. `per-request`: before each call, which waits for the answers that are older
   * than `maxAgeMs`; a provider that did not answer then stands behind all that did.
   * @default 'background'
   */
  readonly mode?: 'background' | 'per-request' | undefined;
  /**
   * How long a provider that is well is left alone at most; up to 15% less, so that many processes do not ask together. Calls that it
   * answers count as well as checks do.
   * @default 60_000
   */
  readonly intervalMs?: number | undefined;
  /**
   * The same for one that is down, has no room, loads a model, or is behind an open breaker.
   * @default 10_000
   */
  readonly unhealthyIntervalMs?: number | undefined;
  /**
   * A provider that takes longer to say how it is, is down. Holds for `health()` and `models()` as well.
   * @default 5_000
   */
  readonly timeoutMs?: number | undefined;
  /**
   * `per-request`: how long an answer is good for.
   * @default 1_000
   */
  readonly maxAgeMs?: number | undefined;
}
