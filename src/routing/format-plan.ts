import type { RouteAttempt, RouteTrace } from '../core/route.ts';
import type { Score } from './expected-time.ts';
import type { Plan, PlannedCandidate, SkippedInPlan } from './plan.ts';

/** A plan as a text that a person reads: who is tried in which order and why, who is not and why not. Holds no prompt. */
export function formatPlan(plan: Plan): string {
  const { verb, intent, balance, lane, promptTokens, candidates, skipped, atMs } = plan;
  const title = `${verb} for ${intent} (balance ${balance}, lane ${lane}, prompt of about ${tokens(promptTokens)})`;
  const first =
    candidates.length === 0
      ? ['Nobody may be asked now.']
      : [triedInOrder, ...table(candidates.map((each, index) => candidateRow(each, index, promptTokens)))];
  const rest = skipped.length === 0 ? [] : ['Left out:', ...table(skipped.map((each) => skippedRow(each, atMs)))];
  return [title, ...first, ...rest].join('\n');
}

const triedInOrder = 'Tried in this order, with the time that each is expected to need:';

/** What happened to a call, as a text that a person reads: who was asked when, what came of it, and who was not asked. Holds no prompt. */
export function formatRoute(route: RouteTrace): string {
  const { provider, model, intent, attempts, skipped, queuedMs } = route;
  const notes = [
    `intent ${intent}`,
    queuedMs > 0 ? `waited ${shown(queuedMs)} for a slot` : '',
    route.hedged ? 'hedged' : '',
    route.substituted ? 'with a default model in place of the one asked for' : '',
    route.degraded ? 'a stand-in, no answer of a model' : '',
    route.truncated ? 'the server has probably dropped a part of the prompt' : '',
  ].filter((note) => note !== '');
  const title = `${named(provider, model)} ${endingOf(route)} (${notes.join('; ')})`;
  const rows = attempts.map((each) => [`after ${shown(each.startedMs)}`, named(each.provider, each.model), outcomeOf(each)]);
  const rest =
    skipped.length === 0 ? [] : ['Not asked:', ...table(skipped.map((each) => ['-', named(each.provider, each.model), each.reason]))];
  return [title, ...table(rows), ...rest].join('\n');
}

/** A stream has a route while it is being read, and keeps it when it breaks. */
function endingOf({ provider, attempts, cached }: RouteTrace): string {
  if (cached) return 'answered before';
  if (attempts.some(({ error }) => error === undefined)) return 'answered';
  const last = attempts.at(-1);
  return last?.provider === provider && last.firstContentMs !== undefined ? 'broke off' : 'is answering';
}

function outcomeOf({ provider, ms, firstContentMs, expectedMs, error }: RouteAttempt): string {
  const first = firstContentMs === undefined ? '' : `, first content after ${shown(firstContentMs)}`;
  const time = `${shown(ms)}${first}${expectedMs === undefined ? '' : `, expected after ${shown(expectedMs)}`}`;
  if (error === undefined) return `answered in ${time}`;
  const own = `${provider}: `;
  const message = error.message.startsWith(own) ? error.message.slice(own.length) : error.message;
  return `failed in ${time} (${error.code}): ${message}`;
}

function candidateRow(
  { provider, model, reason, score, isTrial, seenTokens, isFull }: PlannedCandidate,
  index: number,
  promptTokens: number,
): string[] {
  // Among the parts of the time, what is saved by it stands already. It is estimated by another rule than the whole prompt.
  const isNews = seenTokens > 0 && !(score !== undefined && score.savedMs > 0);
  const seen = isNews ? `, has seen ${tokens(Math.min(seenTokens, promptTokens))} of the prompt` : '';
  const trial = isTrial ? '; to find out whether the model fits again' : '';
  return [
    `${index + 1}.`,
    named(provider, model),
    score === undefined ? '' : expected(score),
    `${reason}${seen}${isFull ? '; all its slots are taken' : ''}${trial}`,
  ];
}

/** The parts that are not zero, so that the reader sees what decided. */
function expected({ totalMs, queueMs, loadMs, answerMs, failureMs, savedMs, isGuess }: Score): string {
  if (isGuess && totalMs === 0) return 'not known yet';
  if (!isGuess && totalMs === answerMs) return shown(totalMs);
  const answer = answerMs > 0 || !isGuess ? `answer ${shown(answerMs)}${isGuess ? ' (a guess)' : ''}` : 'answer not known yet';
  const parts = [part('queue', queueMs), part('loading', loadMs), answer, part('recent failures', failureMs)];
  const saved = savedMs > 0 ? ` - cached prompt ${shown(savedMs)}` : '';
  return `${shown(totalMs)} = ${parts.filter((text) => text !== '').join(' + ')}${saved}`;
}

function part(name: string, ms: number): string {
  return ms > 0 ? `${name} ${shown(ms)}` : '';
}

function skippedRow({ provider, model, reason, readyAtMs }: SkippedInPlan, atMs: number): string[] {
  const later = readyAtMs !== undefined && readyAtMs > atMs ? `; tried again in ${shown(readyAtMs - atMs)}` : '';
  return ['-', named(provider, model), `${reason}${later}`];
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

/** An estimate: more than two figures would claim too much. */
function tokens(count: number): string {
  return `${Number(count.toPrecision(2)).toLocaleString('en')} ${count === 1 ? 'token' : 'tokens'}`;
}

/** Columns as wide as their widest cell; the last one is left as it is. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    `  ${row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] as number))).join('  ')}`.trimEnd(),
  );
}
