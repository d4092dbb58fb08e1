import { type Canaries, canaryKinds, createCanaries } from './canaries.ts';
import { atLeast, exactly, type Figure } from './job.ts';

export const canaryFigures = {
  hits: 'secret canaries found',
  planted: 'kinds of canaries planted',
  scanner: 'canaries that the scanner finds when they are there',
} as const;

/** The figures that every job has beside its own. `planted`: the kinds that its servers were sent. */
export function figuresOfCanaries(hits: Canaries['hits'], planted: Iterable<string>): Figure[] {
  return [
    exactly(canaryFigures.hits, 0, hits.length),
    atLeast(canaryFigures.planted, 12, new Set(planted).size),
    exactly(canaryFigures.scanner, canaryKinds.length, foundWhenThere()),
  ];
}

function foundWhenThere(): number {
  const canaries = createCanaries(1);
  for (const kind of canaryKinds) canaries.look('self-test', new Error('outer', { cause: { text: `x ${canaries.of[kind]} y` } }));
  return new Set(canaries.hits.map(({ kind }) => kind)).size;
}
