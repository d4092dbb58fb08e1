import { besideFetch, ofRouters, scenarios, servers } from '../scenarios/index.ts';
import { bundleAbout } from '../scenarios/bundle.ts';
import { importAbout } from '../scenarios/import.ts';
import type { Run } from './run.ts';
import { baseTable, bundleTable, goalTable, importTable, plainTable, ratioTable } from './tables.ts';

/** docs/reference/speed.md */
export function speedPage(run: Run): string {
  const half = besideFetch.findIndex(({ id }) => id === 'paced');
  return [
    '<!-- Written by `npm run bench -- --page`. -->\n',
    '# What a call costs\n',
    intro(run),
    '## Beside bare `fetch`\n',
    'Each figure by that of `fetch` in the same round: the median over the rounds, p10 to p90 in brackets. Less is better, but for requests per second. `-`: it does not do that, or does part of it in another process, whose memory is not looked at.\n',
    ratioTable(besideFetch.slice(0, half), run),
    ratioTable(besideFetch.slice(half), run),
    '## `fetch` itself\n',
    'What the ratios are ratios to, on this machine alone.\n',
    baseTable(besideFetch, run),
    '## A dead first server\n',
    plainTable(servers, run),
    '## Goals\n',
    'What we set out to reach, and whether this run did; "by hand": `node:http`, undici\'s `dispatch` and `ofetch` with no router above them, where they do the same.\n',
    goalTable(run),
    plainTable(ofRouters, run),
    '## Import\n',
    sentence(importAbout),
    importTable(run),
    '## Size\n',
    sentence(bundleAbout),
    bundleTable(run),
    '## What is measured\n',
    scenarios.map(({ id, about }) => `- **${id}**: ${about}.\n`).join(''),
    '## Who is measured\n',
    run.candidates
      .map(({ name, packages, given }) => `- **${name}**${packages.length > 0 ? ` (${packages.join(', ')})` : ''}: ${given}.\n`)
      .join(''),
  ].join('\n');
}

const sentence = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.\n`;

/** The CPU time that each has in the round that is not counted. */
function warmUps(): string {
  const times = scenarios.flatMap(({ id, warmUpMs = 0, warmUpUnits }) => {
    const most = warmUpUnits === undefined ? '' : ` or ${warmUpUnits} calls`;
    return warmUpMs === 0 ? [] : `${id} ${warmUpMs / 1_000} s${most}`;
  });
  return times.join(', ');
}

function intro(run: Run): string {
  const where = run.isPinned ? 'The server has one core and whoever runs the other one' : 'Nobody has a core of its own';
  return `\`inferlane\` beside its peers, on Node ${run.node}. Run it again with \`npm run bench\`, or a part of it with
\`npm run bench -- --rounds 3 --only chat,paced --candidates inferlane,openai\`, where \`--warm 8\` makes warm-ups eight times as long; \`--page\` writes this page, \`--json FILE\` every value of
every round; this page had \`--rounds ${run.rounds}\`, since a round may meet with twice the time of another one on a machine that is shared. The peers are installed into \`bench\` and nowhere else. \`npm run bench -- profile openai --scenario chat\` shows where the
time of one candidate goes, \`heap\` in the place of \`profile\` where its memory does.

Each candidate is a process of its own, which is idle while others run; the server is another one, written by hand over sockets so that
it is not what is measured, and never asleep while time counts, since waking it would be on the bill of the slower ones alone. ${where}. The candidates take turns in every round of
a scenario, in another order in each, so that nobody always comes after the same one. A round before the first is not counted; it lasts until the process has had some CPU time (${warmUps()}), on
either core, because compilers are at work for thousands of calls, and longer where there is more code. None of them gives memory back while it waits for its turn (\`--no-memory-reducer\`): with
the memory V8 drops compiled code, and whom that met was chance. Every answer is checked: its text, the number of its events, the
length of its vectors and their first and last values. CPU time is that of the candidate's process, all its threads included. Nobody is
tuned: what was set stands at the end of this page, with all versions.

${run.rounds} rounds, and fewer of what takes long, on a machine with ${run.cores} cores (${run.cpu}), which others use as well; its load was ${run.loadBefore.toFixed(1)} before the run and ${run.loadAfter.toFixed(1)} at its end.
`;
}
