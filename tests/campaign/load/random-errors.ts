import type { RouterOptions } from '../../../src/index.ts';
import { atLeast, atMost, exactly } from '../_kit/job.ts';
import { createRandom } from '../_kit/numbers.ts';
import { type Backend, backend } from './backend.ts';
import { handClock } from './hand-clock.ts';
import type { Measured, Setting } from './measure.ts';
import { answeredShare, openRouter, send } from './traffic.ts';

/** Errors begin after this many good answers of a backend: a breaker that knows nothing yet trips on three in a row, and should. */
const goodFirst = 20;

interface Steady {
  readonly calls: number;
  readonly trips: number;
  /** Attempts for each call. */
  readonly amplification: number;
  readonly answered: number;
  /** Faults in percent of all attempts. */
  readonly faultPercent: number;
}

type Options = Omit<RouterOptions, 'providers'>;

/** One hundred calls a second at backends that fail at random, each for itself. */
async function steady(setting: Setting, errorShare: number, backends: number, count: number, options: Options = {}): Promise<Steady> {
  const { canaries, seed } = setting;
  const random = createRandom(seed);
  const clock = handClock();
  const fateOf = (call: number): 'answer' | 'fail' => (call >= goodFirst && random() < errorShare ? 'fail' : 'answer');
  const latencyMs = (): number => 20 + random() * 180;
  const all: Record<string, Backend> = {};
  for (let index = 0; index < backends; index++) all[`box${index}`] = backend(clock, setting, fateOf, latencyMs);
  const router = await openRouter(clock, all, setting, createRandom(seed + 1), options);
  let trips = 0;
  router.on('breaker:open', () => (trips += 1));
  const calls = await send({ clock, router, canaries, perSecond: 100 }, count);
  await clock.drain();
  const attempts = Object.values(all).reduce((sum, each) => sum + each.calls(), 0);
  const faults = Object.values(all).reduce((sum, each) => sum + each.faults(), 0);
  canaries.look('snapshot', router.snapshot());
  return {
    calls: calls.length,
    trips,
    amplification: attempts / count,
    answered: answeredShare(calls) * 100,
    faultPercent: (faults / attempts) * 100,
  };
}

export const steadyFigureNames: readonly string[] = [
  'calls at 5% random errors',
  'errors injected among them',
  'breakers that opened at 5% random errors',
  'answered at 5% random errors, with a second provider',
  'calls at 10% random errors on all of three providers',
  'errors injected among those',
  'attempts for each call at 10% random errors',
  'answered at 10% random errors on all of three providers',
];

export async function steadyFigures(setting: Setting): Promise<Measured> {
  const [atFive, atTen] = setting.size === 'long' ? [360_000, 120_000] : [36_000, 20_000];
  const five = await steady(setting, 0.05, 2, atFive);
  const ten = await steady(setting, 0.1, 3, atTen);
  const thirty = await steady(setting, 0.3, 3, atTen / 4);
  const unbroken = await steady(setting, 0.3, 3, atTen / 4, { breaker: neverOpen });
  const unbound = await steady(setting, 0.3, 3, atTen / 4, { breaker: neverOpen, retry: plenty });
  // Three attempts that fail one time in ten leave one call in a thousand: the goal is that figure itself, so it is read to the tenth.
  const tenth = Math.round(ten.answered * 10) / 10;
  return {
    figures: [
      exactly('calls at 5% random errors', atFive, five.calls),
      atLeast('errors injected among them', 4.5, five.faultPercent, '%'),
      exactly('breakers that opened at 5% random errors', 0, five.trips),
      atLeast('answered at 5% random errors, with a second provider', 99.9, five.answered, '%'),
      exactly('calls at 10% random errors on all of three providers', atTen, ten.calls),
      atLeast('errors injected among those', 9, ten.faultPercent, '%'),
      atMost('attempts for each call at 10% random errors', 1.12, ten.amplification),
      atLeast('answered at 10% random errors on all of three providers', 99.9, tenth, '% (to the tenth)'),
    ],
    detail: { five, ten, thirty, unbroken, unbound },
    remarks: [remarkOf(thirty, unbroken, unbound)],
  };
}

/** The most that the options allow. */
const most = 1_000;
const neverOpen = { failureThreshold: most, minimumOutcomes: most };
const plenty = { maxTokens: most, tokensPerSuccess: 1 };

/** No goal is set for this: what the rules make of it is to be known. */
function remarkOf(thirty: Steady, unbroken: Steady, unbound: Steady): string {
  const [usual, closed, free] = [thirty, unbroken, unbound].map(({ answered }) => `${answered.toFixed(1)}%`);
  return (
    `Where each of three providers fails 30% of its calls at random, ${usual} are answered: that is as many failures as open a breaker, ` +
    `and all three are open most of the time. With breakers that cannot open ${closed} are answered, ` +
    `and with retry tokens that are not used up as well ${free}.`
  );
}
