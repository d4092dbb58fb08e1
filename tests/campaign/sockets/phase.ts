import type { Router } from '../../../src/index.ts';
import type { Plan } from './plan.ts';
import type { CallVerb } from './wire-texts.ts';

export interface PhaseOptions {
  readonly calls: number;
  /** Of each verb; twice as many are in flight. */
  readonly inFlightOfVerb: number;
  /** The plan of the next call. */
  next(verb: CallVerb): Plan;
  routerFor(plan: Plan): Router;
  /** Carries out one call and judges it. */
  carryOut(router: Router, plan: Plan): Promise<void>;
}

/** Half of the calls are chats, half are streams, and so many of each are always under way. Resolves with its length in seconds. */
export async function runPhase({ calls, inFlightOfVerb, next, routerFor, carryOut }: PhaseOptions): Promise<number> {
  const startMs = performance.now();
  const left = { chat: calls >> 1, stream: calls - (calls >> 1) };
  const work = async (verb: CallVerb): Promise<void> => {
    while (left[verb] > 0) {
      left[verb] -= 1;
      const plan = next(verb);
      const router = routerFor(plan);
      await carryOut(router, plan);
      if (plan.isAlone) await router.close();
    }
  };
  await Promise.all((['chat', 'stream'] as const).flatMap((verb) => Array.from({ length: inFlightOfVerb }, () => work(verb))));
  return (performance.now() - startMs) / 1_000;
}
