import { getEventListeners } from 'node:events';
import type { CallPlan } from './load.ts';
import { checkEnd, type Counts } from './end-checks.ts';
import { laneOf, mayBeAsked } from './possible.ts';
import { createSimulation, type Simulation, type SimulationOptions } from './simulate.ts';
import type { Violation } from './violations.ts';

export interface SimulationReport {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly counts: Counts;
  readonly lines: readonly string[];
}

/** A simulation under way: one thing happens with each step, and what waits for promises happens between them. */
export interface Running {
  /** Undefined while there is more to do. */
  step(): SimulationReport | undefined;
}

/** Longer than anything puts a healthy provider out: open times, rests, refused credentials. */
const recoveryMs = 310_000;
const mostSteps = 300_000;
/** A look at everything costs more than many steps. */
const comparedEvery = 50;

export function startSimulation(seed: number, options: SimulationOptions): Running {
  const simulation = createSimulation(seed, options);
  const { clock, router, scenario, callers, lanes, world, complain } = simulation;
  let phase: 'load' | 'recovery' | 'closing' | 'closed' = 'load';
  let steps = 0;
  let isClosed = false;
  const isBusy = (): boolean => {
    steps += 1;
    lanes.quiet();
    if (steps % comparedEvery === 0 || lanes.isUnsure()) lanes.compare(router.snapshot());
    if (steps <= mostSteps)
      return (callers.waiting() > 0 || clock.worldEvents() > 0 || world.polls.open > 0 || openRequests(simulation)) && clock.step();
    complain('settles once', `there is no end after ${mostSteps} steps`);
    return false;
  };
  const close = (): void => {
    phase = 'closing';
    void router.close({ drainMs: 1_000 }).then(() => (isClosed = true));
  };
  const recover = (): void => {
    checkQuiet(simulation);
    simulation.heal();
    phase = 'recovery';
    planRecovery(simulation).forEach((plan) => clock.at(plan.atMs, () => callers.make(plan)));
  };
  return {
    step() {
      if (phase === 'load' || phase === 'recovery') {
        if (isBusy()) return undefined;
        if (phase === 'load' && scenario.disturbances.closeAtMs === undefined) recover();
        else close();
        return undefined;
      }
      if (phase === 'closing') {
        if (!isClosed && clock.step()) return undefined;
        phase = 'closed';
        if (!isClosed) complain('nothing left', 'close does not resolve');
        return undefined;
      }
      return { seed, violations: simulation.violations, counts: checkEnd(simulation), lines: simulation.log?.lines ?? [] };
    },
  };
}

function openRequests({ ledger }: Simulation): boolean {
  return ledger.open.count > 0;
}

/** When everybody is served: no timer, nothing in flight, no listener on anybody's signal. */
function checkQuiet({ clock, router, callers, complain }: Simulation): void {
  if (clock.routerTimers() > 0) complain('nothing left', `${clock.routerTimers()} timers after the last request`);
  const { inFlight, providers } = router.snapshot();
  const counts = [inFlight, ...providers.flatMap((each) => [each.inFlight, each.waiting, ...each.models.map((model) => model.inFlight)])];
  if (counts.some((count) => count !== 0)) complain('counters', `in flight after the last request: ${counts.join(', ')}`);
  for (const { signal, plan } of callers.results) {
    if (signal === undefined) continue;
    const count = getEventListeners(signal, 'abort').length;
    if (count > 0) complain('signals as before', `${count} listeners on the signal of request ${plan.index}`);
  }
}

/**
 * One call to each provider and verb, one after the other, once every clock has run out; where it has slots, then as many at once, so that
 * one that was never given back is missed.
 */
function planRecovery({ scenario }: Simulation): CallPlan[] {
  const { providers, load } = scenario;
  const verbs = providers.flatMap((provider) => {
    const { id, embeds, maxConcurrent = 0 } = provider;
    const able = intentNames.filter((name) => mayBeAsked({ intent: name, provider: id }, provider, scenario));
    // Heavy calls do not get all slots.
    const intent = able.find((name) => laneOf({ intent: name }, scenario.settings) === 'fast') ?? able[0];
    // No call ever gets so far.
    if (intent === undefined) return [];
    const own = { id, intent, count: 1 };
    const single = [
      { ...own, verb: 'chat' as const },
      { ...own, verb: 'stream' as const },
      ...(embeds ? [{ ...own, verb: 'embed' as const }] : []),
    ];
    // After an outage few are let in at a time, and more only after some answers.
    const more =
      maxConcurrent > 2
        ? [
            { ...own, verb: 'chat' as const },
            { ...own, verb: 'chat' as const },
          ]
        : [];
    const hasAll = laneOf({ intent }, scenario.settings) === 'fast';
    return maxConcurrent < 2 || !hasAll ? single : [...single, ...more, { ...own, verb: 'chat' as const, count: maxConcurrent }];
  });
  const calls = verbs.flatMap(({ count, ...each }, at) => Array.from({ length: count }, () => ({ ...each, at })));
  return calls.map(({ id, intent, verb, at }, index) => ({
    index: load.length + index,
    atMs: recoveryMs + at * 20_000,
    verb,
    namesModel: true,
    inputs: 1,
    reading: 'all',
    leavesAfter: 0,
    readGapMs: 1,
    abort: 'none',
    abortAfterMs: 0,
    group: undefined,
    deadlineMs: 15_000,
    maxAttempts: 1,
    provider: id,
    allowPaid: undefined,
    onStreamFailure: undefined,
    hedge: false,
    intent,
    session: undefined,
    maxLocality: undefined,
  }));
}

const intentNames = ['fast', 'heavy', 'own'] as const;
