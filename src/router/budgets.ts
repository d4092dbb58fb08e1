import type { ModelPrice } from '../core/prices.ts';
import type { Announce } from '../core/events.ts';
import type { BudgetsConfig, SpendConfig } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import type { Obstacle } from '../routing/gates.ts';
import { type Cap, type CapAbout, capText, isTold, newCap, roll, shutBy, spentOf, untilText } from './cap.ts';
import { createFlush } from './cap-flush.ts';
import type { Meters } from './allowance.ts';
import { mostCallers } from './allowances.ts';

/** A budget as it stands. */
export interface BudgetState extends CapAbout {
  readonly limitUsd: number;
  /** By all processes, as far as it is known here. */
  readonly spentUsd: number;
  /** The most that calls of this process that are under way may cost. */
  readonly reservedUsd: number;
  /** Until its hour or day is over. */
  readonly leftMs: number;
}

/** Caps of what paid providers may cost. */
export interface Budgets {
  /** Those that concern a paid provider and a caller; the same list each time. */
  capsFor(provider: string, caller: string | undefined): readonly Cap[];
  /** What keeps a call away from a paid provider whose caps these are. */
  obstacle(caps: readonly Cap[], price: ModelPrice | undefined): Obstacle | undefined;
  reserve(caps: readonly Cap[], usd: number): void;
  /** A call has ended: what was reserved for it, and what it cost. */
  book(caps: readonly Cap[], reservedUsd: number, costUsd: number): void;
  states(): readonly BudgetState[];
  close(): Promise<void>;
}

interface BudgetsOptions {
  readonly config: BudgetsConfig;
  readonly clock: Clock;
  readonly announce: Announce;
  readonly meters: Meters | undefined;
  /** By name: they go on when the configuration is replaced. */
  readonly caps: Map<string, Cap>;
  readonly processes: () => number;
}

const unpriced: Obstacle = { code: 'no_provider', reason: 'its price is not known, and a budget is set' };

export function createBudgets({ config, clock, announce, meters, caps, processes }: BudgetsOptions): Budgets {
  const owned = createOwned(config, clock, caps);
  const told = createTelling(announce, config.warnAt);
  const flush = meters && createFlush({ clock, meters, caps, told, processes });
  // What others have spent is known before the first call.
  if (caps.size > 0) flush?.soon();
  const wallMs = (): number => clock.wallMs();
  return {
    capsFor: owned.capsFor,
    obstacle(list, price) {
      if (list.length > 0 && price === undefined) return unpriced;
      for (const cap of list) {
        roll(cap, wallMs());
        flush?.watch(cap);
        const shut = shutBy(cap, flush?.parts() ?? 1);
        if (shut !== undefined) return obstacleOf(cap, shut, clock);
      }
      return undefined;
    },
    reserve(list, usd) {
      for (const cap of list) cap.reservedUsd += usd;
    },
    book(list, reservedUsd, costUsd) {
      for (const cap of list) {
        roll(cap, wallMs());
        cap.reservedUsd = Math.max(0, cap.reservedUsd - reservedUsd);
        if (meters === undefined) cap.toldUsd += costUsd;
        else cap.freshUsd += costUsd;
        told(cap);
        flush?.soon();
      }
    },
    states() {
      return Array.from(owned.inUse(), (cap) => {
        roll(cap, wallMs());
        const { scope, provider, caller, per, limitUsd, reservedUsd, endsAtWallMs } = cap;
        return { scope, provider, caller, per, limitUsd, spentUsd: spentOf(cap), reservedUsd, leftMs: endsAtWallMs - wallMs() };
      });
    },
    close: async () => flush?.close(),
  };
}

interface Owned {
  capsFor: Budgets['capsFor'];
  inUse(): ReadonlySet<Cap>;
}

/** Who has which caps. */
function createOwned(config: BudgetsConfig, clock: Clock, caps: Map<string, Cap>): Owned {
  const of = (about: Omit<CapAbout, 'per'>, spend: SpendConfig | undefined): readonly Cap[] =>
    (['hour', 'day'] as const).flatMap((per) => {
      const limitUsd = per === 'hour' ? spend?.hourUsd : spend?.dayUsd;
      if (limitUsd === undefined) return [];
      const made = newCap({ ...about, per }, limitUsd, clock.wallMs());
      const cap = caps.get(made.name) ?? made;
      cap.limitUsd = limitUsd;
      caps.set(cap.name, cap);
      return [cap];
    });
  const forAll = of({ scope: 'all', provider: undefined, caller: undefined }, config.all);
  const providers = new Map(
    Array.from(config.providers, ([id, spend]) => [id, [...forAll, ...of({ scope: 'provider', provider: id, caller: undefined }, spend)]]),
  );
  /** By caller, then by provider. */
  const callers = new Map<string, Map<string, readonly Cap[]>>();
  const own = (caller: string): readonly Cap[] =>
    of({ scope: 'caller', provider: undefined, caller }, config.callers.has(caller) ? config.callers.get(caller) : config.caller);
  return {
    capsFor(provider, caller) {
      const without = providers.get(provider) ?? forAll;
      if (caller === undefined) return without;
      const known = callers.get(caller)?.get(provider);
      if (known !== undefined) return known;
      const list = [...without, ...own(caller)];
      callers.set(caller, (callers.get(caller) ?? new Map<string, readonly Cap[]>()).set(provider, list));
      const [oldest] = callers.keys();
      if (callers.size > mostCallers && oldest !== undefined) {
        for (const { name } of own(oldest)) caps.delete(name);
        callers.delete(oldest);
      }
      return list;
    },
    inUse: () =>
      new Set([...forAll, ...[...providers.values()].flat(), ...[...callers.values()].flatMap((lists) => [...lists.values()].flat())]),
  };
}

/** Until then one of the calls under way may have ended, and cost less than it might have. */
const underWayMs = 1_000;

function obstacleOf(cap: Cap, shut: 'spent' | 'under-way', clock: Clock): Obstacle {
  const nowMs = clock.nowMs();
  if (shut === 'under-way') {
    const reason = `calls under way may use up the budget of ${capText(cap)}`;
    return { code: 'no_provider', reason, readyAtMs: nowMs + underWayMs };
  }
  const reason = `the budget of ${capText(cap)} is used up until ${untilText(cap)}`;
  return { code: 'no_provider', reason, readyAtMs: nowMs + cap.endsAtWallMs - clock.wallMs() };
}

/** Tells of a cap that is nearly reached, and of one that is; each once for each window. */
function createTelling(announce: Announce, warnAt: number): (cap: Cap) => void {
  return (cap) => {
    const { scope, provider, caller, per, limitUsd } = cap;
    const spentUsd = spentOf(cap);
    const payload = { scope, provider, caller, per, spentUsd, limitUsd };
    if (spentUsd >= limitUsd * warnAt && !isTold(cap, cap.warnedMs)) {
      cap.warnedMs = cap.endsAtWallMs;
      announce('budget:warning', payload);
    }
    if (spentUsd >= limitUsd && !isTold(cap, cap.exceededMs)) {
      cap.exceededMs = cap.endsAtWallMs;
      announce('budget:exceeded', payload);
    }
  };
}
