import { createCanaries } from '../_kit/canaries.ts';
import { atMost, exactly, type Figure, type Job, type Size } from '../_kit/job.ts';
import { tally } from '../_kit/numbers.ts';
import { watchProcess } from '../_kit/process-watch.ts';
import { canaryFigures, figuresOfCanaries } from '../_kit/scanner.ts';
import { nothingShown, plays, type Shown } from './plays.ts';
import { crowd, type Setting } from './stage.ts';
import { type TurnedAway, turnAway } from './turned-away.ts';

const callsWhileOpen = 2_000;
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
    'calls while all breakers are open that were told when to come again',
    'until such a call had failed, p99, in real time',
    'such calls that a backend saw',
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
    ...Object.values(canaryFigures),
  ],
  async run(size, seed) {
    const rounds = size === 'long' ? 20 : 1;
    const canaries = createCanaries(seed);
    const watch = watchProcess();
    const shown = nothingShown();
    const planted = new Set<string>();
    const stopListening = canaries.watchOutput();
    let turnedAway: TurnedAway;
    try {
      for (let round = 0; round < rounds; round++) {
        for (const verb of ['chat', 'stream'] as const) {
          for (const fault of ['refuse', 'fail'] as const) await playAll({ canaries, planted, verb, fault, seed: seed + round }, shown);
        }
      }
      turnedAway = await turnAway({ canaries, planted }, callsWhileOpen);
    } finally {
      watch.stop();
      stopListening();
    }
    return {
      figures: [
        ...figuresOf(shown, rounds * 4),
        ...turnedAwayFigures(turnedAway, size),
        exactly('rejections and warnings that nobody took', 0, watch.seen.length),
        ...figuresOfCanaries(canaries.hits, planted),
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

/** The quick form shares its machine with whatever else runs there, so that its limit is five times as wide. */
function turnedAwayFigures({ told, p99Ms, entered }: TurnedAway, size: Size): Figure[] {
  return [
    exactly('calls while all breakers are open that were told when to come again', callsWhileOpen, told),
    atMost('until such a call had failed, p99, in real time', size === 'long' ? 5 : 25, p99Ms, ' ms'),
    exactly('such calls that a backend saw', 0, entered),
  ];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
