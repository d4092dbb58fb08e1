import { inspect } from 'node:util';
import { wholeText } from './bytes.ts';
import type { Case, Form, Verdict } from './cases.ts';
import type { Asked, StageReport } from './server.ts';

/** How one call went, seen by the caller. */
export interface Outcome {
  readonly end: 'well' | 'error' | 'pending';
  /** All the text that was given out, also before an error. */
  readonly text: string;
  readonly error: unknown;
  readonly ms: number;
}

/** Everything that is known of a case when it is over. */
export interface Evidence {
  readonly outcomes: readonly Outcome[];
  readonly report: StageReport;
  /** Texts that must not show: both keys, and the prompt. */
  readonly keys: readonly string[];
  readonly prompt: string;
  /** What the candidate wrote to the console meanwhile. */
  readonly output: string;
  /** When the caller left, on the clock of the machine: one time for each call that was left. */
  readonly leftMs: readonly number[];
}

export interface Judgement {
  readonly verdict: Verdict;
  /** A number that belongs to it, `14 of 20`, or the name of the error. */
  readonly note: string;
}

const closeLimitMs = 50;
const settleLimitMs = 1_000;

export function judge(each: Case, form: Form, evidence: Evidence): Judgement {
  const { report, outcomes } = evidence;
  const reached = each.id.endsWith('refused') || report.connections.first > 0;
  if (!reached || outcomes.length === 0) return { verdict: 'not run', note: '' };
  const leak = leakOf(each, evidence);
  if (leak !== undefined) return { verdict: 'leak', note: leak };
  switch (each.kind) {
    case 'abort':
    case 'leave':
      return ofLeaving(evidence);
    case 'repeat':
      return ofRepeats(each, evidence);
    default:
      return ofMistake(each, evidence) ?? ofOutcome(outcomes[0] as Outcome, each.id === 'healthy' ? 'first' : 'second', form);
  }
}

function ofOutcome({ end, text, error }: Outcome, right: 'first' | 'second', form: Form): Judgement {
  if (end === 'pending') return { verdict: 'hang', note: '' };
  if (end === 'well' && text === wholeText(right)) return { verdict: 'answered', note: '' };
  if (text.length > 1_000_000) return { verdict: 'swallowed', note: '' };
  if (text.includes('stranger-')) return { verdict: "stranger's answer", note: '' };
  const other = wholeText(right === 'first' ? 'second' : 'first');
  if (isMixed(text)) return { verdict: 'duplicated', note: '' };
  if (end === 'well') return { verdict: 'partial as success', note: text === '' ? 'empty' : '' };
  const isBeginning = text === '' || (form === 'stream' && (wholeText(right).startsWith(text) || other.startsWith(text)));
  if (!isBeginning) return { verdict: 'partial as success', note: 'a hole before the error' };
  return { verdict: isTyped(error) ? 'typed error' : 'untyped', note: nameOf(error) };
}

/** Tokens of two servers, or one token twice. */
function isMixed(text: string): boolean {
  const tokens = text.match(/(?:first|second|stranger)-\d+;/g) ?? [];
  const speakers = new Set(tokens.map((token) => token.slice(0, token.indexOf('-'))));
  return speakers.size > 1 || new Set(tokens).size < tokens.length;
}

function ofMistake(each: Case, { report }: Evidence): Judgement | undefined {
  const asked = report.asked.first.length + report.asked.second.length;
  return each.kind === 'mistake' && asked > 1 ? { verdict: 'sent again', note: `${asked} requests` } : undefined;
}

function ofRepeats(each: Case, { outcomes, report }: Evidence): Judgement {
  for (const outcome of outcomes) {
    const right = outcome.text.startsWith('first') ? 'first' : 'second';
    const judged = ofOutcome(outcome, right, 'chat');
    if (judged.verdict !== 'answered') return judged;
  }
  const asked = report.asked.first.length;
  const note = `${asked - (each.id === 'dead-20' ? 2 : 0)} times`;
  return asked > each.asks ? { verdict: 'keeps asking', note } : { verdict: 'answered', note };
}

function ofLeaving({ outcomes, report, leftMs }: Evidence): Judgement {
  if (outcomes.some(({ end, ms }) => end === 'pending' || ms > settleLimitMs)) return { verdict: 'hang', note: '' };
  const delays = leftMs
    .map((left, index) => (report.asked.first[index]?.closedMs ?? Number.POSITIVE_INFINITY) - left)
    .sort((a, b) => a - b);
  const middle = delays[delays.length >> 1] ?? Number.POSITIVE_INFINITY;
  if (report.asked.second.length > 0 || report.asked.first.length > leftMs.length) return { verdict: 'left running', note: 'asked again' };
  if (middle <= closeLimitMs) return { verdict: 'stopped', note: '' };
  return { verdict: 'left running', note: Number.isFinite(middle) ? 'closed late' : 'never closed' };
}

/**
 * Errors as loggers show them, what was printed, and what a stranger was sent. Keys count everywhere. The prompt counts at a stranger,
 * and in errors only where the case is about them: a class of errors that carries the request by design would fail every other case too.
 */
function leakOf(each: Case, { outcomes, report, keys, prompt, output }: Evidence): string | undefined {
  const atStranger = report.asked.stranger.map(({ request }: Asked) => request).join('\n');
  const errors = outcomes.filter(({ end }) => end === 'error').map(({ error }) => shown(error));
  const places = { 'to the other host': atStranger, 'in the error': errors.join('\n'), 'in the output': output };
  for (const [place, text] of Object.entries(places)) {
    if (keys.some((key) => text.includes(key))) return `key ${place}`;
    const isAboutPrompts = each.kind === 'secret' || place === 'to the other host';
    if (isAboutPrompts && text.includes(prompt)) return `prompt ${place}`;
  }
  return undefined;
}

/** What `console.error`, a JSON logger and an error's own text would show. */
function shown(error: unknown): string {
  const { message, stack } = (error ?? {}) as { message?: unknown; stack?: unknown };
  return [inspect(error), String(error), String(message), String(stack), asJson(error)].join('\n');
}

function asJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '';
  }
}

const plain = /^(?:Eval|Range|Reference|Syntax|Type|URI|Aggregate)?Error$/;

/** An error whose name or class is not one of the language's own. */
function isTyped(error: unknown): boolean {
  return error instanceof Error && !(plain.test(error.name) && plain.test(error.constructor.name));
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const { code } = error as { code?: unknown };
  const name = plain.test(error.name) ? error.constructor.name : error.name;
  return typeof code === 'string' ? `${name} ${code}` : name;
}
