import type { Clock } from '../lib/clock.ts';
import type { StoreLink } from '../state/link.ts';
import { mostConclusions } from '../state/store.ts';
import { type Cell, setHeld } from './shared-places.ts';

/**
 * Of all routers at a store one at a time may probe: the one that holds the lease. While a router has none, its own breaker is held: it lets
 * no probe through. Where the store does not answer, each router decides for itself.
 */
export interface SharedProbes {
  /** The breaker has opened, or a probe of it was given up. */
  hold(name: string, cell: Cell): void;
  /** A call goes through as the probe, and may take so long. */
  begun(name: string, leaseMs: number): void;
  /** A probe of ours is out whose lease is over: somebody else may have one, so what it says counts no more. */
  isLate(name: string): boolean;
  /** What a change that was found out by the probe is written with. */
  fenceOf(name: string): number | undefined;
  isMine(name: string): boolean;
  /** Nothing has to be probed there any more. */
  drop(name: string): void;
  /** Asks for leave now, where something is due. Undefined where nothing is. */
  askFor(names: readonly string[]): Promise<unknown> | undefined;
  /** One that is held may be probed from then on, sooner than it said. */
  dueFrom(ms: number): void;
  /** A call has begun: leave for what is due is worth asking for, for the next one. */
  noteCall(atMs: number): void;
  /** The store is gone: every router may probe. */
  freeAll(): void;
}

interface Lease {
  readonly token: string;
  readonly fence: number;
  /** From when it was asked for, so that the store's own end is never before it. */
  endsAtMs: number;
}

interface Held {
  readonly cell: Cell;
  lease: Lease | undefined;
  /** Resolves to whether there was an answer. */
  asking: Promise<boolean> | undefined;
  /** Of a question that was not answered: what was granted then is found again by it. */
  token: string | undefined;
  /** Somebody else has it until then. */
  othersUntilMs: number;
  cancel: (() => void) | undefined;
}

/** Leave waits for the next call, for twice as long as it was between the last two: not less and not more than this. */
const leastUnusedMs = 1_000;
const mostUnusedMs = 10_000;
/** Whoever was told that somebody else has it asks again after this at the latest: it may be given back before its time. */
const againMs = 1_000;
/** What a probe has found out is on its way to the store; until it is there, the lease keeps others from probing again. */
const writtenMs = 500;

interface ProbesOptions {
  readonly link: Pick<StoreLink, 'isUp' | 'lease' | 'release'>;
  readonly clock: Clock;
}

interface Probes extends ProbesOptions {
  readonly all: Map<string, Held>;
  /** Before it, nothing is due: calls are many, and breakers may be. */
  dueMs: number;
  /** When the last call began, and how long after the one before it. */
  lastCallMs: number;
  intervalMs: number;
}

export function createSharedProbes(options: ProbesOptions): SharedProbes {
  const { link, clock } = options;
  const all = new Map<string, Held>();
  const probes: Probes = { ...options, all, dueMs: Infinity, lastCallMs: -Infinity, intervalMs: Infinity };
  return {
    hold: (name, cell) => hold(probes, name, cell),
    begun: (name, leaseMs) => begun(probes, name, leaseMs),
    isLate(name) {
      const mine = all.get(name)?.lease;
      return link.isUp && mine !== undefined && !isRunning(mine, clock);
    },
    fenceOf: (name) => all.get(name)?.lease?.fence,
    isMine: (name) => isRunning(all.get(name)?.lease, clock),
    drop(name) {
      const held = all.get(name);
      if (held !== undefined) giveBack(probes, name, held, writtenMs);
      all.delete(name);
    },
    askFor(names) {
      const due = names.flatMap((name) => {
        const held = all.get(name);
        return held !== undefined && isDue(held, clock) ? [askOrFree(probes, name, held)] : [];
      });
      return due.length === 0 ? undefined : Promise.all(due);
    },
    dueFrom: (ms) => dueFrom(probes, ms),
    noteCall(atMs) {
      probes.intervalMs = atMs - probes.lastCallMs;
      probes.lastCallMs = atMs;
      if (atMs >= probes.dueMs) askAll(probes);
    },
    freeAll() {
      for (const held of all.values()) {
        held.cancel?.();
        held.lease = undefined;
        setHeld(held.cell, false);
      }
      all.clear();
    },
  };
}

function hold(probes: Probes, name: string, cell: Cell): void {
  const { link, all } = probes;
  const held = all.get(name) ?? {
    cell,
    lease: undefined,
    asking: undefined,
    token: undefined,
    othersUntilMs: -Infinity,
    cancel: undefined,
  };
  const { is } = cell.get();
  giveBack(probes, name, held, is === 'open' ? writtenMs : 0);
  all.delete(name);
  if (!link.isUp || is === 'closed') return;
  all.set(name, held);
  setHeld(cell, true);
  held.othersUntilMs = -Infinity;
  dueFrom(probes, dueOf(held));
  const [oldest] = all;
  // Names of models come from callers: beyond what a store keeps, the oldest are decided by their own router.
  if (all.size > mostConclusions && oldest !== undefined) free(all, ...oldest);
}

/** Its own router decides. */
function free(all: Probes['all'], name: string, held: Held): void {
  held.cancel?.();
  setHeld(held.cell, false);
  all.delete(name);
}

function dueFrom(probes: Probes, ms: number): void {
  probes.dueMs = Math.min(probes.dueMs, ms);
}

function askAll(probes: Probes): void {
  const { all, clock } = probes;
  probes.dueMs = Infinity;
  for (const [name, held] of all) {
    // The books may have forgotten the model.
    if (held.cell.get().is === 'closed') free(all, name, held);
    else if (isDue(held, clock)) void ask(probes, name, held);
    else if (held.asking === undefined && !isRunning(held.lease, clock)) dueFrom(probes, dueOf(held));
  }
}

function dueOf({ cell, othersUntilMs }: Held): number {
  const state = cell.get();
  return Math.max(state.is === 'open' ? state.untilMs : -Infinity, othersUntilMs);
}

function ask(probes: Probes, name: string, held: Held): Promise<boolean> {
  held.asking ??= askOnce(probes, name, held).finally(() => {
    held.asking = undefined;
    if (held.lease === undefined) dueFrom(probes, dueOf(held));
  });
  return held.asking;
}

/** For a call that has nobody else: without an answer, its own router gives it leave. */
async function askOrFree(probes: Probes, name: string, held: Held): Promise<void> {
  const isAnswered = await ask(probes, name, held);
  if (!isAnswered && isDue(held, probes.clock)) setHeld(held.cell, false);
}

async function askOnce(probes: Probes, name: string, held: Held): Promise<boolean> {
  const { link, clock, all, intervalMs } = probes;
  const token = held.token ?? globalThis.crypto.randomUUID();
  held.token = token;
  const askedMs = clock.nowMs();
  const unusedMs = Math.min(Math.max(2 * intervalMs, leastUnusedMs), mostUnusedMs);
  const answer = await link.lease(name, token, unusedMs);
  // Much may have become known meanwhile.
  if (all.get(name) !== held || !isDue(held, clock)) {
    if (answer?.isMine === true) link.release(name, token);
    return true;
  }
  if (answer === undefined) return false;
  held.token = undefined;
  if (!answer.isMine) {
    held.othersUntilMs = clock.nowMs() + Math.min(answer.leftMs, againMs);
    return true;
  }
  held.lease = { token, fence: answer.fence, endsAtMs: askedMs + unusedMs };
  setHeld(held.cell, false);
  whenOver(probes, held, held.lease);
  return true;
}

/** The time of a lease is over: without one, no probe. */
function whenOver(probes: Probes, held: Held, { endsAtMs }: Lease): void {
  const { link, clock } = probes;
  held.cancel?.();
  const over = (): void => {
    held.cancel = undefined;
    if (!link.isUp) return;
    setHeld(held.cell, true);
    dueFrom(probes, clock.nowMs());
  };
  held.cancel = clock.schedule(Math.max(0, endsAtMs - clock.nowMs()), over, true);
}

function begun(probes: Probes, name: string, leaseMs: number): void {
  const { link, clock, all } = probes;
  const held = all.get(name);
  const mine = held?.lease;
  if (held === undefined || mine === undefined) return;
  const askedMs = clock.nowMs();
  void link.lease(name, mine.token, leaseMs).then((answer) => {
    if (held.lease !== mine || answer === undefined) return;
    mine.endsAtMs = answer.isMine ? askedMs + leaseMs : -Infinity;
    whenOver(probes, held, mine);
  });
}

/** The lease, where there is one: at once, or when what was found out under it has had time to be written. */
function giveBack({ link, clock }: Probes, name: string, held: Held, delayMs: number): void {
  held.cancel?.();
  held.cancel = undefined;
  const { lease } = held;
  held.lease = undefined;
  if (lease === undefined) return;
  if (delayMs === 0) link.release(name, lease.token);
  else clock.schedule(delayMs, () => link.release(name, lease.token), true);
}

/** Nothing but leave is missing. */
function isDue({ cell, lease, othersUntilMs }: Held, clock: Clock): boolean {
  const state = cell.get();
  const nowMs = clock.nowMs();
  if (state.is === 'closed' || state.held !== true || isRunning(lease, clock)) return false;
  return othersUntilMs <= nowMs && (state.is === 'half-open' || state.untilMs <= nowMs);
}

function isRunning(lease: Lease | undefined, clock: Clock): boolean {
  return lease !== undefined && clock.nowMs() < lease.endsAtMs;
}
