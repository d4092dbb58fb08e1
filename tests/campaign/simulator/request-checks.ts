import { type ErrorCode, isRouterError } from '../../../src/index.ts';
import type { CallResult } from './caller.ts';
import { faultKind } from './fault-kinds.ts';
import type { AttemptRecord, RequestRecord } from './ledger.ts';
import { deadlineMsOf } from './possible.ts';
import type { Settings } from './scenario.ts';
import type { UpstreamCall } from './upstream.ts';
import type { Complain } from './violations.ts';

const graceMs = 50;
/** What comes behind a whole answer is read for so long, so that the connection can be used again. */
const drainMs = 1_000;
/** Kept connections that turn out to be dead, and that one attempt may replace in silence. */
const mostReplaced = 4;

/** What holds for each request by itself, whatever the others do. */
export function checkRequest(
  result: CallResult,
  record: RequestRecord | undefined,
  calls: readonly UpstreamCall[],
  settings: Settings,
  closedAtMs: number,
  complain: Complain,
): void {
  const { plan } = result;
  const who = `request ${plan.index}`;
  if (result.settles !== 1) complain('settles once', `${who}: its caller got ${result.settles} answers`);
  const isTooLate = result.madeAtMs > closedAtMs;
  if (isTooLate && (record !== undefined || !isRouterError(result.error, 'closed'))) complain('nothing left', `${who}: begins after close`);
  if (record === undefined) {
    if (calls.length > 0) complain('settles once', `${who}: calls upstream and no start`);
    return;
  }
  if (record.end === undefined) complain('settles once', `${who}: no end`);
  checkTimes(result, record, settings, complain);
  checkBudget(record, calls, settings, complain);
  checkAbort(result, record, calls, complain);
  if (calls.length > 0 && record.attempts.length === 0) complain('order of events', `${who}: calls upstream and no attempt`);
}

function checkTimes({ plan, settledAtMs }: CallResult, record: RequestRecord, settings: Settings, complain: Complain): void {
  const endsAtMs = record.startMs + deadlineMsOf(plan, settings) + graceMs;
  if (record.end !== undefined && record.endMs > endsAtMs) {
    complain('ends by its deadline', `request ${plan.index}: ${Math.round(record.endMs - endsAtMs)} ms late`);
  }
  if (plan.verb !== 'stream' && settledAtMs > endsAtMs) complain('ends by its deadline', `request ${plan.index}: its caller waits on`);
}

function checkBudget(
  { plan, attempts, hedges, notices }: RequestRecord,
  calls: readonly UpstreamCall[],
  settings: Settings,
  complain: Complain,
): void {
  const who = `request ${plan.index}`;
  const most = Math.min(5, plan.maxAttempts ?? settings.maxAttempts);
  if (attempts.length > most) complain('attempts within budget', `${who}: ${attempts.length} attempts of ${most}`);
  if (hedges > Math.max(1, notices + 1)) complain('attempts within budget', `${who}: ${hedges} hedges`);
  const allowed = calls.filter(({ mayBeReplaced }) => mayBeReplaced).length;
  if (calls.length > attempts.length + Math.min(allowed, mostReplaced * attempts.length)) {
    complain('attempts within budget', `${who}: ${calls.length} calls upstream in ${attempts.length} attempts`);
  }
}

function checkAbort(result: CallResult, record: RequestRecord, calls: readonly UpstreamCall[], complain: Complain): void {
  const { plan, abortedAtMs, abortOrder } = result;
  if (abortedAtMs === undefined || (record.endMs <= abortedAtMs && abortOrder > result.lastPieceOrder)) return;
  const who = `request ${plan.index}`;
  if (record.endMs > abortedAtMs + 5) complain('abort at once', `${who}: ends ${record.endMs - abortedAtMs} ms after its abort`);
  if (record.attempts.some(({ startOrder }) => startOrder > abortOrder)) complain('abort at once', `${who}: an attempt after its abort`);
  if (result.lastPieceOrder > abortOrder) complain('abort at once', `${who}: a piece after its abort`);
  const late = calls.find(({ closedAtMs, kind }) => kind !== 'deaf' && (closedAtMs ?? Infinity) > abortedAtMs + graceMs);
  if (late !== undefined) complain('abort at once', `${who}: call ${late.number} stands on`);
  const isOwn = result.error === result.signal?.reason || result.outcome !== 'error';
  if (record.end === 'error' && !isOwn && record.endMs >= abortedAtMs)
    complain('abort at once', `${who}: another reason than the caller's own`);
}

/**
 * Which attempt each call upstream belongs to: the last one of its provider that had begun. With it, whether the call was closed in
 * time and its fault called by its name. Returns the kinds that were seen by the router.
 */
export function matchCalls(record: RequestRecord, calls: readonly UpstreamCall[], complain: Complain): string[] {
  const seen: string[] = [];
  for (const call of calls) {
    const attempt = record.attempts.findLast(({ provider, startOrder }) => provider === call.backend.id && startOrder < call.order);
    if (attempt === undefined) {
      complain('order of events', `request ${record.plan.index}: call ${call.number} belongs to no attempt`);
      continue;
    }
    const leftMs = call.isWhole ? drainMs : graceMs;
    if (call.kind !== 'deaf' && (call.closedAtMs ?? Infinity) > (attempt.endMs ?? Infinity) + leftMs) {
      complain('closes what it opened', `call ${call.number} (${call.kind}) of request ${record.plan.index} stands after its attempt`);
    }
    const isLast = !calls.some(
      ({ order, backend }) => backend === call.backend && order > call.order && orderBefore(order, attempt, record),
    );
    if (!isLast) seen.push(call.kind);
    else if (isSeen(call, attempt, record, complain)) seen.push(call.kind);
  }
  return seen;
}

/** True where a later call upstream still belongs to the attempt: its connection was replaced. */
function orderBefore(order: number, attempt: AttemptRecord, { attempts }: RequestRecord): boolean {
  const next = attempts.find(({ provider, startOrder }) => provider === attempt.provider && startOrder > attempt.startOrder);
  return next === undefined || order < next.startOrder;
}

/** True where the router came to know of the fault; a limit, an abort or a winner may have been faster. */
function isSeen(call: UpstreamCall, attempt: AttemptRecord, { plan }: RequestRecord, complain: Complain): boolean {
  const { codes, does } = faultKind(call.kind);
  const { failed, aborted, error } = attempt;
  if (!failed) {
    const isGood = codes.length === 0 || call.isWhole || call.kind === 'slow';
    // The reader left before the fault came, another attempt was faster, or the answer was whole before the fault.
    return isGood && does.type !== 'foreign';
  }
  if (aborted) return false;
  if (!isRouterError(error)) {
    if (does.type !== 'foreign') complain('told apart', `request ${plan.index}: ${call.kind} became ${String(error)}`);
    return does.type === 'foreign';
  }
  if (error.code === 'closed') return false;
  if (codes.includes(error.code as ErrorCode)) return true;
  const isLimit = error.code === 'timeout' && error.phase !== undefined && error.phase !== 'connect';
  if (!isLimit) complain('told apart', `request ${plan.index}: ${call.kind} at ${call.backend.id} became ${error.code}`);
  return false;
}
