import { HttpRefusal } from './failure.ts';
import type { HandlerConfig } from './handler-options.ts';

/** Lets calls in and counts them. */
export interface Limits {
  /**
   * Counts one call in; the result counts it out again, once however often it is called.
   * @throws {HttpRefusal} 429 with the time after which another try makes sense.
   */
  enter(caller: string): () => void;
}

interface Caller {
  inFlight: number;
  /** Calls that may be made now, of `maxPerMinute`. */
  credit: number;
  creditAtMs: number;
}

/** Callers that are remembered without a call under way; who is forgotten starts with full credit. */
const mostCallers = 10_000;

export function createLimits({ maxConcurrent, maxConcurrentPerCaller, maxPerMinute, clock }: HandlerConfig): Limits {
  const callers = new Map<string, Caller>();
  let inFlight = 0;

  const known = (name: string): Caller => {
    const caller = callers.get(name) ?? { inFlight: 0, credit: maxPerMinute ?? 0, creditAtMs: clock.nowMs() };
    // The one used last stands last, so that the first is the one to forget.
    callers.delete(name);
    callers.set(name, caller);
    if (callers.size > mostCallers) forgetOne(callers, caller);
    return caller;
  };

  const spend = (caller: Caller): void => {
    if (maxPerMinute === undefined) return;
    const perMs = maxPerMinute / 60_000;
    const nowMs = clock.nowMs();
    caller.credit = Math.min(maxPerMinute, caller.credit + (nowMs - caller.creditAtMs) * perMs);
    caller.creditAtMs = nowMs;
    if (caller.credit < 1) throw tooMany(`More than ${maxPerMinute} calls per minute.`, (1 - caller.credit) / perMs);
    caller.credit -= 1;
  };

  return {
    enter(name) {
      if (inFlight >= maxConcurrent) throw tooMany('The server has as many calls as it takes at once.', 1_000);
      const caller = known(name);
      if (caller.inFlight >= maxConcurrentPerCaller) throw tooMany(`More than ${maxConcurrentPerCaller} calls at once.`, 1_000);
      spend(caller);
      inFlight += 1;
      caller.inFlight += 1;
      let isOut = false;
      return () => {
        if (isOut) return;
        isOut = true;
        inFlight -= 1;
        caller.inFlight -= 1;
      };
    },
  };
}

function forgetOne(callers: Map<string, Caller>, but: Caller): void {
  for (const [name, caller] of callers) {
    if (caller.inFlight > 0 || caller === but) continue;
    callers.delete(name);
    return;
  }
}

function tooMany(message: string, retryAfterMs: number): HttpRefusal {
  return new HttpRefusal({ status: 429, code: 'too_many_requests', message, retryAfterMs });
}
