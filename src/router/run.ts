import { AllFailedError, type FailedAttempt, isRouterError, RouterError, type StoppedBecause } from '../core/errors.ts';
import type { EmbedUsage, Usage } from '../core/types.ts';
import type { RouteAttempt, RouteTrace } from '../core/route.ts';
import { timeoutError } from '../lib/deadline.ts';
import { createStop, type Stop } from '../lib/stop.ts';
import { type Candidate, isAmong, type MadePlan, type PlannedCandidate, type SkippedInPlan } from '../routing/plan.ts';
import type { Engine } from './engine.ts';
import type { Lanes } from './lanes.ts';
import { type CallAccount, newAccount } from './metering.ts';
import { refreshLoads } from './monitor.ts';
import { learnsFrom, planFor } from './planning.ts';
import type { Provider } from './provider.ts';
import type { ResolvedCall } from './resolve-call.ts';

/** The route of a call while it is being written. */
interface LiveTrace extends RouteTrace {
  provider: string;
  model: string | undefined;
  degraded: boolean;
  substituted: boolean;
  hedged: boolean;
  truncated: boolean;
  cached: boolean;
  queuedMs: number;
  skipped: readonly SkippedInPlan[];
  readonly attempts: RouteAttempt[];
}

/** One call under way: what was settled before it began, and what has happened since. */
export interface Run<Request> {
  readonly call: ResolvedCall<Request>;
  readonly engine: Engine;
  /** The first one, or the one that was made when that did not do any more. */
  plan: MadePlan;
  /** What has happened since then, the plan does not know. */
  plannedAtMs: number;
  readonly trace: LiveTrace;
  readonly failed: FailedAttempt[];
  /** Candidates that have not had a turn, in order. */
  readonly remaining: PlannedCandidate[];
  /** Candidates whose turn came when they could not be asked any more. */
  readonly passed: SkippedInPlan[];
  attempts: number;
  /** What its attempts have used. */
  readonly account: CallAccount;
  /** It has waited for a better candidate than those that were free, and does so once. */
  hasWaited: boolean;
  /** Candidates that were gone past because they had no slot free. */
  readonly busy: PlannedCandidate[];
  /** Since when it has been waiting for slots, also where it has left their queues for a moment. Undefined where it waits for none. */
  waitingSinceMs: Map<Lanes, number> | undefined;
  /** Set where only some candidates can go on with what has begun. */
  accepts: ((provider: Provider, model: string | undefined) => boolean) | undefined;
  /** Streams only: stops what is under way for a reader who has left. */
  readonly leaving: Stop | undefined;
  /** Announces the end, once. */
  end(usage: Usage | EmbedUsage | undefined, abandoned: boolean): void;
  /** Announces the failure, once, and gives back what the caller gets to see. */
  fail(error: unknown): unknown;
}

/** No attempt starts with less than this left of the deadline: it could only fail. */
export const leastMs = 50;

export function leftMs({ call, engine }: Run<unknown>): number {
  return call.endsAtMs - engine.config.clock.nowMs();
}

/** How long it may still wait for a slot. */
export function mayWaitMs(run: Run<unknown>): number {
  const { timeoutMs = Infinity } = run.engine.config.queue;
  return Math.min(leftMs(run) - leastMs, timeoutMs - run.trace.queuedMs);
}

/** Announces the start of a call and makes its plan. `onOver` is called once, when it has ended or failed. */
export function beginRun<Request>(call: ResolvedCall<Request>, engine: Engine, onOver: () => void): Run<Request> {
  const { requestId, verb, intent, request } = call;
  const { announce } = engine;
  const { clock } = engine.config;
  const trace = newTrace(call);
  let over = false;
  // Asks adapters, which may throw: before anything is told that would have to end.
  const plan = planFor(call, engine, 'first');
  plan.turn?.shares.take(plan.turn.members, plan.turn.index);
  refreshLoads(engine, call.maxLocality);
  announce('request:start', { requestId, verb, model: request.model, intent });
  const run: Run<Request> = {
    call,
    engine,
    plan,
    plannedAtMs: clock.nowMs(),
    trace,
    failed: [],
    remaining: [...plan.candidates],
    passed: [],
    attempts: 0,
    account: newAccount(),
    hasWaited: false,
    busy: [],
    waitingSinceMs: undefined,
    accepts: undefined,
    leaving: verb === 'stream' ? createStop() : undefined,
    end(usage, abandoned) {
      if (over) return;
      over = true;
      onOver();
      trace.skipped = notAsked(run);
      const { provider, model } = trace;
      if (!abandoned) learn(run, usage);
      const ms = clock.nowMs() - call.startedAtMs;
      announce('request:end', {
        requestId,
        provider,
        model,
        ms,
        attempts: run.attempts,
        usage,
        costUsd: engine.metering.leave(call, run.account),
        cached: trace.cached,
        abandoned,
      });
    },
    fail(error) {
      if (over) return error;
      over = true;
      onOver();
      engine.metering.leave(call, run.account);
      const aborted = call.signal?.aborted === true && error === call.signal.reason;
      announce('request:error', { requestId, error, ms: clock.nowMs() - call.startedAtMs, attempts: run.attempts, aborted });
      return error;
    },
  };
  return run;
}

function newTrace({ requestId, intent }: ResolvedCall<unknown>): LiveTrace {
  return {
    requestId,
    provider: '',
    model: undefined,
    intent,
    attempts: [],
    degraded: false,
    substituted: false,
    hedged: false,
    truncated: false,
    cached: false,
    queuedMs: 0,
    skipped: [],
  };
}

/**
 * Those that were left out of the plan, or when their turn came, and those that were gone past because they were busy. Without those that
 * got their turn later.
 */
function notAsked({ plan, passed, busy, trace }: Run<unknown>): readonly SkippedInPlan[] {
  if (plan.skipped.length + passed.length + busy.length === 0) return [];
  const wasAsked = (candidate: Pick<Candidate, 'provider' | 'model'>): boolean => isAmong(trace.attempts, candidate);
  const skipped = [...plan.skipped.filter((each) => !wasAsked(each)), ...passed];
  const missed = busy.filter((candidate) => !wasAsked(candidate) && !skipped.some(({ provider }) => provider === candidate.provider));
  return [...skipped, ...missed.map(({ provider, model, substituted }) => ({ provider, model, substituted, ...allTaken }))];
}

/** Why a candidate was not asked that could have been. */
export const allTaken = { code: 'saturated', reason: 'all its slots were taken', readyAtMs: undefined } as const;

/** What a call that was answered says of the one who answered it. */
function learn({ call, engine, trace }: Run<unknown>, usage: Usage | EmbedUsage | undefined): void {
  const { provider, model, requestId } = trace;
  const { affinity, prefixes, config, providers, announce } = engine;
  // A stand-in's answer is no reason to ask it again.
  if (trace.degraded) return;
  const requested = (call.request as { readonly model?: string }).model;
  const nowMs = config.clock.nowMs();
  if (learnsFrom(call)) {
    affinity.learn(requested ?? '', provider, nowMs);
    prefixes.remember(call.estimates.prefixKeys(), provider, requested, nowMs);
  }
  const leastTokens = usage && providers.get(provider)?.noteUsage(model, call.estimates.textTokens(), call.estimates.promptTokens(), usage);
  if (leastTokens === undefined || usage === undefined) return;
  trace.truncated = true;
  announce('model:truncated', { requestId, provider, model, promptTokens: usage.prompt_tokens, leastTokens });
}

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
      const provider = engine.providers.get(id);
      if (readyAtMs === undefined || provider === undefined) return [];
      const is = code === 'out_of_memory' ? undefined : provider.readyAtMs(model);
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

/** Puts a name to an error that was made where the provider's is not known. */
export function named(error: RouterError, { provider, model }: Candidate): RouterError {
  if (error.provider !== undefined && (error.model !== undefined || model === undefined)) return error;
  const { code, phase, status, retryAfterMs, reason } = error;
  const message =
    error.provider === undefined && !error.message.startsWith(`${provider}: `) ? `${provider}: ${error.message}` : error.message;
  const cause = isRouterError(error.cause) ? error.cause : undefined;
  return new RouterError(code, message, { provider, model: error.model ?? model, phase, status, retryAfterMs, reason, cause });
}
