import type { Verb } from '../core/events.ts';
import type { Locality } from '../core/locality.ts';
import type { Placement } from './facts.ts';

/** What an intent orders by. */
export interface Placed {
  readonly provider: string;
  readonly device: string;
  readonly cost: 'free' | 'paid';
  readonly priority: number;
  readonly locality: Locality;
  readonly distance: number;
  readonly weight: number;
  readonly verbs: Readonly<Record<Verb, boolean>>;
}

/**
 * Where each provider stands for an intent, first to last: explicit priority, then free before paid, then the intent's groups of devices
 * and ids, then the order of the registry. An id that the order names stands where it was named, whatever it costs. Made once, at start.
 */
export function placesFor(intent: string, order: readonly (readonly string[])[], all: readonly Placed[]): readonly Placement[] {
  const ranked = all.map((placed, index) => ({ placed, index, rank: rankOf(placed, placed.device, order) }));
  const spilled = all.map((placed) => rankOf(placed, 'cpu', order));
  const ranks = [...ranked.map(({ rank }) => rank), ...spilled].sort(byRank);
  const tiers = ranks.filter((rank, index) => index === 0 || byRank(rank, ranks[index - 1] as Rank) !== 0);
  const tierOf = (rank: Rank): number => tiers.findIndex((tier) => byRank(tier, rank) === 0);
  return ranked
    .sort((left, right) => byRank(left.rank, right.rank) || left.index - right.index)
    .map(({ placed: { provider, device, cost, locality, distance, weight, verbs }, index, rank }) => ({
      provider,
      device,
      cost,
      locality,
      distance,
      weight,
      verbs,
      index,
      tier: tierOf(rank),
      spilledTier: tierOf(spilled[index] as Rank),
      isNamed: rank.isNamed,
      reason: sentence(all[index] as Placed, rank, intent),
    }));
}

interface Rank {
  readonly priority: number;
  readonly cost: number;
  readonly group: number;
  readonly isNamed: boolean;
}

const devices: ReadonlySet<string> = new Set(['gpu', 'cpu', 'remote', 'cloud']);

function rankOf({ provider, priority, cost }: Placed, device: string, order: readonly (readonly string[])[]): Rank {
  // Many a provider is called after its device; the device is meant then, and nobody is named.
  const named = devices.has(provider) ? -1 : order.findIndex((group) => group.includes(provider));
  const isNamed = named >= 0;
  const group = isNamed ? named : order.findIndex((each) => each.includes(device));
  return { priority, cost: isNamed || cost === 'free' ? 0 : 1, group, isNamed };
}

function byRank(left: Rank, right: Rank): number {
  return left.priority - right.priority || left.cost - right.cost || left.group - right.group;
}

function sentence({ provider, device, cost, priority }: Placed, { group, isNamed }: Rank, intent: string): string {
  const place = `${isNamed ? provider : device} is number ${group + 1} for ${intent}`;
  return [priority === 0 ? '' : `priority ${priority}`, cost, place].filter((note) => note !== '').join(', ');
}
