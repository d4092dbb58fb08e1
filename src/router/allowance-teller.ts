import type { Clock } from '../lib/clock.ts';
import { type Meters, accrue, type Allowance, mostInStore, sharedTerms, sweepMs, type Terms, wantedNow } from './allowance.ts';

/** Settles allowances with the store: for all of them at once, in the background. */
export interface Teller {
  termsOf(perMinute: number): Terms;
  /** The store is asked within this time, as soon as it may have something. */
  askFor(allowance: Allowance, delayMs: number): void;
  /** Settles what is owed, and gives back what was taken ahead of need. */
  close(): Promise<void>;
}

export interface TellerOptions {
  readonly clock: Clock;
  readonly meters: Meters;
  readonly all: ReadonlyMap<string, Allowance>;
  /** How many processes there are, as long as the store does not say. */
  readonly processes: () => number;
}

interface State extends TellerOptions {
  readonly due: Set<Allowance>;
  /** With something taken ahead of need. */
  readonly ahead: Set<Allowance>;
  isAnswering: boolean;
  isAsking: boolean;
  isClosed: boolean;
  /** It did not answer a moment ago. */
  notBeforeMs: number;
  timer: { readonly dueMs: number; cancel(): void } | undefined;
  cancelSweep: (() => void) | undefined;
}

type Want = readonly [allowance: Allowance, wanted: number];

/** What is asked for is there after about this. */
export const roundTripMs = 25;
/** Where it had too little, and many ask for it. */
const dryMs = 100;
/** Where it did not answer. */
const againMs = 300;

export function createTeller(options: TellerOptions): Teller {
  const state: State = {
    ...options,
    due: new Set(),
    ahead: new Set(),
    // Until it is found not to: what is each process's own lasts so long.
    isAnswering: true,
    isAsking: false,
    isClosed: false,
    notBeforeMs: -Infinity,
    timer: undefined,
    cancelSweep: undefined,
  };
  return {
    termsOf: (perMinute) => termsOf(state, perMinute),
    askFor: (allowance, delayMs) => askFor(state, allowance, delayMs),
    async close() {
      state.isClosed = true;
      state.timer?.cancel();
      state.cancelSweep?.();
      const owing = [...state.all.values()].filter(({ owed }) => Math.abs(owed) >= 1);
      if (owing.length > 0)
        await take(
          state,
          owing.map((each): Want => [each, Math.ceil(each.owed)]),
        );
    },
  };
}

/** While it answers, too many processes are believed in rather than too few: all of them together keep within the limit. */
function processesNow({ meters, processes, isAnswering }: State): number {
  return isAnswering ? Math.max(meters.members ?? 1, processes()) : (meters.members ?? processes());
}

function termsOf(state: State, perMinute: number): Terms {
  return sharedTerms(perMinute, processesNow(state), state.isAnswering);
}

function askFor(state: State, allowance: Allowance, delayMs: number): void {
  state.due.add(allowance);
  const untilMs = state.isAnswering ? allowance.dryUntilMs - state.clock.nowMs() : 0;
  wakeIn(state, Math.max(delayMs, untilMs));
}

function wakeIn(state: State, soonestMs: number): void {
  const { clock, timer, isClosed } = state;
  const nowMs = clock.nowMs();
  const dueMs = Math.max(nowMs + soonestMs, state.notBeforeMs);
  if (isClosed || (timer !== undefined && timer.dueMs <= dueMs)) return;
  timer?.cancel();
  state.timer = { dueMs, cancel: clock.schedule(dueMs - nowMs, () => void ask(state), true) };
}

async function ask(state: State): Promise<void> {
  state.timer = undefined;
  if (state.isAsking || state.isClosed) return;
  if (state.clock.nowMs() < state.notBeforeMs) return wakeIn(state, 0);
  const wishes = takeDue(state);
  if (wishes.length > 0) {
    state.isAsking = true;
    const hasAnswered = await take(state, wishes);
    state.isAsking = false;
    if (!hasAnswered) for (const [allowance] of wishes) state.due.add(allowance);
  }
  if (state.due.size === 0) return;
  // Those that the store had nothing for are asked for again when it said so.
  const nowMs = state.clock.nowMs();
  const waits = Array.from(state.due, ({ dryUntilMs }) => Math.max(dryUntilMs - nowMs, 0));
  wakeIn(state, state.isAnswering ? Math.min(...waits) : 0);
}

function takeDue(state: State): Want[] {
  const nowMs = state.clock.nowMs();
  const wishes: Want[] = [];
  for (const allowance of state.due) {
    if (allowance.dryUntilMs > nowMs && state.isAnswering) continue;
    state.due.delete(allowance);
    accrue(allowance, termsOf(state, allowance.perMinute), nowMs);
    const wanted = wantedNow(allowance, nowMs);
    if (wanted > 0) wishes.push([allowance, wanted]);
    else if (allowance.owed < 0) keepAhead(state, allowance);
    Object.assign(allowance, { spent: 0, refused: 0, askedMs: nowMs });
  }
  return wishes;
}

/** False where the store does not answer. */
async function take(state: State, wishes: readonly Want[]): Promise<boolean> {
  const { clock, meters } = state;
  const most = (perMinute: number): number => mostInStore(perMinute, Math.max(meters.members ?? 1, state.processes()));
  const asks = wishes.map(([{ name, perMinute }, wanted]) => ({ name, perMinute, most: most(perMinute), wanted, least: 0 }));
  const told = await meters.take(asks);
  const nowMs = clock.nowMs();
  // What comes in by itself changes here, one way or the other.
  for (const allowance of state.all.values()) accrue(allowance, termsOf(state, allowance.perMinute), nowMs);
  state.isAnswering = told !== undefined;
  if (told === undefined) state.notBeforeMs = nowMs + againMs;
  else wishes.forEach((wish, index) => note(state, wish, told[index] ?? { given: 0, waitMs: againMs }));
  return told !== undefined;
}

function note(state: State, [allowance, wanted]: Want, { given, waitMs }: { readonly given: number; readonly waitMs: number }): void {
  if (wanted <= 0) return;
  allowance.owed -= given;
  const isDry = given < wanted;
  allowance.dryUntilMs = isDry ? state.clock.nowMs() + Math.max(waitMs, dryMs) : -Infinity;
  if (allowance.owed < 0) keepAhead(state, allowance);
  if (allowance.owed > 0 && isDry) askFor(state, allowance, 0);
}

function keepAhead(state: State, allowance: Allowance): void {
  allowance.leastAhead = -allowance.owed;
  state.ahead.add(allowance);
  state.cancelSweep ??= state.clock.schedule(sweepMs, () => sweep(state), true);
}

/** Gives back what nobody has needed since the last time. */
function sweep(state: State): void {
  const { ahead, clock } = state;
  state.cancelSweep = undefined;
  const back: Want[] = [];
  for (const allowance of ahead) {
    const unused = Math.max(0, Math.floor(allowance.leastAhead));
    if (unused > 0) back.push([allowance, -unused]);
    allowance.owed += unused;
    allowance.leastAhead = Math.max(0, -allowance.owed);
    if (allowance.leastAhead < 1) ahead.delete(allowance);
  }
  if (back.length > 0) void take(state, back);
  if (ahead.size > 0) state.cancelSweep = clock.schedule(sweepMs, () => sweep(state), true);
}
