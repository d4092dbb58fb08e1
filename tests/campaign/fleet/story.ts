import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from './faults.ts';
import { machineMs } from './machine-time.ts';
import type { LoadReport } from './member-program.ts';
import { countOf, cutOffIn, type Probes, probesIn } from './oracle.ts';
import { firstOf, type Member, type Stage, until, untilHeard } from './stage.ts';

/** What one fault has done. */
export interface StoryShown {
  readonly fault: string;
  readonly cutOff: number;
  readonly members: number;
  readonly loads: readonly LoadReport[];
  readonly probes: Probes;
  /** One, and one more for each member that had no store then. */
  readonly mostProbes: number;
  /** Members that did not say each time that the store is gone, and that it is back. */
  readonly silent: number;
  /** Members that said so more often. */
  readonly repeated: number;
  /** Members whose books were not those of the others one second after it was over, and as much later as the machine was late. */
  readonly disagreeing: number;
  /** From the moment at which one knew, or the fault was over, until each of the others knew: that it is open, and that it is closed. */
  readonly openMs: readonly number[];
  readonly closeMs: readonly number[];
  /** How late the processes of the fleet and this one were for their own timers while they converged. */
  readonly lagMs: number;
}

/** Per second and process, and as many again of the router without a store. */
const callsPerSecond = 20;
const probeMs = 250;
/** Whatever is under way when the last breaker opens has ended by then. */
const stragglersMs = probeMs + 150;
const convergedMs = 1_000;
/** Not waited for any longer: then it is missed. */
const patienceMs = 5_000;

/** The store has its fault while `main` fails and recovers under load. Then it has it once more, and one member finds out something meanwhile. */
export async function playStory(stage: Stage, fault: Fault, probingMs: number): Promise<StoryShown> {
  const { members, redis } = stage;
  await redis.reset();
  if (fault.isFirst) await fault.inject(stage);
  await stage.open((number) => ({ skewMs: fault.skewMs?.(number) }));
  await stage.watch();
  await stage.all((member) => member.load(callsPerSecond));
  await sleep(400);
  if (!fault.isFirst) await fault.inject(stage);
  const affected = members.slice(0, fault.cutOff(members.length));
  await untilHeard(affected, 'state:degraded', 0);
  const played = await failAndRecover(stage, probingMs);
  const loads = await stage.all((member) => member.rest());
  await fault.heal?.(stage);
  await untilHeard(affected, 'state:restored', 0);
  await stage.lagMs();
  await sleep(convergedMs);
  await until(async () => (await disagreement(stage)) === 0, await stage.lagMs());
  const disagreeing = await disagreement(stage);
  await stage.all((member) => member.closeCircuit());
  await sleep(500);
  const converged = await converge(stage, fault);
  const reports = affected.map((member) => [countOf(member, 'state:degraded', 0), countOf(member, 'state:restored', 0)] as const);
  return {
    fault: fault.name,
    cutOff: affected.length,
    members: members.length,
    loads,
    ...played,
    ...converged,
    silent: reports.filter(([gone, back]) => gone < 2 || back < gone).length,
    repeated: reports.filter(([gone]) => gone > 2).length,
    disagreeing,
  };
}

/** `main` fails until all have seen it, is probed for a while, and recovers. */
async function failAndRecover(stage: Stage, probingMs: number): Promise<Pick<StoryShown, 'probes' | 'mostProbes'>> {
  const { members } = stage;
  const failsMs = machineMs();
  await stage.be('failing', probeMs);
  await untilHeard(members, 'breaker:open', failsMs, patienceMs);
  const fromMs = machineMs() + stragglersMs;
  await sleep(stragglersMs + probingMs);
  const recoversMs = machineMs();
  await stage.be('well');
  await untilHeard(members, 'breaker:close', recoversMs, patienceMs);
  // Calls are let in little by little.
  await sleep(300);
  await stage.all((member) => member.listen());
  const without = cutOffIn(members, fromMs, machineMs());
  return { probes: probesIn(await stage.visits(), fromMs), mostProbes: without + (without < members.length ? 1 : 0) };
}

/** Members whose breaker of `main` is not as most have it. */
async function disagreement({ all }: Stage): Promise<number> {
  const closed = (await all((member) => member.snapshot())).filter(({ providers }) =>
    providers[0]?.models.every(({ breaker }) => breaker === 'closed'),
  ).length;
  const count = (await all(async () => 1)).length;
  return Math.min(closed, count - closed);
}

/** One member finds that `main` fails, and then that it is well; nobody else has calls. */
async function converge(stage: Stage, fault: Fault): Promise<Pick<StoryShown, 'openMs' | 'closeMs' | 'lagMs'>> {
  const { members } = stage;
  await stage.lagMs();
  const [striker, ...others] = members as [Member, ...Member[]];
  const affected = members.slice(0, fault.cutOff(members.length));
  const injectedMs = machineMs();
  await fault.inject(stage);
  await untilHeard(affected, 'state:degraded', injectedMs);
  await stage.be('failing');
  const struckMs = machineMs();
  await striker.strike();
  await untilHeard([striker], 'breaker:open', struckMs);
  const knownMs = firstOf(striker, 'breaker:open', struckMs) ?? Number.NaN;
  const fromMs = fault.heal === undefined ? knownMs : await healed(stage, fault);
  await untilHeard(others, 'breaker:open', struckMs, patienceMs);
  const openMs = others.map((member) => (firstOf(member, 'breaker:open', struckMs) ?? Infinity) - fromMs);
  await untilHeard(affected, 'state:restored', fromMs);
  await stage.be('well');
  const closesMs = machineMs();
  await striker.closeCircuit();
  await untilHeard(members, 'breaker:close', closesMs, patienceMs);
  const closedMs = firstOf(striker, 'breaker:close', closesMs) ?? Number.NaN;
  const closeMs = others.map((member) => (firstOf(member, 'breaker:close', closesMs) ?? Infinity) - closedMs);
  return { openMs, closeMs, lagMs: await stage.lagMs() };
}

/** The moment from which on the store could be reached again. */
async function healed(stage: Stage, fault: Fault): Promise<number> {
  await fault.heal?.(stage);
  await until(async () => (await stage.redis.command('PING').catch(() => '')) === 'PONG', patienceMs);
  return machineMs();
}
