import { createCanaries } from '../_kit/canaries.ts';
import { atMost, exactly, type Figure, type Job, type Size } from '../_kit/job.ts';
import { percentile, type Spread, spreadOf } from '../_kit/numbers.ts';
import { watchProcess } from '../_kit/process-watch.ts';
import { canaryFigures, figuresOfCanaries } from '../_kit/scanner.ts';
import { type Abort, abortOnce } from './abort-once.ts';
import { dropAll, keepAll, type Left, leaveOnce, neverRead, ways } from './leaving.ts';
import { type Phase, phases, type Scene } from './phases.ts';
import { startUpstream, type Upstream } from './upstream.ts';

/** Streams that only wait for their deadline do so side by side. All else is one at a time, or it would measure the rig's own work. */
const unreadLanes = 10;
/** A provider that asked for two seconds would get its next request then. */
const lateRequestsMs = 2_300;
/** Ten seconds and a little. */
const halfMadeMs = 12_000;
const wayNames = [...ways.map(({ name }) => name), 'never read, until the deadline', 'dropped and collected'];

/** The goals in ms. The short form has few samples of each kind on a machine that does other things as well. */
const goalsOf = (size: Size): { readonly settledMs: number; readonly closedMs: number } =>
  size === 'long' ? { settledMs: 5, closedMs: 50 } : { settledMs: 50, closedMs: 250 };

export const job: Job = {
  name: 'aborts',
  about: 'a call that is aborted or left, wherever it stands, ends at once, upstream too',
  figures: [
    'phases',
    'aborts in the phase with the fewest',
    'calls that did not stand in their phase',
    'settled after abort(), p99 of the slowest phase',
    'connection with a request on it seen closed by the server, p99 of the slowest phase',
    'requests that went on at the server',
    'requests sent after the abort',
    'connections under way when their calls were aborted',
    'connections left half made, after the ten seconds for which fetch keeps one that nobody waits for',
    'reasons that did not come back untouched',
    'events of a call after its end',
    'aborts counted against a provider, or still counted as under way',
    'probes that kept their permit, closings held up, queued calls sent',
    'ways to leave a stream',
    'streams left in the way with the fewest',
    'connection seen closed after leaving, p99 of the slowest way',
    'left streams that went on at the server',
    'left streams without exactly one end, or counted as failures',
    'streams that were still held, and cut off by the collector',
    'rejections and warnings that nobody took',
    ...Object.values(canaryFigures),
  ],
  async run(size, seed) {
    const each = size === 'long' ? 200 : 20;
    const canaries = createCanaries(seed);
    const watch = watchProcess();
    const stopListening = canaries.watchOutput();
    await using upstream = await startUpstream(canaries);
    const scenes = (name: string): Scene[] =>
      Array.from({ length: each }, (_, index) => ({
        upstream,
        canaries,
        key: `${name.replaceAll(/\W+/g, '-')}-${index}`,
        index,
        verb: 'stream',
      }));
    try {
      const aborts: Abort[] = [];
      for (const phase of phases)
        aborts.push(...(await inLanes(1, scenes(phase.name), (scene) => abortOnce(phase, withVerb(phase, scene)))));
      const left = await leaveAll(scenes);
      await new Promise((resolve) => setTimeout(resolve, lateRequestsMs));
      await untilClosed(upstream);
      return {
        figures: [
          ...abortFigures(aborts, each, size, upstream),
          ...connectingFigures(upstream, each),
          ...leftFigures(left, each, size),
          exactly('streams that were still held, and cut off by the collector', 0, await keepAll(scenes('kept'))),
          exactly('rejections and warnings that nobody took', 0, watch.seen.length),
          ...figuresOfCanaries(canaries.hits, upstream.planted),
        ],
        detail: { mute: upstream.mute, seen: watch.seen, hits: canaries.hits.slice(0, 20), ...spreads(aborts, left) },
      };
    } finally {
      watch.stop();
      stopListening();
    }
  },
};

/**
 * Half of a connection has no request on it that could be closed, and Node's `fetch` gives no hand to it: it goes on with the handshake, for
 * the next call to the same place, until a limit of its own. What can be held is that all of them are gone then.
 */
async function untilClosed({ mute }: Upstream): Promise<void> {
  for (let waitedMs = 0; mute.disconnected < mute.connected && waitedMs < halfMadeMs; waitedMs += 50) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function connectingFigures({ mute }: Upstream, each: number): Figure[] {
  return [
    exactly('connections under way when their calls were aborted', each, mute.connected),
    exactly(
      'connections left half made, after the ten seconds for which fetch keeps one that nobody waits for',
      0,
      mute.connected - mute.disconnected,
    ),
  ];
}

async function leaveAll(scenes: (name: string) => Scene[]): Promise<Left[]> {
  const left: Left[] = [];
  for (const way of ways) left.push(...(await inLanes(1, scenes(way.name), (scene) => leaveOnce(scene, way))));
  left.push(...(await inLanes(unreadLanes, scenes('unread'), neverRead)));
  left.push(...(await inLanes(1, inParts(scenes('dropped'), 10), dropAll)).flat());
  return left;
}

function withVerb({ verbs }: Phase, scene: Scene): Scene {
  return { ...scene, verb: verbs[scene.index % verbs.length] ?? 'chat' };
}

function inParts<Item>(items: readonly Item[], length: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / length) }, (_, part) => items.slice(part * length, (part + 1) * length));
}

/** So many at a time, in order. */
async function inLanes<Item, Result>(lanes: number, items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  const rest = items.values();
  const lane = async (): Promise<void> => {
    for (const item of rest) results.push(await work(item));
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}

function abortFigures(aborts: readonly Abort[], each: number, size: Size, upstream: Upstream): Figure[] {
  const { settledMs, closedMs } = goalsOf(size);
  const count = (isSo: (abort: Abort) => boolean): number => aborts.filter(isSo).length;
  const byPhase = phases.map(({ name }) => aborts.filter(({ phase }) => phase === name));
  const slowest = (of: (abort: Abort) => number | undefined): number => slowestOf(byPhase.map((list) => list.map(of)));
  const lateRequests = aborts.flatMap(({ key, abortedAtMs }) => upstream.fateOf(key).arrivedAtMs.filter((atMs) => atMs > abortedAtMs));
  const orphans = aborts.reduce((sum, abort) => sum + abort.orphans, 0);
  return [
    exactly('phases', 11, byPhase.filter((list) => list.length > 0).length),
    exactly('aborts in the phase with the fewest', each, Math.min(...byPhase.map((list) => list.length))),
    exactly(
      'calls that did not stand in their phase',
      0,
      count(({ stood }) => !stood),
    ),
    atMost(
      'settled after abort(), p99 of the slowest phase',
      settledMs,
      slowest((abort) => abort.settledMs),
      ' ms',
    ),
    atMost(
      'connection with a request on it seen closed by the server, p99 of the slowest phase',
      closedMs,
      slowest((abort) => abort.closedMs),
      ' ms',
    ),
    exactly('requests that went on at the server', 0, orphans),
    exactly('requests sent after the abort', 0, lateRequests.length),
    exactly(
      'reasons that did not come back untouched',
      0,
      count(({ keptReason }) => !keptReason),
    ),
    exactly(
      'events of a call after its end',
      0,
      aborts.reduce((sum, { seen }) => sum + seen.late, 0),
    ),
    exactly(
      'aborts counted against a provider, or still counted as under way',
      0,
      count(({ leftNoMark }) => !leftNoMark),
    ),
    exactly(
      'probes that kept their permit, closings held up, queued calls sent',
      0,
      count(({ afterwardsHeld }) => !afterwardsHeld),
    ),
  ];
}

function isOdd({ ends, failures, isIdle, seen, way }: Left): boolean {
  return ends !== 1 || seen.late > 0 || !isIdle || (failures > 0 && !way.startsWith('never read'));
}

function leftFigures(left: readonly Left[], each: number, size: Size): Figure[] {
  const byWay = wayNames.map((name) => left.filter(({ way }) => way === name));
  const slowest = slowestOf(byWay.map((list) => list.map(({ closedMs }) => closedMs)));
  return [
    exactly('ways to leave a stream', wayNames.length, byWay.filter((list) => list.length > 0).length),
    exactly('streams left in the way with the fewest', each, Math.min(...byWay.map((list) => list.length))),
    atMost('connection seen closed after leaving, p99 of the slowest way', goalsOf(size).closedMs, slowest, ' ms'),
    exactly('left streams that went on at the server', 0, left.filter(({ closedMs }) => closedMs === undefined).length),
    exactly('left streams without exactly one end, or counted as failures', 0, left.filter(isOdd).length),
  ];
}

function slowestOf(groups: readonly (readonly (number | undefined)[])[]): number {
  const known = groups.map((group) => group.filter((ms) => ms !== undefined)).filter((group) => group.length > 0);
  return known.length === 0 ? Number.NaN : Math.max(...known.map((group) => percentile(group, 0.99)));
}

function spreadOfKnown(values: readonly (number | undefined)[]): Spread {
  return spreadOf(values.filter((value) => value !== undefined));
}

function spreads(aborts: readonly Abort[], left: readonly Left[]): Record<string, unknown> {
  const ofPhase = phases.map(({ name }) => {
    const list = aborts.filter(({ phase }) => phase === name);
    return [
      name,
      { settledMs: spreadOfKnown(list.map((abort) => abort.settledMs)), closedMs: spreadOfKnown(list.map((abort) => abort.closedMs)) },
    ];
  });
  const ofWay = wayNames.map((name) => [name, spreadOfKnown(left.filter(({ way }) => way === name).map(({ closedMs }) => closedMs))]);
  return { phases: Object.fromEntries(ofPhase), ways: Object.fromEntries(ofWay) };
}
