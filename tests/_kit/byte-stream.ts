const encoder = new TextEncoder();

export type Piece = string | Uint8Array;

/** A body that hands out one piece per read, and remembers whether it was cancelled. `failure` breaks it after the last piece. */
export function byteStream(
  pieces: Iterable<Piece>,
  failure?: unknown,
): ReadableStream<Uint8Array> & { readonly state: { cancelled: boolean; reads: number } } {
  const iterator = pieces[Symbol.iterator]();
  const state = { cancelled: false, reads: 0 };
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const { done, value } = iterator.next();
        state.reads++;
        if (!done) controller.enqueue(typeof value === 'string' ? encoder.encode(value) : value);
        else if (failure === undefined) controller.close();
        else controller.error(failure);
      },
      cancel() {
        state.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return Object.assign(stream, { state });
}

/** Cuts bytes at the given positions. */
export function cutAt(bytes: Uint8Array, ...positions: number[]): Uint8Array[] {
  return [0, ...positions].map((start, index) => bytes.subarray(start, positions[index] ?? bytes.length));
}

/** Cuts bytes into pieces of one size. */
export function cutEvery(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.subarray(index * size, (index + 1) * size));
}

export async function gather<Item>(batches: AsyncIterable<readonly Item[]>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const batch of batches) items.push(...batch);
  return items;
}
