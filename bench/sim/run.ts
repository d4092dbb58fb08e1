import { createChance } from './chance.ts';
import { createSimClock, type SimClock, type Stepping } from './clock.ts';
import { createMachine, type Machine, type MachineSpec } from './machine.ts';
import { createSample, type Sample } from './sample.ts';
import type { Chance } from './chance.ts';
import type { Client } from './request.ts';
import type { Workload } from './workload.ts';

/** One policy on one set of machines under one workload. */
export interface Cell {
  readonly machines: readonly MachineSpec[];
  readonly workload: (clock: SimClock, chance: Chance) => Workload;
  readonly client: (machines: readonly Machine[], clock: SimClock, chance: Chance) => Client;
  readonly seed: number;
  /** When machines break off all they do, by their index. */
  readonly breaks?: readonly { readonly machine: number; readonly atMs: number }[];
  readonly stepping?: Stepping;
}

export interface CellRun {
  readonly sample: Sample;
  readonly machines: readonly Machine[];
  /** From the first request to the last word. */
  readonly spanMs: number;
  readonly events: number;
}

/** Runs it to the end. The workload and the client draw from sources of their own, so every policy meets the same workload. */
export async function runCell({ machines: specs, workload: load, client: clientOf, seed, breaks = [], stepping }: Cell): Promise<CellRun> {
  const clock = createSimClock(stepping);
  const machines = specs.map((spec, index) => createMachine(spec, index, clock));
  const workload = load(clock, createChance(seed));
  const client = clientOf(machines, clock, createChance(seed + 1));
  const sample = createSample(clock);
  for (const { machine, atMs } of breaks) clock.at(atMs, () => machines[machine]?.breakOff());
  const startMs = clock.nowMs();
  workload.begin((request) => {
    const settle = (note: () => void): void => {
      note();
      workload.settled(request);
    };
    client.send(request, {
      first: () => sample.first(request),
      done: () => settle(() => sample.done(request)),
      failed: (why) => settle(() => sample.failed(why)),
    });
  });
  await clock.run(() => workload.isOver());
  if (!workload.isOver()) throw new Error('nothing is left to happen, and requests have not ended');
  const spanMs = clock.nowMs() - startMs;
  await client.close();
  return { sample, machines, spanMs, events: clock.events() };
}
