import { type CanaryKind, createCanaries } from '../_kit/canaries.ts';
import { exactly, type Job } from '../_kit/job.ts';
import { watchProcess } from '../_kit/process-watch.ts';
import { canaryFigureNames, canaryFigures, kindsIn, telltaleChat } from '../kills/telltale.ts';
import { returnFigureNames, returnFigures } from './coming-back.ts';
import { detectionFigureNames, detectionFigures } from './detection.ts';
import { outageFigureNames, outageFigures } from './outage.ts';
import { steadyFigureNames, steadyFigures } from './random-errors.ts';

export const job: Job = {
  name: 'load',
  about: 'errors at random close nobody out, an outage is not answered with more traffic, and who comes back is found',
  figures: [
    ...steadyFigureNames,
    ...outageFigureNames,
    ...detectionFigureNames,
    ...returnFigureNames,
    'rejections and warnings that nobody took',
    ...canaryFigureNames,
  ],
  async run(size, seed) {
    const canaries = createCanaries(seed);
    const watch = watchProcess();
    const setting = { canaries, size, seed };
    try {
      const steady = await steadyFigures(setting);
      const outage = await outageFigures(setting);
      const detection = await detectionFigures(setting);
      const returns = await returnFigures(setting);
      const sent = kindsIn(canaries, JSON.stringify(telltaleChat(canaries, 'go')));
      const planted = new Set<CanaryKind>([...sent, 'apiKey', 'headerValue', 'completion', 'reasoning']);
      return {
        figures: [
          ...[steady, outage, detection, returns].flatMap(({ figures }) => figures),
          exactly('rejections and warnings that nobody took', 0, watch.seen.length),
          ...canaryFigures(canaries, planted),
        ],
        detail: {
          steady: steady.detail,
          outage: outage.detail,
          detection: detection.detail,
          returns: returns.detail,
          seen: watch.seen,
          hits: canaries.hits.slice(0, 20),
        },
      };
    } finally {
      watch.stop();
    }
  },
};
