import { tally } from '../_kit/numbers.ts';
import { visitKey } from './backend.ts';
import type { CallRecord } from './calls.ts';
import { kindOf } from './kinds/index.ts';
import type { Verdict, Wrong } from './oracle.ts';
import type { ServersReport } from './servers-program.ts';

/** Everything that is counted over a run. */
export interface Tallies {
  /** `phase`: where the latency belongs. */
  add(phase: string, record: CallRecord, verdict: Verdict): void;
  count(wrong: Wrong): number;
  /** A few of each sort, to find the cause by. */
  readonly examples: Readonly<Partial<Record<Wrong | 'slow' | 'dead', string[]>>>;
  readonly phases: ReadonlyMap<string, PhaseTally>;
  readonly observed: ReadonlyMap<string, number>;
  readonly broken: ReadonlyMap<string, number>;
  /** Calls that ended with their deadline. */
  timedOut(): number;
  slow(): number;
  dead(): number;
  attempts(): number;
  /** What the servers saw beside what the calls knew of. */
  compare(report: ServersReport): Comparison;
}

export interface PhaseTally {
  calls: number;
  answered: number;
  faulted: number;
  readonly codes: string[];
  readonly latenciesMs: number[];
  readonly failures: string[];
}

export interface Comparison {
  /** Requests that a server got although no attempt of the call was meant for it, or more often than attempts and replacements explain. */
  readonly unaccounted: number;
  /** Times that another connection took the place of a dead one. */
  readonly replaced: number;
  /** Answers that came in spite of a dead connection. */
  readonly savedByReplacement: number;
}

const examplesKept = 5;

export function createTallies(): Tallies {
  const wrongs = new Map<Wrong, number>();
  const examples: Partial<Record<Wrong | 'slow' | 'dead', string[]>> = {};
  const phases = new Map<string, PhaseTally>();
  const [observed, broken] = [new Map<string, number>(), new Map<string, number>()];
  const tried = new Map<number, Tried>();
  let [slow, dead, attempts] = [0, 0, 0];
  const keep = (name: Wrong | 'slow' | 'dead', record: CallRecord): void => {
    const kept = (examples[name] ??= []);
    if (kept.length < examplesKept) kept.push(storyOf(record));
  };
  return {
    examples,
    phases,
    observed,
    broken,
    count: (wrong) => wrongs.get(wrong) ?? 0,
    timedOut: () =>
      Array.from(phases.values(), ({ codes }) => codes.filter((code) => code === 'timeout').length).reduce((sum, count) => sum + count, 0),
    slow: () => slow,
    dead: () => dead,
    attempts: () => attempts,
    add(name, record, verdict) {
      const phase = phases.get(name) ?? newPhase();
      phases.set(name, phase);
      addTo(phase, record);
      attempts += record.attempts.length;
      slow += verdict.slow;
      dead += verdict.dead;
      if (verdict.slow > 0) keep('slow', record);
      if (verdict.dead > 0) keep('dead', record);
      for (const wrong of verdict.wrongs) {
        wrongs.set(wrong, (wrongs.get(wrong) ?? 0) + 1);
        keep(wrong, record);
      }
      for (const kind of verdict.observed) increase(observed, kind);
      if (verdict.brokeAfterContent !== undefined) increase(broken, verdict.brokeAfterContent);
      noteTried(tried, record);
    },
    compare: (report) => compare(tried, report),
  };
}

function newPhase(): PhaseTally {
  return { calls: 0, answered: 0, faulted: 0, codes: [], latenciesMs: [], failures: [] };
}

function addTo(phase: PhaseTally, record: CallRecord): void {
  const { outcome, attempts } = record;
  phase.calls += 1;
  phase.latenciesMs.push(record.endedMs - record.startedMs);
  phase.faulted += attempts.filter(({ code }) => code !== 'answer').length;
  if (outcome.type === 'answered') phase.answered += 1;
  else if (phase.failures.length < 30) phase.failures.push(storyOf(record));
  if (outcome.type === 'failed') phase.codes.push(codeOf(outcome.error));
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : String(error).slice(0, 80);
}

/** One line: what was asked, what the servers did, what came of it. */
function storyOf({ plan, attempts, outcome, text, startedMs, endedMs }: CallRecord): string {
  const tries = attempts.map(({ backend, code }) => `b${backend} ${plan.kinds[backend]} → ${code}`).join(', ');
  const end = outcome.type === 'failed' ? codeOf(outcome.error) : outcome.type;
  const message = outcome.type === 'failed' && outcome.error instanceof Error ? ` (${outcome.error.message.slice(0, 200)})` : '';
  const ms = Math.round(endedMs - startedMs);
  return `r${plan.id} ${plan.verb} [${plan.kinds.join(' ')}]: ${tries}: ${end}${message} after ${ms} ms with ${JSON.stringify(text.slice(0, 60))}`;
}

function increase(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

interface Tried {
  attempts: number;
  /** How often the transport may have sent the request at most. */
  most: number;
  isAnswered: boolean;
  readonly kind: string;
}

function noteTried(tried: Map<number, Tried>, { plan, attempts, outcome }: CallRecord): void {
  for (const { backend } of attempts) {
    const key = visitKey(plan.id, backend);
    const name = plan.kinds[backend] ?? '';
    const known = tried.get(key) ?? { attempts: 0, most: 0, isAnswered: false, kind: name };
    known.attempts += 1;
    known.most += 1 + (kindOf.get(name)?.replays ?? 0);
    known.isAnswered = outcome.type === 'answered' && outcome.backend === backend;
    tried.set(key, known);
  }
}

function compare(tried: ReadonlyMap<number, Tried>, { visits }: ServersReport): Comparison {
  let [unaccounted, replaced, savedByReplacement] = [0, 0, 0];
  for (const [key, count] of visits) {
    const known = tried.get(key);
    if (known === undefined || count > known.most) unaccounted += 1;
    if (known === undefined || count <= known.attempts) continue;
    replaced += count - known.attempts;
    if (known.isAnswered && known.kind === 'dead-kept-connection') savedByReplacement += 1;
  }
  return { unaccounted, replaced, savedByReplacement };
}

/** How many calls took how long; the edges are milliseconds. */
export function histogramOf(latenciesMs: readonly number[]): Readonly<Record<string, number>> {
  const edges = [5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 4_000, Infinity];
  return tally(latenciesMs.map((ms) => `< ${edges.find((edge) => ms < edge)} ms`));
}
