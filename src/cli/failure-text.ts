import { type ConfigIssue, type FailedAttempt, isRouterError, type RouterError } from '../index.ts';
import { CommandFailure } from './exit-codes.ts';
import { counted } from './figures.ts';
import type { Paint } from './paint.ts';
import { plainLine, plainText } from './plain-text.ts';

/** What went wrong, where, and what to do, for the person in front of the terminal. */
export function failureText(error: unknown, paint: Paint): string {
  if (error instanceof CommandFailure) return withAdvice(error.message, error.advice, paint);
  if (isRouterError(error, 'invalid_config')) return failureText(configurationFailure(error, undefined), paint);
  if (isRouterError(error))
    return error.attempts.length > 0 ? attemptsText(error, paint) : withAdvice(error.message, adviceFor(error), paint);
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return withAdvice(`This is a bug in inferlane. Please report it with these lines:\n${text}`, [], paint);
}

function withAdvice(message: string, advice: readonly string[], paint: Paint): string {
  return [`${paint('red', 'error:')} ${plainText(message)}`, ...advice.map((each) => `  ${each}`)].map((line) => `${line}\n`).join('');
}

/** Everything that is wrong at once: what, where, and what to do. */
export function configurationFailure(
  error: RouterError<'invalid_config'>,
  from: string | undefined,
  advice: readonly string[] = [],
): CommandFailure {
  const issues = issuesOf(error);
  if (issues.length === 0) return new CommandFailure(3, error.message, advice);
  const title = `${counted(issues.length, 'thing is', 'things are')} wrong in the configuration${from === undefined ? '' : ` from ${from}`}:`;
  return new CommandFailure(3, [title, ...issues.map(issueText)].join('\n'), advice);
}

/** Everything that is wrong. Errors of a newer copy of the library may say it otherwise, and then there is none. */
export function issuesOf(error: RouterError<'invalid_config'>): readonly ConfigIssue[] {
  return (error as { readonly issues?: readonly ConfigIssue[] }).issues ?? [];
}

export function issueText({ path, message }: ConfigIssue): string {
  return `  ${plainLine(path === '' ? 'the options' : path)}\n    ${plainLine(message)}`;
}

/** Each provider once: of several tries the last one counts. */
function attemptsText(error: RouterError, paint: Paint): string {
  const last = new Map<string, FailedAttempt>();
  for (const attempt of error.attempts) last.set(`${attempt.provider} ${attempt.model}`, attempt);
  const tries = Array.from(last.values(), ({ error: each }) => `  ${plainLine(each.message)}`);
  const skipped = error.skipped.map(({ provider, reason }) => `  ${plainLine(`${provider}: not asked: ${reason}.`)}`);
  return withAdvice(['No provider could answer.', ...tries, ...skipped].join('\n'), adviceFor(error), paint);
}

const modelAdvice = [
  '`inferlane models` shows which models there are; --model names one.',
  'To name one for all calls: LOCAL_MODEL_NAME beside OLLAMA_BASE_URL and the like, or "defaultModel" in a file; for vectors, "embeddingModel".',
];

/** By what happened most lately, since that is what stands in the way. */
function adviceFor(error: RouterError): readonly string[] {
  const codes = [error.code, ...error.attempts.map(({ error: each }) => each.code), ...error.skipped.map(({ code }) => code)];
  const reasons = error.skipped.map(({ reason }) => reason).join(' ');
  return [
    ...(codes.includes('unavailable') ? ['`inferlane check` shows who answers.'] : []),
    ...(codes.includes('model_not_found') ? modelAdvice : []),
    ...(/allowPaid/.test(`${reasons} ${error.message}`)
      ? ['Paid providers answer where the configuration sets allowPaid, or where --provider names one.']
      : []),
  ];
}
