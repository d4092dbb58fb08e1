import { atLeast, atMost, type Figure } from '../../tests/campaign/_kit/job.ts';
import type { Chance } from './chance.ts';
import type { SimClock } from './clock.ts';
import { baselines, ours, type Policy } from './policies.ts';
import { fastGpu, machine } from './racks.ts';
import { newRequest, type SimRequest } from './request.ts';
import { type CellRun, runCell } from './run.ts';
import type { Scenario } from './scenario.ts';
import { shownCount, shownMs } from './tables.ts';
import { drawTokens, type Lengths, type Workload } from './workload.ts';

interface Kind {
  readonly prompt: Lengths;
  readonly answer: Lengths;
}

/** Some 20 s on the GPU of these runs. */
const heavy: Kind = { prompt: { median: 4_000, spread: 0.1, most: 6_000 }, answer: { median: 1_580, spread: 0.1, most: 2_500 } };
/** Some 1 s. */
const fast: Kind = { prompt: { median: 200, spread: 0.3, most: 1_000 }, answer: { median: 75, spread: 0.3, most: 400 } };
/** All alike, so that a bound can be told. */
const evenFast: Kind = { prompt: { ...fast.prompt, spread: 0 }, answer: { ...fast.answer, spread: 0 } };

/** From one answer to the next request of whoever sends the next at once. */
const betweenMs = 10;

interface LaneLoad {
  readonly fast: Kind;
  /** So many heavy requests are always under way or waiting, and so many fast ones. */
  readonly heavyWorkers: number;
  readonly fastWorkers: number;
  /** Further fast ones, one by one. */
  readonly fastPerSecond: number;
  readonly untilMs: number;
}

function laneLoad({ fast: quick, heavyWorkers, fastWorkers, fastPerSecond, untilMs }: LaneLoad, clock: SimClock, chance: Chance): Workload {
  const endMs = clock.nowMs() + untilMs;
  const again = new Map<SimRequest, () => void>();
  let made = 0;
  let open = 0;
  const ask = (send: (request: SimRequest) => void, intent: 'fast' | 'heavy', then: () => void): void => {
    const { prompt, answer } = intent === 'fast' ? quick : heavy;
    const [promptTokens, answerTokens] = [drawTokens(chance, prompt), drawTokens(chance, answer)];
    const messages = [{ role: 'user' as const, content: `${made} `.padEnd(promptTokens * 4, 'word ') }];
    const all = { id: made++, arrivedMs: clock.nowMs(), model: 'small', intent, promptTokens, answerTokens, messages };
    const request = newRequest({ ...all, session: undefined, sharedTokens: 0 });
    open += 1;
    again.set(request, then);
    send(request);
  };
  return {
    begin(send) {
      const work = (intent: 'fast' | 'heavy'): void => {
        if (clock.nowMs() < endMs) ask(send, intent, () => void clock.at(betweenMs, () => work(intent)));
      };
      const comeBy = (): void => {
        if (clock.nowMs() >= endMs) return;
        ask(send, 'fast', () => undefined);
        clock.at(chance.exponential(1_000 / fastPerSecond), comeBy);
      };
      for (let worker = 0; worker < heavyWorkers; worker++) work('heavy');
      for (let worker = 0; worker < fastWorkers; worker++) work('fast');
      if (fastPerSecond > 0) clock.at(chance.exponential(1_000 / fastPerSecond), comeBy);
    },
    settled(request) {
      open -= 1;
      again.get(request)?.();
      again.delete(request);
    },
    isOver: () => open === 0 && clock.nowMs() >= endMs,
  };
}

interface Way {
  readonly name: string;
  readonly slots: number;
  readonly policy: Policy;
}

const agingMs = 30_000;

const lanes = (slots: number, note: string, reservedForFast?: number): Way => ({
  name: note,
  slots,
  policy: ours('priority', note, {
    options: { intents: {}, queue: { agingMs } },
    provider: () => ({ maxConcurrent: slots, ...(reservedForFast !== undefined && { reservedForFast }) }),
  }),
});
const noLanes = (slots: number): Way => ({ name: `${slots} at once, no lanes`, slots, policy: baselines.roundRobin });

const one = lanes(1, '1 at once');
const two = lanes(2, '2 at once');
const reserved = lanes(2, '2 at once, one reserved for fast', 1);

const saturated: LaneLoad = { fast, heavyWorkers: 6, fastWorkers: 0, fastPerSecond: 1 / 15, untilMs: 0 };
const fastWorkers = 8;

export const laneRuns: Scenario = {
  letter: 'g',
  title: 'Fast calls beside heavy ones',
  async run({ seed, isQuick }) {
    const untilMs = isQuick ? 3_600_000 : 12 * 3_600_000;
    const load = { ...saturated, untilMs };
    const rows: string[][] = [];
    const figures: Figure[] = [];
    for (const way of [one, two, reserved, noLanes(1), noLanes(2)]) {
      const both = await run(way, load, seed);
      const alone = await run(way, { ...load, fastPerSecond: 0 }, seed);
      rows.push(rowOf(way, both, alone));
      if (way === one || way === two) figures.push(...figuresOf(way, both, alone));
      if (way === reserved) figures.push(reservedFigure(way, both));
    }
    const aging = await run(one, { fast: evenFast, heavyWorkers: 1, fastWorkers, fastPerSecond: 0, untilMs: untilMs / 4 }, seed);
    figures.push(...agingFigures(aging));
    return { about, tables: [{ title: 'Six heavy calls are always there, a fast one comes every 15 s', head, rows }], figures };
  },
};

function run({ slots, policy: { client } }: Way, load: LaneLoad, seed: number): Promise<CellRun> {
  return runCell({
    machines: [machine('gpu', fastGpu, { slots })],
    client,
    seed,
    workload: (clock, chance) => laneLoad(load, clock, chance),
  });
}

const head = ['Provider', 'fast calls', 'fast wait p50', 'p95', 'longest', 'heavy calls', 'alone', 'share', 'heavy wait p50', 'longest'];

function rowOf({ name }: Way, both: CellRun, alone: CellRun): string[] {
  const [quick, slow] = [both.sample.queues('fast'), both.sample.queues('heavy')];
  return [
    name,
    shownCount(quick.count),
    ...[quick.percentile(0.5), quick.percentile(0.95), quick.highest()].map(shownMs),
    shownCount(slow.count),
    shownCount(alone.sample.answered('heavy')),
    `${(throughput(both, alone) * 100).toFixed(1)}%`,
    ...[slow.percentile(0.5), slow.highest()].map(shownMs),
  ];
}

function throughput(both: CellRun, alone: CellRun): number {
  return heavyPerMs(both) / heavyPerMs(alone);
}

function heavyPerMs({ sample, spanMs }: CellRun): number {
  return sample.answered('heavy') / spanMs;
}

/** What a request of this kind and of usual length takes. */
function serviceMs({ prompt, answer }: Kind): number {
  return fastGpu.baseMs + prompt.median * fastGpu.prefillMsPerToken + answer.median * fastGpu.decodeMsPerToken;
}

function figuresOf({ name }: Way, both: CellRun, alone: CellRun): Figure[] {
  return [
    atMost(
      `p95 of the wait of fast calls, by the time that a heavy one takes, ${name}`,
      1,
      both.sample.queues('fast').percentile(0.95) / serviceMs(heavy),
    ),
    atLeast(`heavy calls, of those served without fast ones, ${name}`, 80, throughput(both, alone) * 100, '%'),
  ];
}

/** Where a slot is kept for them, fast calls wait for each other at most. */
function reservedFigure({ name }: Way, both: CellRun): Figure {
  const waitMs = both.sample.queues('fast').percentile(0.95);
  return atMost(`p95 of the wait of fast calls, by the time that a fast one takes, ${name}`, 1, waitMs / serviceMs(fast));
}

/** Whoever came before `agingMs` were over may still go first: as many as can wait, and the one under way. */
function agingFigures({ sample }: CellRun): Figure[] {
  const boundMs = agingMs + (fastWorkers + 1) * serviceMs(evenFast);
  return [
    atLeast(`heavy calls served beside ${fastWorkers} fast ones that never end`, 10, sample.answered('heavy')),
    atMost('longest wait of a heavy call beside them, by the bound of ageing', 1, sample.queues('heavy').highest() / boundMs),
  ];
}

const about = [
  `One GPU. Heavy calls take ${shownMs(serviceMs(heavy))}, fast ones ${shownMs(serviceMs(fast))}. "Alone" is what the same provider serves where no fast call comes.`,
  `Ageing is tried with ${fastWorkers} fast calls that are always there and one heavy one: it is served ${agingMs / 1_000} s after it came, and after those fast ones that came before then.`,
];
