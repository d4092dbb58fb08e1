import type { RouteTrace } from '../core/route.ts';
import type { Score } from './expected-time.ts';
import type { Plan, PlannedCandidate, SkippedInPlan } from './plan.ts';

/** A plan as a text that a person reads: who is tried in which order and why, who is not and why not. Holds no prompt. */
export function formatPlan(plan: Plan): string {
  const { verb, intent, balance, lane, promptTokens, candidates, skipped, atMs } = plan;
  const title = `${verb} for ${intent} (balance ${balance}, lane ${lane}, about ${promptTokens} prompt ${promptTokens === 1 ? 'token' : 'tokens'})`;
  const first = candidates.length === 0 ? ['Nobody may be asked now.'] : ['Tried in this order:', ...table(candidates.map(candidateRow))];
  const rest = skipped.length === 0 ? [] : ['Left out:', ...table(skipped.map((each) => skippedRow(each, atMs)))];
  return [title, ...first, ...rest].join('\n');
}

/** What happened to a call, as a text that a person reads: who was asked when, what came of it, and who was not asked. Holds no prompt. */
export function formatRoute(route: RouteTrace): string {
  const { provider, model, intent, attempts, skipped, queuedMs } = route;
  const notes = [
    queuedMs > 0 ? `waited ${shown(queuedMs)} for a slot` : '',
    route.hedged ? 'hedged' : '',
    route.substituted ? 'with a default model in place of the one asked for' : '',
    route.degraded ? 'a stand-in, no answer of a model' : '',
    route.truncated ? 'the server has probably dropped a part of the prompt' : '',
  ].filter((note) => note !== '');
  const title = `${provider === '' ? 'Nobody answered' : `${named(provider, model)} answered`} for ${intent}${notes.length === 0 ? '' : ` (${notes.join('; ')})`}`;
  const rows = attempts.map((each) => [
    `after ${shown(each.startedMs)}`,
    named(each.provider, each.model),
    each.error === undefined ? 'answered' : `failed: ${each.error.code}`,
    `in ${shown(each.ms)}${each.firstContentMs === undefined ? '' : `, first content in ${shown(each.firstContentMs)}`}`,
  ]);
  const rest =
    skipped.length === 0 ? [] : ['Not asked:', ...table(skipped.map((each) => [named(each.provider, each.model), each.code, each.reason]))];
  return [title, ...table(rows), ...rest].join('\n');
}

function candidateRow({ provider, model, reason, score, isTrial }: PlannedCandidate, index: number): string[] {
  const why = isTrial ? `${reason}; to find out whether the model fits again` : reason;
  return [`${index + 1}.`, named(provider, model), score === undefined ? '' : expected(score), why];
}

/** The parts that are not zero, so that the reader sees what decided. */
function expected({ totalMs, queueMs, loadMs, answerMs, failureMs, savedMs, isGuess }: Score): string {
  if (isGuess && totalMs === 0) return 'not known yet';
  const parts = [
    part('queue', queueMs),
    part('load', loadMs),
    part(isGuess ? 'answer, a guess' : 'answer', answerMs),
    part('failures', failureMs),
    savedMs > 0 ? `- cached ${shown(savedMs)}` : '',
  ].filter((text) => text !== '');
  return `${shown(totalMs)} = ${parts.join(' + ').replaceAll('+ - ', '- ')}`;
}

function part(name: string, ms: number): string {
  return ms > 0 ? `${name} ${shown(ms)}` : '';
}

function skippedRow({ provider, model, code, reason, readyAtMs }: SkippedInPlan, atMs: number): string[] {
  const until = readyAtMs !== undefined && readyAtMs > atMs ? `${reason}, for ${shown(readyAtMs - atMs)}` : reason;
  return ['-', named(provider, model), code, until];
}

function named(provider: string, model: string | undefined): string {
  return model === undefined ? provider : `${provider} (${model})`;
}

const units: readonly (readonly [string, number])[] = [
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
];

/** To two or three figures, in the unit that a person would choose. */
function shown(ms: number): string {
  const [unit, size] = units.find(([, each]) => ms >= each) ?? ['ms', 1];
  const value = ms / size;
  return `${value >= 10 || unit === 'ms' ? Math.round(value) : Math.round(value * 10) / 10} ${unit}`;
}

/** Columns as wide as their widest cell; the last one is left as it is. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    `  ${row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] as number))).join('  ')}`.trimEnd(),
  );
}
