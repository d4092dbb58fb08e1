import type { Candidate } from '../routing/plan.ts';
import { type AttemptOptions, beginAttempt } from './attempt.ts';
import type { Opened, Opener } from './carry-out.ts';
import { giveUp } from './give-up.ts';
import { withHedge } from './hedge.ts';
import { leastMs, leftMs, type Run } from './run.ts';

/** Undefined where another candidate should be tried. Throws what ends the call, also before it gives a promise. */
export function tryOnce<Request, Result>(
  run: Run<Request>,
  candidate: Candidate,
  options: AttemptOptions,
  opener: Opener<Request, Result>,
): Promise<Opened<Request, Result> | undefined> | undefined {
  if (run.failed.length > 0 && leftMs(run) < leastMs) throw giveUp(run, 'deadline');
  const attempt = beginAttempt(run, candidate, options);
  if (attempt === undefined) return undefined;
  return withHedge(run, attempt, opener);
}
