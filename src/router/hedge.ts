import type { PlannedCandidate } from '../routing/plan.ts';
import { type Attempt, beginAttempt } from './attempt.ts';
import { carryOut, type Opened, type Opener } from './carry-out.ts';
import { isFull, isInferior, othersLeft, takeNext } from './candidates.ts';
import { providerOf } from './engine.ts';
import { slowAfterMs } from './hedge-delay.ts';
import { obstacleOf } from './obstacles.ts';
import { leastMs, leftMs, type Run } from './run.ts';

/**
 * Carries an attempt out; where hedging is on and the attempt takes longer than 95 of 100 before it did, another one runs beside it. The
 * first that has content wins, and the other is stopped. Undefined where none of them succeeded.
 */
export function withHedge<Request, Result>(
  run: Run<Request>,
  attempt: Attempt<Request>,
  opener: Opener<Request, Result>,
): Promise<Opened<Request, Result> | undefined> {
  const delayMs = delayFor(run, attempt);
  const first = carryOut(run, attempt, opener);
  return delayMs === undefined ? first : joined(run, attempt, first, delayMs, opener);
}

async function joined<Request, Result>(
  run: Run<Request>,
  attempt: Attempt<Request>,
  first: Promise<Opened<Request, Result> | undefined>,
  delayMs: number,
  opener: Opener<Request, Result>,
): Promise<Opened<Request, Result> | undefined> {
  // Whoever is slow is waited for as long as its own limits say; this only decides when a second one joins it.
  const isSlow = await after(run, delayMs, first);
  let second: Attempt<Request> | undefined;
  try {
    second = isSlow ? beginHedge(run, attempt, delayMs) : undefined;
  } catch (error) {
    attempt.lose();
    throw error;
  }
  return second === undefined ? first : race([attempt, second], [first, carryOut(run, second, opener)], opener);
}

function delayFor(run: Run<unknown>, { provider, candidate }: Attempt<unknown>): number | undefined {
  const { hedge } = run.engine.config;
  // One hedge in a call, and none where a failure has made it a matter of getting an answer at all.
  if (hedge === undefined || !run.call.mayHedge || run.trace.hedged || run.failed.length > 0) return undefined;
  run.engine.hedgeLoad.earn();
  return slowAfterMs(provider.state.models.peek(candidate.model), run.call.verb, hedge);
}

/** True where the time is over before the attempt is. Its failure goes to whoever awaits it. */
function after({ engine }: Run<unknown>, delayMs: number, first: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = engine.config.clock.schedule(delayMs, () => resolve(true));
    const end = (): void => {
      cancel();
      resolve(false);
    };
    first.then(end, end);
  });
}

/** Undefined where nobody of the same cost is free, or where there have been enough hedges. */
function beginHedge<Request>(run: Run<Request>, slow: Attempt<Request>, delayMs: number): Attempt<Request> | undefined {
  const { engine, call, remaining } = run;
  if (run.attempts >= call.maxAttempts || leftMs(run) < leastMs) return undefined;
  const isFit = (candidate: PlannedCandidate): boolean =>
    candidate.provider !== slow.candidate.provider &&
    providerOf(engine, candidate.provider).config.cost === slow.provider.config.cost &&
    !isInferior(run, candidate, slow.candidate) &&
    obstacleOf(run, candidate) === undefined &&
    !isFull(run, candidate);
  const fit = remaining.filter(isFit);
  if (fit.length === 0 || !engine.hedgeLoad.spend()) return undefined;
  const candidate = takeNext(run, fit) as PlannedCandidate;
  const second = beginAttempt(run, candidate, { isLast: !othersLeft(run) });
  if (second === undefined) return undefined;
  run.trace.hedged = true;
  const { provider, model } = candidate;
  engine.announce('hedge', { requestId: call.requestId, provider, model, from: slow.candidate.provider, delayMs });
  return second;
}

/**
 * The first that succeeds; the other one is stopped. An error that ends the call ends it here too, but not while the first attempt may
 * still answer: without the hedge it would have.
 */
function race<Request, Result>(
  attempts: readonly Attempt<Request>[],
  runs: readonly Promise<Opened<Request, Result> | undefined>[],
  opener: Opener<Request, Result>,
): Promise<Opened<Request, Result> | undefined> {
  let failed = 0;
  let held: { readonly error: unknown } | undefined;
  let settled = false;
  const settle = (kept: number): void => {
    settled = true;
    attempts.forEach((attempt, index) => void (index === kept || attempt.lose()));
  };
  return new Promise((resolve, reject) => {
    runs.forEach((run, index) => {
      run.then(
        (opened) => {
          // Both may have got there in the same moment.
          if (settled) return opened && opener.drop(opened.result);
          if (opened === undefined) {
            failed += 1;
            if (failed < runs.length) return undefined;
            return held === undefined ? resolve(undefined) : reject(held.error as Error);
          }
          settle(index);
          return resolve(opened);
        },
        (error: unknown) => {
          // Nor may an error of the same moment take the answer away.
          if (settled) return;
          failed += 1;
          if (index > 0 && failed < runs.length) return void (held = { error });
          settle(index);
          reject(error as Error);
        },
      );
    });
  });
}
