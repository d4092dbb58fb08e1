import { createRequire } from 'node:module';
import { Command, Option } from 'commander';
import { presetNames } from '../index.ts';
import { overview } from './help-text.ts';
import type { CliIo } from './io.ts';
import { plainText } from './plain-text.ts';

const helpColumns = 120;

/** The command without its commands. What it prints goes where `io` says, and it throws instead of ending the process. */
export function createProgram(io: CliIo): Command {
  const { version } = createRequire(import.meta.url)('inferlane/package.json') as { readonly version: string };
  const width = ({ columns }: CliIo['stdout']): number => Math.min(columns ?? helpColumns, helpColumns);
  return (
    new Command('inferlane')
      .description('Asks many inference servers as if they were one: the free and near ones first, the next one when one fails.')
      .version(version, '-V, --version', 'prints the version')
      .helpOption('-h, --help', 'shows this; `inferlane help <command>` shows more about a command')
      .helpCommand('help [command]', 'shows more about a command')
      .option('--config <file>', 'a JSON file with the configuration')
      .addOption(new Option('--preset <name>', 'how environment variables are read').choices(presetNames))
      .addHelpText('after', overview)
      // Before the commands are added: they copy these.
      .exitOverride()
      .configureOutput({
        writeOut: (text) => void io.stdout.write(text),
        // Errors are told where all others are.
        writeErr: () => undefined,
        getOutHelpWidth: () => width(io.stdout),
        getErrHelpWidth: () => width(io.stderr),
        getOutHasColors: () => false,
        getErrHasColors: () => false,
      })
      .configureHelp({ showGlobalOptions: true })
  );
}

/** What the parser objects to. A value that was stuck to an unknown option may be a key, so it is left out. */
export function usageText(message: string): string {
  const plain = plainText(message)
    .replace(/^error: /, '')
    .trim();
  return plain.replace(/^(unknown option '(?:--[^'=]*(?==)|-[^-]))[^]*?'(?=$|\n)/, "$1'");
}

/** People look for such an option; there is none, for a reason. */
export function isAboutKeys(message: string): boolean {
  return /^(?:error: )?unknown option '--?[a-z_-]*(?:key|token|secret|password|auth)/i.test(message);
}
