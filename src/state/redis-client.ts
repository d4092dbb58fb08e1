import type { Clock } from '../lib/clock.ts';
import { faultWord } from './redis-faults.ts';

interface ScriptOptions {
  keys: string[];
  arguments: string[];
}

/** What is used of a client of the package `redis`. Those of `createClient`, `createCluster` and `createSentinel` have it all. */
export interface RedisClient {
  readonly isOpen: boolean;
  /** A cluster has none. */
  readonly isReady?: boolean;
  evalSha(sha: string, options: ScriptOptions): Promise<unknown>;
  eval(script: string, options: ScriptOptions): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  duplicate(): RedisClient;
  connect(): Promise<unknown>;
  destroy(): void;
  on(event: 'connect' | 'error', listener: (error: unknown) => void): unknown;
  /** Lets the process end while the connection stands. */
  unref?(): void;
}

export interface KeepOptions {
  create(): RedisClient;
  /** Called with each new connection; it counts as ready when this has resolved. */
  prepare(client: RedisClient): Promise<void>;
  readonly clock: Clock;
  readonly random: () => number;
}

/** A connection that is made anew whenever it is lost, until it is closed. It keeps no process alive, and throws nothing. */
export interface KeptClient {
  /** Undefined where there is no connection. */
  ready(): RedisClient | undefined;
  /** Why there is none, in one word. */
  fault(): string;
  /** Connects; where it does so already, from the beginning. */
  open(): void;
  /** Gives the connection up and makes another one. */
  drop(word: string): void;
  close(): void;
}

/** For a connection and all that makes it ready. */
export const connectMs = 500;

/** Evenly spread: many processes that lost one server do not come back at one moment. */
const soonestMs = 100;
const latestMs = 400;

/**
 * A client for each connection instead of one that reconnects by itself: what hangs in its first exchange, or has not answered for long,
 * can then be given up, and waiting for the next attempt keeps no process alive.
 */
export function keepConnected({ create, prepare, clock, random }: KeepOptions): KeptClient {
  let current: Attempt | undefined;
  let cancelRetry: (() => void) | undefined;
  let word = 'OFFLINE';
  let isClosed = false;
  const end = (): void => {
    cancelRetry?.();
    const ended = current;
    current = undefined;
    ended?.end();
  };
  const lose = (lost: string): void => {
    word = lost;
    end();
    cancelRetry = clock.schedule(soonestMs + random() * (latestMs - soonestMs), open, true);
  };
  const open = (): void => {
    end();
    if (isClosed) return;
    const attempt = attemptOf(create, prepare, clock, (lost) => {
      if (current === attempt) lose(lost);
    });
    current = attempt;
    attempt.begin();
  };
  return {
    ready: () => (current?.isReady() === true ? current.client : undefined),
    fault: () => word,
    open,
    drop: lose,
    close() {
      isClosed = true;
      end();
    },
  };
}

interface Attempt {
  readonly client: RedisClient;
  isReady(): boolean;
  begin(): void;
  end(): void;
}

/** One client from its making to its end; `onFailure` is told of each thing that goes wrong. */
function attemptOf(
  create: KeepOptions['create'],
  prepare: KeepOptions['prepare'],
  clock: Clock,
  onFailure: (word: string) => void,
): Attempt {
  const client = create();
  let isReady = false;
  let hasEnded = false;
  const cancelLimit = clock.schedule(connectMs, () => onFailure('ETIMEDOUT'), true);
  const end = (): void => {
    hasEnded = true;
    isReady = false;
    cancelLimit();
    destroy(client);
  };
  const fail = (error: unknown): void => onFailure(faultWord(error, 'OFFLINE'));
  return {
    client,
    isReady: () => isReady,
    begin() {
      client.on('error', fail);
      // A client that is destroyed while its socket is still being opened does not notice.
      client.on('connect', () => void (hasEnded && destroy(client)));
      client.unref?.();
      client
        .connect()
        .then(() => prepare(client))
        .then(() => {
          if (hasEnded) return;
          cancelLimit();
          isReady = true;
        })
        .catch(fail);
    },
    end,
  };
}

/** A cluster that has not found its nodes yet refuses to be destroyed. */
function destroy(client: RedisClient): void {
  try {
    client.destroy();
  } catch {
    // Then there is nothing that could be closed.
  }
}
