import type { FailedAttempt } from '../core/errors.ts';
import { isRouterError } from '../core/errors.ts';
import { nearest } from '../core/locality.ts';
import type { RouteAttempt, RouteTrace } from '../core/route.ts';
import type { EmbedUsage, Usage } from '../core/types.ts';
import { shortName } from './record-config.ts';
import type { RecordedAttempt, RecordedCall, RecordedCandidate } from './record-lines.ts';
import { type ResolvedCall, smaller } from './resolve-call.ts';
import type { Run } from './run.ts';

/** How a call ended. */
export type CallEnding = { readonly usage: Usage | EmbedUsage | undefined; readonly abandoned: boolean } | { readonly error: unknown };

/** What a line is made of: the run of a call, or what stands for one where nobody was asked. */
export interface Recordable extends Pick<Run<unknown>, 'call' | 'engine' | 'failed'> {
  readonly plan: Pick<Run<unknown>['plan'], 'candidates'>;
  readonly trace: Pick<RouteTrace, 'skipped' | 'attempts' | 'queuedMs' | 'degraded' | 'cached' | 'hedged'>;
}

/** Of a call for which nobody was asked. `cached`: what answered another call answered it, or would have. */
export function unasked(call: ResolvedCall<unknown>, engine: Run<unknown>['engine'], cached: boolean): Recordable {
  const trace = { skipped: [], attempts: [], queuedMs: 0, degraded: false, cached, hedged: false };
  return { call, engine, failed: [], plan: { candidates: [] }, trace };
}

/** The line of a call that has ended. `digest`: of whatever says who asked. */
export function recordedCall(run: Recordable, at: number, ending: CallEnding, digest: (text: string) => string): RecordedCall {
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
function ownSettings({ call, engine }: Recordable): Partial<RecordedCall> {
  const { config } = engine;
  const intent = config.intents.get(call.intent);
  const paysUsually = intent?.allowPaid ?? config.allowPaid;
  const pays = call.pays === 'any';
  // Naming somebody is consent by itself.
  const saysPay = pays !== paysUsually && (pays || call.pays === 'nobody');
  return {
    ...(call.only !== undefined && { only: call.only }),
    ...(call.without.length > 0 && { without: call.without }),
    ...(call.deadlineMs !== call.usualMs && { deadlineMs: rounded(call.deadlineMs) }),
    ...(call.maxAttempts !== config.maxAttempts && { maxAttempts: call.maxAttempts }),
    ...(saysPay && { allowPaid: pays }),
    ...(call.maxLocality !== nearest(config.maxLocality, intent?.maxLocality) && { maxLocality: call.maxLocality }),
    ...ownMaxCost(call.maxCostUsd, smaller(config.maxCostUsd, intent?.maxCostUsd)),
  };
}

/** One without a bound is no limit, and nothing that JSON can hold. */
function ownMaxCost(maxCostUsd: number | undefined, usual: number | undefined): Pick<RecordedCall, 'maxCostUsd'> {
  return maxCostUsd === undefined || maxCostUsd === usual || !Number.isFinite(maxCostUsd) ? {} : { maxCostUsd };
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
