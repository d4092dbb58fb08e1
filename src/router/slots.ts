import type { Announce } from '../core/events.ts';
import type { ProviderConfig, RouterConfig } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import type { AttemptDeadline } from '../lib/deadline.ts';
import type { Link, Ring } from '../lib/ring.ts';
import { createLanes, createPool, type LaneLimits, type LaneName, type Lanes, lanesOf } from './lanes.ts';
import type { ModelState } from './model-state.ts';
import { plainName } from './model-name.ts';
import type { Provider } from './provider.ts';
import type { ProviderState } from './provider-state.ts';

/** The slot of a call that no attempt has taken over yet, or of an attempt. */
export interface HeldSlot {
  readonly lanes: Lanes;
  readonly lane: LaneName;
  /** It belongs to an attempt from now on. */
  use(): void;
  /** Gives it back, once, unless an attempt has taken it over. */
  give(nowMs?: number): void;
  /** It is a stream's, and stands among those of others until it is given back. */
  readBy(reader: SlotReader, streams: Ring<HeldSlot>): void;
  /** Of a stream. */
  readonly reader: SlotReader | undefined;
}

/** Knows since when it has asked for nothing. */
export type SlotReader = Pick<AttemptDeadline, 'pausedAtMs'>;

export function heldSlot(lanes: Lanes, lane: LaneName, clock: Clock): HeldSlot {
  return new Held(lanes, lane, clock);
}

class Held implements HeldSlot {
  readonly lanes: Lanes;
  readonly lane: LaneName;
  reader: SlotReader | undefined;
  readonly #clock: Clock;
  #isOurs = true;
  #link: Link | undefined;

  constructor(lanes: Lanes, lane: LaneName, clock: Clock) {
    this.lanes = lanes;
    this.lane = lane;
    this.#clock = clock;
  }

  use(): void {
    this.#isOurs = false;
  }

  readBy(reader: SlotReader, streams: Ring<HeldSlot>): void {
    this.reader = reader;
    this.#link = streams.add(this);
  }

  give(nowMs: number = this.#clock.nowMs()): void {
    this.#link?.remove();
    this.#link = undefined;
    if (!this.#isOurs) return;
    this.#isOurs = false;
    this.lanes.give(this.lane, nowMs);
  }
}

/** The configuration that says how many slots there are. */
export interface SlotRules {
  readonly config: ProviderConfig;
  readonly router: RouterConfig;
}

/** Each loaded model of such a server has slots of its own; a limit that was configured is for all of them together. */
function isPerModel({ slotsPer, maxConcurrent }: ProviderConfig): boolean {
  return slotsPer === 'model' && maxConcurrent === undefined;
}

/** The slots that calls for a model take, where there are any yet. */
export function knownLanes({ lanes }: ProviderState, model: Readonly<ModelState>): Lanes | undefined {
  return model.lanes ?? lanes;
}

/** The slots that calls for a model take. */
export function lanesFor(state: ProviderState, name: string | undefined): Lanes {
  const { config } = state.slotRules;
  if (isPerModel(config)) return (state.models.of(name).lanes ??= createLanes(limitsOf(state, name)));
  const shared = (state.lanes ??= createLanes(limitsOf(state, undefined)));
  // Their calls are told apart, for the day when each has its own.
  return config.slotsPer === 'model' ? (state.models.of(name).lanes ??= lanesOf(shared.pool)) : shared;
}

/** From so many slots on one is reserved for fast calls: of fewer, it would take more than a fifth away from batch work. */
const leastReserving = 5;

/** What was configured, else what the server tells, else what servers of its kind have. */
export function slotCount({ maxConcurrent, usualSlots }: ProviderConfig, { told }: ProviderState, name: string | undefined): number {
  if (maxConcurrent !== undefined) return maxConcurrent;
  const said = (name === undefined ? undefined : told?.resident?.get(plainName(name))?.slots) ?? told?.slots;
  // A server that takes no calls at all would not be there to say so.
  return (said !== undefined && said >= 1 ? said : usualSlots) ?? Infinity;
}

function limitsOf(state: ProviderState, name: string | undefined): LaneLimits {
  const { config, router } = state.slotRules;
  const slots = slotCount(config, state, name);
  const usual = slots >= leastReserving && slots !== Infinity ? 1 : 0;
  const { limit: queueLimit, agingMs } = router.queue;
  return { slots, reservedForFast: Math.min(config.reservedForFast ?? usual, slots - 1), queueLimit, agingMs };
}

/** Neither the configuration nor the server has said how many slots there are. */
export function isSupposed({ maxConcurrent, usualSlots }: ProviderConfig, { told }: ProviderState): boolean {
  if (maxConcurrent !== undefined || usualSlots === undefined || told?.slots !== undefined) return false;
  return ![...(told?.resident?.values() ?? [])].some(({ slots }) => slots !== undefined);
}

/** Takes over what the server has just told, or another configuration says. */
export function resizeLanes(state: ProviderState): void {
  const { config, router } = state.slotRules;
  const nowMs = router.clock.nowMs();
  regroup(state);
  state.lanes?.resize(limitsOf(state, undefined), nowMs);
  if (!isPerModel(config)) return;
  for (const [name, { lanes }] of state.models.entries()) lanes?.resize(limitsOf(state, name), nowMs);
}

/** Where models had slots of their own and share them now, or the other way round: with the calls under way, and those that wait. */
function regroup(state: ProviderState): void {
  const { config } = state.slotRules;
  if (config.slotsPer !== 'model' || isPerModel(config) === (state.lanes === undefined)) return;
  state.lanes = isPerModel(config) ? undefined : createLanes(limitsOf(state, undefined));
  for (const [name, { lanes }] of state.models.entries()) lanes?.moveTo(state.lanes?.pool ?? createPool(limitsOf(state, name)));
}

/** That calls wait for what is only supposed is told once: whoever has configured such a server otherwise loses by it. */
export function warnOfSupposedSlots({ id, config, state }: Pick<Provider, 'id' | 'config' | 'state'>, announce: Announce): void {
  if (state.isSupposedTold || !isSupposed(config, state)) return;
  state.isSupposedTold = true;
  const each = config.slotsPer === 'model' ? ' of each model' : '';
  const message = `calls wait for it: it is taken to serve ${config.usualSlots} at a time${each}, as its kind does by default; maxConcurrent says otherwise`;
  announce('config:warning', { path: `providers.${id}.maxConcurrent`, message });
}
