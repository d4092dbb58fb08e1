import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Clock, systemClock } from '../../src/index.ts';
import type { CliIo, Outgoing } from '../../src/cli/io.ts';
import { runCli } from '../../src/cli/run-cli.ts';
import { type BackendKind, fakeBackend, type ListeningBackend, type Script } from '../../src/testing/index.ts';

export interface World {
  readonly env?: Readonly<Record<string, string>>;
  readonly folder?: string;
  /** What comes in, piece by piece; left out: nothing. */
  readonly stdin?: readonly (string | Uint8Array)[];
  readonly isTerminal?: boolean;
  readonly columns?: number;
  readonly localUrls?: readonly string[];
  /** Where the second Ollama of a machine listens. */
  readonly cpuUrl?: string;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  /** Called with every piece that is printed, before it counts as written. */
  readonly onOut?: (text: string) => void | Promise<void>;
  readonly onErr?: (text: string) => void | Promise<void>;
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The command line in this process. Servers of this machine are only those that are named here. */
export async function run(argv: readonly string[], world: World = {}): Promise<Ran> {
  const { env = {}, folder = emptyFolder(), stdin = [], isTerminal = false, localUrls = [], cpuUrl } = world;
  const out = sink(world);
  const err = sink({ isTerminal, ...(world.onErr !== undefined && { onOut: world.onErr }) });
  const io: CliIo = {
    stdin: { isTerminal: isTerminal && stdin.length === 0, pieces: piecesOf(stdin) },
    stdout: out,
    stderr: err,
    env,
    folder,
    clock: world.clock ?? systemClock,
    signal: world.signal ?? new AbortController().signal,
    places: [...localUrls.map((url) => ({ url })), ...(cpuUrl === undefined ? [] : [{ url: cpuUrl, isCpuTwin: true } as const])],
  };
  const code = await runCli(argv, io);
  return { code, out: out.text(), err: err.text() };
}

function sink({ isTerminal = false, columns, onOut }: Pick<World, 'isTerminal' | 'columns' | 'onOut'>): Outgoing & { text(): string } {
  let written = '';
  return {
    isTerminal,
    columns,
    async write(text) {
      written += text;
      await onOut?.(text);
    },
    text: () => written,
  };
}

async function* piecesOf(pieces: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield typeof piece === 'string' ? new TextEncoder().encode(piece) : piece;
}

/** Gone after the test. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'inferlane-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function folderWith(options: unknown, name = 'inferlane.json'): string {
  const folder = emptyFolder();
  writeFileSync(join(folder, name), typeof options === 'string' ? options : JSON.stringify(options));
  return folder;
}

/** A real server on the loopback, gone after the test. */
export async function server(kind: BackendKind, script: Script = []): Promise<ListeningBackend> {
  const backend = await fakeBackend(kind, script).listen();
  onTestFinished(() => backend.close());
  return backend;
}

/** An address at which nobody answers. */
export async function deadUrl(): Promise<string> {
  const backend = await fakeBackend('ollama').listen();
  await backend.close();
  return backend.url;
}
