import { type CanaryKind, createCanaries } from '../_kit/canaries.ts';
import { atMost, exactly, type Figure, type Job } from '../_kit/job.ts';
import { tally } from '../_kit/numbers.ts';
import { watchProcess } from '../_kit/process-watch.ts';
import { canaryFigureNames, canaryFigures, kindsIn, telltaleChat } from '../kills/telltale.ts';
import { nothingShown, plays, type Shown } from './plays.ts';
import { crowd, type Setting } from './stage.ts';

const ramp = '1, 2, 4, 8, all';

export const job: Job = {
  name: 'herd',
  about: 'of a thousand callers at a half-open breaker one is sent, and nobody waits for it',
  figures: [
    'herds of 1,000 callers',
    'probes in a herd, most',
    'probes in a herd, fewest',
    'callers that waited for a probe',
    'callers neither answered elsewhere nor told when to come again',
    'until the slowest of them had settled, on the virtual clock',
    'recoveries that let in 1, 2, 4, 8 and then all calls at once',
    'callers of a probe that were not served',
    'calls sent while a probe hangs',
    'calls sent after a probe that failed, before its time',
    'open times that did not grow after a failed probe',
    'probes after the lease of a lost one, most',
    'probes after the lease of a lost one, fewest',
    'late verdicts that counted',
    'probes after an aborted one, most',
    'probes after an aborted one, fewest',
    'aborted probes that counted',
    'rejections and warnings that nobody took',
    ...canaryFigureNames,
  ],
  async run(size, seed) {
    const rounds = size === 'long' ? 20 : 1;
    const canaries = createCanaries(seed);
    const watch = watchProcess();
    const shown = nothingShown();
    try {
      for (let round = 0; round < rounds; round++) {
        for (const verb of ['chat', 'stream'] as const) {
          for (const fault of ['refuse', 'fail'] as const) await playAll({ canaries, verb, fault, seed: seed + round }, shown);
        }
      }
    } finally {
      watch.stop();
    }
    const planted = new Set<CanaryKind>([
      ...kindsIn(canaries, JSON.stringify(telltaleChat(canaries, 'go'))),
      'apiKey',
      'headerValue',
      'completion',
      'reasoning',
    ]);
    return {
      figures: [
        ...figuresOf(shown, rounds * 4),
        exactly('rejections and warnings that nobody took', 0, watch.seen.length),
        ...canaryFigures(canaries, planted),
      ],
      detail: { crowd, ramps: tally(shown.ramps), seen: watch.seen, hits: canaries.hits.slice(0, 20) },
    };
  },
};

async function playAll(setting: Setting, shown: Shown): Promise<void> {
  for (const play of plays) await play(setting, shown);
}

function figuresOf(shown: Shown, settings: number): Figure[] {
  return [
    // One at the end of a recovery, a failure, a hanging probe and an abort each.
    exactly('herds of 1,000 callers', settings * 4, shown.probes.length),
    exactly('probes in a herd, most', 1, Math.max(...shown.probes)),
    exactly('probes in a herd, fewest', 1, Math.min(...shown.probes)),
    exactly('callers that waited for a probe', 0, sum(shown.waited)),
    exactly('callers neither answered elsewhere nor told when to come again', 0, shown.unserved),
    atMost('until the slowest of them had settled, on the virtual clock', 5, shown.slowestMs, ' ms'),
    exactly('recoveries that let in 1, 2, 4, 8 and then all calls at once', settings, shown.ramps.filter((steps) => steps === ramp).length),
    exactly('callers of a probe that were not served', 0, shown.probeCallersLost),
    exactly('calls sent while a probe hangs', 0, sum(shown.hanging)),
    exactly('calls sent after a probe that failed, before its time', 0, sum(shown.afterFailure)),
    exactly('open times that did not grow after a failed probe', 0, shown.openTimesNotGrown),
    exactly('probes after the lease of a lost one, most', 1, Math.max(...shown.afterLost)),
    exactly('probes after the lease of a lost one, fewest', 1, Math.min(...shown.afterLost)),
    exactly('late verdicts that counted', 0, shown.lateVerdicts),
    exactly('probes after an aborted one, most', 1, Math.max(...shown.afterAbort)),
    exactly('probes after an aborted one, fewest', 1, Math.min(...shown.afterAbort)),
    exactly('aborted probes that counted', 0, shown.abortsCounted),
  ];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
