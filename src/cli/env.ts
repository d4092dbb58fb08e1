import { basename } from 'node:path';
import { type ConfigIssue, type ConfigWarning, type EnvSetting, fromFile, inspectEnv, isRouterError } from '../index.ts';
import type { Cli } from './cli.ts';
import { chooseSource, namesNobody, type Source, sourceName } from './configuration.ts';
import { type ReportedVariable, reportText, variablesOf } from './env-report.ts';
import { issuesOf } from './failure-text.ts';
import { withExamples } from './help-text.ts';
import { toJson } from './plain-text.ts';
import { unaskedOf } from './unasked.ts';

const examples = [
  ['inferlane env', 'which variables are used, and for what'],
  ['inferlane env --preset free-first', 'how they would be read by a preset'],
  ['INFERLANE_CONFIG=lab.json inferlane env', 'which variables a file refers to'],
] as const;

/** What is known of where the configuration comes from. */
export interface EnvReport {
  readonly source: string;
  /** Nothing names a provider, so commands look for servers on this machine. */
  readonly isEmpty: boolean;
  /** Only keys of clouds name providers, so commands look for servers on this machine first. */
  readonly hasOnlyKeys: boolean;
  readonly providers: readonly string[];
  readonly variables: readonly ReportedVariable[];
  readonly warnings: readonly ConfigWarning[];
  readonly issues: readonly ConfigIssue[];
}

export function addEnv(cli: Cli): void {
  const command = cli.program
    .command('env')
    .summary('which settings come from where')
    .description(
      'Shows which environment variables are used and what each one sets, also where something is wrong with them. Keys are never shown.\nThe exit code is 3 if something is wrong.',
    )
    .option('--json', 'the same as JSON')
    .action(cli.does(({ json }: { readonly json?: true }) => env(cli, json === true)));
  withExamples(command, examples);
}

async function env(cli: Cli, isJson: boolean): Promise<number> {
  const source = await chooseSource(cli.globals(), cli.io);
  const report = source.kind === 'file' ? await fileReport(cli, source) : environmentReport(cli, source);
  await cli.print(isJson ? toJson(report) : reportText(report, source.kind === 'file' ? basename(source.path) : undefined, cli.paint));
  return report.issues.length > 0 ? 3 : 0;
}

function environmentReport({ io }: Cli, source: Source & { readonly kind: 'environment' }): EnvReport {
  const reading = inspectEnv(io.env, { preset: source.preset });
  const isEmpty = namesNobody(reading, source, io);
  const { options, report, warnings, issues } = reading;
  return {
    source: sourceName(source, io),
    isEmpty,
    hasOnlyKeys: unaskedOf(reading) !== undefined,
    providers: Object.keys(options?.providers ?? {}),
    variables: variablesOf(report, io.env),
    warnings,
    issues: isEmpty ? [] : issues,
  };
}

/** Of a file, the variables that it refers to; what they hold is nobody's business, since a file does not say what is a key. */
async function fileReport({ io }: Cli, source: Source & { readonly kind: 'file' }): Promise<EnvReport> {
  const named = { source: sourceName(source, io), isEmpty: false, hasOnlyKeys: false };
  try {
    const { report, warnings, providers } = await fromFile(source.path, { env: io.env });
    const hidden = report.map((row): EnvSetting => ({ ...row, secret: true }));
    return { ...named, providers: Object.keys(providers), variables: variablesOf(hidden, io.env), warnings, issues: [] };
  } catch (error) {
    if (!isRouterError(error, 'invalid_config')) throw error;
    return { ...named, providers: [], variables: [], warnings: [], issues: issuesOf(error) };
  }
}
