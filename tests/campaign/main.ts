import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import manifest from '../../package.json' with { type: 'json' };
import type { Figure } from './_kit/job.ts';
import { jobs } from './jobs.ts';

// The long form of every proof: node tests/campaign/main.ts [--only name,name] [--seed N] [--size quick|long]
// Each job runs alone, in a process of its own, for ten minutes at most. Exits with 1 where a figure misses its goal.

const { values } = parseArgs({ options: { only: { type: 'string' }, seed: { type: 'string' }, size: { type: 'string' } } });
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const size = values.size ?? 'long';
const names = values.only?.split(',') ?? Object.keys(jobs);
const limitMs = 600_000;
const folder = new URL('../../campaign-report/', import.meta.url);

interface Written {
  readonly about: string;
  readonly seconds: number;
  readonly expected: readonly string[];
  readonly figures: readonly Figure[];
}

await mkdir(folder, { recursive: true });
console.log(`inferlane ${manifest.version}, Node ${process.versions.node}, ${process.platform} ${process.arch}, seed ${seed}, ${size}`);
let missed = 0;
for (const name of names) missed += await runOne(name);
console.log(missed === 0 ? '\nEvery figure holds.' : `\n${missed} figures do not hold.`);
process.exitCode = missed === 0 ? 0 : 1;

async function runOne(name: string): Promise<number> {
  const file = new URL(`${name}.json`, folder);
  await rm(file, { force: true });
  const program = new URL('./run-job.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--expose-gc', program, name, size, String(seed), file.pathname], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(timer);
  const written = await readFile(file, 'utf8').then(
    (text) => JSON.parse(text) as Written,
    () => undefined,
  );
  if (written === undefined || code !== 0) {
    console.log(`\n${name}: ended with ${code ?? 'a signal'}${written === undefined ? ' and without a report' : ''}`);
    return 1;
  }
  console.log(`\n${name}: ${written.about} (${written.seconds} s)`);
  for (const { name: figure, goal, measured, holds } of written.figures) {
    console.log(`  ${holds ? 'holds ' : 'MISSED'}  ${figure}: ${measured}  (${goal})`);
  }
  const absent = written.expected.filter((figure) => !written.figures.some((each) => each.name === figure));
  for (const figure of absent) console.log(`  MISSED  ${figure}: was not measured`);
  return written.figures.filter(({ holds }) => !holds).length + absent.length;
}
