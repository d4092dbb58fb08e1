/** One request under way for several calls that ask for the same. */
export interface Flight {
  /** Until when it may take: calls with more time than that do not share it. */
  readonly endsAtMs: number;
  /** Stops the request, as long as nobody has put something else in the place of `onEmpty`. */
  readonly signal: AbortSignal;
  /** Called when the last call has left. `isLate`: its own time was over. One that is late lets the request end by itself. */
  onEmpty: (isLate: boolean) => void;
  isEmpty(): boolean;
  /** Nobody may join any more. */
  close(): void;
}

/** The place of one call in a flight. */
export interface Seat<Shared> {
  readonly shared: Shared;
  /** Another call has begun it. */
  readonly isShared: boolean;
  leave(isLate?: boolean): void;
}

/** What calls share is there before it begins: beginning it may bring the next call for it. */
export interface Prepared<Shared> {
  readonly shared: Shared;
  begin(): void;
}

export interface Flights {
  /**
   * A place in what is under way for the key, or in something new where nothing is that has time enough.
   * @param endsAtMs until when the call has time
   * @param mayEndAtMs until when a request may take that is begun for it
   */
  join<Shared>(key: string, endsAtMs: number, mayEndAtMs: number, prepare: (flight: Flight) => Prepared<Shared>): Seat<Shared>;
}

interface Open {
  readonly flight: Flight;
  readonly shared: unknown;
  members: number;
}

export function createFlights(): Flights {
  const open = new Map<string, Open>();
  return {
    join<Shared>(key: string, endsAtMs: number, mayEndAtMs: number, prepare: (flight: Flight) => Prepared<Shared>) {
      const known = open.get(key);
      if (known !== undefined && endsAtMs <= known.flight.endsAtMs) return seatIn<Shared>(known, true);
      const controller = new AbortController();
      const flight: Flight = {
        endsAtMs: mayEndAtMs,
        signal: controller.signal,
        onEmpty(isLate) {
          if (isLate) return;
          flight.close();
          controller.abort();
        },
        isEmpty: () => opened.members === 0,
        close() {
          if (open.get(key) === opened) open.delete(key);
        },
      };
      const { shared, begin } = prepare(flight);
      const opened: Open = { flight, shared, members: 0 };
      open.set(key, opened);
      const seat = seatIn<Shared>(opened, false);
      begin();
      return seat;
    },
  };
}

function seatIn<Shared>(joined: Open, isShared: boolean): Seat<Shared> {
  let isTaken = true;
  joined.members += 1;
  return {
    shared: joined.shared as Shared,
    isShared,
    leave(isLate = false) {
      if (!isTaken) return;
      isTaken = false;
      joined.members -= 1;
      if (joined.members === 0) joined.flight.onEmpty(isLate);
    },
  };
}
