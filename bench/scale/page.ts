import { table } from '../../scripts/markdown-table.ts';
import { differencesOf, figure, ratiosOf, shown, spreadOf } from '../running/statistics.ts';
import { comparisons, more, one } from './cases.ts';
import { evenness, growthOf, type PlanningRun, type ScaleRun, type StreamsRun, type SubjectFigures } from './figures.ts';
import { goalRows } from './goals.ts';

type OfStretch = (stretch: SubjectFigures['stretches'][number]) => number;

const text = (values: readonly number[], digits: number): string => {
  const spread = spreadOf(values);
  return spread === undefined ? '-' : shown(spread, digits);
};
const over = ({ stretches }: SubjectFigures, of: OfStretch, digits: number): string => text(stretches.map(of), digits);
const late: OfStretch = ({ delayP99Ms }) => delayP99Ms;
const megabytes = (bytes: number): string => figure(bytes / 1_048_576);

/** What a run prints, and most of the page. */
export function report(run: ScaleRun): string {
  const parts = [
    '## Goals\n',
    table(['', 'Goal', 'Measured', ''], goalRows(run)),
    ...(run.streams === undefined ? [] : streamParts(run.streams)),
    ...(run.planning === undefined ? [] : planningParts(run.planning)),
  ];
  return parts.join('\n');
}

/** docs/reference/scale.md */
export function scalePage(run: ScaleRun): string {
  return [
    '<!-- Written by `npm run bench:scale -- --page`. -->\n',
    '# Many streams, providers and aliases\n',
    intro(run),
    report(run),
  ].join('\n');
}

export function machineOf({ inferlane, node, cpu, cores, isPinned, seconds, loadBefore, loadAfter }: ScaleRun): string {
  const where = isPinned ? 'each process on one core' : 'no process has a core of its own';
  return `inferlane ${inferlane}, Node ${node}, ${cores} cores (${cpu}), ${where}, load ${loadBefore.toFixed(1)} before the run and ${loadAfter.toFixed(1)} at its end, ${seconds} s`;
}

function intro(run: ScaleRun): string {
  return `What one run of \`npm run bench:scale\` measured: ${machineOf(run)}. \`--page\` writes this page, \`--json FILE\` all values;
\`--only streams\` or \`planning\` runs a part, \`--streams 1000 --seconds 3\` a small form. Figures are medians, p10 to p90 in brackets.
`;
}

function streamParts(run: StreamsRun): string[] {
  const [bare] = run.subjects;
  if (bare === undefined) return [];
  const seconds = run.stretchSeconds;
  const pace = run.tooFast.length === 0 ? '' : ` What was tried before and was too fast: ${run.tooFast.join('; ')}.`;
  const fewer =
    run.streams === run.asked ? '' : ` ${figure(run.asked)} were asked for: a process may have ${figure(run.hardLimit)} open files here.`;
  return [
    `## ${figure(run.streams)} streams on one core\n`,
    `Each stream gets a token every ${figure(run.periodMs)} ms, all of them ${figure((run.streams * 1_000) / run.periodMs)} a second, one after the other, from a server on the other core, for three stretches
of ${seconds} s.${pace}${fewer} Each token carries its number and when it was sent; a run fails unless every stream got each of its tokens, in order. Gap: from
one token of a stream to its next one. Delay: from the server's write to the reader. Core: how much of it the client had.\n`,
    table(
      ['', 'Gap p50, ms', 'Gap p99, ms', 'p99 / p50', 'by that of the bare loop'],
      run.subjects.map((each) => [
        each.name,
        over(each, ({ gapP50Ms }) => gapP50Ms, 1),
        over(each, ({ gapP99Ms }) => gapP99Ms, 1),
        over(each, evenness, 3),
        text(ratiosOf(each.stretches.map(evenness), bare.stretches.map(evenness)), 3),
      ]),
    ),
    'At an even pace the gaps of any client that keeps up are nearly those of the server, so delays say more of it. Late: how much later than due the server wrote, p99.\n',
    table(
      ['', 'Delay p50, ms', 'Delay p99, ms', 'by that of the bare loop', 'Longest, ms', 'Core', 'Late, ms', 'Tokens'],
      run.subjects.map((each) => [
        each.name,
        over(each, ({ delayP50Ms }) => delayP50Ms, 2),
        over(each, late, 1),
        text(ratiosOf(each.stretches.map(late), bare.stretches.map(late)), 1),
        figure(Math.max(...each.stretches.map(({ delayMaxMs }) => delayMaxMs)), 0),
        over(each, ({ cpuShare }) => cpuShare, 2),
        over(each, ({ server }) => server.lateP99Ms, 1),
        `${figure(each.whole.received)} of ${figure(each.sent)}`,
      ]),
    ),
    `Memory after \`gc()\`, with all streams open: per stream what the process has beyond that before the first one, in all at one third of the run, two thirds and its end. Growth: from the first to the last.\n`,
    table(
      ['', 'Heap per stream, KB', 'Heap, MB', 'Growth', 'RSS per stream, KB', 'RSS, MB', 'Growth'],
      run.subjects.map((each) => [
        each.name,
        ...memoryCells(each, 'heapBytes', run.streams),
        ...memoryCells(each, 'rssBytes', run.streams),
      ]),
    ),
    run.subjects.map(({ name, given }) => `- **${name}**: ${given}.\n`).join(''),
  ];
}

function memoryCells({ memory }: SubjectFigures, of: 'heapBytes' | 'rssBytes', streams: number): string[] {
  const [before = Number.NaN, ...thirds] = memory.map((each) => each[of]);
  const last = thirds.at(-1) ?? Number.NaN;
  return [figure((last - before) / 1_024 / streams, 1), thirds.map(megabytes).join(', '), `${figure(growthOf(thirds), 1)} %`];
}

function planningParts({ rounds, calls, warmCalls, costs, plans }: PlanningRun): string[] {
  const of = (id: string): readonly number[] => costs[id] ?? [];
  const plan = (providers: number): string => {
    const found = plans.find((each) => each.providers === providers && each.balance === 'priority');
    return found === undefined ? '' : figure(found.medianMicros, 1);
  };
  const alone = of(one.id);
  return [
    '## Many providers\n',
    `CPU time per small chat in microseconds, with a transport that answers at once from memory: ${rounds} rounds of ${figure(calls)} chats, 8 at once, after ${figure(warmCalls)} of each
kind. Providers of the type \`vllm\`, equal but for their name and address, of which the first is asked; \`health\`, \`checkModels\` and \`pollMs\` are off. Plan: what planning alone takes
of wall time, by \`node bench/planning.ts\` in the same run, with \`balance: 'priority'\`.\n`,
    table(
      ['Providers', 'A chat, µs', 'Added, µs', 'Per added provider, µs', 'Plan, µs'],
      [one, ...more].map(({ id, providers }) => {
        const added = differencesOf(of(id), alone);
        const isOne = id === one.id;
        return [
          figure(providers),
          text(of(id), 1),
          isOne ? '' : text(added, 1),
          isOne
            ? ''
            : text(
                added.map((micros) => micros / (providers - 1)),
                2,
              ),
          plan(providers),
        ];
      }),
    ),
    '## Many aliases\n',
    'The same, with aliases in `models`, each with a name at the first three providers.\n',
    table(
      ['Added by', 'Providers', 'Without, µs', 'With, µs', 'Added, µs'],
      comparisons.map((each) => [
        each.about,
        figure(each.with.providers),
        text(of(each.without.id), 1),
        text(of(each.with.id), 1),
        text(differencesOf(of(each.with.id), of(each.without.id)), 1),
      ]),
    ),
  ];
}
