import { type ErrorDetails, isRouterError, RouterError } from '../core/errors.ts';
import type { ChatRequest } from '../core/types.ts';
import type { Attempt } from './attempt.ts';
import type { Run } from './run.ts';

/** The error of a stream that broke after the caller had got content of it. The caller's own reason stays as it is. */
export function interrupted(run: Run<ChatRequest>, attempt: Attempt<ChatRequest>, cause: unknown): unknown {
  if (run.call.signal?.aborted === true) return run.call.signal.reason;
  if (!isRouterError(cause) || cause.code === 'closed') return cause;
  const { provider, model } = attempt.candidate;
  run.failed.push({ provider, model, error: cause });
  const error = broke(attempt, cause, run);
  run.engine.announce('stream:interrupted', { requestId: run.call.requestId, provider, model, error });
  return error;
}

function broke(
  { candidate }: Attempt<ChatRequest>,
  cause: RouterError,
  { failed }: Run<ChatRequest>,
  ending: Pick<ErrorDetails, 'skipped' | 'stoppedBecause' | 'retryAfterMs'> = {},
): RouterError<'stream_interrupted'> {
  const { provider, model } = candidate;
  const { phase, status, reason } = cause;
  const message = `The stream broke after content had been delivered; what came stands. ${cause.message}`;
  return new RouterError('stream_interrupted', message, {
    provider,
    model,
    phase,
    status,
    reason,
    cause,
    attempts: [...failed],
    ...ending,
  });
}

/** The caller's own reason, or that of a router which closes; otherwise nobody could take over, and the first failure stands. */
export function finalError(run: Run<ChatRequest>, from: Attempt<ChatRequest>, error: RouterError, given: unknown): unknown {
  const isOurs = isRouterError(given) && given.code !== 'closed' && run.call.signal?.aborted !== true;
  if (!isOurs) return given;
  const { skipped, retryAfterMs, phase, stoppedBecause = phase === 'deadline' ? 'deadline' : undefined } = given;
  return broke(from, error, run, { skipped, retryAfterMs, stoppedBecause });
}
