import { CommanderError } from 'commander';
import { addBench } from './bench.ts';
import { addChat } from './chat.ts';
import { addCheck } from './check.ts';
import type { Cli } from './cli.ts';
import type { GlobalOptions } from './configuration.ts';
import { addEmbed } from './embed.ts';
import { addEnv } from './env.ts';
import { CommandFailure, exitCodeOf } from './exit-codes.ts';
import { addExplain } from './explain.ts';
import { failureText } from './failure-text.ts';
import { addInit } from './init.ts';
import { type CliIo, Stop } from './io.ts';
import { addModels } from './models.ts';
import { createPaint } from './paint.ts';
import { plainText } from './plain-text.ts';
import { createProgram, isAboutKeys, usageText } from './program.ts';
import { addServe } from './serve.ts';

/**
 * The command line, in this process: `argv` without the program's own name. Gives the exit code; never rejects, and ends nothing but
 * what it began.
 */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  const program = createProgram(io);
  let exitCode = 0;
  const paintError = createPaint(io.stderr, io.env);
  const cli: Cli = {
    io,
    program,
    globals: () => program.opts<GlobalOptions>(),
    paint: createPaint(io.stdout, io.env),
    paintError,
    print: (text) => io.stdout.write(text),
    note: (text) => io.stderr.write(`${paintError('dim', plainText(text))}\n`),
    warn: (text) => io.stderr.write(`${paintError('yellow', 'note:')} ${plainText(text)}\n`),
    does:
      (run) =>
      async (...args) => {
        const code = await run(...args);
        // What was told to end may have come to its end without noticing.
        exitCode = code === 0 && io.signal.aborted ? stopCode(io.signal) : code;
      },
    goesOn:
      (run) =>
      async (...args) => {
        exitCode = await run(...args);
      },
  };
  for (const add of [addCheck, addModels, addChat, addEmbed, addExplain, addEnv, addInit, addBench, addServe]) add(cli);
  try {
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    return fail(error, cli);
  }
}

async function fail(error: unknown, { io, paintError }: Cli): Promise<number> {
  if (io.signal.aborted) return stopCode(io.signal);
  const shown = error instanceof CommanderError ? usageFailure(error) : error;
  if (shown === undefined) return 0;
  await io.stderr.write(failureText(shown, paintError));
  return exitCodeOf(shown);
}

function stopCode({ reason }: AbortSignal): number {
  return reason instanceof Stop ? reason.exitCode : 70;
}

/** Undefined: the help or the version was asked for, and printed. */
function usageFailure({ code, message, exitCode }: CommanderError): CommandFailure | undefined {
  if (exitCode === 0) return undefined;
  // `help` of what is not there.
  if (code === 'commander.help') return new CommandFailure(2, 'There is no such command.', ['`inferlane --help` lists the commands.']);
  const advice = isAboutKeys(message)
    ? ['Keys are never options, where others could read them: set the variable, such as OPENAI_API_KEY, or write "${NAME}" into the file.']
    : ['`inferlane --help` lists the commands; `inferlane help <command>` shows examples.'];
  return new CommandFailure(2, usageText(message), advice);
}
