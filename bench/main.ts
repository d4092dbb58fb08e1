import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { base, candidates, gatewayCandidate } from './candidates/index.ts';
import { nodeHttpFile } from './candidates/inferlane.ts';
import { canPin, cores, pinSelf } from './http/processes.ts';
import { measure } from './running/measure.ts';
import { type Gateway, type Running, startCandidate, startGateway, startServer } from './running/processes.ts';
import type { Run } from './running/run.ts';
import { absoluteTable, ratioTable } from './running/tables.ts';
import { scenarios } from './scenarios/index.ts';

// inferlane beside its peers, as ratios to bare `fetch` in the same run.
// node bench/main.ts [--rounds 5] [--only chat,paced] [--candidates openai,ofetch] [--json FILE]

const { values: asked } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    candidates: { type: 'string' },
    json: { type: 'string', default: new URL('./last.json', import.meta.url).pathname },
  },
});
const startMs = performance.now();
const loadBefore = loadavg()[0] ?? 0;
const troubles: string[] = [];
const onTrouble = (text: string): void => {
  troubles.push(text);
  console.log(`failed: ${text}`);
};
const chosen = chosenFrom(
  scenarios.map(({ id }) => id),
  asked.only,
);
const scenariosToRun = scenarios.filter(({ id }) => chosen.includes(id));
const names = namesToRun();

if (!canPin)
  console.log('Without taskset and two cores nobody has a core of its own: these figures say less than those of a machine that has.');
pinSelf(cores.others);
const server = await startServer();
const gateways = new Map<string, Gateway>();
const running: Running[] = [];
try {
  if (names.includes(gatewayCandidate)) gateways.set(gatewayCandidate, await startGateway());
  for (const name of names) running.push(await startCandidate({ name, places: server.places, gateway: gateways.get(name) }));
  const values = await measure(scenariosToRun, Number(asked.rounds), { running, places: server.places, gateways, onTrouble });
  await report(values);
} finally {
  await Promise.all([...running, ...gateways.values()].map((each) => each.stop()));
  server.stop();
}
process.exitCode = troubles.length === 0 ? 0 : 1;

async function report(values: Run['values']): Promise<void> {
  const run: Run = {
    node: process.versions.node,
    cpu: cpus()[0]?.model ?? '',
    cores: cpus().length,
    isPinned: canPin,
    rounds: Number(asked.rounds),
    seconds: Math.round((performance.now() - startMs) / 1_000),
    loadBefore,
    loadAfter: loadavg()[0] ?? 0,
    candidates: running.map(({ name, packages, given }) => ({ name, packages, given })),
    values,
    troubles,
  };
  await writeFile(asked.json, `${JSON.stringify(run, undefined, 1)}\n`);
  const versions = [...new Set(run.candidates.flatMap(({ packages }) => packages))];
  console.log(`node ${run.node}, ${versions.join(', ')}\n${run.cpu}, ${run.rounds} rounds, ${run.seconds} s\n`);
  console.log(ratioTable(scenariosToRun, run));
  console.log(absoluteTable(scenariosToRun, run, base));
}

/** The base is always among them. */
function namesToRun(): readonly string[] {
  const all = Object.keys(candidates);
  const some = chosenFrom(all, asked.candidates);
  const there = all.filter((name) => name === base || some.includes(name));
  if (existsSync(nodeHttpFile)) return there;
  console.log('There is no dist/node-http.js: its candidates are left out.');
  return there.filter((name) => !name.startsWith('inferlane node-http'));
}

/** A name, or the beginning of some where it is none. */
function chosenFrom(all: readonly string[], list: string | undefined): readonly string[] {
  const some = list?.split(',').map((each) => each.trim()) ?? all;
  const unknown = some.filter((each) => !all.some((name) => name.startsWith(each)));
  if (unknown.length > 0) throw new Error(`There is no ${unknown.join(', ')}; there are ${all.join(', ')}.`);
  return all.filter((name) => some.some((each) => name === each || (!all.includes(each) && name.startsWith(each))));
}
