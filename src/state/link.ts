import { bounded } from '../lib/bounded.ts';
import type { Clock } from '../lib/clock.ts';
import { setNewest } from '../lib/newest.ts';
import type { Change, Conclusion, LeaseAnswer, StateStore, StoreConnection, Sum, SumAsk, Synced, TakeAsk, Taken } from './store.ts';

/** One router's link to a store: in the background, with limits, and with a breaker of its own. Nothing here rejects. */
export interface StoreLink {
  /** The store has answered of late. */
  readonly isUp: boolean;
  /** Routers at the store, this one included, as it last said; undefined before it has said anything. */
  readonly members: number | undefined;
  /** A conclusion has changed. `describe` is asked for what it is now when it is written; undefined: nothing to say any more. */
  put(name: string, describe: () => Omit<Change, 'name'> | undefined): void;
  /** Is the newest word on a name ours, and not written yet? */
  isWaiting(name: string): boolean;
  /** These give undefined where the store does not answer. */
  lease(name: string, token: string, forMs: number): Promise<LeaseAnswer | undefined>;
  take(asks: readonly TakeAsk[]): Promise<readonly Taken[] | undefined>;
  add(asks: readonly SumAsk[]): Promise<readonly Sum[] | undefined>;
  release(name: string, token: string): void;
  /** Writes what waits, where the store takes it at once, and gives the connection back. */
  close(): Promise<void>;
}

export interface LinkOptions {
  readonly store: StateStore;
  /** What the store counts this router as. */
  readonly member: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** What another router has found out. */
  readonly onConclusion: (conclusion: Conclusion) => void;
  /** A change came too late: somebody else has a younger lease of that name. */
  readonly onRefused: (name: string) => void;
  /** `awayMs`: undefined for the first time. */
  readonly onUp: (awayMs: number | undefined) => void;
  readonly onDown: (reason: string) => void;
  readonly onOdd: (message: string) => void;
}

/** No answer within this is a failure. */
const limitMs = 50;
/** Whoever comes to a full store has much to read: 5,000 conclusions take Redis about 30 ms, and the client 10. */
const wholeLimitMs = 1_000;
const graceMs = 20;
/** What others have written is looked for so often, also where nobody told of it. */
const everyMs = 1_000;
/** Others tell of a change: a crowd of them is looked at once. */
const toldMs = 5;
/** Writes are gathered for so long after the last ones. */
const gatherMs = 100;
/** After a failure, and while the store is taken for gone. */
const againMs = 100;
const awayMs = 300;
const failuresToDown = 3;
/** Waiting changes beyond it are forgotten, the oldest first: names come from callers. */
const mostWaiting = 5_000;

/** A name, and what is asked for the word on it. */
type Waiting = readonly [name: string, describe: () => Omit<Change, 'name'> | undefined];

/** What one link is made of, and what has become of it so far. */
interface Inner {
  readonly options: LinkOptions;
  readonly connection: StoreConnection;
  readonly health: Health;
  /** By name, in the order of the newest word on each. */
  readonly waiting: Map<string, () => Omit<Change, 'name'> | undefined>;
  version: number;
  members: number | undefined;
  wroteMs: number;
  isSyncing: boolean;
  /** Somebody has written since the last look began. */
  isTold: boolean;
  isClosed: boolean;
  timer: { readonly dueMs: number; cancel(): void } | undefined;
}

export function createLink(options: LinkOptions): StoreLink {
  const { store, clock, onOdd } = options;
  const inner: Inner = {
    options,
    connection: store.connect(),
    health: createHealth(options),
    waiting: new Map(),
    version: 0,
    members: undefined,
    wroteMs: -Infinity,
    isSyncing: false,
    isTold: false,
    isClosed: false,
    timer: undefined,
  };
  const { connection, health, waiting } = inner;
  connection.onChange(() => {
    inner.isTold = true;
    schedule(inner, toldMs);
  });
  connection.onOdd(onOdd);
  schedule(inner, 0);
  const asked = <Answer>(work: () => Promise<Answer>): Promise<Answer | undefined> => ifUp(health, () => ask(inner, work));
  return {
    get isUp() {
      return health.isUp;
    },
    get members() {
      return inner.members;
    },
    put(name, describe) {
      setNewest(waiting, name, describe, mostWaiting);
      if (!health.isDown) schedule(inner, Math.max(0, inner.wroteMs + gatherMs - clock.nowMs()));
    },
    isWaiting: (name) => waiting.has(name),
    lease: (name, token, forMs) => asked(() => connection.lease({ name, token, forMs })),
    take: (asks) => asked(() => connection.take(asks)),
    add: (asks) => asked(() => connection.add(asks)),
    release: (name, token) => void asked(() => connection.release(name, token)),
    close: () => close(inner),
  };
}

async function ask<Answer>(inner: Inner, work: () => Promise<Answer>, withinMs: number = limitMs): Promise<Answer | undefined> {
  const { options, health } = inner;
  try {
    const answer = await inTime(work(), withinMs, options.clock);
    health.succeeded();
    return answer;
  } catch (error) {
    if (!inner.isClosed) health.failed(error);
    return undefined;
  }
}

/** The sooner of two reasons to look decides. */
function schedule(inner: Inner, delayMs: number): void {
  const { clock } = inner.options;
  const dueMs = clock.nowMs() + delayMs;
  if (inner.isClosed || (inner.timer !== undefined && inner.timer.dueMs <= dueMs)) return;
  inner.timer?.cancel();
  const look = (): void => {
    inner.timer = undefined;
    void sync(inner);
  };
  inner.timer = { dueMs, cancel: clock.schedule(delayMs, look, true) };
}

async function sync(inner: Inner): Promise<void> {
  const { waiting, health, options } = inner;
  if (inner.isSyncing || inner.isClosed) return;
  inner.isSyncing = true;
  inner.isTold = false;
  // A look at what others have written is no reason to write sooner.
  const mayWrite = options.clock.nowMs() >= inner.wroteMs + gatherMs;
  const sent = mayWrite ? [...waiting] : [];
  if (sent.length > 0) inner.wroteMs = options.clock.nowMs();
  const told = await ask(inner, () => exchange(inner, sent), inner.members === undefined ? wholeLimitMs : limitMs);
  inner.isSyncing = false;
  if (inner.isClosed) return;
  if (told === undefined) return schedule(inner, health.isDown ? awayMs * (1 - options.random() / 2) : againMs);
  // What has changed again since waits for the next time.
  for (const [name, describe] of sent) if (waiting.get(name) === describe) waiting.delete(name);
  read(inner, told);
  if (inner.isTold) schedule(inner, toldMs);
  schedule(inner, waiting.size > 0 ? Math.max(0, inner.wroteMs + gatherMs - options.clock.nowMs()) : everyMs * (1 - options.random() / 5));
}

function exchange({ connection, options: { member }, version }: Inner, sent: readonly Waiting[]): Promise<Synced> {
  const changes = sent.flatMap(([name, describe]): Change[] => {
    const change = describe();
    return change === undefined ? [] : [{ name, ...change }];
  });
  return connection.sync({ member, changes, sinceVersion: version });
}

function read(inner: Inner, { conclusions, refused, version, members }: Synced): void {
  const { options, waiting } = inner;
  Object.assign(inner, { version, members });
  for (const conclusion of conclusions) if (!waiting.has(conclusion.name)) options.onConclusion(conclusion);
  for (const name of refused) options.onRefused(name);
}

async function close(inner: Inner): Promise<void> {
  const { waiting, health, connection, options } = inner;
  if (inner.isClosed) return;
  inner.timer?.cancel();
  if (waiting.size > 0) await ifUp(health, () => ask(inner, () => exchange(inner, [...waiting])));
  inner.isClosed = true;
  inner.timer?.cancel();
  const late = new Error('it did not close in time');
  await bounded(connection.close(), 10 * limitMs, late, options.clock).catch(() => undefined);
}

/** Once the store is taken for gone, nothing is asked of it but whether it is back. */
function ifUp<Answer>({ isDown }: Health, work: () => Promise<Answer | undefined>): Promise<Answer | undefined> {
  return isDown ? Promise.resolve(undefined) : work();
}

/** A timer that comes late has met with a loop that was busy: the answer may lie unread in the socket. */
async function inTime<Answer>(answer: Promise<Answer>, withinMs: number, clock: Clock): Promise<Answer> {
  const startMs = clock.nowMs();
  const late = new Error('it did not answer in time');
  try {
    return await bounded(answer, withinMs, late, clock);
  } catch (error) {
    if (error !== late || clock.nowMs() - startMs < withinMs + graceMs) throw error;
    return bounded(answer, graceMs, late, clock);
  }
}

interface Health {
  /** It has answered, and has not been found gone since. */
  readonly isUp: boolean;
  readonly isDown: boolean;
  succeeded(): void;
  failed(error: unknown): void;
}

function createHealth({ clock, onUp, onDown }: LinkOptions): Health {
  let is: 'unknown' | 'up' | 'down' = 'unknown';
  let failures = 0;
  let sinceMs = clock.nowMs();
  return {
    get isUp() {
      return is === 'up';
    },
    get isDown() {
      return is === 'down';
    },
    succeeded() {
      failures = 0;
      if (is === 'up') return;
      const wasDown = is === 'down';
      is = 'up';
      onUp(wasDown ? clock.nowMs() - sinceMs : undefined);
    },
    failed(error) {
      failures += 1;
      if (is === 'down' || failures < failuresToDown) return;
      is = 'down';
      sinceMs = clock.nowMs();
      onDown(error instanceof Error ? error.message : 'it failed');
    },
  };
}
