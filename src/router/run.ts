import type { FailedAttempt, RouterError } from '../core/errors.ts';
import type { EmbedUsage, Usage } from '../core/types.ts';
import type { RouteAttempt, RouteTrace } from '../core/route.ts';
import { createStop, type Stop } from '../lib/stop.ts';
import { type Candidate, isAmong, type MadePlan, type PlannedCandidate, type SkippedInPlan } from '../routing/plan.ts';
import { type Engine, providerOf } from './engine.ts';
import type { Lanes } from './lanes.ts';
import { type CallAccount, newAccount } from './metering.ts';
import { refreshLoads } from './load-polls.ts';
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
  // Asks adapters, which may throw: before anything is told that would have to end.
  const nowMs = engine.config.clock.nowMs();
  const plan = planFor(call, engine, 'first', nowMs);
  plan.turn?.shares.take(plan.turn.members, plan.turn.index);
  refreshLoads(engine, call.maxLocality);
  engine.announce('request:start', { requestId, verb, model: request.model, intent });
  return new OpenRun(call, engine, plan, nowMs, onOver);
}

/** A class, because there is one for every call. */
class OpenRun<Request> implements Run<Request> {
  readonly call: ResolvedCall<Request>;
  readonly engine: Engine;
  plan: MadePlan;
  plannedAtMs: number;
  readonly trace: LiveTrace;
  readonly failed: FailedAttempt[] = [];
  readonly remaining: PlannedCandidate[];
  readonly passed: SkippedInPlan[] = [];
  attempts = 0;
  readonly account: CallAccount = newAccount();
  hasWaited = false;
  readonly busy: PlannedCandidate[] = [];
  waitingSinceMs: Run<Request>['waitingSinceMs'] = undefined;
  accepts: Run<Request>['accepts'] = undefined;
  readonly leaving: Stop | undefined;
  readonly #onOver: () => void;
  #isOver = false;

  constructor(call: ResolvedCall<Request>, engine: Engine, plan: MadePlan, plannedAtMs: number, onOver: () => void) {
    this.call = call;
    this.engine = engine;
    this.plan = plan;
    this.plannedAtMs = plannedAtMs;
    this.trace = newTrace(call);
    this.remaining = [...plan.candidates];
    this.leaving = call.verb === 'stream' ? createStop() : undefined;
    this.#onOver = onOver;
  }

  end(usage: Usage | EmbedUsage | undefined, abandoned: boolean): void {
    if (this.#isOver) return;
    this.#close();
    const { call, engine, trace, attempts } = this;
    const nowMs = engine.config.clock.nowMs();
    trace.skipped = notAsked(this);
    if (!abandoned) learn(this, usage, nowMs);
    const { requestId } = call;
    const { provider, model, cached } = trace;
    const ms = nowMs - call.startedAtMs;
    const costUsd = engine.metering.leave(call, this.account);
    engine.announce('request:end', { requestId, provider, model, ms, attempts, usage, costUsd, cached, abandoned });
  }

  fail(error: unknown): unknown {
    if (this.#isOver) return error;
    this.#close();
    const { call, engine, attempts } = this;
    engine.metering.leave(call, this.account);
    const aborted = call.signal?.aborted === true && error === call.signal.reason;
    const ms = engine.config.clock.nowMs() - call.startedAtMs;
    for (const attempt of this.failed) if (attempt.error === error) leadToCaller(attempt.error);
    engine.announce('request:error', { requestId: call.requestId, error, ms, attempts, aborted });
    return error;
  }

  #close(): void {
    this.#isOver = true;
    this.#onOver();
  }
}

/**
 * Ten functions are on a stack, and where an attempt's error is made these are ours. What a call ends with is read by its caller, who looks
 * for a line of his own.
 */
function leadToCaller(error: RouterError): void {
  (Error as Partial<Pick<ErrorConstructor, 'captureStackTrace'>>).captureStackTrace?.(error, OpenRun.prototype.fail);
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
export function notAsked({ plan, passed, busy, trace }: Run<unknown>): readonly SkippedInPlan[] {
  if (plan.skipped.length + passed.length + busy.length === 0) return [];
  const wasAsked = (candidate: Pick<Candidate, 'provider' | 'model'>): boolean => isAmong(trace.attempts, candidate);
  const skipped = [...plan.skipped.filter((each) => !wasAsked(each)), ...passed];
  const missed = busy.filter((candidate) => !wasAsked(candidate) && !skipped.some(({ provider }) => provider === candidate.provider));
  return [...skipped, ...missed.map(({ provider, model, substituted }) => ({ provider, model, substituted, ...allTaken }))];
}

/** Why a candidate was not asked that could have been. */
export const allTaken = { code: 'saturated', reason: 'all its slots were taken', readyAtMs: undefined } as const;

/** What a call that was answered says of the one who answered it. */
function learn({ call, engine, trace }: Run<unknown>, usage: Usage | EmbedUsage | undefined, nowMs: number): void {
  const { provider, model, requestId } = trace;
  const { affinity, prefixes, announce } = engine;
  // A stand-in's answer is no reason to ask it again.
  if (trace.degraded) return;
  const requested = (call.request as { readonly model?: string }).model;
  if (learnsFrom(call)) {
    affinity.learn(requested ?? '', provider, nowMs);
    prefixes.remember(call.estimates.prefixKeys(), provider, requested, nowMs);
  }
  const leastTokens =
    usage && providerOf(engine, provider).noteUsage(model, call.estimates.textTokens(), call.estimates.promptTokens(), usage);
  if (leastTokens === undefined || usage === undefined) return;
  trace.truncated = true;
  announce('model:truncated', { requestId, provider, model, promptTokens: usage.prompt_tokens, leastTokens });
}
