import { atLeast, atMost, exactly, type Figure, type Size } from '../_kit/job.ts';
import { spreadOf, tally } from '../_kit/numbers.ts';
import { canaryFigures, figuresOfCanaries } from '../_kit/scanner.ts';
import type { Canaries } from '../_kit/canaries.ts';
import { kinds, well } from './kinds/index.ts';
import type { ServersReport } from './servers-program.ts';
import { histogramOf, type PhaseTally, type Tallies } from './tallies.ts';

/** All that a run leaves behind. */
export interface Evidence {
  readonly size: Size;
  /** Calls that the run was to make. */
  readonly asked: number;
  readonly tallies: Tallies;
  readonly report: ServersReport;
  readonly canaries: Canaries;
  readonly seconds: Readonly<Record<string, number>>;
  readonly inFlight: number;
  readonly strayEnds: number;
  readonly complaints: readonly string[];
}

/** The parts of a run. */
export const names = {
  mixed: 'all servers fail',
  first: 'one healthy, first calls of each router',
  patient: 'one healthy, breakers wide',
  usual: 'one healthy, usual options',
} as const;

const healthyNames: readonly string[] = [names.patient, names.usual];

/** Kinds of fault, and oddities that are none; one that does as it should is neither. */
const meant = kinds.filter(({ name }) => name !== well);
const faults = meant.filter(({ place }) => place !== 'oddity');
const breaking = faults.filter(({ place }) => place === 'stream after content');

type Measure = (evidence: Evidence) => Omit<Figure, 'name'>;

/** Every figure of the job, by its name. */
const measures: Readonly<Record<string, Measure>> = {
  'requests made': ({ asked, tallies }) => exactly('', asked, callsOf(tallies)),
  'fault kinds': () => atLeast('', 60, faults.length),
  'kinds never injected': (evidence) => exactly('', 0, neverInjected(evidence).length),
  'kinds never observed': (evidence) => exactly('', 0, neverObserved(evidence).length),
  'kinds after content that broke no stream': ({ tallies }) =>
    exactly('', 0, breaking.filter(({ name }) => !tallies.broken.has(name)).length),
  'requests lost': ({ tallies }) => exactly('', 0, tallies.count('lost')),
  'texts with a token lost, doubled or of another server': ({ tallies }) => exactly('', 0, tallies.count('spliced')),
  'answers given as whole and cut short': ({ tallies }) => exactly('', 0, tallies.count('cut short')),
  unsettled: ({ tallies }) => exactly('', 0, tallies.count('unsettled')),
  'settled too late': ({ tallies }) => exactly('', 0, tallies.count('late')),
  'calls held up by one server to their deadline': ({ tallies }) => exactly('', 0, tallies.count('held up')),
  'calls that ran into their deadline': ({ size, tallies }) => atLeast('', size === 'long' ? 500 : 5, tallies.timedOut()),
  'failures without a type': ({ tallies }) => exactly('', 0, tallies.count('untyped')),
  'failures with a code that nothing explains': ({ tallies }) => exactly('', 0, tallies.count('unexplained')),
  'calls and attempts not announced to end exactly once': ({ tallies, strayEnds }) =>
    exactly('', 0, tallies.count('not ended once') + strayEnds),
  'counted in flight at the end': ({ inFlight }) => exactly('', 0, inFlight),
  'unhandled rejections, exceptions and warnings': ({ complaints }) => exactly('', 0, complaints.length),
  'complaints of the servers': ({ report }) => exactly('', 0, report.complaints.length),
  'wrong credentials': ({ report }) => exactly('', 0, report.wrongCredentials),
  'requests where redirects lead': ({ report }) => exactly('', 0, report.followed + report.strangers),
  'requests at servers that no attempt explains': ({ tallies, report }) => exactly('', 0, tallies.compare(report).unaccounted),
  // Other tests run beside the quick form, and there the machine may be slow.
  'attempts at good servers that a limit ended': ({ size, tallies }) =>
    atMost('', size === 'long' ? 0.1 : 2, (100 * tallies.slow()) / tallies.attempts(), '%'),
  'attempts at good servers that a connection left from before ended': ({ size, tallies }) =>
    atMost('', size === 'long' ? 0.1 : 0.2, (100 * tallies.dead()) / tallies.attempts(), '%'),
  'one healthy server: answered': ({ tallies }) => atLeast('', 99.99, answeredShare(tallies, healthyNames), '%'),
  'one healthy server: not answered': ({ size, tallies }) => atMost('', size === 'long' ? 20 : 0, unanswered(tallies, healthyNames)),
  'one healthy server: failed attempts per call, breakers wide': ({ tallies }) => atLeast('', 0.3, faultedShare(tallies, names.patient)),
  // A router that knows nothing yet makes its third try blindly, so three in a row fail for 2.7% of its first calls.
  'one healthy server: answered while nothing was known': ({ tallies }) => atLeast('', 90, answeredShare(tallies, [names.first]), '%'),
};

export const figureNames: readonly string[] = [...Object.keys(measures), ...Object.values(canaryFigures)];

export function figuresOf(evidence: Evidence): readonly Figure[] {
  const own = Object.entries(measures).map(([name, measure]) => ({ ...measure(evidence), name }));
  const { canaries, report } = evidence;
  // The servers saw what came with requests; what they write themselves is in each answer.
  return [...own, ...figuresOfCanaries(canaries.hits, [...report.planted, 'completion'])];
}

/** Counts and histograms, and examples of whatever went wrong. */
export function detailOf(evidence: Evidence): Readonly<Record<string, unknown>> {
  const { tallies, report, canaries, seconds, complaints } = evidence;
  return {
    phases: Object.fromEntries(Array.from(tallies.phases, ([name, phase]) => [name, summaryOf(phase, seconds[name] ?? NaN)])),
    attempts: tallies.attempts(),
    slow: tallies.slow(),
    dead: tallies.dead(),
    examples: tallies.examples,
    neverInjected: neverInjected(evidence),
    neverObserved: neverObserved(evidence),
    brokeNothing: breaking.filter(({ name }) => !tallies.broken.has(name)).map(({ name }) => name),
    kinds: Object.fromEntries(
      meant.map(({ name, place }) => [
        name,
        { place, injected: report.injected.get(name) ?? 0, observed: tallies.observed.get(name) ?? 0 },
      ]),
    ),
    servers: {
      ...tallies.compare(report),
      wrongCredentials: report.wrongCredentials,
      strangers: report.strangers,
      followed: report.followed,
      complaints: report.complaints,
    },
    complaints,
    canaries: { looked: canaries.looked(), hits: canaries.hits.slice(0, 20) },
  };
}

function summaryOf(phase: PhaseTally, seconds: number): object {
  const { calls, answered, faulted, codes, latenciesMs, failures } = phase;
  return {
    calls,
    answered,
    faulted,
    seconds: Math.round(seconds * 10) / 10,
    callsPerSecond: Math.round(calls / seconds),
    failed: tally(codes),
    latency: spreadOf(latenciesMs),
    histogram: histogramOf(latenciesMs),
    failures,
  };
}

/** Of a port that refuses nobody can count who knocks. */
function neverInjected({ report, tallies }: Evidence): readonly string[] {
  const counts = (name: string): boolean => report.injected.has(name) || (name === 'port-that-refuses' && tallies.observed.has(name));
  return meant.map(({ name }) => name).filter((name) => !counts(name));
}

/** A dead kept connection shows by the answer that came all the same, over another one. */
function neverObserved({ report, tallies }: Evidence): readonly string[] {
  const counts = (name: string): boolean =>
    name === 'dead-kept-connection' ? tallies.compare(report).savedByReplacement > 0 : tallies.observed.has(name);
  return meant.map(({ name }) => name).filter((name) => !counts(name));
}

function callsOf({ phases }: Tallies): number {
  return [...phases.values()].reduce((sum, { calls }) => sum + calls, 0);
}

function callsIn(tallies: Tallies, phases: readonly string[], field: 'calls' | 'answered' | 'faulted'): number {
  return phases.reduce((sum, name) => sum + (tallies.phases.get(name)?.[field] ?? 0), 0);
}

function unanswered(tallies: Tallies, phases: readonly string[]): number {
  return callsIn(tallies, phases, 'calls') - callsIn(tallies, phases, 'answered');
}

function answeredShare(tallies: Tallies, phases: readonly string[]): number {
  return (100 * callsIn(tallies, phases, 'answered')) / callsIn(tallies, phases, 'calls');
}

function faultedShare(tallies: Tallies, phase: string): number {
  return callsIn(tallies, [phase], 'faulted') / callsIn(tallies, [phase], 'calls');
}
