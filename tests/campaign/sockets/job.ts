import type { Router } from '../../../src/index.ts';
import { createCanaries } from '../_kit/canaries.ts';
import type { Job, Size } from '../_kit/job.ts';
import { createRandom } from '../_kit/numbers.ts';
import { watchProcess } from '../_kit/process-watch.ts';
import { createCaller } from './calls.ts';
import { backendFacts, requestOf } from './cast.ts';
import { detailOf, type Evidence, figureNames, figuresOf, names } from './figures.ts';
import { launchFleet } from './fleet.ts';
import { watchLoop } from './loop-lag.ts';
import { createOracle } from './oracle.ts';
import { runPhase } from './phase.ts';
import { createHealthyPlans, createMixedPlans, type Plan } from './plan.ts';
import { createRouterMaker, patientOptions, type RouterMaker } from './routers.ts';
import { createTallies } from './tallies.ts';
import type { CallVerb } from './wire-texts.ts';

/**
 * `calls` in each part; `first`: those of each router that end before its record counts. `share`: of the calls, how many have all that is
 * announced of them searched for secrets. Limits are short, so that servers that hang cost little; in the quick form other tests may
 * run beside this one.
 */
const sizes = {
  quick: {
    calls: { mixed: 1_100, patient: 250, usual: 150 },
    first: 200,
    healthy: { patient: [3], usual: [1] },
    share: 0.1,
    limits: { firstTokenMs: 1_500, idleMs: 1_500, totalMs: 1_800, deadlineMs: 5_000, hurriedMs: 900 },
  },
  long: {
    calls: { mixed: 100_000, patient: 68_400, usual: 30_000 },
    first: 200,
    healthy: { patient: [0, 1, 2, 3], usual: [0, 1, 2, 3] },
    share: 0.05,
    limits: { firstTokenMs: 1_000, idleMs: 1_000, totalMs: 1_200, deadlineMs: 3_500, hurriedMs: 600 },
  },
} as const;

/** 64 chats and 64 streams at once. */
const inFlightOfVerb = 64;

export const job: Job = {
  name: 'sockets',
  about: 'servers that fail in every way a socket allows lose no request, double no token and leave no failure without its name',
  figures: figureNames,
  async run(size, seed) {
    const { calls, first, healthy } = sizes[size];
    await using scene = await openScene(size, seed);
    const { maker, phase } = scene;
    const standing = [0, 1, 2, 3].map((backend) => maker.make(backend, patientOptions));
    await phase(names.mixed, calls.mixed, createMixedPlans(seed + 2, size === 'quick'), (plan) =>
      plan.isAlone ? maker.make(plan.first, patientOptions, plan) : (standing[plan.first] as Router),
    );
    const routers = [...standing];
    for (const part of ['patient', 'usual'] as const) {
      const ones: readonly number[] = healthy[part];
      const plans = createHealthyPlans(seed + (part === 'patient' ? 3 : 4), size === 'quick', part === 'usual');
      const next = (id: number, verb: CallVerb): Plan => plans(id, verb, ones[(id >> 1) % ones.length] as number);
      const byFirst = new Map(ones.map((one) => [(one + 1) % 4, maker.make((one + 1) % 4, part === 'usual' ? {} : patientOptions)]));
      const routerFor = (plan: Plan): Router => byFirst.get(plan.first) as Router;
      await phase(names.first, first * ones.length, next, routerFor);
      await phase(names[part], calls[part], next, routerFor);
      routers.push(...byFirst.values());
    }
    const evidence = await scene.close(routers);
    return { figures: figuresOf(evidence), detail: detailOf(evidence) };
  },
};

interface Scene extends AsyncDisposable {
  readonly maker: RouterMaker;
  /** Makes so many calls and judges each. */
  phase(name: string, calls: number, next: (id: number, verb: CallVerb) => Plan, routerFor: (plan: Plan) => Router): Promise<void>;
  /** Closes the routers that stood through a part, and gathers what the run left behind. */
  close(routers: readonly Router[]): Promise<Evidence>;
}

async function openScene(size: Size, seed: number): Promise<Scene> {
  const { limits, share } = sizes[size];
  const canaries = createCanaries(seed);
  const watch = watchProcess();
  const stopOutput = canaries.watchOutput();
  const lag = watchLoop();
  const fleet = await launchFleet(backendFacts(canaries));
  const caller = createCaller(limits);
  const oracle = createOracle(canaries.of.completion, limits, lag);
  const tallies = createTallies();
  const seconds: Record<string, number> = {};
  let asked = 0;
  let made = 0;
  return {
    maker: createRouterMaker({ fleet, caller, canaries, limits, random: createRandom(seed + 1), share }),
    async phase(name, calls, next, routerFor) {
      asked += calls;
      const carryOut = async (router: Router, plan: Plan): Promise<void> => {
        const record = await caller.call(router, plan, requestOf(plan, canaries));
        if (record.outcome.type === 'failed') canaries.look('error', record.outcome.error);
        tallies.add(name, record, oracle.judge(record));
      };
      const lasted = await runPhase({ calls, inFlightOfVerb, next: (verb) => next(made++, verb), routerFor, carryOut });
      seconds[name] = (seconds[name] ?? 0) + lasted;
    },
    async close(routers) {
      const inFlight = routers.reduce((sum, router) => sum + countInFlight(router), 0);
      for (const router of routers) canaries.look('snapshot', router.snapshot());
      await Promise.all(routers.map((router) => router.close()));
      const report = await fleet.report();
      return { size, asked, tallies, report, canaries, seconds, inFlight, strayEnds: caller.strayEnds(), complaints: watch.seen };
    },
    async [Symbol.asyncDispose]() {
      lag.stop();
      watch.stop();
      stopOutput();
      await fleet[Symbol.asyncDispose]();
    },
  };
}

/** Calls and attempts that a router still counts. */
function countInFlight(router: Router): number {
  const { inFlight, providers } = router.snapshot();
  return inFlight + providers.reduce((sum, provider) => sum + provider.inFlight, 0);
}
