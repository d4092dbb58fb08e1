import { setNewest } from './newest.ts';

/** What belongs to one address. Providers ask a handful of them. */
export interface Target<Place> {
  readonly place: Place;
  readonly path: string;
}

const mostTargets = 256;

/** Remembers where the addresses lead. `open` is called once for each scheme, host and port; what it throws is thrown on. */
export function createTargets<Place>(open: (address: URL) => Place): (url: string) => Target<Place> {
  const targets = new Map<string, Target<Place>>();
  const places = new Map<string, Place>();
  return (url) => {
    const known = targets.get(url);
    if (known !== undefined) return known;
    const address = new URL(url);
    // No transport of ours would send them. The words are those of `fetch`, which are classified already.
    if (address.username !== '' || address.password !== '') throw new TypeError('a url that includes credentials');
    const key = `${address.protocol}//${address.host}`;
    const place = places.get(key) ?? open(address);
    setNewest(places, key, place, mostTargets);
    const target = { place, path: address.pathname + address.search };
    setNewest(targets, url, target, mostTargets);
    return target;
  };
}
