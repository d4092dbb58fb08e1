import { table } from '../../../scripts/markdown-table.ts';
import type { Written } from '../_kit/run-identity.ts';
import type { CallsDetail, FleetDetail, StoryDetail } from './detail.ts';
import { bounds } from './histogram.ts';
import { ratiosOf } from './throughput.ts';

/** docs/reference/fleet.md, of one long run. `redis`: what the server calls itself. */
export function fleetPageOf(report: Written & { readonly detail: FleetDetail }, redis: string): string {
  const { detail, figures, remarks = [], run, size } = report;
  if (run === undefined || size !== 'long') throw new Error('The page is about the long form, as a part of a run of the campaign.');
  return [
    '<!-- Written by `node tests/campaign/fleet/page.ts`. -->\n',
    '# A fleet at one Redis\n',
    intro(run, detail, redis),
    '## What the store did, and what became of calls\n',
    'Calls of all processes while the fault lasted, and those that failed. Probes: how many the backend saw while the breakers were open, and how many at most at one moment, with the most that there may be: one where the store is, and one for each process without it. Known: the longest until all others knew that a breaker is open, from when the first one knew or from when the store was there again, and that it is closed.\n',
    table(
      ['The store', 'Calls', 'Failed', 'Probes', 'At once', 'May be', 'Open known, ms', 'Closed known, ms', 'Machine late, ms'],
      detail.stories.map(storyRow),
    ),
    '## Latency\n',
    'Of calls whose first attempt answered, in milliseconds: of the routers with the store, and of those without one in the same processes at the same moments.\n',
    table(['The store', 'p50', 'p50 without', 'p99', 'p99 without', 'Added at p99'], detail.stories.map(latencyRow)),
    'How many calls took up to so many milliseconds, first with the store and then without:\n',
    table(['The store', 'Router', ...bounds.map(String), 'more'], detail.stories.flatMap(histogramRows)),
    '## Throughput\n',
    throughput(detail),
    '## Storms of failures\n',
    storms(detail),
    '## Every figure\n',
    table(
      ['Figure', 'Measured', 'Goal', ''],
      figures.map(({ name, measured, goal, holds }) => [name, measured, goal, holds ? 'holds' : '**missed**']),
    ),
    ...remarks.map((remark) => `${remark}\n`),
  ].join('\n');
}

function intro(
  { version, node, platform, cores, seed, startedAt }: NonNullable<Written['run']>,
  { sizes }: FleetDetail,
  redis: string,
): string {
  return `${sizes.members} processes with a router each, a real server (${redis}) behind a TCP proxy for each process, and a backend in a process of its own that sees
every call: the job \`fleet\` of \`npm run campaign\`. inferlane ${version}, Node ${node}, ${platform}, ${cores} cores, seed ${seed}, begun on ${startedAt.slice(0, 10)}. Each process has a second
router without a store beside the first, and every call is made through both at the same moment, so that what differs is the store. The provider fails and recovers
while the store has its fault, another one is always there, and breakers open for 0.4 to 1.6 s.
`;
}

function storyRow({ fault, shared, probes, mostProbes, openMs, closeMs, lagMs }: StoryDetail): string[] {
  return [
    fault,
    figure(shared.calls),
    figure(shared.failures),
    figure(probes.count),
    figure(probes.atOnce),
    figure(mostProbes),
    figure(Math.max(...openMs)),
    figure(Math.max(...closeMs)),
    figure(lagMs),
  ];
}

function latencyRow({ fault, shared, alone }: StoryDetail): string[] {
  const of = ({ plain }: CallsDetail, share: 'p50' | 'p99'): string => figure(plain[share], 1);
  return [fault, of(shared, 'p50'), of(alone, 'p50'), of(shared, 'p99'), of(alone, 'p99'), figure(shared.plain.p99 - alone.plain.p99, 1)];
}

function histogramRows({ fault, shared, alone }: StoryDetail): string[][] {
  return [
    [fault, 'with', ...shared.histogram.map((count) => figure(count))],
    ['', 'without', ...alone.histogram.map((count) => figure(count))],
  ];
}

function throughput({ throughput: found }: FleetDetail): string {
  const [first] = found;
  const rows = found.map(({ processes, withStore, without, cpuWithStore, cpuWithout }) => [
    figure(processes),
    shownRatio(withStore, without),
    shownRatio(cpuWithStore, cpuWithout),
    figure(middle(withStore)),
    figure(middle(without)),
  ]);
  const said = `Processes whose router has the store and others whose router has none, in turns: ${first?.rounds ?? 0} rounds of ${first?.ms ?? 0} ms each, ${first?.atOnce ?? 0} calls at once in each process, over HTTP. Ratios are medians over the rounds, with the lowest and the highest.\n`;
  return `${said}\n${table(['Processes', 'Calls/s, with by without', 'CPU per call, with by without', 'Calls/s with', 'Calls/s without'], rows)}`;
}

function storms({ storms: played }: FleetDetail): string {
  const rows = played.map(({ kind, isHanging, failures, failuresPerSecond, writesPerSecond, bytesPerFailure, lost }) => [
    kind === 'rests' ? 'a server without room' : 'another model with every third call',
    isHanging ? 'never answers' : 'answers',
    figure(failures),
    figure(failuresPerSecond),
    figure(writesPerSecond, 1),
    figure(bytesPerFailure, 1),
    figure(lost),
  ]);
  const head = [
    'What fails',
    'The store',
    'Failures',
    'In a second',
    'Writes of a process in a second',
    'Heap per failure, bytes',
    'Calls lost',
  ];
  return `All processes at once, as fast as they can, with another server that answers.\n\n${table(head, rows)}`;
}

function shownRatio(of: readonly number[], by: readonly number[]): string {
  const { median, low, high } = ratiosOf(of, by);
  return `${figure(median, 3)} (${figure(low, 2)} to ${figure(high, 2)})`;
}

function middle(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[values.length >> 1] ?? Number.NaN;
}

function figure(value: number, digits = 0): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
