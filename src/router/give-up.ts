import { AllFailedError, type FailedAttempt, RouterError, type StoppedBecause } from '../core/errors.ts';
import { timeoutError } from '../lib/deadline.ts';
import type { SkippedInPlan } from '../routing/plan.ts';
import { providerOf } from './engine.ts';
import { notAsked, type Run } from './run.ts';

/** The error of a call that nobody could answer. */
export function giveUp(run: Run<unknown>, stoppedBecause: StoppedBecause): RouterError {
  const { call, failed, engine } = run;
  const nowMs = engine.config.clock.nowMs();
  const skipped = notAsked(run);
  if (stoppedBecause === 'deadline') {
    const { message } = timeoutError(undefined, 'deadline', call.endsAtMs - call.startedAtMs);
    return new RouterError('timeout', `${message}${listed(failed)}`, { phase: 'deadline', attempts: failed, stoppedBecause });
  }
  const details = { attempts: failed, skipped, stoppedBecause, retryAfterMs: soonestMs(run, nowMs) };
  if (failed.length === 0) return new RouterError(emptyCode(skipped, run), noProvider(skipped), details);
  // Where every candidate said the same of the caller's prompt, that is the answer.
  const [first] = failed;
  if (first !== undefined && failed.every(({ error }) => error.code === 'context_length')) return first.error;
  const limit = stoppedBecause === 'max-attempts' ? ` maxAttempts (${call.maxAttempts}) leaves no further try.` : '';
  const others = skipped.length === 0 ? '' : ` Not asked: ${leftOut(skipped)}.`;
  return new AllFailedError(`No provider could answer.${listed(failed)}${others}${limit}`, details);
}

/** Nobody was asked: because all were busy, because the prompt fits nowhere, or for other reasons. */
function emptyCode(skipped: readonly SkippedInPlan[], { passed }: Run<unknown>): 'saturated' | 'context_length' | 'no_provider' {
  if (passed.some(({ code }) => code === 'saturated')) return 'saturated';
  // Of a text to embed, the others are no choice.
  const tooLong = skipped.filter(({ code }) => code !== 'embedding_space');
  return tooLong.length > 0 && tooLong.every(({ code }) => code === 'context_length') ? 'context_length' : 'no_provider';
}

function listed(failed: readonly FailedAttempt[]): string {
  return failed.map(({ error }) => ` ${error.message}`).join('');
}

function noProvider(skipped: readonly SkippedInPlan[]): string {
  if (skipped.length === 0) return 'No provider is configured for this call.';
  return `No provider may answer this call now. ${leftOut(skipped)}.`;
}

function leftOut(skipped: readonly SkippedInPlan[]): string {
  return skipped.map(({ provider, reason }) => `${provider}: ${reason}`).join('; ');
}

function soonestMs(run: Run<unknown>, nowMs: number): number | undefined {
  const { call, failed, engine, plan, passed } = run;
  const waits = [
    // Asked anew: much may have happened since the plan was made.
    ...[...plan.skipped, ...passed].flatMap(({ provider: id, model, code, readyAtMs }) => {
      if (readyAtMs === undefined) return [];
      const provider = providerOf(engine, id);
      const is = code === 'out_of_memory' ? undefined : provider.readyAtMs(model, nowMs);
      const held = engine.metering.obstacle?.(call, provider.config, model);
      return [Math.max(is ?? readyAtMs, held?.readyAtMs ?? -Infinity) - nowMs];
    }),
    ...failed.flatMap((each) => (each.error.retryAfterMs === undefined ? [] : [askedFor(run, each) - nowMs])),
  ];
  return waits.length === 0 ? undefined : Math.max(0, Math.ceil(Math.min(...waits)));
}

/** What the provider asked for counts from the end of its attempt: others may have taken their time since. */
export function askedFor({ call, trace }: Run<unknown>, { provider, model, error }: FailedAttempt): number {
  const attempt = trace.attempts.findLast((each) => each.provider === provider && each.model === model);
  const endedAtMs = call.startedAtMs + (attempt === undefined ? 0 : attempt.startedMs + attempt.ms);
  return endedAtMs + (error.retryAfterMs ?? 0);
}
