import { expect, test } from 'vitest';
import type { BreakerState } from '../../src/breaker/breaker.ts';
import { createSharedProbes } from '../../src/router/shared-probes.ts';
import { testClock } from '../_kit/test-clock.ts';

const open: BreakerState = { is: 'open', generation: 1, opens: 1, recent: [], untilMs: 1_030_000 };

function crowd(count: number): {
  readonly probes: ReturnType<typeof createSharedProbes>;
  readonly states: BreakerState[];
  looks: () => number;
} {
  const clock = testClock();
  const states: BreakerState[] = Array.from({ length: count }, () => open);
  let looks = 0;
  const link = { isUp: true, lease: () => new Promise<undefined>(() => undefined), release: () => undefined };
  const probes = createSharedProbes({ link, clock });
  states.forEach((_, index) =>
    probes.hold(`n${index}`, {
      get: () => ((looks += 1), states[index] ?? open),
      set: (state) => void (states[index] = state),
    }),
  );
  return { probes, states, looks: () => looks };
}

test('calls look at no breaker that is held before one of them is due, however many there are', () => {
  const { probes, looks } = crowd(1_000);
  const before = looks();
  for (let call = 0; call < 10_000; call++) probes.noteCall(1_000_000 + call);
  expect(looks()).toBe(before);
  probes.noteCall(1_030_000);
  expect(looks()).toBeGreaterThan(before);
});

test('of very many that are held the oldest are left to their own router', () => {
  const { states } = crowd(6_000);
  const held = states.map((state) => state.is !== 'closed' && state.held === true);
  expect([held.filter(Boolean).length, held[0], held[999], held[1_000], held.at(-1)]).toEqual([5_000, false, false, true, true]);
});
