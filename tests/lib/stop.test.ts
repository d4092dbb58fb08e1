import { expect, test } from 'vitest';
import { createStop } from '../../src/lib/stop.ts';

const reason = new Error('enough');

test('a stop calls each listener once, in order, and keeps its first reason', () => {
  const signal = createStop();
  const calls: string[] = [];
  signal.addEventListener('abort', () => calls.push('first'));
  signal.addEventListener('abort', () => calls.push('second'));
  signal.stop(reason);
  signal.stop(new Error('again'));
  expect(calls).toEqual(['first', 'second']);
  expect([signal.aborted, signal.reason]).toEqual([true, reason]);
  expect(() => signal.throwIfAborted()).toThrow(reason);
});

test('a listener that was taken off is not called', () => {
  const signal = createStop();
  let calls = 0;
  const listener = (): void => void (calls += 1);
  signal.addEventListener('abort', listener);
  signal.removeEventListener('abort', listener);
  signal.stop(reason);
  expect(calls).toBe(0);
});
