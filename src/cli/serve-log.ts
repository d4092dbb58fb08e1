import type { AccessEntry, AdminChange } from '../http/index.ts';
import type { Cli } from './cli.ts';
import { duration } from './figures.ts';
import type { Style } from './paint.ts';
import { plainLine, toJsonLine } from './plain-text.ts';

export const logFormats = ['none', 'text', 'json'] as const;

export type LogFormat = (typeof logFormats)[number];

/** What a server tells while it runs, on the error output. It holds no prompt, answer, token, query and path. */
export interface ServeLog {
  readonly onAccess: (entry: AccessEntry) => void;
  readonly onChange: (change: AdminChange) => void;
  /** The same command line, whose notes are lines of the log as well. */
  readonly cli: Cli;
}

/** `none` keeps quiet about requests alone. */
export function createServeLog(cli: Cli, format: LogFormat): ServeLog {
  if (format === 'json') return jsonLog(cli);
  if (format === 'none') return { onAccess: () => undefined, onChange: () => undefined, cli };
  const write = (atMs: number, text: string): void => void cli.io.stderr.write(`${timeOf(atMs)} ${text}\n`);
  return {
    onAccess: (entry) => write(cli.io.clock.wallMs(), accessText(entry, cli)),
    onChange: (change) => write(change.atMs, changeText(change)),
    cli,
  };
}

function jsonLog(cli: Cli): ServeLog {
  const { stderr, clock } = cli.io;
  const write = (atMs: number, entry: object): Promise<void> => stderr.write(toJsonLine({ time: timeOf(atMs), ...entry }));
  const say = (level: 'info' | 'warning', message: string): Promise<void> => write(clock.wallMs(), { level, message });
  return {
    onAccess: (entry) => void write(clock.wallMs(), { level: 'info', ...entry, ms: Math.round(entry.ms * 10) / 10 }),
    onChange: ({ atMs, action, keys, ok }) => void write(atMs, { level: 'info', admin: action, keys, ok }),
    cli: { ...cli, note: (text) => say('info', text), warn: (text) => say('warning', text) },
  };
}

function timeOf(atMs: number): string {
  return new Date(atMs).toISOString();
}

function accessText(
  { method, route = '(no such path)', status, ms, caller, provider, attempts, cut, requestId }: AccessEntry,
  cli: Cli,
): string {
  const facts = [
    provider === undefined ? '' : `by ${provider}`,
    attempts === undefined || attempts < 2 ? '' : `after ${attempts} attempts`,
    caller === undefined ? '' : `for ${caller}`,
    cut ? 'cut off' : '',
  ].filter((fact) => fact !== '');
  const head = `${method} ${route} ${cli.paintError(styleOf(status), String(status))} in ${duration(ms)}`;
  return `${head}${facts.map((fact) => `, ${plainLine(fact)}`).join('')} [${requestId}]`;
}

function styleOf(status: number): Style {
  return status < 400 ? 'green' : status < 500 ? 'yellow' : 'red';
}

function changeText({ action, keys, ok }: AdminChange): string {
  return plainLine(`admin page: ${action}${keys.length === 0 ? '' : ` (${keys.join(', ')})`}${ok ? '' : ', refused'}`);
}
