import { type BreakerState, openUntil, toClosed } from '../breaker/breaker.ts';
import type { SharedFact } from '../state/facts.ts';
import { type SharedDesk, tell } from './shared-desk.ts';
import { asEvent, cellOf, type Place } from './shared-places.ts';

/** Tells the store when a breaker of ours has opened or closed; under `name`. */
export function noteBreaker(desk: SharedDesk, name: string, place: Place): void {
  const { told, probes } = desk;
  const cell = cellOf(place);
  const state = cell.get();
  if (state.is === 'half-open') {
    // The probe was given up, without a verdict.
    if (state.leaseUntilMs === undefined && state.held !== true) probes.hold(name, cell);
    return;
  }
  const known = told.get(name);
  if (known === undefined && state.is === 'closed') return;
  if (known === state.generation) {
    // A sign that the server is well brings the moment nearer.
    if (state.is === 'open') probes.dueFrom(state.untilMs);
    return;
  }
  told.set(name, state.generation);
  tellBreaker(desk, name, place);
  if (state.is === 'open') probes.hold(name, cell);
  else probes.drop(name);
}

function tellBreaker(desk: SharedDesk, name: string, place: Place): void {
  const cell = cellOf(place);
  const { clock, breaker } = desk.config();
  tell(desk, name, place, () => {
    const now = cell.get();
    const forMs = now.is === 'open' ? Math.max(0, now.untilMs - clock.nowMs()) : 0;
    const is = now.is === 'closed' ? 'closed' : 'open';
    const reason = place.state.lastError?.code ?? 'unavailable';
    return { is, forMs, times: now.opens, reason, keepMs: 2 * breaker.maxOpenMs };
  });
}

/** The store is there, for the first time or again: nobody probes without leave, and others hear what they have missed. */
export function shareAgain(desk: SharedDesk, name: string, place: Place): void {
  const cell = cellOf(place);
  const state = cell.get();
  if (state.is === 'closed') return noteBreaker(desk, name, place);
  desk.told.set(name, state.generation);
  tellBreaker(desk, name, place);
  // A probe that is under way ends by itself.
  if (state.is === 'open' || state.leaseUntilMs === undefined) desk.probes.hold(name, cell);
}

/** Takes over what another router has found out. `leftMs`: what is left of the time that it is to stay open. */
export function adoptBreaker(desk: SharedDesk, name: string, place: Place, fact: SharedFact, leftMs: number): void {
  const cell = cellOf(place);
  const state = cell.get();
  if (fact.is === 'closed') adoptClosed(desk, name, place, state);
  // It is this router that finds out.
  else if (state.is !== 'half-open' || !desk.probes.isMine(name)) adoptOpen(desk, name, place, fact, leftMs);
}

function adoptClosed({ announce, config, told, probes }: SharedDesk, name: string, place: Place, state: BreakerState): void {
  if (state.is === 'closed') return;
  const { clock, breaker } = config();
  const closed = toClosed(state, clock.nowMs(), breaker);
  told.set(name, closed.generation);
  cellOf(place).set(closed);
  probes.drop(name);
  announce('breaker:close', asEvent(place));
}

/** Closed by a probe whose time was over, as the store says: it is open until somebody has probed it in time. */
export function holdOff(desk: SharedDesk, name: string, place: Place): void {
  if (cellOf(place).get().is !== 'closed') return;
  const reason = place.state.lastError?.code ?? 'unavailable';
  adoptOpen(desk, name, place, { is: 'open', provider: place.id, model: place.model, forMs: 0, times: 0, reason }, 0);
}

function adoptOpen(
  { announce, config, told, probes }: SharedDesk,
  name: string,
  place: Place,
  { times, reason }: SharedFact,
  leftMs: number,
): void {
  const { clock, breaker } = config();
  const cell = cellOf(place);
  const state = cell.get();
  const untilMs = clock.nowMs() + Math.min(Math.max(0, leftMs), breaker.maxOpenMs);
  if (state.is === 'open' && untilMs <= state.untilMs) return;
  const open = openUntil(state, untilMs, Math.max(state.opens, times));
  cell.set(open);
  told.set(name, open.generation);
  probes.hold(name, cell);
  if (state.is !== 'open') announce('breaker:open', { ...asEvent(place), untilMs, reason });
}
