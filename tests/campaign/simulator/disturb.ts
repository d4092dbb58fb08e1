import type { Simulation, SimulationOptions } from './simulate.ts';

/** What happens beside the calls: jumps of the wall clock, questions after the health of all, signals of many calls that abort. */
export function disturb({ scenario, clock, router, callers }: Simulation, wall: SimulationOptions['wall']): void {
  const { wallJumps, healthAtMs, groupAbortsMs } = scenario.disturbances;
  for (const { atMs, byMs } of wallJumps) {
    // The same things happen in the same order, whether it jumps or not.
    clock.at(atMs, () => clock.jumpWall(wall === 'stands' ? 0 : wall === 'back' ? -Math.abs(byMs) : byMs));
  }
  for (const atMs of healthAtMs) clock.at(atMs, () => void Promise.all([router.health(), router.models()]).catch(() => undefined));
  groupAbortsMs.forEach((atMs, group) => {
    if (atMs !== Infinity) clock.at(atMs, () => callers.abortGroup(group));
  });
}

/** What closes in the midst of everything has nothing left a moment later: no timer, no call upstream, no request. */
export function planClose({ scenario, clock, router, world, complain }: Simulation): void {
  const { closeAtMs, drainMs } = scenario.disturbances;
  if (closeAtMs === undefined) return;
  const check = (): void => {
    const timers = clock.routerTimers(true);
    const calls = world.calls.filter(({ closedAtMs, kind }) => closedAtMs === undefined && kind !== 'deaf').length;
    const { inFlight } = router.snapshot();
    if (timers + calls + inFlight > 0) complain('nothing left', `after close ${timers} timers, ${calls} calls, ${inFlight} requests`);
  };
  const fromMs = clock.nowMs() + closeAtMs;
  clock.at(closeAtMs, () => {
    void router.close({ drainMs }).then(() => {
      const lateMs = clock.nowMs() - fromMs - drainMs;
      if (lateMs > adapterMs) complain('nothing left', `close takes ${lateMs} ms longer than it may`);
      clock.at(settleMs, check);
    });
  });
}

/** Until everything that a close has stopped is quiet. */
const settleMs = 200;
/** Adapters may take so long to free what they hold. */
const adapterMs = 5_000;
