/** A body as plain as the readers allow: a real stream would cost more than what is looked at. */
export interface Body {
  readonly stream: ReadableStream<Uint8Array>;
  /** True where the reader has let it go: read to its end, or cancelled. */
  isLetGo(): boolean;
  readonly reads: () => number;
}

/** Breaks with `failure` after the last piece, where one is given. */
export function plainBody(pieces: readonly Uint8Array[], failure?: Error): Body {
  let at = 0;
  let [isOver, isCancelled, isReleased] = [false, false, false];
  const read = (): Promise<{ done: boolean; value: Uint8Array | undefined }> => {
    const value = pieces[at++];
    if (value !== undefined) return Promise.resolve({ done: false, value });
    isOver = true;
    return failure === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(failure);
  };
  const cancel = (): Promise<void> => {
    isCancelled = true;
    return Promise.resolve();
  };
  const reader = { read, cancel, releaseLock: () => void (isReleased = true) };
  const stream = { getReader: () => reader } as unknown as ReadableStream<Uint8Array>;
  return { stream, isLetGo: () => isReleased && (isOver || isCancelled), reads: () => at };
}

/** How many of them are not let go, even after what follows a terminator has been read in the background. */
export async function stillHeld(bodies: readonly Body[]): Promise<number> {
  let held = bodies.filter((body) => !body.isLetGo());
  for (let turn = 0; turn < 100 && held.length > 0; turn++) {
    await new Promise((resolve) => void (turn < 5 ? setImmediate(resolve) : setTimeout(resolve, 1)));
    held = held.filter((body) => !body.isLetGo());
  }
  return held.length;
}

/** The same pieces from a stream of the platform. */
export function platformBody(pieces: Iterable<Uint8Array>, failure?: Error): ReadableStream<Uint8Array> {
  const iterator = pieces[Symbol.iterator]();
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const { done, value } = iterator.next();
      if (!done) controller.enqueue(value);
      else if (failure === undefined) controller.close();
      else controller.error(failure);
    },
  });
}

export type Cuts = readonly Uint8Array[];

/**
 * Ways to cut a document: not at all, one byte at a time, at each single place of a short one or at some of a long one, and at random
 * places, twice the same one included, which makes an empty piece.
 */
export function* cutsOf(bytes: Uint8Array, random: () => number): Generator<Cuts> {
  yield [bytes];
  if (bytes.length <= 600) yield Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  const isShort = bytes.length <= 48;
  for (let cut = 1; cut < (isShort ? bytes.length : 12); cut++) {
    const at = isShort ? cut : Math.floor(random() * bytes.length);
    yield [bytes.subarray(0, at), bytes.subarray(at)];
  }
  for (let round = 0; round < 8; round++) {
    const places = Array.from({ length: 1 + Math.floor(random() * 7) }, () => Math.floor(random() * (bytes.length + 1)));
    places.sort((left, right) => left - right);
    yield [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length));
  }
}
