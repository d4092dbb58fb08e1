/** How far a request travels, from nearest to farthest: this process, this machine, the local network, a tunnel, somebody else's cloud. */
export type Locality = 'process' | 'host' | 'lan' | 'tunnel' | 'cloud';

/** From nearest to farthest. */
export const localities: readonly Locality[] = Object.freeze(['process', 'host', 'lan', 'tunnel', 'cloud'] as const);

/** The farther, the larger; what is no locality lies beyond all of them. */
export function distanceOf(locality: Locality): number {
  const place = localities.indexOf(locality);
  return place < 0 ? Infinity : place;
}

/** Does a provider lie no farther away than allowed? */
export function isWithin(locality: Locality, farthest: Locality): boolean {
  return distanceOf(locality) <= distanceOf(farthest);
}

/** The nearer of two limits. */
export function nearest(limit: Locality, other: Locality | undefined): Locality {
  return other !== undefined && isWithin(other, limit) ? other : limit;
}
