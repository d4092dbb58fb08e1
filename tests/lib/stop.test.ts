import { expect, test } from 'vitest';
import { createStop } from '../../src/lib/stop.ts';

const reason = new Error('enough');

test('a stop calls each listener once, in order, and keeps its first reason', () => {
  const signal = createStop();
  const calls: string[] = [];
  signal.listen(() => calls.push('first'));
  signal.listen(() => calls.push('second'));
  signal.stop(reason);
  signal.stop(new Error('again'));
  expect(calls).toEqual(['first', 'second']);
  expect([signal.aborted, signal.reason]).toEqual([true, reason]);
  expect(() => signal.throwIfAborted()).toThrow(reason);
});

test('a listener that was taken off is not called, whichever of them it was, and others are', () => {
  for (const off of [0, 1, 2]) {
    const signal = createStop();
    const calls: number[] = [];
    const listening = [0, 1, 2].map((each) => signal.listen(() => calls.push(each)));
    listening[off]?.remove();
    listening[off]?.remove();
    signal.listen(() => calls.push(3));
    signal.stop(reason);
    expect(calls).toEqual([0, 1, 2, 3].filter((each) => each !== off));
  }
});

test('a listener may take another one off, and itself', () => {
  const signal = createStop();
  const calls: string[] = [];
  const first = signal.listen(() => {
    calls.push('first');
    first.remove();
    second.remove();
  });
  const second = signal.listen(() => calls.push('second'));
  signal.listen(() => calls.push('third'));
  signal.stop(reason);
  expect(calls).toEqual(['first', 'third']);
});
