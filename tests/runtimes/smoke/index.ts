import type { ofetchTransport, Transport } from 'inferlane';
import { callChecks } from './calls.ts';
import type { Check, Given, Ground } from './ground.ts';
import { handlerChecks } from './handler.ts';
import { kitChecks } from './kit.ts';

// The same on every runtime: what the installed package does there, a line for each check.

/** The package is no CommonJS; where `require` takes it all the same, it takes all of it. */
const required: Check = async () => {
  const { createRequire } = await import('node:module');
  const root = createRequire(import.meta.url)('inferlane') as { ofetchTransport: typeof ofetchTransport };
  if (typeof root.ofetchTransport().send !== 'function') throw new Error('what was required has no transport');
};

export const checks: Readonly<Record<string, Check>> = {
  ...callChecks,
  ...handlerChecks,
  ...kitChecks,
  "require('inferlane')": required,
};

/** Longer than any of them waits by itself. */
const limitMs = 30_000;

/** `ok   chat`, or `FAIL chat:  what is wrong`. */
export async function* linesOf(given: Given): AsyncGenerator<string> {
  const ground: Ground = { ...given, transport: given.isGiven ? await transportOf(given) : undefined };
  for (const [name, check] of Object.entries(checks)) yield await lineOf(name, check, ground);
}

async function lineOf(name: string, check: Check, ground: Ground): Promise<string> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it was not over after ${limitMs} ms`)), limitMs);
  });
  try {
    await Promise.race([check(ground), limit]);
    return `ok   ${name}`;
  } catch (error) {
    return `FAIL ${name}:  ${textOf(error)}`;
  } finally {
    clearTimeout(timer);
  }
}

function textOf(error: unknown): string {
  const { name, message } = error instanceof Error ? error : { name: 'no error', message: String(error) };
  return `${name === 'Error' ? '' : `${name}: `}${message}`.replaceAll(/\s+/g, ' ').slice(0, 300);
}

async function transportOf({ carriedBy }: Given): Promise<Transport> {
  if (carriedBy === 'fetch') return (await import('inferlane')).ofetchTransport();
  // A name in a variable is left alone by the bundler of the Worker, which is never asked for it.
  const entry = 'inferlane/node-http';
  return ((await import(entry)) as { nodeHttpTransport(): Transport }).nodeHttpTransport();
}
