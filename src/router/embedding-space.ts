import { RouterError } from '../core/errors.ts';
import { areFinite } from '../lib/finite.ts';
import { setNewest } from '../lib/newest.ts';
import { quoted } from './model-name.ts';

/** How long the vectors of each embedding space are, learnt from the answers of this process. */
export interface EmbeddingSpaces {
  /**
   * Lets vectors pass that may stand beside others of their space. Which of two providers that disagree is right, no answer tells: the
   * first one in this process wins, and the other is refused from then on.
   * @throws {RouterError} `embedding_space` where their length is another one, `bad_response` where they are no vectors
   */
  check(given: GivenVectors): void;
  /**
   * What of this holds under another configuration: the lengths that somebody has confirmed who still gives such vectors. A copy: what
   * answers of the old configuration still bring in says nothing of the new one.
   */
  under(isStill: (source: EmbeddingSource) => boolean): EmbeddingSpaces;
}

/** Who gave vectors of a space, with which model. */
export interface EmbeddingSource {
  readonly space: string;
  readonly provider: string;
  /** The provider's own name for it; undefined where the server chooses. */
  readonly model: string | undefined;
}

interface GivenVectors extends EmbeddingSource {
  /** The length that the request asks for, which an answer has to have. */
  readonly dimensions: number | undefined;
  readonly vectors: readonly (readonly number[])[];
}

interface Known {
  readonly length: number;
  /** Providers that gave vectors of this length, the first one first, each with the model that it last did so with. */
  readonly sources: Map<string, string | undefined>;
}

/** Names of models come from callers, so their number has to be bounded; the one that was not used for longest is forgotten. */
const mostSpaces = 1_000;

export function createEmbeddingSpaces(before: Iterable<readonly [string, Known]> = []): EmbeddingSpaces {
  const known = new Map(before);
  return {
    check({ space, dimensions, provider, model, vectors }) {
      const length = lengthOf(provider, vectors);
      if (length === undefined) return;
      if (dimensions !== undefined) {
        if (length !== dimensions) throw misfit(provider, `its vectors have ${numbers(length)} where ${shown(dimensions)} were asked for`);
        return;
      }
      const first: Known = known.get(space) ?? { length, sources: new Map() };
      if (length !== first.length) throw misfit(provider, otherLength(provider, space, length, first));
      first.sources.set(provider, model);
      setNewest(known, space, first, mostSpaces);
    },
    under: (isStill) =>
      createEmbeddingSpaces(
        [...known].flatMap(([space, { length, sources }]) => {
          const left = [...sources].filter(([provider, model]) => isStill({ space, provider, model }));
          return left.length === 0 ? [] : [[space, { length, sources: new Map(left) }] as const];
        }),
      ),
  };
}

/**
 * The length that all vectors of one answer have; undefined where there are none.
 * @throws {RouterError} where there is no such length, or what they hold is no number
 */
export function lengthOf(provider: string, vectors: readonly (readonly number[])[]): number | undefined {
  const length = vectors[0]?.length;
  for (const vector of vectors) {
    if (vector.length !== length) throw misfit(provider, `its answer holds vectors of ${length} and of ${numbers(vector.length)}`);
    if (vector.length === 0) throw broken(provider, 'an empty vector');
    if (!areFinite(vector)) throw broken(provider, 'a vector with something in it that is no finite number');
  }
  return length;
}

function otherLength(provider: string, space: string, length: number, first: Known): string {
  const [where, had] = [`in the space ${quoted(space)}`, shown(first.length)];
  const [other] = first.sources.keys();
  if (first.sources.has(provider)) return `its vectors ${where} have ${numbers(length)}, and had ${had}: it serves another model now`;
  return (
    `its vectors have ${numbers(length)} where those of ${other}, the first to answer ${where}, have ${had}: ` +
    'the two serve different models under one name'
  );
}

function misfit(provider: string, what: string): RouterError<'embedding_space'> {
  return new RouterError('embedding_space', `${provider}: ${what}.`, { provider });
}

function broken(provider: string, what: string): RouterError<'bad_response'> {
  return new RouterError('bad_response', `${provider}: the answer holds ${what}.`, { provider });
}

function numbers(count: number): string {
  return `${shown(count)} ${count === 1 ? 'number' : 'numbers'}`;
}

function shown(count: number): string {
  return count.toLocaleString('en');
}
