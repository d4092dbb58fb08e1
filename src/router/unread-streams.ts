import type { Ring } from '../lib/ring.ts';
import type { LaneName, Lanes } from './lanes.ts';
import type { HeldSlot } from './slots.ts';

/**
 * A stream is read at the pace of its reader, who may be thinking, or waiting for a call that waits for this very slot; meanwhile its
 * server writes on into the buffers of the sockets, and is done. So a reader who has asked for nothing for this long does not keep the
 * slot from calls that wait. The stream goes on without it: a reader who comes back may make it one call more than there are slots.
 */
const unreadMs = 1_000;

/**
 * Gives the slots of streams that nobody reads to those who wait, as many as they need, and one that is needed for a call that would join
 * the lane `joining`. Nobody else looks at the streams, so they cost nothing where nobody waits.
 */
export function makeRoom(streams: Ring<HeldSlot>, lanes: Lanes, joining: LaneName | undefined, nowMs: number): void {
  for (const slot of streams.values()) {
    if (slot.lanes.pool !== lanes.pool || !lanes.isWanted(slot.lane, joining)) continue;
    const pausedAtMs = slot.reader?.pausedAtMs();
    if (pausedAtMs === undefined || nowMs - pausedAtMs < unreadMs) continue;
    slot.give();
  }
}
