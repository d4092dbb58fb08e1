import type { Given } from './smoke/ground.ts';
import { checks } from './smoke/index.ts';

// What is tried where, and what is known not to hold.

export interface Runtime extends Pick<Given, 'carriedBy' | 'isGiven'> {
  /** At the head of its column. */
  readonly name: string;
  /** As `--only` has it. */
  readonly program: Program;
}

export interface ProgramStart {
  /** In package.json; it holds the program for Linux on x64. */
  readonly package: string;
  readonly file: string;
  /** Between the program and the file that it runs. Left out: it runs no file. */
  readonly flags?: readonly string[];
}

export type Program = 'node-22' | 'node-24' | 'node-26' | 'bun' | 'deno' | 'workerd';

export const programs: Readonly<Record<Program, ProgramStart>> = {
  'node-22': { package: 'node-22', file: 'bin/node', flags: [] },
  'node-24': { package: 'node-24', file: 'bin/node', flags: [] },
  'node-26': { package: 'node-26', file: 'bin/node', flags: [] },
  bun: { package: '@oven/bun-linux-x64', file: 'bin/bun', flags: ['run'] },
  deno: { package: '@deno/linux-x64-glibc', file: 'deno', flags: ['run', '--no-prompt', '--allow-net', '--allow-env'] },
  workerd: { package: '@cloudflare/workerd-linux-64', file: 'bin/workerd' },
};

export type RuntimeId = Program | 'node-24-fetch' | 'bun-node-http' | 'deno-node-http';

/** With what routers use there by themselves, and with what they can be given. */
export const runtimes: Readonly<Record<RuntimeId, Runtime>> = {
  'node-22': { name: 'Node 22', program: 'node-22', carriedBy: 'node:http', isGiven: false },
  'node-24': { name: 'Node 24', program: 'node-24', carriedBy: 'node:http', isGiven: false },
  'node-26': { name: 'Node 26', program: 'node-26', carriedBy: 'node:http', isGiven: false },
  bun: { name: 'Bun', program: 'bun', carriedBy: 'fetch', isGiven: false },
  deno: { name: 'Deno', program: 'deno', carriedBy: 'fetch', isGiven: false },
  workerd: { name: 'workerd', program: 'workerd', carriedBy: 'fetch', isGiven: false },
  'node-24-fetch': { name: 'Node 24, `fetch`', program: 'node-24', carriedBy: 'fetch', isGiven: true },
  'bun-node-http': { name: 'Bun, `node:http`', program: 'bun', carriedBy: 'node:http', isGiven: true },
  'deno-node-http': { name: 'Deno, `node:http`', program: 'deno', carriedBy: 'node:http', isGiven: true },
};

/** What the driver sees from outside. */
export const endsByItself = 'ends by itself';

export const checkNames: readonly string[] = [...Object.keys(checks), endsByItself];

/** Cells that are not `ok`; one that is makes the run fail as well. */
export interface KnownException {
  readonly checks: readonly string[];
  readonly runtimes: readonly RuntimeId[];
  /** Sentences, for the page. */
  readonly reason: string;
}

export const knownExceptions: readonly KnownException[] = [
  {
    checks: ['an answer that is packed'],
    runtimes: ['deno'],
    reason:
      "Deno's `fetch` unpacks only what it has asked for itself, and answers are asked for as they are. A server or a proxy that packs them all the same is understood over `nodeHttpTransport()`.",
  },
  {
    checks: ['a refusal is told as one'],
    runtimes: ['workerd'],
    reason:
      'workerd says the same of a connection that was refused and of one that broke. The call fails over all the same, and its error is `unavailable` without the phase `connect`; so a server that is gone is avoided model by model, and not as a whole.',
  },
  {
    checks: ['/testing: a fake server'],
    runtimes: ['workerd'],
    reason: 'A Worker cannot listen: its connections are those that workerd hands to it.',
  },
  {
    checks: ['/testing: a fake server on a test clock'],
    runtimes: ['bun', 'deno', 'deno-node-http', 'workerd'],
    reason:
      'The test clock waits for turns of the event loop, and there the bytes of a connection take longer: its time goes on before they have come. Use `listen()` with the time of the system, or the test clock without a server.',
  },
  {
    checks: ['/testing: handlers for msw'],
    runtimes: ['bun', 'deno', 'bun-node-http', 'deno-node-http'],
    reason:
      "msw's `setupServer()` hears neither `fetch` nor `node:http` there; in Deno it asks for `--allow-read` first, and then keeps the process from ending. `listen()` plays the same script.",
  },
  {
    checks: ['/testing: handlers for msw'],
    runtimes: ['workerd'],
    reason: 'msw lets its `setupServer()` be bundled for Node alone.',
  },
  {
    checks: ["require('inferlane')", endsByItself],
    runtimes: ['workerd'],
    reason: 'A Worker is bundled before it is started, and has no end of its own.',
  },
];

export function exceptionOf(check: string, runtime: RuntimeId): KnownException | undefined {
  return knownExceptions.find((known) => known.checks.includes(check) && known.runtimes.includes(runtime));
}
