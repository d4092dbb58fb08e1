import { base } from '../candidates/index.ts';
import { bare } from '../scenarios/import.ts';
import type { Run } from './run.ts';
import { differencesOf, ratiosOf } from './statistics.ts';

/** What the median of a run is held against: what we set out to reach, whether we have or not. */
export interface Goal {
  readonly about: string;
  readonly name: string;
  readonly limit: number;
  /** `limit` is the least, and not the most. */
  readonly moreIsBetter: boolean;
  readonly unit: string;
  readonly digits: number;
  /** Who does the same without a router. */
  readonly byHand?: string;
  /** A value for each round. */
  of(run: Run, name: string): readonly number[];
}

type Of = Goal['of'];

const plain =
  (scenario: string, metric: string): Of =>
  ({ values }, name) =>
    values[scenario]?.[metric]?.[name] ?? [];

const besideBase = (scenario: string, metric: string): Of => {
  const values = plain(scenario, metric);
  return (run, name) => ratiosOf(values(run, name), values(run, base));
};

/** Beyond what a process takes that imports nothing. */
const importMs: Of = (run, name) => differencesOf(plain('import', 'wall')(run, name), plain('import', 'wall')(run, bare));

/** Over Node's own `http`, or below all that undici has for its users. */
const lean: Readonly<Record<string, string>> = {
  'inferlane node-http': 'node:http',
  'inferlane node-http (3 providers)': 'node:http',
  'inferlane undici': 'undici dispatch',
};
const overFetch: Readonly<Record<string, string>> = { 'inferlane ofetch': 'ofetch', 'inferlane ofetch (3 providers)': 'ofetch' };
/** Those that have one provider. */
const routers = ['inferlane node-http', 'inferlane undici', 'inferlane ofetch'];

const forAll = (who: Readonly<Record<string, string>>, goal: Omit<Goal, 'name' | 'byHand'>): Goal[] =>
  Object.entries(who).map(([name, byHand]) => ({ ...goal, name, byHand }));

interface Ratio {
  readonly about: string;
  readonly scenario: string;
  readonly metric: string;
  readonly moreIsBetter?: boolean;
  readonly lean: number;
  readonly overFetch: number;
}

const ratios: readonly Ratio[] = [
  { about: 'CPU per chat', scenario: 'chat', metric: 'cpu', lean: 0.3, overFetch: 1.25 },
  { about: 'requests/s', scenario: 'throughput', metric: 'rate', moreIsBetter: true, lean: 3.5, overFetch: 0.8 },
  { about: 'first token', scenario: 'ttft', metric: 'wall', lean: 0.4, overFetch: 1.15 },
  { about: 'CPU per 64 embeddings', scenario: 'embed', metric: 'cpu', lean: 0.25, overFetch: 0.35 },
  { about: 'CPU per paced event', scenario: 'paced', metric: 'cpu', lean: 0.65, overFetch: 1.1 },
  { about: 'CPU per full-speed event', scenario: 'full', metric: 'cpu', lean: 1.2, overFetch: 1.1 },
];

function ofRatio({ about, scenario, metric, moreIsBetter = false, ...limits }: Ratio): Goal[] {
  const goal = { about, moreIsBetter, unit: '× `fetch`', digits: 2, of: besideBase(scenario, metric) };
  return [...forAll(lean, { ...goal, limit: limits.lean }), ...forAll(overFetch, { ...goal, limit: limits.overFetch })];
}

function ofMemory(about: string, metric: string, leanKb: number): Goal[] {
  const goal = { about, moreIsBetter: false, digits: 1 };
  return [
    ...forAll(lean, { ...goal, limit: leanKb, unit: 'KB', of: plain('open', metric) }),
    ...forAll(overFetch, { ...goal, limit: 1.1, unit: '× `fetch`', digits: 2, of: besideBase('open', metric) }),
  ];
}

function ofFailover(about: string, metric: string, leanMicros: number, overFetchMicros: number): Goal[] {
  const goal = { about, moreIsBetter: false, unit: 'µs', digits: 0, of: plain('failover', metric) };
  return [...forAll(lean, { ...goal, limit: leanMicros }), ...forAll(overFetch, { ...goal, limit: overFetchMicros })];
}

function ofLab(about: string, scenario: string, metric: string, limit: number, unit: string, digits: number): Goal[] {
  return routers.map((name) => ({ about, name, limit, moreIsBetter: false, unit, digits, of: plain(scenario, metric) }));
}

const ofPackage: readonly Goal[] = [
  { about: 'import', name: 'inferlane', limit: 60, moreIsBetter: false, unit: 'ms', digits: 1, of: importMs },
  {
    about: 'import',
    name: 'inferlane',
    limit: 0.5,
    moreIsBetter: false,
    unit: '× `ai`',
    digits: 2,
    of: (run, name) => ratiosOf(importMs(run, name), importMs(run, 'ai-sdk')),
  },
  ...[
    { name: 'inferlane, createRouter', limit: 60 },
    { name: 'inferlane, createRouter, own code alone', limit: 30 },
  ].map((each) => ({ ...each, about: 'bundle', moreIsBetter: false, unit: 'KB', digits: 1, of: plain('bundle', 'atOnce') })),
];

export const goals: readonly Goal[] = [
  ...ratios.flatMap(ofRatio),
  ...ofMemory('RSS per open stream', 'rss', 45),
  ...ofMemory('heap per open stream', 'heap', 12),
  ...ofFailover('added by a server that answers 503', 'busy', 170, 360),
  ...ofFailover('added by a server that refuses', 'refused', 280, 520),
  ...ofLab('added by an open circuit', 'circuit', 'added', 10, 'µs CPU', 1),
  ...ofLab('added by a server that hangs, beyond its limit', 'hang', 'added', 3, 'ms', 2),
  ...ofLab('added by three providers instead of one', 'three', 'added', 25, 'µs CPU', 1),
  ...ofLab('added by three providers instead of one', 'three', 'share', 5, '%', 1),
  ...ofPackage,
];
