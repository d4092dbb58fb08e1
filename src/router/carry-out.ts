import { errorCodes } from '../core/error-codes.ts';
import { isRouterError } from '../core/errors.ts';
import type { Candidate } from '../routing/plan.ts';
import type { Attempt } from './attempt.ts';
import { giveUp } from './give-up.ts';
import type { Run } from './run.ts';

/** What chat, stream or embed does with an attempt. It neither ends the attempt nor changes the run: its result may turn out not to be needed. */
export interface Opener<Request, Result> {
  open(attempt: Attempt<Request>, run: Run<Request>): Promise<Result>;
  /** Looks at what came, as a part of the attempt. @throws what makes it a failure */
  check(result: Result, attempt: Attempt<Request>, run: Run<Request>): Result;
  /** Frees a result that is not needed. */
  drop(result: Result): void;
}

/** An attempt that gave what was asked of it, and is not over yet: who opened it ends it. */
export interface Opened<Request, Result> {
  readonly attempt: Attempt<Request>;
  readonly result: Result;
}

/** Runs one attempt to its result, or books its failure. Undefined also for one that another attempt has beaten. */
export async function carryOut<Request, Result>(
  run: Run<Request>,
  attempt: Attempt<Request>,
  opener: Opener<Request, Result>,
): Promise<Opened<Request, Result> | undefined> {
  try {
    const result = opener.check(await opener.open(attempt, run), attempt, run);
    if (!attempt.isOver()) return { attempt, result };
    opener.drop(result);
  } catch (given) {
    if (!attempt.isOver()) book(run, attempt.candidate, attempt.fail(given));
  }
  return undefined;
}

/** Takes a failure into the books, or throws it where trying others would not help. */
function book(run: Run<unknown>, { provider, model }: Candidate, error: unknown): void {
  run.call.signal?.throwIfAborted();
  if (run.leaving?.aborted === true || !isRouterError(error)) throw error;
  run.failed.push({ provider, model, error });
  if (error.phase === 'deadline') throw giveUp(run, 'deadline');
  if (errorCodes[error.code].next === 'stop') throw error;
}
