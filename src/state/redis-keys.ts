import { createHash } from 'node:crypto';

/** Of the layout of keys and values: another one reads and writes other keys, so that old and new may run side by side. */
const layout = 'inferlane:1';

export interface Keys {
  readonly values: string;
  readonly versions: string;
  readonly ends: string;
  readonly members: string;
  readonly newest: string;
  /** The channel on which members hear of each other's writes. */
  readonly channel: string;
  lease(name: string): string;
  allowance(name: string): string;
  sum(name: string, windowMs: number): string;
}

/** The part in braces puts all keys of a prefix into one slot of a cluster, and those of another prefix into another. */
export function keysOf(prefix: string): Keys {
  const root = `${prefix}:{${layout}:${prefix}}`;
  return {
    values: `${root}:values`,
    versions: `${root}:versions`,
    ends: `${root}:ends`,
    members: `${root}:members`,
    newest: `${root}:newest`,
    channel: `${root}:changes`,
    lease: (name) => `${root}:lease:${hashOf(name)}`,
    allowance: (name) => `${root}:allowance:${hashOf(name)}`,
    sum: (name, windowMs) => `${root}:sum:${windowMs}:${hashOf(name)}`,
  };
}

/** Of the whole text, whatever stands in it. As JSON, because UTF-8 has one and the same character for all broken ones. */
export function hashOf(text: string): string {
  return createHash('sha256').update(JSON.stringify(text)).digest('hex');
}
