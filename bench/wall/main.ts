import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cases } from './cases.ts';
import { wallPage } from './page.ts';
import type { CandidateRun } from './run-candidate.ts';

// The wall of faults against inferlane and its peers; writes docs/reference/wall.md.
// node bench/wall/main.ts [--only inferlane,langchain] [--rounds 2] [--patience 12000] [--dry]
// Exits with 1 where a fault never reached a candidate, a candidate fails without any fault, or inferlane does not survive a case or
// leaves a rejection that nobody took.

const everyone = [
  'inferlane',
  'inferlane-ai-sdk',
  'ai-fallback',
  'ai-fallback-tuned',
  'ai-retry-model',
  'ai-retry-call',
  'langchain',
  'openai-loop',
  'openai-alone',
];
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '2' },
    patience: { type: 'string', default: '12000' },
    dry: { type: 'boolean', default: false },
  },
});
const ids = values.only?.split(',') ?? everyone;
const folder = await mkdtemp(join(tmpdir(), 'inferlane-wall-'));
const runs = new Map<string, CandidateRun[]>(ids.map((id) => [id, []]));
const troubles: string[] = [];

for (let round = 1; round <= Number(values.rounds); round++) {
  for (const id of ids) {
    const run = await runOne(id, join(folder, `${id}-${round}.json`));
    runs.get(id)?.push(run);
    troubles.push(...troublesOf(id, run).map((trouble) => `round ${round}, ${id}: ${trouble}`));
    const survived = run.cells.filter((cell) => cell.survived).length;
    console.log(
      `round ${round}  ${run.name.padEnd(18)} ${String(survived).padStart(3)} of ${run.cells.length} survived   ${run.packages.join(', ')}`,
    );
  }
}
await rm(folder, { recursive: true });
const page = wallPage([...runs.values()], { node: process.versions.node, patienceMs: Number(values.patience) });
if (!values.dry) await writeFile(new URL('../../docs/reference/wall.md', import.meta.url), page);
console.log(page.slice(page.indexOf('## Who survives'), page.indexOf('## What each was given')));
for (const trouble of troubles) console.log(trouble);
process.exitCode = troubles.length === 0 ? 0 : 1;

async function runOne(id: string, file: string): Promise<CandidateRun> {
  const program = new URL('./run-candidate.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [program, id, values.patience, file], { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${id} ended with ${code ?? 'a signal'}`);
  return JSON.parse(await readFile(file, 'utf8')) as CandidateRun;
}

/** What makes the run void, and what of ours does not hold. */
function troublesOf(id: string, { cells, unhandled }: CandidateRun): string[] {
  const expected = cases.reduce((sum, { forms }) => sum + forms.length, 0);
  return [
    ...(cells.length === expected ? [] : [`${cells.length} of ${expected} cells`]),
    ...(id.startsWith('inferlane') ? unhandled.map((name) => `a rejection that nobody took: ${name}`) : []),
    ...cells
      .filter(({ id: fault, verdict, survived }) => verdict === 'not run' || (!survived && (fault === 'healthy' || mustSurvive(id, fault))))
      .map(({ id: fault, form, verdict, note }) => `${fault}, ${form}: ${verdict} ${note}`.trim()),
  ];
}

/** `streamText` keeps what comes for whoever reads it a second time, so nothing below it learns that its reader has left. */
function mustSurvive(id: string, fault: string): boolean {
  return id === 'inferlane' || (id === 'inferlane-ai-sdk' && fault !== 'leave');
}
