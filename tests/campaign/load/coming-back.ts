import type { Router } from '../../../src/index.ts';
import { atLeast, atMost, exactly, type Figure } from '../_kit/job.ts';
import { createRandom } from '../_kit/numbers.ts';
import { backend } from './backend.ts';
import { handClock } from './hand-clock.ts';
import type { Setting } from './measure.ts';
import { answeredShare, openRouter, send } from './traffic.ts';

interface Return {
  readonly outageMs: number;
  /** Calls that began when the open time was over, up to and with the first one that was answered. */
  readonly calls: number;
  /** From the return of the backend to the first answer, beside what was left of the open time. */
  readonly lateMs: number;
}

const perSecond = 10;
const answerMs = 20;

/** The only backend goes away for a while and comes back. */
async function comeBack(setting: Setting, longestMs: number, seed: number): Promise<Return> {
  const { canaries } = setting;
  const random = createRandom(seed);
  const clock = handClock();
  let isUp = true;
  const main = backend(
    clock,
    setting,
    () => (isUp ? 'answer' : 'refuse'),
    () => (isUp ? answerMs : 0),
  );
  const router = await openRouter(clock, { main }, setting, random);
  const traffic = { clock, router, canaries, perSecond };
  const outageMs = 5_000 + random() * (longestMs - 5_000);
  await send(traffic, 50);
  isUp = false;
  await send(traffic, Math.ceil((outageMs * perSecond) / 1_000));
  isUp = true;
  const readyAtMs = Math.max(clock.nowMs(), openUntil(router) ?? 0);
  const leftMs = readyAtMs - clock.nowMs();
  const after = await send(traffic, Math.ceil((leftMs * perSecond) / 1_000) + 50);
  await clock.drain();
  const fromThen = after.filter(({ startedAtMs }) => startedAtMs >= readyAtMs);
  const first = fromThen.findIndex(({ isAnswered }) => isAnswered);
  return { outageMs, calls: first === -1 ? Infinity : first + 1, lateMs: (fromThen[first]?.endedAtMs ?? Infinity) - readyAtMs };
}

function openUntil(router: Router): number | undefined {
  return router.snapshot().providers[0]?.openUntilMs;
}

interface Flapping {
  readonly calls: number;
  readonly answered: number;
  readonly opens: number;
  readonly closes: number;
  /** Closes without an open period of their own. */
  readonly extraCloses: number;
  readonly longestOpenMs: number;
}

/** Up for a second, down for a second, and a good backend beside it. */
async function flap(setting: Setting, seconds: number): Promise<Flapping> {
  const { canaries, seed } = setting;
  const clock = handClock();
  const isUp = (): boolean => Math.floor(clock.nowMs() / 1_000) % 2 === 0;
  const main = backend(
    clock,
    setting,
    () => (isUp() ? 'answer' : 'refuse'),
    (fate) => (fate === 'refuse' ? 1 : answerMs),
  );
  const spare = backend(clock, setting, () => 'answer');
  const router = await openRouter(clock, { main, spare }, setting, createRandom(seed));
  const seen = { opens: 0, closes: 0, extraCloses: 0, isOpen: false, longestOpenMs: 0 };
  router.on('breaker:open', ({ untilMs }) => {
    seen.longestOpenMs = Math.max(seen.longestOpenMs, untilMs - clock.nowMs());
    seen.opens += 1;
    seen.isOpen = true;
  });
  router.on('breaker:close', () => {
    if (!seen.isOpen) seen.extraCloses += 1;
    seen.closes += 1;
    seen.isOpen = false;
  });
  const calls = await send({ clock, router, canaries, perSecond: 50 }, seconds * 50);
  await clock.drain();
  return { calls: calls.length, answered: answeredShare(calls) * 100, ...seen };
}

export const returnFigureNames: readonly string[] = [
  'outages of the only backend',
  'calls after the open time until the first answer, most',
  'first answer later than the open time and one call, most',
  'calls beside a flapping backend',
  'answered beside a flapping backend',
  'times that it was left',
  'closes without an open period of their own',
  'longest open time of the flapping backend',
];

export async function returnFigures(setting: Setting): Promise<{ readonly figures: Figure[]; readonly detail: Record<string, unknown> }> {
  const [outages, longestMs, seconds] = setting.size === 'long' ? [40, 900_000, 1_800] : [8, 90_000, 200];
  const returns: Return[] = [];
  for (let run = 0; run < outages; run++) returns.push(await comeBack(setting, longestMs, setting.seed + run));
  const flapping = await flap(setting, seconds);
  return {
    figures: [
      exactly('outages of the only backend', outages, returns.length),
      atMost('calls after the open time until the first answer, most', 1, Math.max(...returns.map(({ calls }) => calls))),
      atMost(
        'first answer later than the open time and one call, most',
        1_000 / perSecond + answerMs,
        Math.max(...returns.map(({ lateMs }) => lateMs)),
        ' ms',
      ),
      exactly('calls beside a flapping backend', seconds * 50, flapping.calls),
      atLeast('answered beside a flapping backend', 99.9, flapping.answered, '%'),
      atLeast('times that it was left', 2, flapping.opens),
      exactly('closes without an open period of their own', 0, flapping.extraCloses),
      atLeast('longest open time of the flapping backend', 48_000, flapping.longestOpenMs, ' ms'),
    ],
    detail: { returns, flapping },
  };
}
