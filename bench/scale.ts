import { writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import manifest from '../package.json' with { type: 'json' };
import { canPin, cores, pinSelf } from './http/processes.ts';
import type { ScaleRun } from './scale/figures.ts';
import { machineOf, report, scalePage } from './scale/page.ts';
import { measurePlanning } from './scale/planning.ts';
import { measureStreams } from './scale/streams.ts';

// How far it goes: ten thousand streams on one core beside a bare loop, and chats with many providers and many aliases.
// node bench/scale.ts [--only streams|planning] [--streams 10000] [--seconds 12] [--period 1000] [--rounds 15] [--json FILE] [--page]
// Exits with 1 where a stream lost a token, or somebody did not keep the pace that was tried before.

const { values: asked } = parseArgs({
  options: {
    only: { type: 'string' },
    streams: { type: 'string', default: '10000' },
    // Of each of the three stretches of a run.
    seconds: { type: 'string', default: '12' },
    // From one token of a stream to the next, in milliseconds.
    period: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '15' },
    json: { type: 'string', default: new URL('./scale/last.json', import.meta.url).pathname },
    page: { type: 'boolean', default: false },
  },
});
if (asked.only !== undefined && asked.only !== 'streams' && asked.only !== 'planning')
  throw new Error(`There is no ${asked.only}; there are streams and planning.`);
if (asked.page && asked.only !== undefined) throw new Error('--page needs the whole run: leave out --only.');
if (!canPin)
  console.log('Without taskset and two cores nobody has a core of its own: these figures say less than those of a machine that has.');
pinSelf(cores.others);

const troubles: string[] = [];
const startMs = performance.now();
const loadBefore = loadavg()[0] ?? 0;
const planning =
  asked.only === 'streams' ? undefined : await measurePlanning({ rounds: Number(asked.rounds), calls: 1_000, warmCalls: 20_000 });
const streams = asked.only === 'planning' ? undefined : await measureStreams({ ...sizes(), onTrouble });
const run: ScaleRun = {
  inferlane: manifest.version,
  node: process.versions.node,
  cpu: cpus()[0]?.model.trim() ?? '',
  cores: cpus().length,
  isPinned: canPin,
  seconds: Math.round((performance.now() - startMs) / 1_000),
  loadBefore,
  loadAfter: loadavg()[0] ?? 0,
  streams,
  planning,
  troubles,
};
await writeFile(asked.json, `${JSON.stringify(run, undefined, 1)}\n`);
if (asked.page && troubles.length === 0) await writeFile(new URL('../docs/reference/scale.md', import.meta.url), scalePage(run));
console.log(`${machineOf(run)}\n\n${report(run)}`);
if (asked.page && troubles.length > 0) console.log('The page is not written: this run failed.');
process.exitCode = troubles.length === 0 ? 0 : 1;

function sizes(): { readonly streams: number; readonly seconds: number; readonly periodMs: number } {
  return { streams: Number(asked.streams), seconds: Number(asked.seconds), periodMs: Number(asked.period) };
}

function onTrouble(text: string): void {
  troubles.push(text);
  console.log(`failed: ${text}`);
}
