import type { Places } from '../fake/server.ts';
import { cores } from '../http/processes.ts';
import type { Block, Scenario } from '../scenarios/scenario.ts';
import { type Gateway, type Running, startCandidate } from './processes.ts';

/** By scenario, metric and candidate: one value for each round. NaN where a round failed. */
export type Values = Record<string, Record<string, Record<string, number[]>>>;

export interface Stage {
  readonly running: readonly Running[];
  /** The same candidates once more, for what is not compared. */
  readonly apart: readonly Running[];
  readonly places: Places;
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
    for (const one of inTurns(stage, scenario, -1)) await warmUp(scenario, one, stage);
    for (let round = 0; round < Math.min(rounds, scenario.mostRounds ?? Infinity); round++) {
      for (const some of together(scenario, inTurns(stage, scenario, round))) {
        const blocks = await Promise.all(some.map((one, place) => runOnce(scenario, one, stage, onCores[place])));
        for (const [place, one] of some.entries()) note(values, scenario, one.name, blocks[place]);
      }
    }
  }
  return values;
}

const onCores = [cores.measured, cores.others] as const;

/** Memory is the same beside others, time is not: the two cores have one each of those that are started for a block. */
function together(scenario: Scenario, all: readonly Running[]): readonly (readonly Running[])[] {
  const size = scenario.isFresh ? onCores.length : 1;
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) => all.slice(index * size, (index + 1) * size));
}

async function warmUp(scenario: Scenario, one: Running, stage: Stage): Promise<void> {
  // A process that is started for one block warms itself up.
  if (scenario.isFresh) return;
  const { warmUpMs = 0, warmUpUnits = Infinity } = scenario;
  const endsAtMs = performance.now() + warmUpMs * stage.warm;
  let units = 0;
  do units += (await runOnce(scenario, one, stage))?.units ?? 0;
  while (performance.now() < endsAtMs && units < warmUpUnits * stage.warm);
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

async function runOnce(scenario: Scenario, one: Running, stage: Stage, core?: number): Promise<Block | undefined> {
  try {
    return scenario.isFresh ? await runFresh(scenario, one, stage, core) : await one.run(scenario.id);
  } catch (error) {
    stage.onTrouble(`${scenario.id}, ${one.name}: ${error instanceof Error ? error.message.slice(0, 400) : String(error)}`);
    return undefined;
  }
}

async function runFresh({ id }: Scenario, { name }: Running, { places, gateways }: Stage, core: number | undefined): Promise<Block> {
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
