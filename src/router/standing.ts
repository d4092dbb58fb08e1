import { distanceOf } from '../core/locality.ts';
import type { RouterConfig } from '../config/config.ts';
import type { Placement } from '../routing/facts.ts';
import { type Placed, placesFor } from '../routing/intents.ts';
import { createShares, type Shares } from '../routing/weighted.ts';
import type { Standing } from './engine.ts';
import type { Provider } from './provider.ts';

/** Where each provider stands for each intent. Made once, at start: it changes with the configuration only. */
export function createStandings({ intents }: RouterConfig, providers: readonly Provider[]): ReadonlyMap<string, Standing> {
  const placed = providers.map(({ id, config: { device, cost, priority, locality, weight }, adapter }): Placed => ({
    provider: id,
    device,
    cost,
    priority,
    locality,
    distance: distanceOf(locality),
    weight,
    verbs: Object.freeze({ chat: adapter.chats, stream: adapter.chats, embed: adapter.embed !== undefined }),
  }));
  return new Map(Array.from(intents, ([intent, { order }]) => [intent, standingFor(intent, order, placed)]));
}

/** A call makes five attempts at most, so nobody needs a plan of hundreds; the others are looked at where these do not do. */
const enough = 32;

function firstPartOf(places: readonly Placement[]): number {
  const last = places[enough - 1];
  const next = last === undefined ? -1 : places.findIndex(({ tier }) => tier > last.tier);
  return next < 0 ? places.length : next;
}

function standingFor(intent: string, order: readonly (readonly string[])[], placed: readonly Placed[]): Standing {
  const places = placesFor(intent, order, placed);
  const shares = new Map<number, Shares>();
  return {
    places,
    firstPart: firstPartOf(places),
    hasEquals: new Set(places.map(({ tier }) => tier)).size < places.length,
    sharesOf(tier) {
      const known = shares.get(tier);
      if (known !== undefined) return known;
      const made = createShares();
      shares.set(tier, made);
      return made;
    },
  };
}
