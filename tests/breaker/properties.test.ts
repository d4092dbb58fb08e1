import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  admits,
  type BreakerInput,
  type BreakerRules,
  type BreakerSign,
  type BreakerState,
  closedBreaker,
  step,
} from '../../src/breaker/breaker.ts';
import { classicBreaker, defaults } from '../../src/config/defaults.ts';
import { referenceBreaker, type Word } from './reference-model.ts';

const rules: BreakerRules = defaults.breaker;
const startMs = 1_000_000;

type Command =
  | { readonly do: 'call' }
  | { readonly do: 'settle'; readonly which: number; readonly word: Word }
  | { readonly do: 'burst'; readonly count: number; readonly word: Word }
  | { readonly do: 'sign'; readonly sign: BreakerSign['type'] }
  | { readonly do: 'wait'; readonly ms: number };

const words: readonly Word[] = ['success', 'failure', 'refused', 'soft', 'abandon'];
const word = fc.constantFrom(...words, 'failure' as const, 'success' as const);
const command: fc.Arbitrary<Command> = fc.oneof(
  fc.constant<Command>({ do: 'call' }),
  fc.record({ do: fc.constant('settle' as const), which: fc.nat(7), word }),
  fc.record({ do: fc.constant('burst' as const), count: fc.integer({ min: 1, max: 20 }), word }),
  fc.record({ do: fc.constant('sign' as const), sign: fc.constantFrom('well' as const, 'dead' as const) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 999, 24_000, 30_000, 36_000, 60_000, 300_000, 600_001) }),
);
const commands = fc.array(command, { maxLength: 40, size: 'max' });
const randoms = fc.constantFrom(0, 0.25, 0.5, 0.75, 1);
const leaseMs = 20_000;

interface Player {
  readonly state: () => BreakerState;
  readonly nowMs: () => number;
  /** True where the breaker and the reference model still agree. */
  readonly agrees: () => boolean;
  readonly play: (command: Command) => void;
  readonly outstanding: () => number;
}

type Input = BreakerInput | BreakerSign;

/** Runs commands through the breaker and the reference model side by side; `onStep` sees every step of the breaker. */
function player(
  own: BreakerRules,
  random: number,
  onStep?: (from: BreakerState, input: Input, to: BreakerState, nowMs: number) => void,
): Player {
  const model = referenceBreaker(own);
  const tickets: { readonly generation: number; readonly era: number | undefined }[] = [];
  let state = closedBreaker;
  let nowMs = startMs;
  let agreed = true;
  const turn = (input: Input): void => {
    const from = state;
    state = step(from, input, { nowMs, random }, own);
    onStep?.(from, input, state, nowMs);
  };
  const call = (): void => {
    const answer = admits(state, nowMs, tickets.length);
    if (answer === 'probe') turn({ type: 'probe', leaseMs });
    const era = model.admit(nowMs, tickets.length, leaseMs);
    agreed &&= (answer !== 'no') === (era !== undefined);
    if (answer !== 'no') tickets.push({ generation: state.generation, era });
  };
  const settle = (which: number, type: Word): void => {
    const [ticket] = tickets.splice(which % tickets.length, 1);
    if (ticket === undefined) return;
    turn({ type, generation: ticket.generation });
    if (ticket.era !== undefined) model.settle(ticket.era, type, nowMs, random);
  };
  return {
    state: () => state,
    nowMs: () => nowMs,
    agrees: () => agreed && state.is === model.is() && (state.is !== 'open' || state.untilMs === model.untilMs()),
    outstanding: () => tickets.length,
    play(given) {
      if (given.do === 'wait') nowMs += given.ms;
      if (given.do === 'sign') {
        turn({ type: given.sign });
        model.sign(given.sign, nowMs, random);
      }
      if (given.do === 'call') call();
      if (given.do === 'settle') settle(given.which, given.word);
      for (let count = 0; given.do === 'burst' && count < given.count; count++) {
        call();
        settle(tickets.length - 1, given.word);
      }
    },
  };
}

interface Step {
  readonly from: BreakerState;
  readonly input: Input;
  readonly to: BreakerState;
  readonly nowMs: number;
}

/** Every step of many random runs, for what has to hold for each of them. */
function everyStep(holds: (step: Step) => boolean): void {
  const property = fc.property(commands, randoms, (list, random) => {
    let held = true;
    const { play } = player(rules, random, (from, input, to, nowMs) => {
      held &&= holds({ from, input, to, nowMs });
    });
    for (const each of list) play(each);
    return held;
  });
  fc.assert(property, { numRuns: 3_000 });
}

function isSign(input: Input): input is BreakerSign {
  return input.type === 'well' || input.type === 'dead';
}

/** A verdict of a call that began before the last change of state. */
function isLate(input: Input, { generation }: BreakerState): boolean {
  return !isSign(input) && input.type !== 'probe' && input.generation !== generation;
}

/** Each way there is to step, `late` for a verdict from before the last change of state. */
const corners = [
  'closed dead open',
  'closed failure closed',
  'closed failure open',
  'closed late',
  'closed refused closed',
  'closed refused open',
  'closed soft closed',
  'closed soft open',
  'closed success closed',
  'half-open abandon half-open',
  'half-open failure open',
  'half-open late',
  'half-open probe half-open',
  'half-open refused open',
  'half-open soft half-open',
  'half-open success closed',
  'open late',
  'open probe half-open',
  'open well open',
];

test('random runs agree with the reference model, and reach every corner of it', { timeout: 20_000 }, () => {
  const reached = new Set<string>();
  const note = (from: BreakerState, input: Input, to: BreakerState): void => {
    if (from !== to || input.type === 'probe') reached.add(`${from.is} ${input.type} ${to.is}`);
    else if (isLate(input, from)) reached.add(`${from.is} late`);
  };
  const property = fc.property(commands, randoms, fc.constantFrom(rules, rules, classicBreaker), (list, random, own) => {
    const { play, agrees } = player(own, random, note);
    return list.every((each) => {
      play(each);
      return agrees();
    });
  });
  fc.assert(property, { numRuns: 20_000 });
  expect([...reached].toSorted()).toEqual(corners);
});

test('an open breaker lets nothing through before its time, unless it is said to be well', () => {
  everyStep(({ from, input, nowMs, to }) => {
    if (from.is !== 'open' || nowMs >= from.untilMs) return true;
    return admits(from, nowMs, 0) === 'no' && (to === from || (input.type === 'well' && admits(to, nowMs, 0) === 'probe'));
  });
});

test('there is at most one probe whose lease has not run out', () => {
  let leaseEndMs = -Infinity;
  everyStep(({ from, to, input, nowMs }) => {
    if (from === closedBreaker || to.is !== 'half-open' || to.leaseUntilMs === undefined) leaseEndMs = -Infinity;
    const alone = input.type !== 'probe' || nowMs >= leaseEndMs;
    if (to.is === 'half-open' && to.leaseUntilMs !== undefined) leaseEndMs = to.leaseUntilMs;
    return alone;
  });
});

test('the generation grows by one with each change of state and each probe, and never otherwise', () => {
  everyStep(({ from, to, input }) => to.generation - from.generation === (from.is !== to.is || input.type === 'probe' ? 1 : 0));
});

test('a verdict from before the last change of state changes nothing', () => {
  everyStep(({ from, to, input }) => !isLate(input, from) || to === from);
});

test('no sign ever closes a breaker, or lets a call through but as a probe', () => {
  everyStep(({ from, to, input, nowMs }) => {
    if (!isSign(input)) return true;
    const letsMore = admits(from, nowMs, 0) !== 'yes' && admits(to, nowMs, 0) === 'yes';
    return !letsMore && (to.is !== 'closed' || to === from);
  });
});

test('a sign of life changes nothing but that an open time ends, and never prolongs one', () => {
  everyStep(({ from, to, input, nowMs }) => {
    if (input.type !== 'well') return true;
    if (from.is !== 'open' || to.is !== 'open') return to === from;
    return to.untilMs === Math.min(from.untilMs, nowMs) && to.generation === from.generation && to.opens === from.opens;
  });
});

test('a missing sign of life opens a closed breaker, and leaves a recovery and an open time alone', () => {
  everyStep(({ from, to, input }) => input.type !== 'dead' || (from.is === 'closed' ? to.is === 'open' : to === from));
});

test('what the caller did, or left, never moves it towards open', () => {
  everyStep(({ from, to, input }) => input.type !== 'abandon' || to === from || (from.is === 'half-open' && to.is === 'half-open'));
});

test('an open time lies within a fifth of 30 s times a power of two, and never above 5 minutes', () => {
  everyStep(({ to, from, nowMs }) => {
    if (to.is !== 'open' || from.is === 'open') return true;
    const plainMs = Math.min(rules.openMs * 2 ** (to.opens - 1), rules.maxOpenMs);
    const openMs = to.untilMs - nowMs;
    return openMs >= plainMs * 0.8 && openMs <= Math.min(plainMs * 1.2, rules.maxOpenMs);
  });
});

test('from wherever it is, a healthy provider with one call a second closes it within the longest open time', () => {
  const property = fc.property(commands, randoms, (list, random) => {
    const { play, state, nowMs, outstanding } = player(rules, random);
    for (const each of list) play(each);
    // Calls that are under way end by their own limits.
    play({ do: 'wait', ms: leaseMs });
    while (outstanding() > 0) play({ do: 'settle', which: 0, word: 'abandon' });
    const endMs = nowMs() + rules.maxOpenMs + 5_000;
    while (nowMs() < endMs) {
      play({ do: 'burst', count: 1, word: 'success' });
      play({ do: 'wait', ms: 1_000 });
    }
    const { is } = state();
    return is === 'closed' && admits(state(), nowMs(), 1_000_000) === 'yes';
  });
  fc.assert(property, { numRuns: 500 });
});
