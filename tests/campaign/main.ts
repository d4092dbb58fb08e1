import { mkdir, readFile, rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { runInGroup } from './_kit/process-group.ts';
import { newRun, shownRun, type Written } from './_kit/run-identity.ts';
import { jobs, limitMsOf } from './jobs.ts';

// The long form of every proof: node tests/campaign/main.ts [--only name,name] [--seed N] [--size quick|long]
// Each job runs alone, in a process of its own, and is ended with all that it started when its time is over, or this program's.
// Exits with 1 where a figure misses its goal.

const { values } = parseArgs({ options: { only: { type: 'string' }, seed: { type: 'string' }, size: { type: 'string' } } });
const run = newRun(Number(values.seed ?? Math.floor(Math.random() * 2 ** 31)), values.size ?? 'long');
const names = values.only?.split(',') ?? Object.keys(jobs);
const folder = new URL('../../campaign-report/', import.meta.url);

await mkdir(folder, { recursive: true });
console.log(shownRun(run));
let missed = 0;
for (const name of names) missed += await runOne(name);
console.log(missed === 0 ? '\nEvery figure holds.' : `\n${missed} figures do not hold.`);
process.exitCode = missed === 0 ? 0 : 1;

async function runOne(name: string): Promise<number> {
  const file = new URL(`${name}.json`, folder);
  await rm(file, { force: true });
  const program = new URL('./run-job.ts', import.meta.url).pathname;
  const given = ['--expose-gc', program, name, run.size, String(run.seed), file.pathname, JSON.stringify(run)];
  const code = await runInGroup(process.execPath, given, limitMsOf(name));
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
  for (const remark of written.remarks ?? []) console.log(`  ${remark}`);
  return written.figures.filter(({ holds }) => !holds).length + absent.length;
}
