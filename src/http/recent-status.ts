import type { Clock, HealthSummary, ModelInventory, Router } from '../index.ts';
import type { Exchange } from './route.ts';

/** A provider is asked no more often than this, however many callers want to know how it is, or what it serves. */
const askedAgainMs = 10_000;
/** What the router knows without asking, as of its breakers, is no older than this. */
const toldAgainMs = 1_000;

interface Told<Value> {
  readonly value: Promise<Value>;
  /** Infinity while the question is under way: whoever comes meanwhile waits for the same answer. */
  untilMs: number;
}

interface ToldBy {
  health?: Told<HealthSummary> | undefined;
  inventory?: Told<ModelInventory> | undefined;
}

const toldBy = new WeakMap<Router, ToldBy>();

/** How the providers are. The question goes on without the caller who asked first: others may be waiting for its answer. */
export function healthNow({ router, config: { clock } }: Exchange): Promise<HealthSummary> {
  const told = toldOf(router);
  told.health = unlessOld(told.health, clock) ?? asked(router.health({ maxAgeMs: askedAgainMs }), toldAgainMs, clock);
  return told.health.value;
}

/** Which models there are. */
export function inventoryNow({ router, config: { clock } }: Exchange): Promise<ModelInventory> {
  const told = toldOf(router);
  told.inventory = unlessOld(told.inventory, clock) ?? asked(router.models(), askedAgainMs, clock);
  return told.inventory.value;
}

function toldOf(router: Router): ToldBy {
  const known = toldBy.get(router);
  if (known !== undefined) return known;
  const told: ToldBy = {};
  toldBy.set(router, told);
  // Other providers, or others of the same names.
  router.on('config:update', () => Object.assign(told, { health: undefined, inventory: undefined }));
  return told;
}

function unlessOld<Value>(told: Told<Value> | undefined, clock: Clock): Told<Value> | undefined {
  return told !== undefined && clock.nowMs() < told.untilMs ? told : undefined;
}

function asked<Value>(value: Promise<Value>, keepMs: number, clock: Clock): Told<Value> {
  const told: Told<Value> = { value, untilMs: Infinity };
  value.then(
    () => void (told.untilMs = clock.nowMs() + keepMs),
    () => void (told.untilMs = -Infinity),
  );
  return told;
}
