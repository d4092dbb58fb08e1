/** A map cannot be frozen, so the methods that change it refuse. */
export function frozenMap<Key, Value>(entries: Iterable<readonly [Key, Value]>): ReadonlyMap<Key, Value> {
  const map = new Map(entries);
  const descriptor: PropertyDescriptor = { value: refuseChange };
  return Object.freeze(Object.defineProperties(map, { set: descriptor, delete: descriptor, clear: descriptor }));
}

function refuseChange(): never {
  throw new TypeError('The configuration does not change.');
}
