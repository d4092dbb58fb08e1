/** What is known of one candidate at the moment of planning. Times in ms. */
export interface Estimate {
  /** Requests that it serves at once; Infinity where nobody knows a limit. */
  readonly slots: number;
  /** Our own calls under way there. */
  readonly inFlight: number;
  /** Our own calls that would be served before this one. */
  readonly waitingAhead: number;
  /** Requests of others that the server told of, running and waiting. */
  readonly elsewhere: number;
  /** How long a call occupies a slot, smoothed. */
  readonly serviceMs: number | undefined;
  /** How far single calls are from that, smoothed. */
  readonly spreadMs: number | undefined;
  /** How long our own calls under way there have been running, on average; 0 where there are none. */
  readonly runningMs: number;
  /** The expected time to the first content of this prompt, warm and alone. */
  readonly firstMs: number | undefined;
  /** 0 where the model is in memory. */
  readonly loadMs: number;
  /** Prefill that a cached prefix saves. */
  readonly savedMs: number;
  /** Recent successes, 0 to 1. */
  readonly successShare: number;
  /** What to believe of `firstMs` while nothing is known. */
  readonly priorMs: number;
}

/** `totalMs` is the sum of the other times, less `savedMs`. The candidate with the lowest one stands first. */
export interface Score {
  readonly totalMs: number;
  readonly queueMs: number;
  readonly loadMs: number;
  readonly answerMs: number;
  readonly failureMs: number;
  readonly savedMs: number;
  /** Nothing is known of how fast it answers: it stands first for one call, then behind its prior. */
  readonly isGuess: boolean;
}

/** What a failed attempt costs the caller at least: one that fails fast must not look fast. */
const leastFailureMs = 5_000;

/** However often it failed, a candidate is believed to succeed so often. */
const leastShare = 0.01;

/** A figure beyond this is as good as never, and adds up without turning into NaN. */
const never = 1e12;

/** The time to the first token that a candidate is expected to need, and its parts. Total: no input makes NaN of it. */
export function scoreOf(estimate: Estimate): Score {
  const { firstMs = Number.NaN } = estimate;
  const isGuess = !(firstMs >= 0);
  const answerMs = isGuess ? guessMs(estimate) : amount(firstMs);
  const queueMs = queueMsOf(estimate, isGuess ? amount(estimate.priorMs) : answerMs);
  const loadMs = amount(estimate.loadMs);
  const savedMs = Math.min(amount(estimate.savedMs), answerMs);
  const successMs = queueMs + loadMs + answerMs - savedMs;
  const failureMs = oddsOfFailing(estimate.successShare) * Math.max(leastFailureMs, successMs);
  return { totalMs: successMs + failureMs, queueMs, loadMs, answerMs, failureMs, savedMs, isGuess };
}

/** One call finds out how fast an unknown candidate is; until it has, each further one expects to stand behind the others. */
function guessMs({ inFlight, waitingAhead, priorMs }: Estimate): number {
  const ours = amount(inFlight) + amount(waitingAhead);
  return ours === 0 ? 0 : amount(priorMs) * (1 + ours);
}

/** Calls that are so far from their mean, as a share of it, are as good as unpredictable. */
const wideSpread = 0.2;

/** What an unpredictable call counts on top, in service times: to wait behind it may take much longer than expected. */
const onTop = 0.5;

/** However long the calls under way have been running, they are believed to need this share of a service time yet. */
const leastRest = 0.25;

/**
 * How long until a slot is free: 0 while one is, and where nobody knows how many there are. Of calls that all take the same time, those
 * under way need what is left of it. Where their lengths differ much, one that has been running for long is a long one, and its rest is
 * about as long as a whole one, or longer.
 */
function queueMsOf(estimate: Estimate, shortestMs: number): number {
  const { slots, inFlight, waitingAhead, elsewhere, spreadMs = Infinity, runningMs } = estimate;
  if (!(slots < never)) return 0;
  const served = Math.max(1, slots);
  const toEnd = amount(inFlight) + amount(waitingAhead) + amount(elsewhere) - served + 1;
  if (toEnd <= 0) return 0;
  const serviceMs = estimate.serviceMs === undefined ? shortestMs : amount(estimate.serviceMs);
  const wideMs = wideSpread * serviceMs;
  const doubt = amount(spreadMs) < wideMs ? amount(spreadMs) / wideMs : 1;
  const wholeMs = serviceMs * (1 + onTop * doubt);
  const restMs = Math.max(leastRest * serviceMs, wholeMs - amount(runningMs) * (1 - doubt));
  return (restMs + wholeMs * Math.max(0, toEnd - 1)) / served;
}

/** Failures expected for each success. */
function oddsOfFailing(successShare: number): number {
  const share = successShare <= 1 ? Math.max(leastShare, successShare) : 1;
  return (1 - share) / share;
}

/** Also the place where a NaN or a negative figure ends. */
function amount(value: number): number {
  return value >= 0 ? Math.min(value, never) : 0;
}

/** What one more outcome weighs in the share of successes. */
const outcomeWeight = 0.4;

/** A provider without news is forgiven half of its failures every so often. */
const forgivenMs = 30_000;

/** The recent share of successes, fading back to 1 while there is no news, so that a provider that failed is tried again. */
export function smoothedShare(share: number, ageMs: number): number {
  return 1 - (1 - share) * (ageMs > 0 ? 2 ** (-ageMs / forgivenMs) : 1);
}

/** The share after one more outcome; `share` is the faded one. */
export function learnedShare(share: number, isSuccess: boolean): number {
  return share + outcomeWeight * ((isSuccess ? 1 : 0) - share);
}

/** What a load takes where neither it nor the model's size is known. */
const usualLoadMs = 30_000;

/** A disk of 0.6 GB/s: 27 s for 8 billion parameters in 16 GB, 4 min for 70 billion in 140 GB. */
const loadMsPerByte = 1.7e-6;

/** How long a model takes into memory: as learned, else by its size in bytes (1.7 s per GB), else 30 s. */
export function expectedLoadMs(learnedMs: number | undefined, sizeBytes: number | undefined): number {
  return learnedMs ?? (sizeBytes === undefined ? usualLoadMs : sizeBytes * loadMsPerByte);
}

/** Loads are few, and the disk's cache makes them differ: the last one counts half. */
export function learnedLoadMs(before: number | undefined, observedMs: number): number {
  return before === undefined ? observedMs : (before + observedMs) / 2;
}

/** Calls are many, and of all lengths: the last one counts a tenth. */
export function learnedServiceMs(before: number | undefined, observedMs: number): number {
  return before === undefined ? observedMs : 0.9 * before + 0.1 * observedMs;
}

/** How far calls are from the mean of those before; the first one has none to be far from. */
export function learnedSpreadMs(before: number | undefined, meanMs: number | undefined, observedMs: number): number | undefined {
  return meanMs === undefined ? before : learnedServiceMs(before, Math.abs(observedMs - meanMs));
}
