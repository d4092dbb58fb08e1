import { expectedMs, noFit, type TimeFit, withTime } from '../routing/time-fit.ts';
import { learnedServiceMs, learnedSpreadMs } from '../routing/expected-time.ts';

/** How long a model at a provider takes for calls of one intent, warm: by the tokens of the prompt. */
export interface Timings {
  /** Streams: to the first content. */
  first: TimeFit;
  /** To the whole answer, where it comes whole. */
  whole: TimeFit;
  /** Smoothed time that a call occupies a slot. */
  serviceMs: number | undefined;
  /** How far single calls are from that, smoothed. */
  spreadMs: number | undefined;
}

export interface Timed {
  readonly promptTokens: number;
  readonly ms: number;
  /** Streams only. */
  readonly firstContentMs: number | undefined;
}

/** Intents are configured, so their number is bounded. */
export function noteTime(timings: Map<string, Timings>, intent: string, { promptTokens, ms, firstContentMs }: Timed, nowMs: number): void {
  let own = timings.get(intent);
  if (own === undefined) timings.set(intent, (own = { first: noFit, whole: noFit, serviceMs: undefined, spreadMs: undefined }));
  if (firstContentMs === undefined) own.whole = withTime(own.whole, promptTokens, ms, nowMs);
  else own.first = withTime(own.first, promptTokens, firstContentMs, nowMs);
  own.spreadMs = learnedSpreadMs(own.spreadMs, own.serviceMs, ms);
  own.serviceMs = learnedServiceMs(own.serviceMs, ms);
}

/** Those of the intent, else of another one: the same machine is not a stranger. */
export function timingsOf(timings: ReadonlyMap<string, Timings>, intent: string): Timings | undefined {
  return timings.get(intent) ?? timings.values().next().value;
}

/** When the first content of a call may be expected; for answers that come whole, the answer. */
export function expectedFirstMs({ first, whole }: Timings, isStream: boolean, tokens: number, nowMs: number): number | undefined {
  const [own, other] = isStream ? [first, whole] : [whole, first];
  return expectedMs(own, tokens, nowMs) ?? expectedMs(other, tokens, nowMs);
}

/** A load is not believed to take less: the model was there already, whatever the server said, and the next time it may not be. */
const leastLoadMs = 1_000;

/** How long the model took to be loaded, by the answer that waited for it. */
export function loadTimeOf(timings: Timings | undefined, { promptTokens, ms, firstContentMs }: Timed, nowMs: number): number {
  const warmMs = timings === undefined ? undefined : expectedFirstMs(timings, firstContentMs !== undefined, promptTokens, nowMs);
  return Math.max(leastLoadMs, (firstContentMs ?? ms) - (warmMs ?? 0));
}
