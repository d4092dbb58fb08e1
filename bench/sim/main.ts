import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import manifest from '../../package.json' with { type: 'json' };
import { table } from '../../scripts/markdown-table.ts';
import { blackHole } from './black-hole.ts';
import { coldNode } from './cold-node.ts';
import { fleet } from './fleet.ts';
import { laneRuns } from './lanes.ts';
import { mixedRack } from './mixed-rack.ts';
import { multiTurn } from './multi-turn.ts';
import { simulatorPage, type Told } from './page.ts';
import { pair } from './pair.ts';
import { inRounds } from './rounds.ts';
import type { Scenario } from './scenario.ts';
import { stepping } from './stepping.ts';

// Routing policies against each other, in virtual time: node bench/sim/main.ts [--quick] [--only a,b] [--seed N] [--rounds 3] [--page]
// Exits with 1 where a figure misses its goal.

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    seed: { type: 'string', default: '20261121' },
    rounds: { type: 'string' },
    page: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
const all: readonly Scenario[] = [pair, mixedRack, fleet, blackHole, coldNode, multiTurn, laneRuns, stepping];
const letters = values.only?.split(',') ?? all.map(({ letter }) => letter);
const unknown = letters.filter((each) => !all.some(({ letter }) => letter === each));
if (unknown.length > 0) throw new Error(`--only takes some of ${all.map(({ letter }) => letter).join(',')}, not ${unknown.join(',')}`);
if (!Number.isInteger(seed) || !(rounds >= 1)) throw new Error('--seed and --rounds take whole numbers');
if (values.page && (values.quick || values.only !== undefined)) throw new Error('--page is for a whole run');

console.log(`inferlane ${manifest.version}, node ${process.version}, seed ${seed}, ${rounds} rounds${values.quick ? ', quick' : ''}`);
const told: Told[] = [];
for (const scenario of all.filter(({ letter }) => letters.includes(letter))) told.push(await tell(scenario));

const seconds = told.reduce((sum, each) => sum + each.seconds, 0);
const page = new URL('../../docs/reference/routing-sim.md', import.meta.url);
if (values.page)
  await writeFile(page, simulatorPage(told, { version: manifest.version, node: process.versions.node, seed, rounds, seconds }));
const missed = told.flatMap(({ figures }) => figures).filter(({ holds }) => !holds);
console.log(`\n${missed.length === 0 ? 'Every figure holds' : `${missed.length} figures do not hold`}, after ${seconds.toFixed(0)} s.`);
process.exitCode = missed.length === 0 ? 0 : 1;

async function tell(scenario: Scenario): Promise<Told> {
  const { letter, title } = scenario;
  const beganMs = performance.now();
  const report = await inRounds(scenario, seed, rounds, values.quick);
  const tookS = (performance.now() - beganMs) / 1_000;
  console.log(`\n(${letter}) ${title} (${tookS.toFixed(1)} s)\n${report.about.join('\n')}`);
  for (const { title: name, head, rows } of report.tables) console.log(`\n${name}\n${table(head, rows)}`);
  for (const { name, goal, measured, holds } of report.figures)
    console.log(`  ${holds ? 'holds ' : 'MISSED'}  ${name}: ${measured}  (${goal})`);
  return { letter, title, seconds: tookS, ...report };
}
