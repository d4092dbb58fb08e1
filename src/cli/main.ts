#!/usr/bin/env node
import process from 'node:process';
import { systemClock } from '../index.ts';
import { type Outgoing, Stop } from './io.ts';
import { runCli } from './run-cli.ts';

// The edge to the process: everything below gets what it needs from here.

const controller = new AbortController();

/** The second time the signal ends the process, as ever. */
function stopOn(signal: 'SIGINT' | 'SIGTERM', exitCode: number): void {
  process.once(signal, () => controller.abort(new Stop(signal, exitCode)));
}

/** Whoever read the output has gone, as `head` does: that is no error, and nothing more needs to be said. */
function outgoing(stream: NodeJS.WriteStream): Outgoing {
  stream.on('error', () => controller.abort(new Stop('EPIPE', 0)));
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
process.exitCode = await runCli(process.argv.slice(2), {
  stdin: { isTerminal: process.stdin.isTTY === true, pieces: process.stdin },
  stdout: outgoing(process.stdout),
  stderr: outgoing(process.stderr),
  env: process.env,
  folder: process.cwd(),
  clock: systemClock,
  signal: controller.signal,
});
// A terminal or pipe that nobody writes to any more would keep the process waiting.
process.stdin.unref?.();
