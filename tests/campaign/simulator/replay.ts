import { setImmediate } from 'node:timers/promises';
import { callsPerSeed } from './batch.ts';
import { startSimulation } from './run-simulation.ts';
import type { Simulation } from './simulate.ts';

// One seed with all that happened: node tests/campaign/simulator/replay.ts SEED [REQUEST]
const seed = Number(process.argv[2]);
if (!Number.isInteger(seed)) throw new Error('which seed? node tests/campaign/simulator/replay.ts SEED [REQUEST]');
const only = process.argv[3] === undefined ? undefined : Number(process.argv[3]);

let simulation!: Simulation;
const running = startSimulation(seed, { calls: callsPerSeed, keepsLog: true, inspect: (made) => void (simulation = made) });
let report = running.step();
while (report === undefined) {
  await setImmediate();
  report = running.step();
}

const { scenario, world, callers, ledger } = simulation;
const sinceStart = (atMs: number | undefined): string => (atMs === undefined ? '-' : (atMs - 1_000_000).toFixed(3));
console.log('settings', JSON.stringify(scenario.settings));
for (const { program: _, ...provider } of scenario.providers) console.log('provider', JSON.stringify(provider));
console.log('disturbances', JSON.stringify(scenario.disturbances));

const number = only === undefined ? undefined : [...ledger.requests.keys()].indexOf(only);
for (const line of report.lines) if (number === undefined || line.includes(`"#${number}"`)) console.log(line);
for (const call of world.calls) {
  if (only !== undefined && call.request !== only) continue;
  const { backend, request, verb, kind, startedAtMs, closedAtMs, tokensSent, tokens, isWhole } = call;
  const sent = `${tokensSent}/${tokens.length} tokens${isWhole ? ', whole' : ''}`;
  console.log(
    `upstream ${call.number}: ${backend.id} request ${request} ${verb} ${kind} ${sinceStart(startedAtMs)} to ${sinceStart(closedAtMs)}, ${sent}`,
  );
}
for (const { plan, outcome, error, segments, abortedAtMs } of callers.results) {
  if (only !== undefined && plan.index !== only) continue;
  const text = segments.map((each) => `${each.notice === undefined ? '' : `[${each.notice.type}] `}${each.text}`).join('');
  console.log(
    `caller ${plan.index}: ${outcome}, aborted ${sinceStart(abortedAtMs)}, "${text}"`,
    error ?? '',
    only === undefined ? '' : plan,
  );
}
for (const { invariant, what, atMs } of report.violations) console.log(`VIOLATED at ${atMs.toFixed(3)}: ${invariant}: ${what}`);
console.log(report.violations.length === 0 ? 'no invariant is broken' : `${report.violations.length} violations`);
