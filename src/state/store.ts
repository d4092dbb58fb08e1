/**
 * What several processes share of what their routers know: conclusions, leave to probe, allowances and sums. A store keeps names and
 * values as they are and knows nothing of routing. Every moment is its own: nobody's clock but the store's decides, and what is told to
 * members are durations.
 *
 * Methods may reject, and may never settle: whoever calls them sets the limit. None of them is on the way of a call.
 */
export interface StateStore {
  /** A connection for one router. Never throws and never waits: a server that is not there shows in what is asked of it later. */
  connect(): StoreConnection;
}

export interface StoreConnection {
  /** Writes conclusions, and gives all that are newer than `sinceVersion`, those just written too. */
  sync(ask: SyncAsk): Promise<Synced>;
  /** Leave to be the only one to do something for a time. */
  lease(ask: LeaseAsk): Promise<LeaseAnswer>;
  /** Gives a lease back before its time; one that is not held any more is left as it is. */
  release(name: string, token: string): Promise<void>;
  /** Takes from allowances that refill with time. One answer for each, in order. */
  take(asks: readonly TakeAsk[]): Promise<readonly Taken[]>;
  /** Adds to sums. One answer for each, in order. */
  add(asks: readonly SumAsk[]): Promise<readonly Sum[]>;
  /** Called when another member has written something, or may have while the connection was away; it is the next `sync` that tells what. Told late, or not at all, where the connection is bad. */
  onChange(listener: () => void): void;
  /** Called with what there is to say about values that were not taken: too long, or not what a store writes. Once for each kind. */
  onOdd(listener: (message: string) => void): void;
  /** Gives back what is held. Never rejects. */
  close(): Promise<void>;
}

export interface SyncAsk {
  /** The same for all calls of a router; those that were heard of within 10 s are counted. */
  readonly member: string;
  readonly changes: readonly Change[];
  /** 0 for everything. */
  readonly sinceVersion: number;
}

export interface Change {
  /** Any text; one of more than about 60,000 characters is not written, which `onOdd` tells. */
  readonly name: string;
  /** At most `longestValue` characters. */
  readonly value: string;
  /** At most a day. */
  readonly keepMs: number;
  /** What was found out under a lease is written only while nobody has got a younger one. */
  readonly fence?: number | undefined;
}

export interface Synced {
  /** The newest version there is: the next `sinceVersion`. Versions only ever grow, also where all data of the store were lost. */
  readonly version: number;
  /** In the order in which they were written. */
  readonly conclusions: readonly Conclusion[];
  /** Names of changes that came too late: there is a younger lease. */
  readonly refused: readonly string[];
  /** Routers that have synced within 10 s, this one included. */
  readonly members: number;
}

export interface Conclusion {
  readonly name: string;
  readonly value: string;
  readonly version: number;
  /** Since it was written, by the store's clock. */
  readonly ageMs: number;
}

export interface LeaseAsk {
  readonly name: string;
  /** Who asks: a text that nobody else has. With the one that holds the lease, it goes on for another `forMs`. */
  readonly token: string;
  readonly forMs: number;
}

export type LeaseAnswer =
  /** `fence` is higher than that of every lease of the name before. */
  | { readonly isMine: true; readonly fence: number }
  /** Somebody else has it for this long. */
  | { readonly isMine: false; readonly leftMs: number };

export interface TakeAsk {
  readonly name: string;
  /** What comes in, evenly over time. */
  readonly perMinute: number;
  /** The most that there can be; an allowance that nobody has used begins with it. */
  readonly most: number;
  /** Less than 0 gives back. */
  readonly wanted: number;
  /** Less than this is not taken at all. 0: whatever is there. */
  readonly least: number;
}

export interface Taken {
  readonly given: number;
  /** Until `least` (at least 1) would be there; 0 where it is. */
  readonly waitMs: number;
}

export interface SumAsk {
  readonly name: string;
  /** Sums begin anew with each whole multiple of this in the store's time since 1970: 3,600,000 for an hour, 86,400,000 for a day. */
  readonly windowMs: number;
  /** 0 only asks. */
  readonly amount: number;
}

export interface Sum {
  readonly total: number;
  /** Until it begins anew. */
  readonly leftMs: number;
}

/** Characters of a value: more is neither written nor read. */
export const longestValue = 2_048;

/** Conclusions that one store holds: beyond it the oldest go. */
export const mostConclusions = 5_000;
