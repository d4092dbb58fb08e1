import { readdir, readFile, writeFile } from 'node:fs/promises';
import manifest from '../../package.json' with { type: 'json' };
import { jobs } from './jobs.ts';
import type { Figure } from './_kit/job.ts';

// Writes docs/reference/campaign.md from the reports of the last long run: node tests/campaign/page.ts
const folder = new URL('../../campaign-report/', import.meta.url);

interface Written {
  readonly name: string;
  readonly about: string;
  readonly size: string;
  readonly seed: number;
  readonly seconds: number;
  readonly figures: readonly Figure[];
}

const files = (await readdir(folder)).filter((name) => name.endsWith('.json'));
const reports = await Promise.all(files.map(async (name) => JSON.parse(await readFile(new URL(name, folder), 'utf8')) as Written));
const names = Object.keys(jobs);
const missing = names.filter((name) => !reports.some((report) => report.name === name && report.size === 'long'));
const absent = missing.length === 0 ? '' : `\nNot measured in that run: ${missing.join(', ')}.\n`;
const inOrder = reports
  .filter(({ size }) => size === 'long')
  .toSorted((left, right) => names.indexOf(left.name) - names.indexOf(right.name));
const minutes = Math.round(inOrder.reduce((sum, { seconds }) => sum + seconds, 0) / 60);

const page = `# The fault campaign

What \`npm run campaign\` measured last: ${inOrder.length} jobs, one after the other, ${minutes} minutes on two cores, everything on loopback. inferlane
${manifest.version}, Node ${process.versions.node}, ${process.platform} ${process.arch}. Each job is a program in \`tests/campaign\`; its quick form is part of \`npm test\`. A job prints every figure
beside its goal and fails where one is missed, where it ran fewer requests than it says, or where a kind of fault was never injected or never observed.
\`npm run campaign -- --only simulator --seed 7\` runs one of them with a seed of your choice.

${absent}
${inOrder.map(section).join('\n')}`;
await writeFile(new URL('../../docs/reference/campaign.md', import.meta.url), page);

function section({ name, about, seed, seconds, figures }: Written): string {
  const rows = figures.map(
    ({ name: figure, goal, measured, holds }) => `| ${figure} | ${measured} | ${goal} | ${holds ? 'holds' : '**missed**'} |`,
  );
  return `## ${name}

${about}. Seed ${seed}, ${Math.round(seconds)} s.

| Figure | Measured | Goal | |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}
