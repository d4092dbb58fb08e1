import { CommandFailure } from './exit-codes.ts';
import type { CliIo } from './io.ts';

/** No model takes so much, so it is a mistake: a wrong file, or a program that does not end. */
const mostBytes = 16 * 1024 * 1024;

/** What stands on the command line, or on the standard input where nothing does, or `-`. */
export async function readText(words: readonly string[], io: CliIo, what: string): Promise<string> {
  const isNamed = words.length > 0 && !(words.length === 1 && words[0] === '-');
  const text = isNamed ? words.join(' ') : await readStdin(io, what);
  if (text.trim() === '') throw new CommandFailure(2, `There is no ${what}: it is empty.`);
  return text;
}

async function readStdin({ stdin, stderr, signal }: CliIo, what: string): Promise<string> {
  if (stdin.isTerminal) await stderr.write(`Type your ${what}, and end it with Ctrl-D on a line of its own.\n`);
  signal.throwIfAborted();
  let stop: (() => void) | undefined;
  const stopped = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([readAll(stdin.pieces, what), stopped]);
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
}

async function readAll(pieces: AsyncIterable<Uint8Array>, what: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let count = 0;
  for await (const piece of pieces) {
    count += piece.length;
    if (count > mostBytes) throw new CommandFailure(2, `The ${what} on the standard input is longer than 16 MiB.`);
    text += decoder.decode(piece, { stream: true });
  }
  return text + decoder.decode();
}
