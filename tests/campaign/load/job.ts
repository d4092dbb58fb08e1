import { createCanaries } from '../_kit/canaries.ts';
import { exactly, type Job } from '../_kit/job.ts';
import { watchProcess } from '../_kit/process-watch.ts';
import { canaryFigures, figuresOfCanaries } from '../_kit/scanner.ts';
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
    ...Object.values(canaryFigures),
  ],
  async run(size, seed) {
    const canaries = createCanaries(seed);
    const watch = watchProcess();
    const planted = new Set<string>();
    const stopListening = canaries.watchOutput();
    const setting = { canaries, planted, size, seed };
    try {
      const steady = await steadyFigures(setting);
      const outage = await outageFigures(setting);
      const detection = await detectionFigures(setting);
      const returns = await returnFigures(setting);
      return {
        figures: [
          ...[steady, outage, detection, returns].flatMap(({ figures }) => figures),
          exactly('rejections and warnings that nobody took', 0, watch.seen.length),
          ...figuresOfCanaries(canaries.hits, planted),
        ],
        remarks: [steady, outage].flatMap(({ remarks = [] }) => remarks),
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
      stopListening();
    }
  },
};
