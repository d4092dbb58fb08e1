import type { Score } from '../routing/expected-time.ts';
import { isAmong, type PlannedCandidate } from '../routing/plan.ts';
import { isFinal, isFull, isInferior, passOver, takeNext } from './candidates.ts';
import { providerOf } from './engine.ts';
import { obstacleOf } from './obstacles.ts';
import { planFor } from './planning.ts';
import { leftMs, mayWaitMs, type Run } from './run.ts';

/** Whose turn it is: a candidate that can be asked now, or several that are busy and one of which is worth waiting for. */
export type Turn =
  | { readonly type: 'go'; readonly candidate: PlannedCandidate }
  | { readonly type: 'wait'; readonly candidates: readonly PlannedCandidate[]; readonly limitMs: number };

/**
 * The candidate whose turn it is, taken out of those that remain. What the plan could not know is asked again here: other calls may have
 * opened a breaker or made a pin since, or have taken the last slot. The last attempt of a call does not go to the next in order but to
 * the one that did best of late, because there is no other try after it.
 */
export function nextTurn(run: Run<unknown>): Turn | undefined {
  const { remaining } = run;
  const [first] = remaining;
  // As nearly always.
  if (first !== undefined && !isFinal(run) && obstacleOf(run, first) === undefined && !isFull(run, first)) {
    remaining.shift();
    return { type: 'go', candidate: first };
  }
  const free: PlannedCandidate[] = [];
  const full: PlannedCandidate[] = [];
  for (let index = 0; index < remaining.length;) {
    const candidate = remaining[index] as PlannedCandidate;
    const obstacle = obstacleOf(run, candidate);
    if (obstacle !== undefined) {
      if (obstacle === 'unfit') remaining.splice(index, 1);
      else passOver(run, candidate, obstacle);
      continue;
    }
    if (!isFull(run, candidate)) free.push(candidate);
    // The last attempt looks at all of them, and nobody is waited for who stands behind a free one.
    else if (free.length === 0) full.push(candidate);
    if (free.length > 0 && !isFinal(run)) break;
    index += 1;
  }
  if (free.length === 0 && run.plan.isPartial) {
    replan(run);
    return nextTurn(run);
  }
  if (free.length === 0) return full.length === 0 ? undefined : waitFor(run, full, undefined);
  const limitMs = full.length === 0 ? 0 : worthMs(run, full[0] as PlannedCandidate, free[0] as PlannedCandidate);
  if (limitMs > 0)
    return waitFor(
      run,
      full.filter((each) => !isInferior(run, each, full[0] as PlannedCandidate)),
      limitMs,
    );
  for (const candidate of full) if (!run.busy.includes(candidate)) run.busy.push(candidate);
  const candidate = takeNext(run, free);
  return candidate && { type: 'go', candidate };
}

/** A plan of all providers, as things stand now. Those that have failed get no second turn by it. */
export function replan(run: Run<unknown>): void {
  run.plannedAtMs = run.engine.config.clock.nowMs();
  run.plan = planFor(run.call, run.engine, 'all', run.plannedAtMs);
  run.remaining.splice(0, Infinity, ...run.plan.candidates.filter((candidate) => !isAmong(run.failed, candidate)));
  run.passed.length = 0;
  run.busy.length = 0;
}

/** How many times as long as expected a call waits for some before it waits for all. */
const patience = 4;

/**
 * With the first one those are waited for who would be sooner than it, had they a slot at once, and have no less of the prompt in their
 * cache: to compute it anew takes a slot from all others, and where all are busy that is how every cache is lost. After a wait in vain, and
 * where expected times do not decide, all of them.
 */
function waitFor(run: Run<unknown>, full: readonly PlannedCandidate[], limitMs: number | undefined): Turn {
  const [best] = full as readonly [PlannedCandidate, ...PlannedCandidate[]];
  const all: Turn = { type: 'wait', candidates: full, limitMs: limitMs ?? Infinity };
  if (run.hasWaited || full.length === 1 || (best.seenTokens === 0 && run.call.balance !== 'expected-ttft')) return all;
  const { totalMs, queueMs } = scoreNow(run, best);
  const isWorth = (each: PlannedCandidate): boolean => {
    if (each.seenTokens < best.seenTokens) return false;
    const own = scoreNow(run, each);
    return own.totalMs - own.queueMs < totalMs;
  };
  const candidates = full.filter((each) => each === best || isWorth(each));
  if (candidates.length === full.length) return all;
  // The others are waited for, too, while there is time for it.
  return { type: 'wait', candidates, limitMs: limitMs ?? Math.min(patience * queueMs, mayWaitMs(run) / 2) };
}

/** A candidate of a later tier has to be so many times sooner before it is taken for want of a slot: the order is somebody's wish. */
const favour = 2;

/**
 * How long it pays to wait for those that stand before the first free one. Among equals a free slot is better than a place in a queue,
 * unless expected times decide, or more of the prompt is in the cache of the one that is busy. A later tier is taken only when it is
 * expected to be much sooner, and one that costs money, or stands behind by explicit priority, only after half of the time that is left.
 * No wait is longer than that half: whoever is free needs the rest.
 */
function worthMs(run: Run<unknown>, best: PlannedCandidate, free: PlannedCandidate): number {
  const { call, hasWaited } = run;
  if (hasWaited) return 0;
  const halfMs = leftMs(run) / 2;
  if (isInferior(run, free, best)) return halfMs;
  const isEqual = best.tier === free.tier;
  if (isEqual && call.balance !== 'expected-ttft' && best.seenTokens <= free.seenTokens) return 0;
  const [own, other] = [scoreNow(run, best), scoreNow(run, free)];
  const mostMs = other.totalMs * (isEqual ? 1 : favour);
  return own.totalMs < mostMs ? Math.min(halfMs, mostMs - (own.totalMs - own.queueMs)) : 0;
}

/** As things stand now; an unknown one of a later tier is no reason to find out about it. */
function scoreNow({ engine, call }: Run<unknown>, candidate: PlannedCandidate): Score {
  return providerOf(engine, candidate.provider).expectedNow(candidate, call, call.estimates.promptTokens());
}
