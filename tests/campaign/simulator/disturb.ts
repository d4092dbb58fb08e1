import { plantedChat } from '../_kit/planted-chat.ts';
import type { Simulation, SimulationOptions } from './simulate.ts';

/** What happens beside the calls: jumps of the wall clock, questions after the health of all and after the way of a call, signals of many calls that abort. */
export function disturb(simulation: Simulation, wall: SimulationOptions['wall']): void {
  const { scenario, clock, callers } = simulation;
  const { wallJumps, healthAtMs, explainAtMs, unpinAfterMs, groupAbortsMs } = scenario.disturbances;
  for (const { atMs, byMs } of wallJumps) {
    // The same things happen in the same order, whether it jumps or not.
    clock.at(atMs, () => clock.jumpWall(wall === 'stands' ? 0 : wall === 'back' ? -Math.abs(byMs) : byMs));
  }
  for (const atMs of healthAtMs) clock.at(atMs, () => void askHealth(simulation));
  if (unpinAfterMs !== undefined) simulation.router.on('model:pinned', () => void clock.at(unpinAfterMs, () => unpin(simulation)));
  for (const atMs of explainAtMs) clock.at(atMs, () => explain(simulation));
  groupAbortsMs.forEach((atMs, group) => {
    if (atMs !== Infinity) clock.at(atMs, () => callers.abortGroup(group));
  });
}

async function askHealth(simulation: Simulation): Promise<void> {
  const { router, beside } = simulation;
  const models = router.models().catch(() => undefined);
  try {
    const summary = await router.health();
    beside.healthFailed += summary.providers.filter(({ status }) => status === 'down').length;
    lookAt(simulation, 'health', summary);
  } catch (error) {
    lookAt(simulation, 'health', error);
  }
  lookAt(simulation, 'models', await models);
}

function explain(simulation: Simulation): void {
  const { router, canaries, beside } = simulation;
  beside.explained += 1;
  try {
    lookAt(simulation, 'explain', router.explain({ ...plantedChat(canaries), model: 'm' }));
  } catch (error) {
    lookAt(simulation, 'explain', error);
  }
}

/** Somebody has made room. */
function unpin({ router, reference, beside }: Simulation): void {
  reference.whileUnpinning(() => (beside.unpinned += router.unpin()));
}

/** However deep only where that is done for everything. */
function lookAt({ canaries, complain }: Simulation, sink: string, value: unknown): void {
  const shown = value instanceof Error ? `${value.message} ${String(value.cause)}` : (JSON.stringify(value) ?? '');
  if (shown.includes('canary-')) complain('no secrets', `in what ${sink} tells`);
  if (canaries.looked() > 0) canaries.look(sink, value);
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
