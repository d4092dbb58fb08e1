import { cores } from '../http/processes.ts';
import type { Block, Scenario } from '../scenarios/scenario.ts';
import { type Gateway, type Running, type RunningServer, startCandidate } from './processes.ts';

/** By scenario, metric and candidate: one value for each round. NaN where a round failed. */
export type Values = Record<string, Record<string, Record<string, number[]>>>;

export interface Stage {
  readonly running: readonly Running[];
  /** The same candidates once more, for what is not compared. */
  readonly apart: readonly Running[];
  readonly server: RunningServer;
  readonly gateways: ReadonlyMap<string, Gateway>;
  /** Warm-ups last so many times as long as their scenarios say. */
  readonly warm: number;
  readonly onTrouble: (text: string) => void;
}

/**
 * The candidates take turns in every round of every scenario, so that whatever else the machine does meets all of them alike. One round
 * before the first is not counted. A scenario has all its rounds before the next one begins: where they lay a minute apart, the rounds of
 * one process differed by more than twice, most of all for whoever has much code.
 */
export async function measure(scenarios: readonly Scenario[], rounds: number, stage: Stage): Promise<Values> {
  const values: Values = {};
  for (const scenario of scenarios) {
    // A process that is started for one block warms itself up.
    if (!scenario.isFresh) {
      const warm = (one: Running, core: number): Promise<void> => orTrouble(scenario, one, stage, () => warmUp(scenario, one, stage, core));
      await inLanes(inTurns(stage, scenario, -1), warm, stage);
    }
    for (let round = 0; round < roundsOf(scenario, rounds); round++) {
      const turns = inTurns(stage, scenario, round);
      const run = async (one: Running, core: number): Promise<void> => {
        const work = (): Promise<Block> => (scenario.isFresh ? runFresh(scenario, one, stage, core) : one.run(scenario.id));
        note(values, scenario, one.name, await orTrouble(scenario, one, stage, work));
      };
      if (scenario.isFresh) await inLanes(turns, run, stage);
      else for (const one of turns) await run(one, cores.measured);
    }
  }
  return values;
}

function roundsOf({ roundsOfFour = 4 }: Scenario, rounds: number): number {
  return Math.ceil((rounds * roundsOfFour) / 4);
}

/** Where no time counts, each of the two cores takes one after the other, and the server leaves them the rest of its own. */
async function inLanes(all: readonly Running[], work: (one: Running, core: number) => Promise<void>, { server }: Stage): Promise<void> {
  const waiting = [...all];
  server.stayAwake(false);
  const lane = async (core: number): Promise<void> => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) await work(one, core);
  };
  await Promise.all([cores.measured, cores.others].map(lane));
  server.stayAwake(true);
}

/** As long as it takes for its CPU time, so that it does not matter with whom it shares the core. */
async function warmUp(scenario: Scenario, one: Running, stage: Stage, core: number): Promise<void> {
  const { warmUpMs = 0, warmUpUnits = Infinity } = scenario;
  let [cpuMs, units] = [0, 0];
  one.moveTo(core);
  try {
    do {
      const block = await one.run(scenario.id, true);
      cpuMs += block.cpuMicros / 1_000;
      units += block.units;
    } while (cpuMs < warmUpMs * stage.warm && units < warmUpUnits * stage.warm);
  } finally {
    one.moveTo(cores.measured);
  }
}

/**
 * In each round somebody else is the first, and everybody comes after somebody else: whoever was at work just before leaves the core and
 * its caches in a state of their own.
 */
function inTurns({ running, apart }: Stage, { id, isApart }: Scenario, round: number): readonly Running[] {
  const able = (isApart ? apart : running).filter(({ can }) => can.includes(id));
  const strides = able.map((_, index) => index + 1).filter((stride) => divisor(stride, able.length) === 1);
  const stride = strides[(round + 1) % strides.length] ?? 1;
  return able.map((_, index) => able[(round + 1 + index * stride) % able.length] as Running);
}

/** The greatest that both have in common. */
function divisor(one: number, other: number): number {
  return other === 0 ? one : divisor(other, one % other);
}

/** Whoever fails is left out of that, and the others go on. */
async function orTrouble<Result>(
  { id }: Scenario,
  { name }: Running,
  { onTrouble }: Stage,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    onTrouble(`${id}, ${name}: ${error instanceof Error ? error.message.slice(0, 400) : String(error)}`);
    return undefined;
  }
}

async function runFresh({ id }: Scenario, { name }: Running, { server: { places }, gateways }: Stage, core: number): Promise<Block> {
  const fresh = await startCandidate({ name, places, gateway: gateways.get(name), flags: ['--expose-gc'], core });
  try {
    return await fresh.run(id);
  } finally {
    await fresh.stop();
  }
}

function note(values: Values, { id, metrics }: Scenario, name: string, block: Block | undefined): void {
  for (const metric of metrics) {
    const ofMetric = ((values[id] ??= {})[metric.id] ??= {});
    (ofMetric[name] ??= []).push(block === undefined ? Number.NaN : metric.of(block));
  }
}
