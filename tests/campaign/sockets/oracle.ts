import { isRouterError, type RouterError } from '../../../src/index.ts';
import { type CallRecord, deadlineOf, type Limits, type SeenAttempt } from './calls.ts';
import { blamesCaller, type Kind } from './kind.ts';
import { kindOf } from './kinds/index.ts';
import type { LoopLag } from './loop-lag.ts';
import { tokensOf } from './wire-texts.ts';

/** What must never happen. */
export type Wrong =
  /** The call failed although a server that would have answered was left, and tries too. */
  | 'lost'
  /** What was delivered is no beginning of what one server wrote. */
  | 'spliced'
  /** The answer is given as whole, and its server never finished it. */
  | 'cut short'
  | 'unsettled'
  /** The failure is no error of the router's. */
  | 'untyped'
  /** The failure, or that of an attempt, has a code that nothing the servers did explains. */
  | 'unexplained'
  | 'late'
  /** A server that hung took the time of the whole call, and no limit of its attempt ended it. */
  | 'held up'
  /** Not exactly one end was announced, or an attempt of a settled call has none. */
  | 'not ended once';

export interface Verdict {
  readonly wrongs: readonly Wrong[];
  /** Kinds that the call came to know as what they are. */
  readonly observed: readonly string[];
  /** The kind that broke the stream after content. */
  readonly brokeAfterContent: string | undefined;
  /** Attempts that a limit ended although the server answered in good time: the machine was slow. */
  readonly slow: number;
  /**
   * Attempts that met a connection which was dead from an earlier call. One is replaced in silence; a router that is new cannot know that
   * the platform kept one for it, and two in a row happen.
   */
  readonly dead: number;
}

export interface Oracle {
  judge(record: CallRecord): Verdict;
}

/** Most attempts of one call. */
const most = 3;
/** A call may settle so much after its deadline. */
const graceMs = 50;

export function createOracle(completion: string, limits: Limits, lag: LoopLag): Oracle {
  const fullText = (record: CallRecord, backend: number): string => tokensOf(backend, record.plan.id, completion).join('');
  return {
    judge(record) {
      const { plan, attempts, outcome } = record;
      const wrongs: Wrong[] = [];
      const kindAt = (backend: number): Kind => kindOf.get(plan.kinds[backend] ?? '') as Kind;
      const met = attempts.map((attempt) => ({ ...attempt, kind: kindAt(attempt.backend) }));
      const hung = met.some(({ kind }) => kind.hangs === true);
      const odd = met.filter(({ code, kind }) => code !== 'open' && !explains(kind, code));
      const late = odd.filter(({ code }) => code === 'timeout');
      // What is left of the deadline after one that hung may be too little for any other, and replacing connections takes its time.
      const slow = hung ? 0 : late.filter(({ kind }) => kind.replays === undefined).length;
      const dead = odd.filter(isDead).length;
      if (odd.length > late.length + dead) wrongs.push('unexplained');
      // The limits of an attempt are much shorter than the deadline: the first one can never take all of it.
      if (met[0]?.phase === 'deadline' && !plan.isHurried) wrongs.push('held up');
      if (outcome.type !== 'unsettled' && (record.ends !== 1 || met.some(({ code }) => code === 'open'))) wrongs.push('not ended once');
      if (isLate(record, deadlineOf(plan, limits), lag)) wrongs.push('late');
      if (outcome.type === 'unsettled') wrongs.push('unsettled');
      if (outcome.type === 'answered') {
        if (record.text !== fullText(record, outcome.backend)) wrongs.push('spliced');
        if (!kindAt(outcome.backend).outcomes.includes('answer')) wrongs.push('cut short');
        else if (outcome.finish !== 'stop' && kindAt(outcome.backend).name !== 'terminator-without-finish') wrongs.push('cut short');
      }
      if (outcome.type === 'failed')
        wrongs.push(...wrongsOfFailure(record, met, { ...outcome, hung: hung || late.length > 0 }, fullText, kindAt));
      return { wrongs, slow, dead, observed: observedIn(met), brokeAfterContent: brokenBy(record, met) };
    },
  };
}

interface Met extends SeenAttempt {
  readonly kind: Kind;
}

interface Failure {
  readonly error: unknown;
  readonly backend: number | undefined;
  /** A server hung, or the machine did. */
  readonly hung: boolean;
}

function wrongsOfFailure(
  record: CallRecord,
  met: readonly Met[],
  { error, backend, hung }: Failure,
  fullText: (record: CallRecord, backend: number) => string,
  kindAt: (backend: number) => Kind,
): Wrong[] {
  if (!isRouterError(error)) return ['untyped'];
  const { text } = record;
  const last = met.at(-1);
  if (text !== '' || error.code === 'stream_interrupted') {
    const isPrefix = text !== '' && backend !== undefined && backend === last?.backend && fullText(record, backend).startsWith(text);
    const isExplained = error.code === 'stream_interrupted' && (last?.kind.place === 'stream after content' || hung);
    return [...(isPrefix ? [] : ['spliced' as const]), ...(isExplained ? [] : ['unexplained' as const])];
  }
  if (!isExplained(error, met, hung)) return ['unexplained'];
  const isFinal = error.phase === 'deadline' || met.length >= most || last === undefined || blamesCaller(last.kind);
  const asked = new Set(met.map((each) => each.backend));
  const left = [0, 1, 2, 3].filter((each) => !asked.has(each) && kindAt(each).outcomes.includes('answer'));
  return isFinal || left.length === 0 ? [] : ['lost'];
}

/** Whether what the servers did leads to this error of the whole call. */
function isExplained(error: RouterError, met: readonly Met[], hung: boolean): boolean {
  const last = met.at(-1);
  if (last === undefined) return false;
  switch (error.code) {
    case 'all_failed':
      return error.attempts.length === met.length && error.attempts.every((each, index) => each.error.code === met[index]?.code);
    case 'timeout':
      return error.phase === 'deadline' && hung;
    case 'context_length':
      return met.every(({ code }) => code === 'context_length');
    default:
      return blamesCaller(last.kind) && last.code === error.code;
  }
}

const deadReasons: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);

function isDead({ code, reason = '', kind }: Met): boolean {
  return code === 'unavailable' && kind.place !== 'address' && deadReasons.has(reason);
}

function explains({ outcomes }: Kind, code: string): boolean {
  return (outcomes as readonly string[]).includes(code);
}

function isLate({ startedMs, endedMs }: CallRecord, deadlineMs: number, lag: LoopLag): boolean {
  const lateMs = endedMs - startedMs - deadlineMs - graceMs;
  return lateMs > 0 && lateMs > lag.worstSince(startedMs);
}

/** An oddity that replaces connections shows only in what the server counted; the rest shows in the attempts. */
function observedIn(met: readonly Met[]): readonly string[] {
  return met.filter(({ kind, code }) => explains(kind, code)).map(({ kind }) => kind.name);
}

function brokenBy({ outcome }: CallRecord, met: readonly Met[]): string | undefined {
  const isBroken = outcome.type === 'failed' && isRouterError(outcome.error, 'stream_interrupted');
  return isBroken ? met.at(-1)?.kind.name : undefined;
}
