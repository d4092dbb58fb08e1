import type { Command } from 'commander';
import { exitCodes } from './exit-codes.ts';

export type Example = readonly [command: string, what: string];

/** Examples at the end of a command's help: most people read these and nothing else. */
export function withExamples(command: Command, examples: readonly Example[]): void {
  command.addHelpText('after', `\nExamples:\n${examples.map(([line, what]) => `  # ${what}\n  ${line}`).join('\n\n')}`);
}

export const overview: string = `
Where the configuration comes from, the first that is there:
  --config <file>, or --preset <name> for the environment
  INFERLANE_CONFIG, the path of a file
  inferlane.json in this folder
  environment variables, such as OLLAMA_BASE_URL or OPENAI_API_KEY
  what answers on the usual ports of this machine, also in place of a cloud whose key is all there is

Keys are never given as options, where other users of the machine and the history of the shell would see them: set the
variable (OPENAI_API_KEY, …), or write "\${NAME}" into the file.

Exit codes:
${Object.entries(exitCodes)
  .map(([code, what]) => `  ${code.padEnd(4)}${what}`)
  .join('\n')}

First steps:
  # what answers here?
  inferlane check

  # write that to inferlane.json
  inferlane init

  # and ask it
  inferlane chat "Why is the sky blue?"`;
