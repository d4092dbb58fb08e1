import { setImmediate } from 'node:timers/promises';
import { type SimulationReport, startSimulation, type Running } from './run-simulation.ts';
import type { SimulationOptions } from './simulate.ts';

/** So many simulations take turns: one turn of the event loop then serves them all. They share nothing. */
const atOnce = 3;

/** Runs a seed by itself. */
export async function simulate(seed: number, options: SimulationOptions): Promise<SimulationReport> {
  const running = startSimulation(seed, options);
  for (;;) {
    await setImmediate();
    const report = running.step();
    if (report !== undefined) return report;
  }
}

/** Runs many seeds, and gives each report as soon as it is there. */
export async function simulateAll(
  seeds: readonly number[],
  optionsFor: (seed: number) => SimulationOptions,
  onReport: (report: SimulationReport) => void,
): Promise<void> {
  const waiting = seeds.toReversed();
  let active: Running[] = [];
  while (active.length > 0 || waiting.length > 0) {
    for (let seed = active.length < atOnce ? waiting.pop() : undefined; seed !== undefined;) {
      active.push(startSimulation(seed, optionsFor(seed)));
      seed = active.length < atOnce ? waiting.pop() : undefined;
    }
    await setImmediate();
    active = active.filter((running) => {
      const report = running.step();
      if (report !== undefined) onReport(report);
      return report === undefined;
    });
  }
}
