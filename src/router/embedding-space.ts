import { RouterError } from '../core/errors.ts';
import { quoted } from './model-name.ts';

/** How long the vectors of each embedding space are, learnt from the answers of this process. */
export interface EmbeddingSpaces {
  /**
   * Lets vectors pass that may stand beside others of their space. Which of two providers that disagree is right, no answer tells: the
   * first one in this process wins, and the other is refused from then on.
   * @param dimensions the length that the request asks for, which an answer has to have
   * @throws {RouterError} `embedding_space` where their length is another one, `bad_response` where they are no vectors
   */
  check(space: string, dimensions: number | undefined, provider: string, vectors: readonly (readonly number[])[]): void;
}

/** Names of models come from callers, so their number has to be bounded; the one that was not used for longest is forgotten. */
const mostSpaces = 1_000;

export function createEmbeddingSpaces(): EmbeddingSpaces {
  const known = new Map<string, { readonly length: number; readonly provider: string }>();
  return {
    check(space, dimensions, provider, vectors) {
      const length = lengthOf(provider, vectors);
      if (length === undefined) return;
      if (dimensions !== undefined) {
        if (length !== dimensions) throw misfit(provider, `its vectors have ${numbers(length)} where ${shown(dimensions)} were asked for`);
        return;
      }
      const first = known.get(space) ?? { length, provider };
      if (length !== first.length) throw misfit(provider, otherLength(provider, space, length, first));
      // The last one in is the one that was used last.
      known.delete(space);
      known.set(space, first);
      if (known.size > mostSpaces) known.delete(known.keys().next().value as string);
    },
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
    if (!vector.every(Number.isFinite)) throw broken(provider, 'a vector with something in it that is no finite number');
  }
  return length;
}

function otherLength(
  provider: string,
  space: string,
  length: number,
  first: { readonly length: number; readonly provider: string },
): string {
  const [where, had] = [`in the space ${quoted(space)}`, shown(first.length)];
  if (first.provider === provider) return `its vectors ${where} have ${numbers(length)}, and had ${had}: it serves another model now`;
  return (
    `its vectors have ${numbers(length)} where those of ${first.provider}, the first to answer ${where}, have ${had}: ` +
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
