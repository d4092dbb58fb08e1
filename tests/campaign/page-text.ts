import type { RunIdentity, Written } from './_kit/run-identity.ts';

/** The page about one run. `names`: all jobs there are, in their order. Throws where the reports are not of one and the same long run. */
export function pageOf(reports: readonly Written[], names: readonly string[]): string {
  const known = reports.filter(({ name }) => names.includes(name));
  const { version, node, platform, cores, seed, startedAt } = theRunOf(known);
  const missing = names.filter((name) => !known.some((report) => report.name === name));
  const absent = missing.length === 0 ? '' : `\nNot measured in that run: ${missing.join(', ')}.\n`;
  const inOrder = known.toSorted((left, right) => names.indexOf(left.name) - names.indexOf(right.name));
  const minutes = Math.round(inOrder.reduce((sum, { seconds }) => sum + seconds, 0) / 60);
  return `# The fault campaign

What one run of \`npm run campaign\` measured: ${inOrder.length} jobs, one after the other, ${minutes} minutes on ${cores} cores, everything on loopback. inferlane
${version}, Node ${node}, ${platform}, seed ${seed}, begun on ${startedAt.slice(0, 10)}. Each job is a program in \`tests/campaign\`; its quick form is part of \`npm test\`. A job prints every figure
beside its goal and fails where one is missed, where it ran fewer requests than it says, or where a kind of fault was never injected or never observed.
\`npm run campaign -- --only simulator --seed 7\` runs one of them with a seed of your choice.

${absent}
${inOrder.map(section).join('\n')}`;
}

/** Figures of different runs side by side would say more than was ever true at once. */
function theRunOf(reports: readonly Written[]): RunIdentity {
  const byRun = new Map<string, string[]>();
  for (const { name, run } of reports) {
    const which = run === undefined ? 'by itself' : `in the run of ${run.startedAt} (seed ${run.seed}, ${run.size})`;
    byRun.set(which, [...(byRun.get(which) ?? []), name]);
  }
  const told = [...byRun].map(([which, jobs]) => `${jobs.join(', ')} ${which}`);
  const run = reports[0]?.run;
  if (run === undefined || byRun.size !== 1) throw new Error(`These reports are not of one run: ${told.join('; ') || 'there are none'}.`);
  if (run.size !== 'long') throw new Error(`The page is about the long form, and this run was ${run.size}.`);
  return run;
}

function section({ name, about, seconds, figures, remarks = [] }: Written): string {
  const rows = figures.map(
    ({ name: figure, goal, measured, holds }) =>
      `| ${cell(figure)} | ${cell(measured)} | ${cell(goal)} | ${holds ? 'holds' : '**missed**'} |`,
  );
  return `## ${name}

${about}. ${Math.round(seconds)} s.

| Figure | Measured | Goal | |
| --- | --- | --- | --- |
${rows.join('\n')}
${remarks.map((remark) => `\n${remark}\n`).join('')}`;
}

/** What Markdown would take for its own. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/(?<!`)\b__\w+__\b(?!`)/g, '`$&`');
}
