import { isRouterError } from '../index.ts';

/** What the exit codes mean: the help, the guide and the tests read this table. */
export const exitCodes: Readonly<Record<number, string>> = Object.freeze({
  0: 'all went well, whoever read the output had enough of it, or `serve` was stopped and every call had ended',
  1: 'a call failed, or no provider can serve, or a server could not listen',
  2: 'the command was not understood, or must be given otherwise',
  3: 'the configuration is wrong: a file, or the environment',
  70: 'a bug in inferlane',
  130: 'stopped by Ctrl-C (SIGINT); of `serve`: before every call had ended',
  143: 'stopped by SIGTERM; of `serve`: before every call had ended',
});

/** A failure with words of its own for whoever sits in front of the terminal. */
export class CommandFailure extends Error {
  readonly exitCode: number;
  /** What to do, one thing each. */
  readonly advice: readonly string[];

  constructor(exitCode: number, message: string, advice: readonly string[] = []) {
    super(message);
    this.exitCode = exitCode;
    this.advice = advice;
  }
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof CommandFailure) return error.exitCode;
  if (!isRouterError(error)) return 70;
  if (error.code === 'invalid_config') return 3;
  return error.code === 'invalid_request' ? 2 : 1;
}
