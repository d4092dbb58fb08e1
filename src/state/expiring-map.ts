/** A map whose entries end. What has ended is not found, and goes for good when the map has doubled since it was last looked through. */
export interface ExpiringMap<Value> {
  get(key: string, nowMs: number): Value | undefined;
  set(key: string, value: Value, endsMs: number, nowMs: number): void;
  size(nowMs: number): number;
}

const fewest = 1_000;

export function expiringMap<Value>(): ExpiringMap<Value> {
  const entries = new Map<string, { readonly value: Value; readonly endsMs: number }>();
  let roomFor = fewest;
  const sweep = (nowMs: number): void => {
    for (const [key, { endsMs }] of entries) if (endsMs <= nowMs) entries.delete(key);
  };
  return {
    get(key, nowMs) {
      const entry = entries.get(key);
      return entry === undefined || entry.endsMs <= nowMs ? undefined : entry.value;
    },
    set(key, value, endsMs, nowMs) {
      entries.set(key, { value, endsMs });
      if (entries.size <= roomFor) return;
      sweep(nowMs);
      roomFor = Math.max(fewest, 2 * entries.size);
    },
    size(nowMs) {
      sweep(nowMs);
      return entries.size;
    },
  };
}
