#!/usr/bin/env node
import process from 'node:process';
import { systemClock } from '../index.ts';
import { type Outgoing, Stop } from './io.ts';
import { runCli } from './run-cli.ts';

// The edge to the process: everything below gets what it needs from here.

const controller = new AbortController();
/** Nothing is left to wait for: the command has ended, or was told to end once before. */
let isDone = false;

function stopOn(signal: 'SIGINT' | 'SIGTERM', exitCode: number): void {
  process.on(signal, () => {
    if (isDone) process.exit(exitCode);
    isDone = true;
    controller.abort(new Stop(signal, exitCode));
  });
}

/**
 * Whoever read the output has gone, as `head` does: that is no error, and nothing more needs to be said. A full disk is one. What is said
 * beside the output may be lost: no call is ended for a line of a log.
 */
function outgoing(stream: NodeJS.WriteStream): Outgoing {
  let isLost = false;
  stream.on('error', ({ code }: NodeJS.ErrnoException) => {
    // Each write fails anew.
    if (isLost || stream === process.stderr) return;
    isLost = true;
    const isGone = code === 'EPIPE' || code === 'ECONNRESET';
    if (!isGone) process.stderr.write(`error: The output could not be written: ${code ?? 'unknown'}.\n`);
    // Also after a command that has ended and knew nothing of it.
    if (!isGone) process.exitCode = 1;
    controller.abort(new Stop(code ?? 'output', isGone ? 0 : 1));
  });
  return {
    isTerminal: stream.isTTY === true,
    get columns() {
      // Some terminals say 0 and mean that they do not know.
      return stream.isTTY && stream.columns > 0 ? stream.columns : undefined;
    },
    write: (text) =>
      new Promise((resolve) => {
        const done = (): void => {
          controller.signal.removeEventListener('abort', done);
          resolve();
        };
        controller.signal.addEventListener('abort', done);
        if (controller.signal.aborted) done();
        stream.write(text, done);
      }),
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
if (exitCode !== 0) process.exitCode = exitCode;
isDone = true;
// Output that nobody takes would keep the process waiting.
if (controller.signal.aborted) process.exit();
// A terminal or pipe that nobody writes to any more would keep the process waiting.
process.stdin.unref?.();
