import type { AdminEvent } from '../http/admin-contract.ts';
import { type EventWords, wordsFor } from './event-words.ts';
import { type LiveCall, withEvent, withHole } from './live-calls.ts';
import { type Measurement, withMeasurement } from './measurements.ts';

// Everything that the stream of events has told so far, within bounds. Pure.

export interface LogEntry {
  /** Of this page: the server's begin anew with each connection. */
  readonly key: number;
  readonly atMs: number;
  readonly name: string;
  readonly words: EventWords;
}

export interface Activity {
  readonly calls: readonly LiveCall[];
  /** The latest first. */
  readonly log: readonly LogEntry[];
  readonly failovers: readonly LogEntry[];
  readonly measurements: readonly Measurement[];
  readonly told: number;
}

export const noActivity: Activity = { calls: [], log: [], failovers: [], measurements: [], told: 0 };

const mostLogged = 300;
const mostFailovers = 20;

const movesCalls: ReadonlySet<string> = new Set(['failover', 'hedge', 'stream:reset', 'stream:resumed']);

export function withEvents(activity: Activity, events: readonly AdminEvent[]): Activity {
  let { calls, measurements, told } = activity;
  const entries: LogEntry[] = [];
  for (const event of events) {
    calls = withEvent(calls, event);
    measurements = withMeasurement(measurements, event);
    entries.unshift({ key: ++told, atMs: event.atMs, name: event.name, words: wordsFor(event) });
  }
  return {
    calls,
    measurements,
    told,
    log: [...entries, ...activity.log].slice(0, mostLogged),
    failovers: [...entries.filter(({ name }) => movesCalls.has(name)), ...activity.failovers].slice(0, mostFailovers),
  };
}

/** Events did not arrive: so many, or nobody knows how many. */
export function withGap(activity: Activity, missed: number | undefined, atMs: number): Activity {
  const sentence =
    missed === undefined
      ? 'The connection was lost and is back. What happened in between is not shown here'
      : `${missed} ${missed === 1 ? 'event was' : 'events were'} left out, because this page was too slow for them`;
  const told = activity.told + 1;
  const entry: LogEntry = { key: told, atMs, name: 'gap', words: { tone: 'watch', subject: 'decisions', sentence } };
  return { ...activity, told, calls: withHole(activity.calls, atMs), log: [entry, ...activity.log].slice(0, mostLogged) };
}
