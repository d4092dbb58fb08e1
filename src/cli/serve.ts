import type { Cli } from './cli.ts';
import { CommandFailure } from './exit-codes.ts';

export function addServe(cli: Cli): void {
  cli.program
    .command('serve')
    .summary('a server in front of the providers (not in this version)')
    .description('A server in front of the providers, for programs that are not written in JavaScript. Not in this version.')
    .action(
      cli.does(() => {
        throw new CommandFailure(4, '`inferlane serve` is not in this version yet.', [
          'In a program of your own, `createRouter()` does the same without a server.',
          'From a shell, `inferlane chat` asks for answers.',
        ]);
      }),
    );
}
