import { describe, expect, test } from 'vitest';
import {
  admits,
  type BreakerInput,
  type BreakerRules,
  type BreakerState,
  closedBreaker,
  openUntil,
  step,
  withHeld,
} from '../../src/breaker/breaker.ts';
import { classicBreaker, defaults } from '../../src/config/defaults.ts';
import type { Word } from './reference-model.ts';

const rules: BreakerRules = defaults.breaker;
const startMs = 1_000_000;
const middle = 0.5;

/** One verdict for a call that was let in just now. */
function told(state: BreakerState, type: Word, nowMs: number = startMs, own: BreakerRules = rules): BreakerState {
  return step(state, { type, generation: state.generation }, { nowMs, random: middle }, own);
}

const toldAll = (state: BreakerState, words: readonly Word[], everyMs = 0, own: BreakerRules = rules): BreakerState =>
  words.reduce((now, word, index) => told(now, word, startMs + index * everyMs, own), state);

const times = (count: number, word: Word): Word[] => Array.from({ length: count }, () => word);

function probing(state: BreakerState, nowMs: number, leaseMs = 10_000): BreakerState {
  return step(state, { type: 'probe', leaseMs }, { nowMs, random: middle }, rules);
}

const untilOf = (state: BreakerState): number => (state.is === 'open' ? state.untilMs : Number.NaN);

const open = toldAll(closedBreaker, times(3, 'failure'));
const probed = probing(open, untilOf(open));
const recovered = told(probed, 'success', untilOf(open));

/** The state again, as a word and what the next call would hear. */
const seen = (state: BreakerState, nowMs: number, inFlight = 0): string => `${state.is}, ${admits(state, nowMs, inFlight)}`;

describe('changes of state', () => {
  test.each<[string, BreakerInput['type'], string, BreakerState]>([
    ['closed', 'success', 'closed, yes', closedBreaker],
    ['closed', 'failure', 'closed, yes', closedBreaker],
    ['closed', 'refused', 'closed, yes', closedBreaker],
    ['closed', 'soft', 'closed, yes', closedBreaker],
    ['closed', 'abandon', 'closed, yes', closedBreaker],
    ['closed', 'probe', 'closed, yes', closedBreaker],
    ['two failures', 'failure', 'open, no', toldAll(closedBreaker, times(2, 'failure'))],
    ['two failures', 'refused', 'open, no', toldAll(closedBreaker, times(2, 'failure'))],
    ['two failures', 'soft', 'closed, yes', toldAll(closedBreaker, times(2, 'failure'))],
    ['two failures', 'abandon', 'closed, yes', toldAll(closedBreaker, times(2, 'failure'))],
    ['open', 'success', 'open, no', open],
    ['open', 'failure', 'open, no', open],
    ['open', 'abandon', 'open, no', open],
    ['open', 'probe', 'open, no', open],
    ['probing', 'success', 'closed, yes', probed],
    ['probing', 'failure', 'open, no', probed],
    ['probing', 'refused', 'open, no', probed],
    ['probing', 'soft', 'half-open, probe', probed],
    ['probing', 'abandon', 'half-open, probe', probed],
    ['probing', 'probe', 'half-open, no', probed],
    ['recovered', 'success', 'closed, yes', recovered],
    ['recovered', 'failure', 'closed, yes', recovered],
    ['recovered', 'refused', 'closed, yes', recovered],
    ['recovered', 'soft', 'closed, yes', recovered],
    ['recovered', 'abandon', 'closed, yes', recovered],
  ])('%s, then %s: %s', (_name, type, expected, from) => {
    const input: BreakerInput = type === 'probe' ? { type, leaseMs: 1 } : { type, generation: from.generation };
    expect(seen(step(from, input, { nowMs: startMs, random: middle }, rules), startMs)).toBe(expected);
  });

  test('open becomes ready for a probe when its time has passed, and not before', () => {
    expect([admits(open, untilOf(open) - 1, 0), admits(open, untilOf(open), 0)]).toEqual(['no', 'probe']);
  });

  test('a probe that asks before its time, or beside another one, gets no lease', () => {
    expect(probing(open, untilOf(open) - 1)).toBe(open);
    expect(probing(probed, untilOf(open))).toBe(probed);
    const early = { type: 'probe', leaseMs: 1, early: true } as const;
    expect(step(probed, early, { nowMs: untilOf(open), random: middle }, rules)).toBe(probed);
  });

  test('a probe that outlives its lease gives way to the next one, and its verdict is ignored', () => {
    const endMs = untilOf(open) + 10_000;
    expect([admits(probed, endMs - 1, 0), admits(probed, endMs, 0)]).toEqual(['no', 'probe']);
    const second = probing(probed, endMs);
    const late = { type: 'success', generation: probed.generation } as const;
    expect(step(second, late, { nowMs: endMs, random: middle }, rules)).toBe(second);
  });

  test('an expired lease counts as a failed probe: the next open time is longer by two steps', () => {
    const endMs = untilOf(open) + 10_000;
    const again = told(probing(probed, endMs), 'failure', endMs);
    expect(untilOf(again) - endMs).toBe(4 * rules.openMs);
  });

  test.each(['success', 'failure', 'refused', 'soft'] as const)('while it is open, %s changes nothing of it', (word) => {
    expect(told(open, word)).toBe(open);
  });

  test('a success that began before it opened does not close it', () => {
    expect(step(probed, { type: 'success', generation: 0 }, { nowMs: startMs, random: middle }, rules)).toBe(probed);
  });

  test('a failure that began before the recovery does not open it again', () => {
    expect(step(recovered, { type: 'failure', generation: 0 }, { nowMs: startMs, random: middle }, rules)).toBe(recovered);
  });

  test('after a recovery 1, 2, 4, 8 calls are let in at once, then any number', () => {
    const limits = [0, 1, 2, 3, 4].map((successes) => {
      const state = toldAll(recovered, times(successes, 'success'));
      return [1, 2, 4, 8, 1_000].filter((inFlight) => admits(state, startMs, inFlight - 1) === 'yes').at(-1);
    });
    expect(limits).toEqual([1, 2, 4, 8, 1_000]);
  });
});

describe('when it opens', () => {
  test('a quiet provider: the third failure in a row', () => {
    expect(toldAll(closedBreaker, ['failure', 'failure', 'success', 'failure', 'failure']).is).toBe('closed');
    expect(toldAll(closedBreaker, ['success', 'failure', 'failure', 'failure']).is).toBe('open');
  });

  test('a want of room between failures neither counts nor starts the count anew', () => {
    expect(toldAll(closedBreaker, ['failure', 'failure', 'soft', 'failure']).is).toBe('open');
  });

  test('a busy provider that fails hard: within 10 outcomes', () => {
    const busy = toldAll(closedBreaker, times(100, 'success'), 10);
    expect(toldAll(busy, times(9, 'failure'), 10).is).toBe('closed');
    expect(toldAll(busy, times(10, 'failure'), 10).is).toBe('open');
  });

  test('what is older than a minute no longer speaks for a provider', () => {
    const busy = toldAll(closedBreaker, times(100, 'success'));
    const failingAt = (ms: number): BreakerState => times(3, 'failure').reduce((state, word) => told(state, word, startMs + ms), busy);
    expect([failingAt(60_000).is, failingAt(60_001).is]).toEqual(['closed', 'open']);
  });

  test('three refused connections open it, however well it did before', () => {
    const busy = toldAll(closedBreaker, times(100, 'success'));
    expect(toldAll(busy, times(3, 'failure')).is).toBe('closed');
    expect(toldAll(busy, times(3, 'refused')).is).toBe('open');
    expect(toldAll(busy, ['refused', 'refused', 'success', 'refused']).is).toBe('closed');
  });

  test('no number of refusals for want of room opens a provider that serves a quarter of its calls', () => {
    const words = Array.from({ length: 400 }, (_, index): Word => (index % 4 === 0 ? 'success' : 'soft'));
    expect(toldAll(closedBreaker, words, 10).is).toBe('closed');
  });

  test('overload: 16 of the last 20', () => {
    const before = toldAll(closedBreaker, times(4, 'success'));
    expect(toldAll(before, times(15, 'soft')).is).toBe('closed');
    expect(toldAll(before, times(16, 'soft')).is).toBe('open');
    expect(toldAll(closedBreaker, times(19, 'soft')).is).toBe('closed');
  });

  test('5% random errors at 100/s never open it in 360,000 calls, and 10% at most once', () => {
    expect(tripsIn(360_000, 0.05)).toBe(0);
    expect(tripsIn(360_000, 0.1)).toBeLessThanOrEqual(1);
    // The figure would be 0 for a breaker that never opens, too.
    expect(tripsIn(3_600, 0.9)).toBeGreaterThan(0);
  });

  test('classic: three in a row, whatever came before, 5 minutes each time', () => {
    const busy = toldAll(closedBreaker, times(100, 'success'), 0, classicBreaker);
    let state = toldAll(busy, times(3, 'failure'), 0, classicBreaker);
    expect(untilOf(state) - startMs).toBe(300_000);
    state = told(probing(state, untilOf(state)), 'failure', startMs, classicBreaker);
    expect(untilOf(state) - startMs).toBe(300_000);
    expect(toldAll(closedBreaker, times(100, 'soft'), 0, classicBreaker).is).toBe('closed');
  });
});

/** How often it opens under random errors, 10 ms apart. It begins anew each time, so that no open time hides further errors. */
function tripsIn(calls: number, errorRate: number): number {
  let seed = 20_260_823;
  const random = (): number => {
    seed = (seed + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  let state = closedBreaker;
  let trips = 0;
  for (let call = 0; call < calls; call++) {
    state = told(state, random() < errorRate ? 'failure' : 'success', startMs + call * 10);
    if (state.is !== 'open') continue;
    trips += 1;
    state = closedBreaker;
  }
  return trips;
}

describe('how long it stays open', () => {
  /** Open times in seconds while every probe fails. */
  const openSeconds = (random: number, probes: number): number[] => {
    const seconds: number[] = [];
    const fail = { type: 'failure' } as const;
    let state = step(toldAll(closedBreaker, times(2, 'failure')), { ...fail, generation: 0 }, { nowMs: startMs, random }, rules);
    for (let nowMs = startMs; seconds.length < probes;) {
      seconds.push((untilOf(state) - nowMs) / 1000);
      nowMs = untilOf(state);
      state = probing(state, nowMs);
      state = step(state, { ...fail, generation: state.generation }, { nowMs, random }, rules);
    }
    return seconds;
  };

  test('30 s, doubling with each failed probe, 5 minutes at most', () => {
    expect(openSeconds(middle, 6)).toEqual([30, 60, 120, 240, 300, 300]);
  });

  test('a fifth shorter or longer, but never more than 5 minutes', () => {
    expect(openSeconds(0, 5)).toEqual([24, 48, 96, 192, 240]);
    expect(openSeconds(1, 5)).toEqual([36, 72, 144, 288, 300]);
  });

  test('a failure while it ramps up lets the ramp begin again; three open it', () => {
    const climbed = toldAll(recovered, times(2, 'success'));
    expect(climbed).toMatchObject({ is: 'closed', ramp: 4 });
    expect(toldAll(climbed, ['failure'])).toMatchObject({ is: 'closed', ramp: 1 });
    expect(toldAll(climbed, ['soft'])).toMatchObject({ is: 'closed', ramp: 4 });
    expect(toldAll(climbed, times(3, 'failure')).is).toBe('open');
  });

  test('want of room counts in the ratio', () => {
    const words = [...times(6, 'soft'), ...times(5, 'failure')] as const;
    expect(toldAll(closedBreaker, words).is).toBe('open');
  });

  test('it goes on doubling after a short recovery, and starts anew after 10 healthy minutes', () => {
    const full = toldAll(recovered, times(4, 'success'));
    const closedAtMs = full.is === 'closed' ? full.sinceMs : Number.NaN;
    const opensAfter = (ms: number): number => {
      const again = times(3, 'failure').reduce((state, word) => told(state, word, closedAtMs + ms), full);
      return untilOf(again) - closedAtMs - ms;
    };
    expect([opensAfter(599_999), opensAfter(600_000)]).toEqual([60_000, 30_000]);
  });
});

test('a probe before its time that fails leaves the open time as long as it was', () => {
  const again = step(open, { type: 'probe', leaseMs: 1, early: true }, { nowMs: startMs, random: middle }, rules);
  const failed = step(again, { type: 'failure', generation: again.generation }, { nowMs: startMs, random: middle }, rules);
  expect(failed).toMatchObject({ is: 'open', untilMs: startMs + 30_000 });
});

test('one that others have found open opens until their time, and a verdict from before changes nothing', () => {
  const opened = openUntil(recovered, startMs + 7_000, 4);
  expect(opened).toEqual({
    is: 'open',
    generation: recovered.generation + 1,
    opens: 4,
    recent: recovered.recent,
    untilMs: startMs + 7_000,
  });
  const late = { type: 'success', generation: recovered.generation } as const;
  expect(step(opened, late, { nowMs: startMs, random: middle }, rules)).toBe(opened);
});

test.each([
  ['open', open],
  ['half-open', step(probed, { type: 'abandon', generation: probed.generation }, { nowMs: startMs, random: middle }, rules)],
] as const)('one that is %s lets no probe through while it is held', (_name, state) => {
  const held = withHeld(state, true);
  expect([admits(state, Infinity, 0), admits(held, Infinity, 0)]).toEqual(['probe', 'no']);
  expect(withHeld(held, false)).toStrictEqual(state);
  expect(withHeld(held, true)).toBe(held);
  expect(withHeld(state, false)).toBe(state);
});

test('one that is closed cannot be held', () => {
  expect(withHeld(closedBreaker, true)).toBe(closedBreaker);
});
