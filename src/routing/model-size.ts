/**
 * A size as names write it, `8b`, `8x7b` (experts times size) or `17b-16e`, with nothing that makes it part of a longer word:
 * `a3b` counts the active parameters, `e4b` the effective ones, `4bit` bits.
 */
const size = /(?<![a-z0-9.])(?:(\d{1,3})x)?(\d{1,4}(?:\.\d{1,3})?)([bmt])(?![a-z0-9])(?:-(\d{1,3})e(?![a-z0-9]))?/g;

const billions = { b: 1, m: 0.001, t: 1000 } as const;

/** Names also count tokens in millions: `1m` to `10m` is the length of a context. */
const longestContextMillions = 10;

/**
 * Billions of parameters as a model's name tells them; undefined where it tells none. For a mixture of experts it is the total,
 * experts × size, which is an upper bound: experts share a part of their parameters.
 */
export function billionsOf(name: string): number | undefined {
  const sizes = [...lastPart(name).toLowerCase().matchAll(size)].filter(
    ([, , count, unit]) => Number(count) > (unit === 'm' ? longestContextMillions : 0),
  );
  // What follows a size in billions counts something else: the tokens that a model has seen, the model that drafts for it.
  const [, times = '1', count, unit, experts = '1'] = sizes.find((match) => match[3] === 'b') ?? sizes[0] ?? [];
  if (count === undefined) return undefined;
  const total = Number(times) * Number(count) * Number(experts) * billions[unit as keyof typeof billions];
  return total > 0 ? Number(total.toPrecision(6)) : undefined;
}

/** Folders and owners may have sizes in their names as well. */
function lastPart(name: string): string {
  return name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1);
}
