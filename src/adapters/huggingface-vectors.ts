/**
 * The vectors in an answer of feature extraction, one for each text: a list of vectors, a bare vector (a single text), or for
 * models without pooling a list of token vectors for each text. What is none of these is given back as it came, for the checks
 * that all embeddings meet.
 */
export function toVectors(value: unknown, texts: number): unknown[] {
  if (!Array.isArray(value)) return [value];
  const items: unknown[] = value;
  return texts === 1 && items.every(isNumber) ? [items] : items.map(toVector);
}

function toVector(item: unknown): unknown {
  if (!Array.isArray(item) || !Array.isArray(item[0])) return item;
  const [first] = item as unknown[][];
  // A batch of one within the batch.
  if (item.length === 1 && Array.isArray(first?.[0])) return toVector(first);
  return normalized(meanOf(item));
}

/** NaN where the tokens' vectors differ in length or hold something else than numbers. */
function meanOf(tokens: readonly unknown[]): number[] {
  const [first] = tokens as readonly unknown[][];
  const isEven = tokens.every((token) => Array.isArray(token) && token.length === first?.length && token.every(isNumber));
  if (!isEven) return [NaN];
  const rows = tokens as readonly number[][];
  return (rows[0] ?? []).map((_, column) => rows.reduce((total, row) => total + (row[column] ?? NaN), 0) / rows.length);
}

/** To length 1, as the server does with vectors that it pooled itself. */
function normalized(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  return length === 0 ? [...vector] : vector.map((value) => value / length);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}
