/** The calls that are under way: how many, and the times at which they began, added up. */
export interface UnderWay {
  inFlight: number;
  begunSumMs: number;
}

export function noteBegin(each: UnderWay, nowMs: number): void {
  each.inFlight += 1;
  each.begunSumMs += nowMs;
}

/** @param begunMs When the call that has ended began. */
export function noteEnd(each: UnderWay, begunMs: number): void {
  each.inFlight -= 1;
  // From 0 again, so that what rounding loses does not add up.
  each.begunSumMs = each.inFlight === 0 ? 0 : each.begunSumMs - begunMs;
}

/** How long they have been running, on average; 0 where there are none. */
export function runningMs({ inFlight, begunSumMs }: Readonly<UnderWay>, nowMs: number): number {
  return inFlight === 0 ? 0 : nowMs - begunSumMs / inFlight;
}
