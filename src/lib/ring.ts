/** What holds a value in its place. */
export interface Link {
  /** Takes the value out, once, without a search, and lets go of it. */
  remove(): void;
}

/**
 * Values in the order in which they came, for what comes and goes with every call. A `Set` or a `Map` is put into a new table every few
 * changes, and V8's collector of new objects takes the earlier tables for alive, with all that they held at the time: whole calls that
 * were over were copied twice for it.
 */
export class Ring<Value> {
  readonly #root = new RingLink<Value>(undefined);

  /** At the end, but for those at the end that `isLater` is true of: it stands before them. */
  add(value: Value, isLater: (other: Value) => boolean = nobody): Link {
    let behind = this.#root;
    for (let { previous } = behind; previous.value !== undefined && isLater(previous.value); { previous } = behind) behind = previous;
    return behind.addBefore(value);
  }

  /** Undefined where there is none. */
  first(): Value | undefined {
    return this.#root.next.value;
  }

  /** The first, taken out; undefined where there is none. */
  shift(): Value | undefined {
    const first = this.#root.next;
    const { value } = first;
    first.remove();
    return value;
  }

  /** As they stand: what changes while somebody goes through them changes nothing of it. */
  values(): Value[] {
    const values: Value[] = [];
    for (let { next } = this.#root; next.value !== undefined; { next } = next) values.push(next.value);
    return values;
  }
}

const nobody = (): boolean => false;

/** The root of a ring has no value. */
class RingLink<Value> implements Link {
  value: Value | undefined;
  next: RingLink<Value> = this;
  previous: RingLink<Value> = this;

  constructor(value: Value | undefined) {
    this.value = value;
  }

  addBefore(value: Value): RingLink<Value> {
    const added = new RingLink(value);
    added.previous = this.previous;
    added.next = this;
    this.previous.next = added;
    this.previous = added;
    return added;
  }

  remove(): void {
    this.previous.next = this.next;
    this.next.previous = this.previous;
    this.next = this.previous = this;
    this.value = undefined;
  }
}
