import { atMost, exactly, type Figure } from '../_kit/job.ts';
import { createRandom } from '../_kit/numbers.ts';
import { backend, type Fate } from './backend.ts';
import { handClock } from './hand-clock.ts';
import type { Setting } from './measure.ts';
import { answeredShare, openRouter, send } from './traffic.ts';

interface Found {
  /** Outcomes of calls begun after the fault, up to the one at which the backend was left. */
  readonly outcomes: number;
  /** Calls that were under way there at the fault, and ended well after it. */
  readonly inFlight: number;
  /** Attempts begun between that moment and the end of its open time. */
  readonly after: number;
  readonly answered: number;
}

/** A busy backend breaks down while a second one is there. */
async function breakDown(setting: Setting, fate: Fate, seed: number): Promise<Found> {
  const { canaries } = setting;
  const random = createRandom(seed);
  const clock = handClock();
  let now: Fate = 'answer';
  const latencyMs = (given: Fate): number => (given === 'refuse' ? 1 : 10 + random() * 40);
  const main = backend(clock, setting, () => now, latencyMs);
  const spare = backend(clock, setting, () => 'answer', latencyMs);
  const router = await openRouter(clock, { main, spare }, setting, random);
  const since = { outcomes: 0, after: 0, isLeft: false };
  const begun = new Set<string>();
  const end = ({ provider, requestId }: { provider: string; requestId: string }): void => {
    if (provider === 'main' && begun.has(requestId) && !since.isLeft) since.outcomes += 1;
  };
  router.on('attempt:start', ({ provider, requestId }) => {
    if (provider !== 'main' || now === 'answer') return;
    begun.add(requestId);
    if (since.isLeft) since.after += 1;
  });
  router.on('attempt:end', end);
  router.on('attempt:error', end);
  router.on('breaker:open', () => (since.isLeft = true));
  const traffic = { clock, router, canaries, perSecond: 100 };
  // At least three seconds of good answers, and then some, so that the fault meets any state of the window.
  const calm = await send(traffic, 300 + Math.floor(random() * 100));
  const inFlight = router.snapshot().providers[0]?.inFlight ?? Number.NaN;
  now = fate;
  const storm = await send(traffic, 500);
  await clock.drain();
  return { outcomes: since.isLeft ? since.outcomes : Infinity, inFlight, after: since.after, answered: answeredShare([...calm, ...storm]) };
}

export const detectionFigureNames: readonly string[] = [
  'backends broken down',
  'failed attempts until a refused backend is left, less those in flight, most',
  'outcomes until a backend with hard errors is left, most',
  'attempts at a backend that was left, before its time',
  'calls lost while a backend was being left',
];

export async function detectionFigures(
  setting: Setting,
): Promise<{ readonly figures: Figure[]; readonly detail: Record<string, unknown> }> {
  const runs = setting.size === 'long' ? 50 : 5;
  const refused: Found[] = [];
  const failed: Found[] = [];
  for (let run = 0; run < runs; run++) {
    refused.push(await breakDown(setting, 'refuse', setting.seed + run));
    failed.push(await breakDown(setting, 'fail', setting.seed + run));
  }
  const all = [...refused, ...failed];
  return {
    figures: [
      exactly('backends broken down', runs * 2, all.length),
      atMost(
        'failed attempts until a refused backend is left, less those in flight, most',
        3,
        Math.max(...refused.map(({ outcomes, inFlight }) => outcomes - inFlight)),
      ),
      atMost('outcomes until a backend with hard errors is left, most', 10, Math.max(...failed.map(({ outcomes }) => outcomes))),
      exactly('attempts at a backend that was left, before its time', 0, Math.max(...all.map(({ after }) => after))),
      exactly('calls lost while a backend was being left', 0, all.filter(({ answered }) => answered < 1).length),
    ],
    detail: { refused: refused.map(({ outcomes, inFlight }) => ({ outcomes, inFlight })), failed: failed.map(({ outcomes }) => outcomes) },
  };
}
