import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { atLeast, type Figure, type Job } from '../_kit/job.ts';
import { tally } from '../_kit/numbers.ts';
import { type Area, areas } from './areas.ts';

const here = fileURLToPath(new URL('./', import.meta.url));
const root = fileURLToPath(new URL('../../../', import.meta.url));

/** One change in the source, and what the tests made of it. */
interface Mutant {
  readonly status: 'Killed' | 'Survived' | 'Timeout' | 'NoCoverage' | 'RuntimeError' | 'CompileError' | 'Ignored';
  readonly mutatorName: string;
  readonly replacement?: string;
  readonly location: { readonly start: { readonly line: number } };
}

interface Written {
  readonly files: Readonly<Record<string, { readonly mutants: readonly Mutant[] }>>;
}

const goalPercent = 90;

/** Changes the source in every small way there is, one at a time, and asks the tests whether they notice. Only in the campaign. */
export function mutationJob(name: string): Job {
  const area = areas.find((each) => each.name === name);
  if (area === undefined) throw new Error(`there is no area ${name}`);
  const figures = [`${name}: mutants`, `${name}: noticed by the tests`];
  return {
    name: `mutation-${name}`,
    about: `Changes in ${area.mutate.length} patterns of source are noticed by the tests`,
    figures,
    async run() {
      const written = await mutate(area);
      const mutants = Object.entries(written.files).flatMap(([file, { mutants: list }]) => list.map((mutant) => ({ file, ...mutant })));
      const counts = tally(mutants.map(({ status }) => status));
      const of = (status: Mutant['status']): number => counts[status] ?? 0;
      const noticed = of('Killed') + of('Timeout');
      const valid = noticed + of('Survived') + of('NoCoverage');
      const missed = mutants.filter(({ status }) => status === 'Survived' || status === 'NoCoverage');
      return {
        figures: [
          withStatic(atLeast(`${name}: mutants`, 50, valid), of('Ignored')),
          atLeast(`${name}: noticed by the tests`, goalPercent, (100 * noticed) / valid, '%'),
        ],
        detail: {
          counts,
          missed: missed.map(
            (each) => `${each.file}:${each.location.start.line} ${each.mutatorName} → ${each.replacement ?? ''} (${each.status})`,
          ),
        },
      };
    },
  };
}

/** Code that runs once, when its file is loaded, cannot be changed for one test after the other: what is left out is said. */
function withStatic(figure: Figure, ignored: number): Figure {
  return { ...figure, measured: `${figure.measured}; ${ignored} more, in code that runs at loading only, were left out` };
}

async function mutate(area: Area): Promise<Written> {
  await install();
  const folder = await mkdtemp(join(tmpdir(), 'inferlane-mutation-'));
  const report = join(folder, 'report.json');
  const file = join(folder, 'stryker.json');
  await writeFile(file, JSON.stringify(settings(area, folder, report)));
  try {
    const program = join(here, 'node_modules/@stryker-mutator/core/bin/stryker.js');
    await run(process.execPath, [program, 'run', file], { MUTATION_TESTS: area.tests.join(' ') });
    return JSON.parse(await readFile(report, 'utf8')) as Written;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function settings({ mutate: files }: Area, folder: string, report: string): Record<string, unknown> {
  return {
    testRunner: 'vitest',
    plugins: [join(here, 'node_modules/@stryker-mutator/vitest-runner/dist/src/index.js')],
    vitest: { configFile: 'tests/campaign/mutation/vitest.config.ts' },
    coverageAnalysis: 'perTest',
    mutate: files,
    ignoreStatic: true,
    concurrency: availableParallelism(),
    reporters: ['json', 'progress-append-only'],
    jsonReporter: { fileName: report },
    tempDirName: join(folder, 'copy'),
    ignorePatterns: ['dist', 'bench', 'campaign-report', 'coverage'],
    fileLogLevel: 'off',
    logLevel: 'error',
  };
}

async function install(): Promise<void> {
  const isThere = await stat(join(here, 'node_modules')).then(
    () => true,
    () => false,
  );
  if (!isThere) await run('npm', ['ci', '--no-audit', '--no-fund', '--prefix', here], {});
}

async function run(command: string, given: readonly string[], env: Record<string, string>): Promise<void> {
  const child = spawn(command, given, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${command} ended with ${code ?? 'a signal'}`);
}
