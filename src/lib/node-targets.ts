import { setNewest } from './newest.ts';

/** What belongs to one address. Providers ask a handful of them. */
export interface Target<Origin> {
  readonly origin: Origin;
  readonly path: string;
}

const mostTargets = 256;

/** Remembers where the addresses lead. `open` is called once for each scheme, host and port; what it throws is thrown on. */
export function createTargets<Origin>(open: (address: URL) => Origin): (url: string) => Target<Origin> {
  const targets = new Map<string, Target<Origin>>();
  const origins = new Map<string, Origin>();
  return (url) => {
    const known = targets.get(url);
    if (known !== undefined) return known;
    const address = new URL(url);
    const key = `${address.protocol}//${address.host}`;
    const origin = origins.get(key) ?? open(address);
    setNewest(origins, key, origin, mostTargets);
    const target = { origin, path: address.pathname + address.search };
    setNewest(targets, url, target, mostTargets);
    return target;
  };
}
