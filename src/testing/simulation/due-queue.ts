/** Something that is to be done at a time. */
export interface Due {
  readonly atMs: number;
  /** Keeps those of one moment in their order. */
  readonly order: number;
}

/** What is due first comes first, and of what is due at once what was made first. A binary heap. */
export interface DueQueue<Entry extends Due> {
  add(entry: Entry): void;
  first(): Entry | undefined;
  removeFirst(): Entry | undefined;
}

export function createDueQueue<Entry extends Due>(): DueQueue<Entry> {
  const heap: Entry[] = [];
  const sink = (entry: Entry): void => {
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child += 1;
      if (!isBefore(heap[child] as Entry, entry)) break;
      heap[index] = heap[child] as Entry;
      index = child;
    }
    heap[index] = entry;
  };
  return {
    add(entry) {
      let index = heap.length;
      while (index > 0) {
        const parent = (index - 1) >> 1;
        if (!isBefore(entry, heap[parent] as Entry)) break;
        heap[index] = heap[parent] as Entry;
        index = parent;
      }
      heap[index] = entry;
    },
    first: () => heap[0],
    removeFirst() {
      const first = heap[0];
      const last = heap.pop();
      if (last !== undefined && heap.length > 0) sink(last);
      return first;
    },
  };
}

function isBefore(left: Due, right: Due): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
}
