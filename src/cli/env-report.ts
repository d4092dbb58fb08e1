import type { ConfigIssue, EnvSetting } from '../index.ts';
import type { EnvReport } from './env.ts';
import { issueText } from './failure-text.ts';
import { counted, listed } from './figures.ts';
import type { Paint } from './paint.ts';
import { plainLine } from './plain-text.ts';
import { type Cell, table } from './table.ts';

/** A variable that is set. */
export interface ReportedVariable extends EnvSetting {
  /** What it holds, where that can be shown; addresses without credentials and paths. */
  readonly value: string | undefined;
  /** A file may refer to one that is not, and say what is used in its place. */
  readonly isSet: boolean;
}

export function variablesOf(report: readonly EnvSetting[], env: Readonly<Record<string, string | undefined>>): readonly ReportedVariable[] {
  return report.map((row) => ({ ...row, value: shownValue(row, env[row.variable] ?? ''), isSet: env[row.variable] !== undefined }));
}

/** A key is often pasted into the variable next to its own, so what was not understood is not shown either. */
function shownValue({ secret, problem }: EnvSetting, value: string): string | undefined {
  if (secret === true || problem !== undefined) return undefined;
  const isAddress = /^https?:\/\//i.test(value) && URL.canParse(value);
  if (isAddress) return withoutPath(new URL(value));
  return !namesSecret.test(value) && value.split(/[\s,;=]+/).every(isHarmless) ? plainLine(value) : undefined;
}

/** The flags of a server may hold its key. */
const namesSecret = /key|token|secret|pass|auth|credential|bearer/i;

/** Words, numbers, names of models and hosts. Keys are long, and mix letters with figures. */
function isHarmless(part: string): boolean {
  if (part.includes('://') || part.includes('@')) return false;
  return (
    part.split(/[/:]/).every((word) => word.length < 20 || !/\d/.test(word) || /^[a-z.\d]{1,19}(?:-[a-z.\d]{1,19})+$/i.test(word)) &&
    !/^(?:sk|hf|pk|gh[pousr])[-_]/i.test(part)
  );
}

/** An address as a configuration shows it: no user, no path, no query. */
function withoutPath({ origin, pathname }: URL): string {
  return /^\/(?:v1\/?)?$/.test(pathname) ? `${origin}${pathname.replace(/\/$/, '')}` : `${origin}/…`;
}

/** `file`: the name of the file that the configuration comes from. */
export function reportText(report: EnvReport, file: string | undefined, paint: Paint): string {
  const { variables } = report;
  const rows = variables.map(rowOf);
  const parts = [
    titleOf(report, file),
    rows.length === 0 ? '' : `\n${table(['VARIABLE', 'VALUE', 'SETS'], rows, paint)}`,
    section(paint('red', 'Wrong'), report.issues),
    section(paint('yellow', 'Odd'), report.warnings),
  ];
  return parts.filter((part) => part !== '').join('');
}

function titleOf({ source, isEmpty, hasOnlyKeys, providers, variables, issues }: EnvReport, file: string | undefined): string {
  if (isEmpty) {
    return 'No variable names a provider, so commands use what answers on the usual ports of this machine.\nSet OLLAMA_BASE_URL, OPENAI_API_KEY or another one of docs/reference/environment.md, or run `inferlane init`.\n';
  }
  const isWrong = issues.length > 0;
  const what = isWrong ? 'in which something is wrong' : `with ${counted(providers.length, 'provider')}: ${listed(providers)}`;
  const title = `The configuration comes from ${plainLine(source)}, ${what}.\n`;
  if (file !== undefined) {
    const uses = variables.length === 0 ? 'It refers to no variable.' : 'Of the environment it uses what it refers to by ${NAME}.';
    return isWrong ? title : `${title}${uses}\n`;
  }
  return hasOnlyKeys
    ? `${title}Nothing but a key names it, so commands use what answers on the usual ports of this machine in its place; where nothing does, they say who is paid.\n`
    : title;
}

function rowOf({ variable, value, isSet, sets, note, problem }: ReportedVariable): readonly Cell[] {
  const shown: Cell = value ?? { text: isSet ? '(hidden)' : '(not set)', style: 'dim' };
  if (problem !== undefined) return [variable, shown, { text: 'nothing: it is wrong, see below', style: 'red' }];
  return [variable, shown, sets.length > 0 ? sets.join(', ') : { text: `nothing: ${note ?? 'it is not used'}`, style: 'dim' }];
}

function section(title: string, found: readonly ConfigIssue[]): string {
  return found.length === 0 ? '' : `\n${title}:\n${found.map((each) => `${issueText(each)}\n`).join('')}`;
}
