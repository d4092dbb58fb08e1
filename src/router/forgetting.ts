import type { ModelState } from './model-state.ts';

interface Known {
  readonly name: string;
  readonly state: Readonly<ModelState>;
  /** When it had last answered as it was looked at. */
  readonly servedAtMs: number;
}

/** So many are chosen at a time: to look at a thousand for each one took three quarters of a call, and to sort them is ten times as much. */
const mostChosen = 500;

/**
 * Which model is forgotten where there are too many: of those that are not in use the one that has not answered for longest, first of all
 * one that never has, for of that nothing is known. One that keeps calls away goes only where there is no other.
 */
export class Forgetting {
  readonly #states: Map<string, ModelState>;
  /** Those that were to go when all were last looked at, the first of them last. */
  #chosen: Known[] = [];
  /** Those that have come since. */
  #younger: Known[] = [];

  constructor(states: Map<string, ModelState>) {
    this.#states = states;
  }

  /** One more is known. */
  note(name: string, state: Readonly<ModelState>): void {
    this.#younger.push({ name, state, servedAtMs: state.servedAtMs });
  }

  /** Forgets one, unless all of them are in use. */
  makeRoom(): void {
    const name = this.#ofYounger() ?? this.#ofChosen() ?? this.#ofAll() ?? this.#ofBarred();
    if (name !== undefined) this.#states.delete(name);
  }

  #ofYounger(): string | undefined {
    let found: string | undefined;
    this.#younger = this.#younger.filter(({ name, state }) => {
      if (found !== undefined || state.servedAtMs > -Infinity || !mayGo(state)) return state.servedAtMs === -Infinity;
      found = name;
      return false;
    });
    return found;
  }

  #ofChosen(): string | undefined {
    for (let known = this.#chosen.pop(); known !== undefined; known = this.#chosen.pop()) {
      if (mayGo(known.state) && known.state.servedAtMs === known.servedAtMs) return known.name;
    }
    return undefined;
  }

  #ofAll(): string | undefined {
    const all = knownOf(this.#states).filter(({ state }) => mayGo(state));
    this.#chosen = all.toSorted(byAnswer).slice(0, mostChosen).toReversed();
    this.#younger = [];
    return this.#ofChosen();
  }

  #ofBarred(): string | undefined {
    const all = knownOf(this.#states).filter(({ state }) => isIdle(state));
    return all.length === 0 ? undefined : all.reduce((oldest, next) => (byAnswer(next, oldest) < 0 ? next : oldest)).name;
  }
}

function knownOf(states: Map<string, ModelState>): Known[] {
  return Array.from(states, ([name, state]) => ({ name, state, servedAtMs: state.servedAtMs }));
}

/** Equal ones stay in the order in which they came. */
function byAnswer(left: Known, right: Known): number {
  return left.servedAtMs === right.servedAtMs ? 0 : left.servedAtMs - right.servedAtMs;
}

function mayGo(state: Readonly<ModelState>): boolean {
  return isIdle(state) && state.breaker.is === 'closed' && state.pin === undefined;
}

/** A slot may be held by a call that has waited for it and is about to begin, and others may wait still. */
function isIdle({ inFlight, lanes }: Readonly<ModelState>): boolean {
  return inFlight === 0 && lanes?.isIdle !== false;
}
