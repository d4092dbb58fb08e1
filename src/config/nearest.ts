/** Names that other libraries use for our options. */
const otherNames: Readonly<Record<string, string>> = {
  baseurl: 'url',
  endpoint: 'url',
  host: 'url',
  key: 'apiKey',
  token: 'apiKey',
  model: 'defaultModel',
  retries: 'maxAttempts',
  backends: 'providers',
};

const longest = 64;

/**
 * The known name that was probably meant: the same but for capitals and separators, the one with the fewest typing errors
 * (1 in a short name, 3 in a long one), or our word for another library's. Undefined where none is near.
 */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  const wanted = plain(name);
  if (wanted === '' || wanted.length > longest) return undefined;
  const names = [...known];
  const other = Object.hasOwn(otherNames, wanted) ? otherNames[wanted] : undefined;
  let best: string | undefined;
  let fewest = Math.min(3, Math.floor((wanted.length + 2) / 3)) + 1;
  for (const candidate of names) {
    const errors = typingErrors(wanted, plain(candidate));
    if (errors < fewest) [best, fewest] = [candidate, errors];
  }
  if (fewest > 0 && other !== undefined && names.includes(other)) return other;
  return best;
}

/** `; did you mean "url"?`, or nothing. */
export function didYouMean(name: unknown, known: Iterable<string>): string {
  const nearest = typeof name === 'string' ? nearestName(name, known) : undefined;
  return nearest === undefined ? '' : `; did you mean "${nearest}"?`;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_-]/g, '');
}

/** Characters to insert, leave out, replace or swap with a neighbour to get from one word to the other. */
function typingErrors(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > 3) return Infinity;
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current[column] = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (same ? 0 : 1),
        swapped ? at(beforeLast, column - 2) + 1 : Infinity,
      );
    }
    [beforeLast, last] = [last, current];
  }
  return at(last, to.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
