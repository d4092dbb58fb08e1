import { atMost, exactly } from '../_kit/job.ts';
import { createRandom } from '../_kit/numbers.ts';
import { type Backend, backend, type Fate } from './backend.ts';
import { handClock } from './hand-clock.ts';
import type { Measured, Setting } from './measure.ts';
import { openRouter, send, settledCalls, type Use } from './traffic.ts';

/** In this time the router is finding out: what it sends meanwhile is counted like all else, and told by itself as well. */
const firstMs = 10_000;
const perSecond = 100;
const deadlineMs = 5_000;

/** How a whole fleet is gone. Hanging backends are found out by the limit of an attempt. */
const kinds = ['refuse', 'fail', 'overloaded', 'hang'] as const satisfies readonly Fate[];

interface Outage {
  readonly calls: number;
  /** Attempts for each call, from the first call on. */
  readonly amplification: number;
  /** The same of the first ten seconds alone. */
  readonly atFirst: number;
  readonly answered: number;
}

interface Way {
  /** What the application does with one call. */
  readonly use?: Use;
  /** Each call asks for a model of its own, so that no breaker ever learns enough to open. */
  readonly manyModels?: boolean;
  /** Of one attempt. */
  readonly totalMs?: number;
}

async function outage(setting: Setting, fate: Fate, count: number, { use, manyModels = false, totalMs }: Way = {}): Promise<Outage> {
  const { canaries, seed } = setting;
  const clock = handClock();
  const all: Record<string, Backend> = {};
  for (const id of ['box0', 'box1', 'box2']) all[id] = backend(clock, setting, () => fate);
  const limits = { deadlineMs, ...(totalMs !== undefined && { timeouts: { totalMs } }) };
  const router = await openRouter(clock, all, setting, createRandom(seed), limits);
  const attempts = (): number => Object.values(all).reduce((sum, each) => sum + each.calls(), 0);
  const traffic = { clock, router, canaries, perSecond, manyModels };
  const firstCount = (firstMs / 1_000) * perSecond;
  const first = await send(traffic, firstCount, use);
  const atFirst = attempts() / firstCount;
  const calls = [...first, ...(await send(traffic, count - firstCount, use))];
  await clock.drain();
  return {
    calls: settledCalls(calls),
    amplification: attempts() / count,
    atFirst,
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

const limitedName = 'attempts for each call in a total outage: no answer, and one second for an attempt';

export const outageFigureNames: readonly string[] = [
  'calls in total outages that settled',
  ...kinds.map((kind) => nameOf(kind)),
  limitedName,
  'attempts for each call in a total outage: hard errors, each call with a model of its own',
  'attempts for each call of an application that retries, in three layers',
  'calls answered in a total outage',
];

function nameOf(kind: (typeof kinds)[number]): string {
  const what = { refuse: 'no connection', fail: 'hard errors', overloaded: 'no room', hang: 'no answer' }[kind];
  return `attempts for each call in a total outage: ${what}`;
}

export async function outageFigures(setting: Setting): Promise<Measured> {
  const count = setting.size === 'long' ? 60_000 : 3_000;
  const found = new Map<string, Outage>();
  for (const kind of kinds) found.set(kind, await outage(setting, kind, count));
  const limited = await outage(setting, 'hang', count, { totalMs: 1_000 });
  const unbroken = await outage(setting, 'fail', count, { manyModels: true });
  const layered = await outage(setting, 'fail', count, { use: nested });
  const all = [...found.values(), limited, unbroken, layered];
  const sum = (of: (each: Outage) => number): number => all.reduce((total, each) => total + of(each), 0);
  return {
    figures: [
      exactly(
        'calls in total outages that settled',
        count * (kinds.length + 3),
        sum(({ calls }) => calls),
      ),
      ...kinds.map((kind) => atMost(nameOf(kind), 1.05, found.get(kind)?.amplification ?? Number.NaN)),
      atMost(limitedName, 1.05, limited.amplification),
      atMost('attempts for each call in a total outage: hard errors, each call with a model of its own', 1.05, unbroken.amplification),
      atMost('attempts for each call of an application that retries, in three layers', 1.2, layered.amplification),
      exactly(
        'calls answered in a total outage',
        0,
        sum(({ answered }) => answered),
      ),
    ],
    detail: { perSecond, deadlineMs, ...Object.fromEntries(found), limited, unbroken, layered },
    remarks: [remarkOf([...found.entries(), ['hang, with a limit of one second', limited]])],
  };
}

function remarkOf(all: readonly (readonly [string, Outage])[]): string {
  const told = all.map(([kind, { atFirst }]) => `${kind} ${atFirst.toFixed(3)}`).join(', ');
  return `Attempts for each call in the first ten seconds of an outage, while it is being found out: ${told}.`;
}
