import { keyOf, type Seen } from './times.ts';
import type { TracedAttempt } from './trace.ts';

/** What befell servers, at its place in time; see `learnFailures`. */
export interface Failures {
  /** What befalls an attempt that begins now; undefined: it is answered. */
  draw(provider: string, model: string | undefined, nowMs: number, random: () => number): TracedAttempt | undefined;
}

interface Failure {
  readonly atMs: number;
  readonly attempt: TracedAttempt;
}

/** From its first failure on, whoever asks fails. */
interface Episode {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly failures: readonly Failure[];
  /** A single failure of a kind that is a state of the server: it meets the first that asks. */
  readonly isOnce: boolean;
  isMet: boolean;
}

interface Timeline {
  readonly episodes: readonly Episode[];
  /** Failures that came alone, and how many of the attempts outside of episodes they were. */
  readonly single: readonly Failure[];
  readonly share: number;
}

/** Ends of attempts that tell nothing of the server. */
const noFault: ReadonlySet<string> = new Set(['aborted', 'closed', 'foreign']);

/** What is a state of the server or of the account, and no accident of one call. */
const states: ReadonlySet<string> = new Set([
  'out_of_memory',
  'driver',
  'auth',
  'quota_exhausted',
  'model_not_found',
  'model_loading',
  'rate_limited',
]);

/**
 * Two failures or more with no answer between are an episode: it goes on up to the middle of the time in which it must have ended. A
 * failure that came alone is met again as often as it was in the trace, at random. No connection concerns all models of a provider.
 */
export function learnFailures(seen: readonly Seen[]): Failures {
  const groups = new Map<string, Seen[]>();
  const add = (key: string, each: Seen): void => {
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(each);
  };
  for (const each of seen) {
    const { provider, model, error } = each.attempt;
    if (error !== undefined && noFault.has(error)) continue;
    add(provider, each);
    if (!isConnection(each.attempt)) add(keyOf(provider, model), each);
  }
  const timelines = new Map<string, Timeline>();
  for (const [key, group] of groups) {
    const isWhole = !key.includes('\n');
    timelines.set(key, timelineOf(group, isWhole ? isConnection : ({ error }) => error !== undefined));
  }
  return {
    draw: (provider, model, nowMs, random) =>
      drawFrom(timelines.get(provider), nowMs, random) ?? drawFrom(timelines.get(keyOf(provider, model)), nowMs, random),
  };
}

/** Times of a record are rounded: what comes so close to a failure comes with it. */
const sameMs = 1;

function isConnection({ error, phase }: TracedAttempt): boolean {
  return error !== undefined && phase === 'connect';
}

function timelineOf(group: readonly Seen[], fails: (attempt: TracedAttempt) => boolean): Timeline {
  const episodes: Episode[] = [];
  const single: Failure[] = [];
  let run: Failure[] = [];
  let outside = 0;
  const close = (nextMs: number | undefined): void => {
    const [first] = run;
    const last = run.at(-1);
    if (first === undefined || last === undefined) return;
    const endMs = last.atMs + last.attempt.ms;
    const isState = states.has(first.attempt.error ?? '');
    if (run.length > 1) {
      const untilMs = nextMs === undefined ? endMs : (last.atMs + nextMs) / 2;
      episodes.push({ fromMs: first.atMs - sameMs, untilMs, failures: run, isOnce: false, isMet: false });
    } else if (isState) {
      episodes.push({ fromMs: first.atMs - sameMs, untilMs: nextMs ?? Infinity, failures: run, isOnce: true, isMet: false });
    } else {
      outside += 1;
      single.push(first);
    }
    run = [];
  };
  for (const { attempt, atMs } of group) {
    if (fails(attempt)) {
      run.push({ atMs, attempt });
      continue;
    }
    close(atMs);
    outside += 1;
  }
  close(undefined);
  return { episodes, single, share: outside === 0 ? 0 : single.length / outside };
}

function drawFrom(timeline: Timeline | undefined, nowMs: number, random: () => number): TracedAttempt | undefined {
  if (timeline === undefined) return undefined;
  const episode = lastBegun(timeline.episodes, nowMs);
  if (episode !== undefined && nowMs <= episode.untilMs && !(episode.isOnce && episode.isMet)) {
    episode.isMet = true;
    return lastBefore(episode.failures, nowMs).attempt;
  }
  if (timeline.share === 0 || random() >= timeline.share) return undefined;
  return timeline.single[Math.floor(random() * timeline.single.length)]?.attempt;
}

/** They are in order and do not overlap. */
function lastBegun(episodes: readonly Episode[], nowMs: number): Episode | undefined {
  let low = 0;
  let high = episodes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((episodes[middle] as Episode).fromMs <= nowMs) low = middle + 1;
    else high = middle;
  }
  return episodes[low - 1];
}

function lastBefore(failures: readonly Failure[], nowMs: number): Failure {
  return failures.findLast(({ atMs }) => atMs <= nowMs) ?? (failures[0] as Failure);
}
