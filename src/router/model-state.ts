import { type BreakerState, closedBreaker } from '../breaker/breaker.ts';
import { type Cooldown, noCooldown } from '../breaker/cooldown.ts';
import type { Pin } from '../routing/pins.ts';
import type { TokenRatio } from '../routing/tokens.ts';
import { Forgetting } from './forgetting.ts';
import type { Lanes } from './lanes.ts';
import { plainName } from './model-name.ts';
import { type LetIn, noneLetIn } from './breaker-ramp.ts';
import type { Timings } from './timings.ts';
import type { UnderWay } from './under-way.ts';

/** What a provider has learnt of one of its models. Times on the router's clock. */
export interface ModelState extends UnderWay {
  breaker: BreakerState;
  letIn: LetIn;
  /** `sinceMs`: when it was made. `wasGone`: the server has had it out of its memory since. */
  pin: (Pin & { readonly sinceMs: number; readonly wasGone: boolean }) | undefined;
  /** The provider said that it does not serve the model; asked again after this. */
  missingUntilMs: number;
  /** Rests of this model alone: it is being loaded. */
  rest: Cooldown;
  /** Since when it has said that it is being loaded; undefined after a success. */
  loadingSinceMs: number | undefined;
  /** When it was last seen to be loading. */
  loadingSeenMs: number;
  /** Smoothed time to the whole answer, and to the first content of streams. */
  latencyMs: number | undefined;
  firstContentMs: number | undefined;
  /** Smoothed share of attempts that succeeded, 0 to 1; a model that was never asked is believed to be fine. */
  successShare: number;
  /** When the share last changed. */
  shareAtMs: number;
  /** When it last gave an answer. */
  servedAtMs: number;
  /** How long it takes, by intent. */
  readonly timings: Map<string, Timings>;
  /** Smoothed time to load it, as observed. */
  loadMs: number | undefined;
  /** How the server's counts of prompt tokens compare with our estimates. */
  tokenRatio: TokenRatio | undefined;
  /** Tokens that it cannot hold: a prompt with as many was cut in silence. Servers are started anew with another window, so not for ever. */
  cut: { readonly atTokens: number; readonly untilMs: number } | undefined;
  /** Its calls, where each loaded model of a server has slots of its own; a limit for all of them makes them share. */
  lanes: Lanes | undefined;
  /** The last times to the whole answer and to the first content; kept where hedging is on. */
  readonly wholeTimes: number[];
  readonly firstTimes: number[];
}

/** Names come from callers, so their number has to be bounded. */
const mostModels = 1_000;

export interface ModelStates {
  /** What is known, without remembering the name. */
  peek(model: string | undefined): Readonly<ModelState>;
  /** What is known, to be changed. */
  of(model: string | undefined): ModelState;
  entries(): IterableIterator<[string, ModelState]>;
}

export function createModelStates(): ModelStates {
  const states = new Map<string, ModelState>();
  const forgetting = new Forgetting(states);
  const unknown = Object.freeze(newState());
  // Planning asks several times in a row for the model that the last call was for as well.
  let lately: { readonly model: string | undefined; readonly state: Readonly<ModelState> } | undefined;
  return {
    peek(model) {
      if (lately === undefined || lately.model !== model) lately = { model, state: states.get(keyOf(model)) ?? unknown };
      return lately.state;
    },
    of(model) {
      const name = keyOf(model);
      const known = states.get(name);
      if (known !== undefined) return known;
      if (states.size >= mostModels) forgetting.makeRoom();
      const state = newState();
      states.set(name, state);
      forgetting.note(name, state);
      lately = undefined;
      return state;
    },
    entries: () => states.entries(),
  };
}

/** One model has one state, however its name is written; the empty name stands for a server's own choice. */
export function keyOf(model: string | undefined): string {
  return model === undefined ? '' : plainName(model);
}

/** The name that events tell of a key: undefined where the server chooses. */
export function nameOf(key: string | undefined): string | undefined {
  return key === '' ? undefined : key;
}

function newState(): ModelState {
  return {
    breaker: closedBreaker,
    inFlight: 0,
    begunSumMs: 0,
    letIn: noneLetIn,
    pin: undefined,
    missingUntilMs: -Infinity,
    rest: noCooldown,
    loadingSinceMs: undefined,
    loadingSeenMs: -Infinity,
    latencyMs: undefined,
    firstContentMs: undefined,
    successShare: 1,
    shareAtMs: -Infinity,
    servedAtMs: -Infinity,
    timings: new Map(),
    loadMs: undefined,
    tokenRatio: undefined,
    cut: undefined,
    lanes: undefined,
    wholeTimes: [],
    firstTimes: [],
  };
}

/** An exponentially weighted mean: a fifth of its weight goes to the newest value. */
export function smoothed(mean: number | undefined, value: number): number {
  return mean === undefined ? value : mean + 0.2 * (value - mean);
}
