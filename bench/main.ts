import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { base, candidates, gatewayCandidate } from './candidates/index.ts';
import { nodeHttpFile } from './candidates/inferlane.ts';
import { canPin, cores, pinSelf } from './http/processes.ts';
import { measure, type Values } from './running/measure.ts';
import { speedPage } from './running/page.ts';
import { type Gateway, type Running, startCandidate, startGateway, startServer } from './running/processes.ts';
import { profile } from './running/profile.ts';
import { report } from './running/report.ts';
import type { Run } from './running/run.ts';
import { measureBundles } from './scenarios/bundle.ts';
import { measureImports } from './scenarios/import.ts';
import { scenarios } from './scenarios/index.ts';

// inferlane beside its peers, as ratios to bare `fetch` in the same run.
// node bench/main.ts [--rounds 4] [--only chat,import] [--candidates openai,inferlane] [--warm 1] [--json FILE] [--page]
// node bench/main.ts profile|heap CANDIDATE [--scenario chat] [--rounds 4]

const { values: asked, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '4' },
    only: { type: 'string' },
    candidates: { type: 'string' },
    // So many times as long as usual.
    warm: { type: 'string', default: '1' },
    json: { type: 'string', default: new URL('./last.json', import.meta.url).pathname },
    page: { type: 'boolean', default: false },
    scenario: { type: 'string', default: 'chat' },
  },
});
const rounds = Number(asked.rounds);
const withoutClients: Readonly<Record<string, () => Promise<Values[string]>>> = {
  import: () => measureImports(rounds),
  bundle: measureBundles,
};
const troubles: string[] = [];

if (!canPin)
  console.log('Without taskset and two cores nobody has a core of its own: these figures say less than those of a machine that has.');
pinSelf(cores.others);
const [command, name = ''] = positionals;
if (command === undefined) await compare();
else if (command === 'profile' || command === 'heap') {
  const [first] = chosenFrom(Object.keys(candidates), name);
  await profile({ kind: command === 'profile' ? 'cpu' : 'heap', name: first ?? base, scenario: asked.scenario, blocks: rounds });
} else throw new Error(`There is no ${command}; there are profile and heap.`);

async function compare(): Promise<void> {
  if (asked.page && ((asked.only ?? asked.candidates) !== undefined || asked.warm !== '1'))
    throw new Error('--page needs the whole run: leave out --only, --candidates and --warm.');
  const startMs = performance.now();
  const loadBefore = loadavg()[0] ?? 0;
  const ids = chosenFrom([...scenarios.map(({ id }) => id), ...Object.keys(withoutClients)], asked.only);
  const { values, who } = await measureClients(ids);
  for (const [id, run] of Object.entries(withoutClients)) if (ids.includes(id)) values[id] = await run();
  const run: Run = {
    node: process.versions.node,
    cpu: cpus()[0]?.model.trim() ?? '',
    cores: cpus().length,
    isPinned: canPin,
    rounds,
    seconds: Math.round((performance.now() - startMs) / 1_000),
    loadBefore,
    loadAfter: loadavg()[0] ?? 0,
    candidates: who.map(({ name, packages, given }) => ({ name, packages, given })),
    values,
    troubles,
  };
  await writeFile(asked.json, `${JSON.stringify(run, undefined, 1)}\n`);
  if (asked.page) await writeFile(new URL('../docs/reference/speed.md', import.meta.url), speedPage(run));
  console.log(report(run));
  process.exitCode = troubles.length === 0 ? 0 : 1;
}

async function measureClients(ids: readonly string[]): Promise<{ readonly values: Values; readonly who: readonly Running[] }> {
  const chosen = scenarios.filter(({ id }) => ids.includes(id));
  if (chosen.length === 0) return { values: {}, who: [] };
  const names = namesToRun();
  const server = await startServer();
  const gateways = new Map<string, Gateway>();
  const [running, apart]: [Running[], Running[]] = [[], []];
  try {
    if (names.includes(gatewayCandidate)) gateways.set(gatewayCandidate, await startGateway());
    for (const name of names) {
      const options = { name, places: server.places, gateway: gateways.get(name) };
      const one = await startCandidate(options);
      running.push(one);
      if (chosen.some(({ id, isApart }) => isApart && one.can.includes(id))) apart.push(await startCandidate(options));
    }
    return {
      values: await measure(chosen, rounds, { running, apart, server, gateways, warm: Number(asked.warm), onTrouble }),
      who: running,
    };
  } finally {
    await Promise.all([...running, ...apart, ...gateways.values()].map((each) => each.stop()));
    server.stop();
  }
}

function onTrouble(text: string): void {
  troubles.push(text);
  console.log(`failed: ${text}`);
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
