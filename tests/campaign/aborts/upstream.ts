import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Canaries } from '../_kit/canaries.ts';
import { kindsIn } from '../_kit/planted-chat.ts';

/** The fate of the requests under one key, in ms of the clock that all processes of a machine share. */
export interface Fate {
  readonly arrivedAtMs: number[];
  /** The client let go of a connection with an unanswered request on it. */
  readonly closedAtMs: number[];
  answered: number;
}

export interface Upstream extends AsyncDisposable {
  readonly url: string;
  /** Speaks TLS only by name: it takes connections and never says anything. */
  readonly muteUrl: string;
  fateOf(key: string): Fate;
  /** The kinds of canaries that the requests brought, with their headers. */
  readonly planted: ReadonlySet<string>;
  /** Connections to the mute address: made, and closed again. */
  readonly mute: { connected: number; disconnected: number };
  /** False where it does not happen within `limitMs`. */
  until(what: (fate: Fate) => boolean, key: string, limitMs: number): Promise<boolean>;
}

/** The time on the clock that all processes of this machine share. */
export function sharedNowMs(): number {
  return performance.timeOrigin + performance.now();
}

interface Told {
  readonly what: string;
  readonly key: string;
  readonly atMs: number;
  readonly text?: string;
}

export async function startUpstream({ of }: Canaries): Promise<Upstream> {
  const program = new URL('./upstream-program.ts', import.meta.url);
  const child = fork(program, [of.completion], { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exit = once(child, 'exit');
  const [{ port, mutePort }] = (await once(child, 'message')) as [{ port: number; mutePort: number }];
  const fates = new Map<string, Fate>();
  const watchers = new Set<() => void>();
  const mute = { connected: 0, disconnected: 0 };
  const planted = new Set<string>();
  child.on('message', ({ what, key, atMs, text }: Told) => {
    if (key === 'mute') mute[what as keyof typeof mute] += 1;
    else note(fateOf(fates, key), what, atMs);
    for (const kind of kindsIn(text ?? '')) planted.add(kind);
    for (const watcher of watchers) watcher();
  });
  return {
    url: `http://127.0.0.1:${port}`,
    muteUrl: `https://127.0.0.1:${mutePort}`,
    fateOf: (key) => fateOf(fates, key),
    mute,
    planted,
    until: (what, key, limitMs) => waitFor(() => what(fateOf(fates, key)), watchers, limitMs),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exit;
    },
  };
}

function fateOf(fates: Map<string, Fate>, key: string): Fate {
  const known = fates.get(key) ?? { arrivedAtMs: [], closedAtMs: [], answered: 0 };
  fates.set(key, known);
  return known;
}

/** Requests that go on at the server. */
export function openRequests({ arrivedAtMs, closedAtMs, answered }: Fate): number {
  return arrivedAtMs.length - closedAtMs.length - answered;
}

function note(fate: Fate, what: string, atMs: number): void {
  if (what === 'arrived') fate.arrivedAtMs.push(atMs);
  if (what === 'closed') fate.closedAtMs.push(atMs);
  if (what === 'answered') fate.answered += 1;
}

function waitFor(isSo: () => boolean, watchers: Set<() => void>, limitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (result: boolean): void => {
      clearTimeout(timer);
      watchers.delete(watch);
      resolve(result);
    };
    const watch = (): void => void (isSo() && finish(true));
    const timer = setTimeout(() => finish(false), limitMs);
    watchers.add(watch);
    watch();
  });
}
