import type { FailedAttempt } from '../core/errors.ts';
import { isRouterError } from '../core/errors.ts';
import type { RouteAttempt } from '../core/route.ts';
import type { EmbedUsage, Usage } from '../core/types.ts';
import { shortName } from './record-config.ts';
import type { RecordedAttempt, RecordedCall, RecordedCandidate } from './record-lines.ts';
import type { ResolvedCall } from './resolve-call.ts';
import type { Run } from './run.ts';

/** How a call ended. */
export type CallEnding = { readonly usage: Usage | EmbedUsage | undefined; readonly abandoned: boolean } | { readonly error: unknown };

/** The line of a call that has ended. `digest`: of whatever says who asked. */
export function recordedCall(run: Run<unknown>, at: number, ending: CallEnding, digest: (text: string) => string): RecordedCall {
  const { call, trace, plan, engine } = run;
  const { requestId, verb, intent, lane, needs, answerTokens } = call;
  const { model } = call.request as { readonly model?: string };
  return {
    type: 'call',
    at,
    requestId: shortName(requestId),
    verb,
    intent,
    lane,
    ...(model !== undefined && { model: shortName(model) }),
    ...(call.caller !== undefined && { caller: digest(call.caller) }),
    ...(call.session !== undefined && { session: digest(call.session) }),
    needs,
    promptTokens: call.estimates.promptTokens(),
    ...(answerTokens !== undefined && { maxAnswerTokens: answerTokens }),
    ...ownSettings(run),
    plan: plan.candidates.map(recordedCandidate),
    skipped: trace.skipped.map((each) => ({ ...recordedCandidate(each), code: each.code })),
    attempts: recordedAttempts(trace.attempts, run.failed),
    ...usageOf(ending),
    ...(trace.degraded && { degraded: true }),
    ...(trace.cached && { cached: true }),
    ...(trace.hedged && { hedged: true }),
    queuedMs: rounded(trace.queuedMs),
    ms: rounded(engine.config.clock.nowMs() - call.startedAtMs),
    ...outcomeOf(ending, call),
  };
}

/** What the caller has set for this call, where it is another than the router's and the intent's. */
function ownSettings({ call, engine }: Run<unknown>): Partial<RecordedCall> {
  const { config } = engine;
  const intent = config.intents.get(call.intent);
  const deadlineMs = call.endsAtMs - call.startedAtMs;
  const paysUsually = intent?.allowPaid ?? config.allowPaid;
  const pays = call.pays === 'any';
  // Naming somebody is consent by itself.
  const saysPay = pays !== paysUsually && (pays || call.pays === 'nobody');
  return {
    ...(call.only !== undefined && { only: call.only }),
    ...(call.without.length > 0 && { without: call.without }),
    ...(deadlineMs !== call.usualMs && { deadlineMs: rounded(deadlineMs) }),
    ...(call.maxAttempts !== config.maxAttempts && { maxAttempts: call.maxAttempts }),
    ...(saysPay && { allowPaid: pays }),
    ...(call.maxLocality !== (intent?.maxLocality ?? config.maxLocality) && { maxLocality: call.maxLocality }),
  };
}

function recordedCandidate({ provider, model }: { readonly provider: string; readonly model: string | undefined }): RecordedCandidate {
  return { provider, ...(model !== undefined && { model: shortName(model) }) };
}

/** The trace has the code of a failure, and the books of the call the rest of it. */
function recordedAttempts(attempts: readonly RouteAttempt[], failed: readonly FailedAttempt[]): readonly RecordedAttempt[] {
  const unread = [...failed];
  return attempts.map((attempt) => {
    const { startedMs, ms, firstContentMs, error } = attempt;
    const index = unread.findIndex(
      (each) => each.provider === attempt.provider && each.model === attempt.model && each.error.code === error?.code,
    );
    const [known] = index < 0 ? [] : unread.splice(index, 1);
    const { phase, status, retryAfterMs } = known?.error ?? {};
    return {
      ...recordedCandidate(attempt),
      startMs: rounded(startedMs),
      ms: rounded(ms),
      ...(firstContentMs !== undefined && { firstContentMs: rounded(firstContentMs) }),
      ...(error !== undefined && { error: error.code }),
      ...(phase !== undefined && { phase }),
      ...(status !== undefined && { status }),
      ...(retryAfterMs !== undefined && { retryAfterMs: rounded(retryAfterMs) }),
    };
  });
}

function usageOf(ending: CallEnding): Pick<RecordedCall, 'usage'> {
  if (!('usage' in ending) || ending.usage === undefined) return {};
  const { prompt_tokens: promptTokens, completion_tokens: answerTokens = 0 } = ending.usage as Partial<Usage> & EmbedUsage;
  return { usage: { promptTokens, answerTokens } };
}

function outcomeOf(ending: CallEnding, { signal }: ResolvedCall<unknown>): Pick<RecordedCall, 'outcome' | 'error'> {
  if (!('error' in ending)) return { outcome: ending.abandoned ? 'abandoned' : 'answered' };
  const { error } = ending;
  if (signal?.aborted === true && error === signal.reason) return { outcome: 'aborted' };
  return { outcome: 'failed', error: isRouterError(error) ? error.code : 'foreign' };
}

/** A hundredth of a millisecond is what can be told of a call. */
export function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
