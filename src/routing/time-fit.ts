/**
 * How long a provider takes as a function of the prompt's tokens, learned from what it took: a line through a decaying memory
 * of observations (`ms = base + perToken × tokens`, neither ever negative). Plain data; the memory is about 5 observations long.
 */
export interface TimeFit {
  /** How much has been seen: the sum of the observations' weights, 0 for nothing. */
  readonly weight: number;
  readonly meanTokens: number;
  readonly meanMs: number;
  /** How far the prompts' lengths are spread around their mean: weighted squares, in tokens². */
  readonly spread: number;
  /** How the times follow the lengths: weighted products, in tokens × ms. */
  readonly covariance: number;
  /** When the last observation was made, on the router's clock. */
  readonly seenMs: number;
}

export const noFit: TimeFit = { weight: 0, meanTokens: 0, meanMs: 0, spread: 0, covariance: 0, seenMs: 0 };

/** What each further observation leaves of those before it. A change is known after 10: they leave 11% of what was before. */
const kept = 0.8;

/** The same where the provider was much faster than expected: a call can be slow by accident, but hardly fast. */
const keptOnSurprise = 0.5;

/** An observation counts as at most so many times what was expected, and as a surprise below one in so many. */
const surprise = 2;

/** Prompts within this share of their mean length say little about how time grows with length. */
const littleSpread = 0.1;

/** So many tokens count as much as the fixed cost of a call, when it comes to how precise an observation can be. */
const preciseTokens = 500;

/** An estimate is believed for so long without news… */
const graceMs = 60_000;

/** …and from then on is halved every so often. */
const halfLifeMs = 300_000;

/** Beyond these, a clock or a server has told nonsense. */
const mostMs = 1e9;
const mostTokens = 1e9;

/**
 * The fit after one more observation: a prompt of `tokens` took `ms` until its first content. `tokens` are those that had to be
 * computed (without a cached prefix), `ms` is without waiting for a slot and without a model's load, so far as these are known.
 */
export function withTime(fit: TimeFit, tokens: number, ms: number, nowMs: number): TimeFit {
  if (!(tokens >= 0 && ms >= 0)) return fit;
  const length = Math.min(tokens, mostTokens);
  const expected = fit.weight > 0 ? lineAt(fit, length) : ms;
  const took = Math.min(ms, expected > 0 ? surprise * expected : mostMs, mostMs);
  const leaves = took * surprise < expected ? keptOnSurprise : kept;
  const before = leaves * fadingOf(nowMs - fit.seenMs);
  // The longer a prompt, the more its time varies, so that it says less about the short ones.
  const gained = 1 / (1 + length / preciseTokens);
  const weight = before * fit.weight + gained;
  const offTokens = length - fit.meanTokens;
  const meanTokens = fit.meanTokens + (gained / weight) * offTokens;
  const meanMs = fit.meanMs + (gained / weight) * (took - fit.meanMs);
  const spread = before * fit.spread + gained * offTokens * (length - meanTokens);
  const covariance = before * fit.covariance + gained * offTokens * (took - meanMs);
  return { weight, meanTokens, meanMs, spread, covariance, seenMs: nowMs };
}

/**
 * What a prompt of `tokens` is expected to take, in ms; undefined where nothing is known.
 *
 * Believed for 1 min without news, then halved every 5 min, so that a provider that was slow once is asked again some day. For
 * one that is always slow (a CPU) it means: one k times slower than the best is tried again after 1 + 5 × log2(k) min without a
 * call, 16 min where k is 8; that answer restores the estimate.
 */
export function expectedMs(fit: TimeFit, tokens: number, nowMs: number): number | undefined {
  if (fit.weight <= 0) return undefined;
  return lineAt(fit, tokens) * fadingOf(nowMs - fit.seenMs);
}

/**
 * The line through the mean, never so steep that its base would be negative. Where all prompts were about equally long nobody
 * knows a slope: longer ones then count in proportion, shorter ones like those seen.
 */
function lineAt({ weight, meanTokens, meanMs, spread, covariance }: TimeFit, tokens: number): number {
  if (meanTokens <= 0) return meanMs;
  const steepest = meanMs / meanTokens;
  const length = tokens >= 0 ? Math.min(tokens, mostTokens) : meanTokens;
  const doubt = weight * (littleSpread * meanTokens) ** 2;
  const assumed = length > meanTokens ? steepest : 0;
  const perToken = Math.min(steepest, Math.max(0, (covariance + doubt * assumed) / (spread + doubt)));
  // Rounding could leave a trace below 0.
  return Math.max(0, meanMs + perToken * (length - meanTokens));
}

function fadingOf(ageMs: number): number {
  return ageMs > graceMs ? 2 ** ((graceMs - ageMs) / halfLifeMs) : 1;
}
