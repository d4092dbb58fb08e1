import type { Transport } from 'inferlane';

/** The servers that the checks ask, by what is the matter with them. */
export type Place =
  | 'good'
  | 'full'
  | 'busy'
  | 'endless'
  | 'silent'
  | 'broken'
  | 'refused'
  | 'closing'
  | 'redirecting'
  | 'packed'
  | 'untrusted';

/** What one of them has seen so far, where it counts. */
export interface Seen {
  readonly calls: number;
  /** Calls whose client went away before the end. */
  readonly aborted: number;
}

export type TransportName = 'node:http' | 'fetch';

/** What the driver tells the program, as JSON. */
export interface Given {
  readonly urls: Readonly<Record<Place, string>>;
  /** Answers with what every place has seen. */
  readonly seenUrl: string;
  /** What carries the calls of a router, which is looked at. */
  readonly carriedBy: TransportName;
  /** Whether routers are given that; else it is what they use by themselves. */
  readonly isGiven: boolean;
}

/** What a check stands on. */
export interface Ground extends Given {
  readonly transport: Transport | undefined;
}

export type Check = (ground: Ground) => Promise<void>;

/** Every runtime has it, and not every one has `node:assert`. */
export function same(what: string, actual: unknown, expected: unknown): void {
  const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (found !== wanted) throw new Error(`${what} is ${found} and not ${wanted}`);
}

export async function seenAt({ seenUrl }: Given, place: Place): Promise<Seen> {
  const all = (await (await fetch(seenUrl)).json()) as Record<Place, Seen>;
  return all[place];
}

const patienceMs = 5_000;
const pauseMs = 20;

/** The place has seen so many more than before. */
export async function untilSeen(ground: Given, place: Place, before: Seen, more: Partial<Seen>): Promise<void> {
  const { calls = 0, aborted = 0 } = more;
  const endsAtMs = Date.now() + patienceMs;
  for (;;) {
    const now = await seenAt(ground, place);
    const [newCalls, newlyAborted] = [now.calls - before.calls, now.aborted - before.aborted];
    if (newCalls >= calls && newlyAborted >= aborted) return;
    if (Date.now() > endsAtMs) throw new Error(`the server saw ${newCalls} calls and ${newlyAborted} clients that left`);
    await pause(pauseMs);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What it fails with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => error,
  );
}
