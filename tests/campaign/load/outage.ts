import { atMost, exactly, type Figure } from '../_kit/job.ts';
import { createRandom } from '../_kit/numbers.ts';
import { type Backend, backend, type Fate } from './backend.ts';
import { handClock } from './hand-clock.ts';
import type { Setting } from './measure.ts';
import { openRouter, send, settledCalls, type Use } from './traffic.ts';

/** Counting begins this long after the outage: until then the router is finding out. Attempts and calls begun after it count. */
const startMs = 10_000;
const perSecond = 100;

/** How a whole fleet is gone. Hanging backends are found out by the limit of an attempt. */
const kinds = ['refuse', 'fail', 'overloaded', 'hang'] as const satisfies readonly Fate[];

interface Outage {
  readonly calls: number;
  readonly attemptsAtFirst: number;
  /** Attempts for each call, from the tenth second on. */
  readonly amplification: number;
  readonly answered: number;
}

interface Way {
  /** What the application does with one call. */
  readonly use?: Use;
  /** Each call asks for a model of its own, so that no breaker ever learns enough to open. */
  readonly manyModels?: boolean;
}

async function outage({ canaries, seed }: Setting, fate: Fate, count: number, { use, manyModels = false }: Way = {}): Promise<Outage> {
  const clock = handClock();
  const all: Record<string, Backend> = {};
  for (const id of ['box0', 'box1', 'box2']) all[id] = backend(clock, canaries, () => fate);
  const limits = { deadlineMs: 8_000, timeouts: { totalMs: 1_000 } };
  const router = openRouter(clock, all, canaries, createRandom(seed), limits);
  const attempts = (): number => Object.values(all).reduce((sum, each) => sum + each.calls(), 0);
  const traffic = { clock, router, canaries, perSecond, manyModels };
  await send(traffic, (startMs / 1_000) * perSecond, use);
  const attemptsAtFirst = attempts();
  const calls = await send(traffic, count, use);
  const attemptsAfter = attempts() - attemptsAtFirst;
  await clock.drain();
  return {
    calls: settledCalls(calls),
    attemptsAtFirst,
    amplification: attemptsAfter / count,
    answered: calls.filter(({ isAnswered }) => isAnswered).length,
  };
}

/** An application that tries three times, over a client that tries twice, over the router. */
const nested: Use = (call) => tries(3, () => tries(2, call));

async function tries(count: number, work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    if (count === 1) throw error;
    return tries(count - 1, work);
  }
}

export const outageFigureNames: readonly string[] = [
  'calls in total outages that settled',
  ...kinds.map((kind) => nameOf(kind)),
  'attempts for each call in a total outage: hard errors, each call with a model of its own',
  'attempts for each call of an application that retries, in three layers',
  'calls answered in a total outage',
];

function nameOf(kind: (typeof kinds)[number]): string {
  const what = { refuse: 'no connection', fail: 'hard errors', overloaded: 'no room', hang: 'no answer' }[kind];
  return `attempts for each call in a total outage: ${what}`;
}

export async function outageFigures(setting: Setting): Promise<{ readonly figures: Figure[]; readonly detail: Record<string, unknown> }> {
  const count = setting.size === 'long' ? 60_000 : 3_000;
  const found = new Map<string, Outage>();
  for (const kind of kinds) found.set(kind, await outage(setting, kind, count));
  const unbroken = await outage(setting, 'fail', count, { manyModels: true });
  const layered = await outage(setting, 'fail', count, { use: nested });
  const all = [...found.values(), unbroken, layered];
  const sum = (of: (each: Outage) => number): number => all.reduce((total, each) => total + of(each), 0);
  return {
    figures: [
      exactly(
        'calls in total outages that settled',
        count * (kinds.length + 2),
        sum(({ calls }) => calls),
      ),
      ...kinds.map((kind) => atMost(nameOf(kind), 1.05, found.get(kind)?.amplification ?? Number.NaN)),
      atMost('attempts for each call in a total outage: hard errors, each call with a model of its own', 1.05, unbroken.amplification),
      atMost('attempts for each call of an application that retries, in three layers', 1.2, layered.amplification),
      exactly(
        'calls answered in a total outage',
        0,
        sum(({ answered }) => answered),
      ),
    ],
    detail: { countedFromMs: startMs, perSecond, ...Object.fromEntries(found), unbroken, layered },
  };
}
