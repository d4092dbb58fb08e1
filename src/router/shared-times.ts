import type { ErrorCode } from '../core/error-codes.ts';
import type { Announce } from '../core/events.ts';
import { noCooldown } from '../breaker/cooldown.ts';
import type { SharedFact } from '../state/facts.ts';
import { type SharedDesk, tell } from './shared-desk.ts';
import { asEvent, holderOf, modelOf, type Place } from './shared-places.ts';

/** What keeps calls away from a provider, or from one model there, until some time. */
interface Timed {
  readonly untilMs: number;
  readonly times: number;
  readonly reason: ErrorCode;
}

export interface TimedKind {
  readonly is: SharedFact['is'];
  /** Undefined where there is none. */
  read(place: Place): Timed | undefined;
  write(place: Place, timed: Timed, nowMs: number, announce: Announce): void;
  /** It is over before its time. */
  clear(place: Place, announce: Announce): void;
}

const rest: TimedKind = {
  is: 'rest',
  read(place) {
    const { untilMs, rests, reason } = holderOf(place).rest;
    return untilMs === -Infinity ? undefined : { untilMs, times: rests, reason };
  },
  write(place, { untilMs, times, reason }, nowMs, announce) {
    holderOf(place).rest = { untilMs, rests: times, sinceMs: nowMs, reason };
    announce('provider:cooldown', { provider: place.id, untilMs, reason });
  },
  clear: (place) => void (holderOf(place).rest = noCooldown),
};

const pin: TimedKind = {
  is: 'pin',
  read(place) {
    const { pin: made } = modelOf(place) ?? {};
    return made && { untilMs: made.untilMs, times: made.times, reason: 'out_of_memory' };
  },
  write(place, { untilMs, times, reason }, nowMs, announce) {
    const model = modelOf(place);
    if (model === undefined) return;
    model.pin = { untilMs, times, sinceMs: nowMs, wasGone: false };
    announce('model:pinned', { ...asEvent(place), untilMs, reason });
  },
  clear(place, announce) {
    const model = modelOf(place);
    if (model?.pin === undefined) return;
    model.pin = undefined;
    announce('model:unpinned', asEvent(place));
  },
};

const missing: TimedKind = {
  is: 'missing',
  read(place) {
    const untilMs = modelOf(place)?.missingUntilMs ?? -Infinity;
    return untilMs === -Infinity ? undefined : { untilMs, times: 1, reason: 'model_not_found' };
  },
  write(place, { untilMs }, _nowMs, announce) {
    const model = modelOf(place);
    if (model === undefined) return;
    model.missingUntilMs = untilMs;
    announce('model:missing', { ...asEvent(place), untilMs });
  },
  clear(place) {
    const model = modelOf(place);
    if (model !== undefined) model.missingUntilMs = -Infinity;
  },
};

/** Of the whole provider, or of one model there. */
export function kindsOf({ model }: Pick<Place, 'model'>): readonly TimedKind[] {
  return model === undefined ? ofWhole : ofModel;
}

const ofWhole: readonly TimedKind[] = [rest];
const ofModel: readonly TimedKind[] = [rest, pin, missing];

/** What was told comes back later by the time that it took. */
const sameMs = 250;
/** How long it is known that something is over. */
const overMs = 60_000;

/** Tells the store when a time of ours has begun, has changed, or is over too soon; under `name`. */
export function noteTimed(desk: SharedDesk, name: string, place: Place, kind: TimedKind): void {
  const { clock } = desk.config();
  const nowMs = clock.nowMs();
  const untilMs = kind.read(place)?.untilMs ?? -Infinity;
  const known = desk.told.get(name) ?? -Infinity;
  // What is over by its own time, everybody knows.
  if (untilMs === known || Math.max(untilMs, known) <= nowMs) return;
  desk.told.set(name, untilMs);
  tell(desk, name, place, () => {
    const { untilMs: endsMs = -Infinity, times = 0, reason = 'unavailable' } = kind.read(place) ?? {};
    const forMs = Math.max(0, endsMs - clock.nowMs());
    return { is: kind.is, forMs, times, reason, keepMs: Math.max(forMs, overMs) };
  });
}

/** Takes over what another router has found out. `leftMs`: what is left of it. */
export function adoptTimed(desk: SharedDesk, name: string, place: Place, fact: SharedFact, leftMs: number): void {
  const kind = kindsOf(place).find(({ is }) => is === fact.is);
  if (kind === undefined) return;
  const nowMs = desk.config().clock.nowMs();
  const ownUntilMs = kind.read(place)?.untilMs ?? -Infinity;
  if (fact.forMs === 0) {
    desk.told.set(name, -Infinity);
    if (ownUntilMs > nowMs) kind.clear(place, desk.announce);
    return;
  }
  const untilMs = nowMs + leftMs;
  if (leftMs <= 0 || untilMs <= ownUntilMs + sameMs) return;
  desk.told.set(name, untilMs);
  kind.write(place, { untilMs, times: fact.times, reason: fact.reason }, nowMs, desk.announce);
}
