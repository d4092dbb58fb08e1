import {
  admits,
  type BreakerInput,
  type BreakerRules,
  type BreakerSign,
  type BreakerState,
  closedBreaker,
  step,
} from '../../../src/breaker/breaker.ts';
import { referenceBreaker, type Word } from '../../breaker/reference-model.ts';

/** A call that was let in and has not ended: what both sides call the time since which it runs. */
interface Ticket {
  readonly generation: number;
  readonly era: number | undefined;
}

/** A breaker and the reference model under the same commands. */
export interface Duel {
  readonly rules: BreakerRules;
  readonly leaseMs: number;
  state(): BreakerState;
  nowMs(): number;
  /** Generations of the calls under way. */
  underWay(): readonly number[];
  /** True while both have given the same answers and are in the same state. */
  agrees(): boolean;
  /** What the breaker was told, in order. */
  readonly inputs: readonly Turn[];
  /** A call asks to be let in; `early`: also before an open time is over. */
  call(early?: boolean): void;
  /** The call under way at this place ends. */
  settle(at: number, word: Word): void;
  /** It was asked how it is. */
  sign(type: BreakerSign['type']): void;
  goTo(ms: number): void;
}

export interface Turn {
  readonly input: BreakerInput | BreakerSign;
  readonly nowMs: number;
  readonly random: number;
}

export type OnStep = (from: BreakerState, turn: Turn, to: BreakerState) => void;

/** Calls under way at most: an older one is forgotten, as one that never ends. */
const mostUnderWay = 40;

export function createDuel(rules: BreakerRules, leaseMs: number, startMs: number, random: () => number, onStep: OnStep): Duel {
  const model = referenceBreaker(rules);
  const inputs: Turn[] = [];
  const tickets: Ticket[] = [];
  let state = closedBreaker;
  let nowMs = startMs;
  let agreed = true;
  const turn = (input: Turn['input'], chance: number): void => {
    const from = state;
    const taken = { input, nowMs, random: chance };
    inputs.push(taken);
    state = step(from, input, { nowMs, random: chance }, rules);
    onStep(from, taken, state);
  };
  return {
    rules,
    leaseMs,
    inputs,
    state: () => state,
    nowMs: () => nowMs,
    underWay: () => tickets.map(({ generation }) => generation),
    agrees: () => agreed && state.is === model.is() && (state.is !== 'open' || state.untilMs === model.untilMs()),
    call(early = false) {
      const inFlight = tickets.filter(({ generation }) => generation === state.generation).length;
      const isEarly = early && state.is === 'open';
      const answer = isEarly ? 'probe' : admits(state, nowMs, inFlight);
      if (answer === 'probe') turn({ type: 'probe', leaseMs, ...(isEarly && { early }) }, random());
      const era = model.admit(nowMs, inFlight, leaseMs, early);
      agreed &&= (answer !== 'no') === (era !== undefined);
      if (answer !== 'no') tickets.push({ generation: state.generation, era });
      if (tickets.length > mostUnderWay) tickets.shift();
    },
    settle(at, word) {
      const [ticket] = tickets.splice(at, 1);
      if (ticket === undefined) return;
      const chance = random();
      turn({ type: word, generation: ticket.generation }, chance);
      if (ticket.era !== undefined) model.settle(ticket.era, word, nowMs, chance);
    },
    sign(type) {
      const chance = random();
      turn({ type }, chance);
      model.sign(type, nowMs, chance);
    },
    goTo(ms) {
      nowMs = Math.max(nowMs, ms);
    },
  };
}
