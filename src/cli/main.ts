#!/usr/bin/env node
import process from 'node:process';
import { systemClock } from '../index.ts';
import { type Outgoing, Stop } from './io.ts';
import { runCli } from './run-cli.ts';

// The edge to the process: everything below gets what it needs from here.

const controller = new AbortController();
/** Output that was lost is told after a command that knew nothing of it, too. */
let outputCode = 0;

/** The second time the signal ends the process, as ever. */
function stopOn(signal: 'SIGINT' | 'SIGTERM', exitCode: number): void {
  process.once(signal, () => controller.abort(new Stop(signal, exitCode)));
}

/** Whoever read the output has gone, as `head` does: that is no error, and nothing more needs to be said. A full disk is one. */
function outgoing(stream: NodeJS.WriteStream): Outgoing {
  stream.on('error', ({ code }: NodeJS.ErrnoException) => {
    const isGone = code === 'EPIPE' || code === 'ECONNRESET';
    if (!isGone && stream !== process.stderr) process.stderr.write(`error: The output could not be written: ${code ?? 'unknown'}.\n`);
    if (!isGone) outputCode = 1;
    controller.abort(new Stop(code ?? 'output', isGone ? 0 : 1));
  });
  return {
    isTerminal: stream.isTTY === true,
    get columns() {
      // Some terminals say 0 and mean that they do not know.
      return stream.isTTY && stream.columns > 0 ? stream.columns : undefined;
    },
    write: (text) => new Promise((resolve) => void stream.write(text, () => resolve())),
  };
}

stopOn('SIGINT', 130);
stopOn('SIGTERM', 143);
const exitCode = await runCli(process.argv.slice(2), {
  stdin: { isTerminal: process.stdin.isTTY === true, pieces: process.stdin },
  stdout: outgoing(process.stdout),
  stderr: outgoing(process.stderr),
  env: process.env,
  folder: process.cwd(),
  clock: systemClock,
  signal: controller.signal,
});
process.exitCode = exitCode === 0 ? outputCode : exitCode;
// A terminal or pipe that nobody writes to any more would keep the process waiting.
process.stdin.unref?.();
