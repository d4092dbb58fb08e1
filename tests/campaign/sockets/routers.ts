import { type BreakerOptions, createRouter, eventNames, ofetchTransport, type Router, type RouterOptions } from '../../../src/index.ts';
import { undiciTransport } from '../../../src/lib/undici-transport.ts';
import type { Canaries } from '../_kit/canaries.ts';
import type { Caller, Limits } from './calls.ts';
import { providerId, providerOptions } from './cast.ts';
import type { Fleet } from './fleet.ts';
import type { Plan } from './plan.ts';
import { kindOf } from './kinds/index.ts';

/** Makes the routers of the campaign, and watches each of them. */
export interface RouterMaker {
  /** `plan`: for the address that is broken in it, if one is. */
  make(first: number, options: Partial<RouterOptions>, plan?: Plan): Router;
}

/**
 * A breaker that never opens: in a storm in which two thirds of all attempts fail it would keep nearly every fault from being
 * met. Only outcomes of the last millisecond count for its ratio, and a thousand failures in a row do not come.
 */
const patient: BreakerOptions = { failureThreshold: 1_000, minimumOutcomes: 1_000, windowMs: 1, openMs: 1, maxOpenMs: 1, jitter: 0 };

/**
 * Nothing is held back but by rests, pins and refused credentials: with the usual number of tokens servers that fail so often would get
 * first attempts only, and calls would not move on to them.
 */
export const patientOptions: Partial<RouterOptions> = { breaker: patient, retry: { maxTokens: 1_000, tokensPerSuccess: 1_000 } };

/** By the provider that a router asks first; undefined: the one that Node has by default. The servers fail over all of them in the same way. */
const fetching = ofetchTransport();
const transports = [undefined, fetching, undiciTransport(), fetching] as const;

export interface MakerOptions {
  readonly fleet: Fleet;
  readonly caller: Caller;
  readonly canaries: Canaries;
  readonly limits: Limits;
  readonly random: () => number;
  /** Of the calls, how many have all that is announced of them searched for secrets; 0 to 1. */
  readonly share: number;
}

export function createRouterMaker({ fleet, caller, canaries, limits, random, share }: MakerOptions): RouterMaker {
  return {
    make(first, options, plan) {
      const order = [0, 1, 2, 3].map((step) => (first + step) % 4);
      const providers = order.map((index) => [providerId(index), providerOptions(index, addressOf(fleet, index, plan), canaries)] as const);
      const { firstTokenMs, idleMs, deadlineMs } = limits;
      const router = createRouter({
        providers: Object.fromEntries(providers),
        timeouts: { firstTokenMs, idleMs },
        deadlineMs,
        checkModels: false,
        health: false,
        pollMs: false,
        random,
        transport: transports[first],
        ...options,
      });
      caller.follow(router);
      for (const name of eventNames) {
        router.on(name, (payload) => {
          if (isSampled(payload, share)) canaries.look(name, payload);
        });
      }
      return router;
    },
  };
}

function addressOf({ urls, doors }: Fleet, index: number, plan: Plan | undefined): string {
  const kind = kindOf.get(plan?.kinds[index] ?? '');
  return (kind?.place === 'address' ? doors[kind.name] : urls[index]) as string;
}

/** By the number of the call, so that its story is looked at as a whole; what belongs to no call is rare. */
function isSampled(payload: object, share: number): boolean {
  if (share >= 1 || !('requestId' in payload)) return true;
  return Number.parseInt(String(payload.requestId).slice(0, 4), 16) < share * 65_536;
}
