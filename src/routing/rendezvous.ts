/** One provider among those that a session may stick to. Its weight is above 0 and counts relative to the others'. */
export interface RendezvousMember {
  readonly provider: string;
  readonly weight: number;
  /** Calls that it is busy with now, those of others included. */
  readonly inFlight: number;
  /** It has a slot free, so that nobody has to wait there. */
  readonly hasSlot?: boolean;
}

/** Calls in flight that a member may have, as a multiple of its fair share of all, before its keys go elsewhere. */
export const boundedLoad = 1.25;

/**
 * Indexes of the members from first choice to last for this key: weighted rendezvous hashing. The same key gives the same order in
 * every process and without any table; a member that leaves takes only its own keys along, and a new one takes from each other
 * what is its share. Members with more calls in flight than their share bears, and no free slot, stand behind the rest, in the same order.
 */
export function rendezvousOrder(key: string, members: readonly RendezvousMember[]): readonly number[] {
  if (members.length < 2) return members.map((_, index) => index);
  let weights = 0;
  let inFlight = 0;
  for (const member of members) {
    weights += member.weight;
    inFlight += member.inFlight;
  }
  const order = nearestFirst(distancesTo(hashText(key), members, weights));
  const callsPerWeight = (boundedLoad * inFlight) / weights;
  const isOverloaded = ({ inFlight: own, weight, hasSlot }: RendezvousMember): boolean =>
    hasSlot !== true && own > Math.ceil(callsPerWeight * weight);
  if (!members.some(isOverloaded)) return order;
  return [...order.filter((index) => !isOverloaded(members[index]!)), ...order.filter((index) => isOverloaded(members[index]!))];
}

/**
 * Between 0 and 1 for each member: -ln(u) / weight, bent into that range, which keeps the order. The member with the least wins, and
 * the chance to win is proportional to the weight.
 */
function distancesTo(key: number, members: readonly RendezvousMember[], weights: number): readonly number[] {
  return members.map(({ provider, weight }) => {
    const drawn = ((scramble(key ^ hashText(provider)) >>> 0) + 0.5) / 2 ** 32;
    const share = (weight / weights) * members.length;
    return 1 - 1 / (1 - Math.log(drawn) / share);
  });
}

/**
 * Indexes by ascending distance, equals in the order of the list. The distances spread over 0 to 1, so that one bucket each nearly
 * sorts them; a sort by comparing would take most of the time here.
 */
function nearestFirst(distances: readonly number[]): readonly number[] {
  const count = distances.length;
  const bucketOf = (index: number): number => Math.floor(distances[index]! * (count - 1));
  const starts = new Uint32Array(count + 1);
  for (let index = 0; index < count; index += 1) starts[bucketOf(index) + 1]! += 1;
  for (let bucket = 0; bucket < count; bucket += 1) starts[bucket + 1]! += starts[bucket]!;
  const order = distances.map(() => 0);
  for (let index = 0; index < count; index += 1) {
    const bucket = bucketOf(index);
    const start = starts[bucket]!;
    order[start] = index;
    starts[bucket] = start + 1;
  }
  for (let from = 1; from < count; from += 1) {
    const moving = order[from]!;
    let to = from;
    for (; to > 0 && distances[order[to - 1]!]! > distances[moving]!; to -= 1) order[to] = order[to - 1]!;
    order[to] = moving;
  }
  return order;
}

/** FNV-1a over UTF-16 units. Its last units reach only some of the bits, which the scrambling spreads over all. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return scramble(hash);
}

/** The finaliser of MurmurHash3: each bit changes each bit of the outcome with a chance of one half. */
export function scramble(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
