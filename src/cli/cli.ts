import type { Command } from 'commander';
import type { GlobalOptions } from './configuration.ts';
import type { CliIo } from './io.ts';
import type { Paint } from './paint.ts';

/** What every command gets. */
export interface Cli {
  readonly io: CliIo;
  readonly program: Command;
  globals(): GlobalOptions;
  /** Colours of the standard output. */
  readonly paint: Paint;
  /** Colours of the error output. */
  readonly paintError: Paint;
  /** To the standard output: what was asked for. */
  print(text: string): Promise<void>;
  /** To the error output: what is worth knowing beside it. */
  note(text: string): Promise<void>;
  /** To the error output: what is odd. */
  warn(text: string): Promise<void>;
  /** Makes an action of what gives an exit code. */
  does<Args extends unknown[]>(run: (...args: Args) => Promise<number> | number): (...args: Args) => Promise<void>;
  /** The same of what goes on until it is told to stop, so that being stopped is no failure: the exit code is what it gives. */
  goesOn<Args extends unknown[]>(run: (...args: Args) => Promise<number>): (...args: Args) => Promise<void>;
}
