/** One source that several readers read from its beginning, each at his own pace. */
export interface SharedBatches<Batch> {
  /** A reader who comes late gets what came before as well. */
  open(): BatchReader<Batch>;
}

export interface BatchReader<Batch> {
  /** Undefined at the end. Rejects with what the source rejected with. One at a time. */
  read(): Promise<Batch | undefined>;
  /** What he has not read is no longer kept for him. */
  leave(): void;
}

export interface SharedBatchesOptions<Batch> {
  /** The next one; undefined at the end. */
  readonly next: () => Promise<Batch | undefined>;
  /** In hand already. */
  readonly begun: Batch;
  readonly sizeOf: (batch: Batch) => number;
  /** Beyond this nobody may come late any more: what all have read is dropped, and the fast ones wait for the slowest. */
  readonly mostKept: number;
  /** Called once, when nobody may come late any more: the source is at its end, has failed, or is too long. */
  readonly onClosed: () => void;
}

interface State<Batch> extends SharedBatchesOptions<Batch> {
  /** Batches that are still kept, and the place of the first of them. */
  readonly kept: Batch[];
  first: number;
  size: number;
  isClosed: boolean;
  end: 'reached' | { readonly error: unknown } | undefined;
  pulling: Promise<void> | undefined;
  /** Places of those who read. */
  readonly places: Map<object, number>;
  readonly waiting: Set<() => void>;
}

export function shareBatches<Batch>(options: SharedBatchesOptions<Batch>): SharedBatches<Batch> {
  const { begun, sizeOf } = options;
  const state: State<Batch> = {
    ...options,
    kept: [begun],
    first: 0,
    size: sizeOf(begun),
    isClosed: false,
    end: undefined,
    pulling: undefined,
    places: new Map(),
    waiting: new Set(),
  };
  return {
    open() {
      const reader = {};
      state.places.set(reader, 0);
      return {
        read: () => read(state, reader),
        leave() {
          state.places.delete(reader);
          trim(state);
          // Those who wait for him as well as he himself look anew.
          wake(state);
        },
      };
    },
  };
}

async function read<Batch>(state: State<Batch>, reader: object): Promise<Batch | undefined> {
  for (;;) {
    const place = state.places.get(reader);
    if (place === undefined) return undefined;
    const index = place - state.first;
    if (index < state.kept.length) {
      const batch = state.kept[index] as Batch;
      state.places.set(reader, place + 1);
      trim(state);
      return batch;
    }
    if (state.end === 'reached') return undefined;
    if (state.end !== undefined) throw state.end.error;
    if (state.size > state.mostKept) await new Promise<void>((resolve) => void state.waiting.add(resolve));
    else await (state.pulling ??= pull(state));
  }
}

async function pull<Batch>(state: State<Batch>): Promise<void> {
  try {
    const batch = await state.next();
    if (batch === undefined) state.end = 'reached';
    else {
      state.kept.push(batch);
      state.size += state.sizeOf(batch);
    }
  } catch (error) {
    state.end = { error };
  }
  state.pulling = undefined;
  if (state.end !== undefined || state.size > state.mostKept) close(state);
}

function close<Batch>(state: State<Batch>): void {
  if (state.isClosed) return;
  state.isClosed = true;
  state.onClosed();
}

/** Drops what all have read, where nobody comes late any more. */
function trim<Batch>(state: State<Batch>): void {
  if (!state.isClosed) return;
  const slowest = Math.min(...state.places.values());
  while (state.first < slowest && state.kept.length > 0) {
    state.size -= state.sizeOf(state.kept.shift() as Batch);
    state.first += 1;
  }
  if (state.size <= state.mostKept) wake(state);
}

function wake<Batch>({ waiting }: State<Batch>): void {
  for (const goOn of waiting) goOn();
  waiting.clear();
}
