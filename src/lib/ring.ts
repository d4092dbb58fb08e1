/** Where a value stands in a ring. */
export interface Place {
  /** Takes the value out, once, without a search, and lets go of it. */
  remove(): void;
}

/**
 * Values in the order in which they came, for what comes and goes with every call. A `Set` or a `Map` is put into a new table every few
 * changes, and V8's collector of new objects takes the earlier tables for alive, with all that they held at the time: whole calls that
 * were over were copied twice for it.
 */
export class Ring<Value> {
  readonly #root = new Link<Value>(undefined);

  add(value: Value): Place {
    return this.#root.addBefore(value);
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

/** The root of a ring has no value. */
class Link<Value> implements Place {
  value: Value | undefined;
  next: Link<Value> = this;
  #previous: Link<Value> = this;

  constructor(value: Value | undefined) {
    this.value = value;
  }

  addBefore(value: Value): Link<Value> {
    const added = new Link(value);
    added.#previous = this.#previous;
    added.next = this;
    this.#previous.next = added;
    this.#previous = added;
    return added;
  }

  remove(): void {
    this.#previous.next = this.next;
    this.next.#previous = this.#previous;
    this.next = this.#previous = this;
    this.value = undefined;
  }
}
