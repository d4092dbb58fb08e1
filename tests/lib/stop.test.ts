import { expect, test } from 'vitest';
import { createStop, createWait } from '../../src/lib/stop.ts';

const reason = new Error('enough');
const never = new Promise<never>(() => undefined);

test('a stop calls each listener once, in order, and keeps its first reason', () => {
  const { signal, stop } = createStop();
  const calls: string[] = [];
  signal.addEventListener('abort', () => calls.push('first'));
  signal.addEventListener('abort', () => calls.push('second'));
  stop(reason);
  stop(new Error('again'));
  expect(calls).toEqual(['first', 'second']);
  expect([signal.aborted, signal.reason]).toEqual([true, reason]);
  expect(() => signal.throwIfAborted()).toThrow(reason);
});

test('a listener that was taken off is not called', () => {
  const { signal, stop } = createStop();
  let calls = 0;
  const listener = (): void => void (calls += 1);
  signal.addEventListener('abort', listener);
  signal.removeEventListener('abort', listener);
  stop(reason);
  expect(calls).toBe(0);
});

test('a wait gives what the promise gives, its failure too', async () => {
  const wait = createWait();
  expect(await wait.for(Promise.resolve(1))).toBe(1);
  await expect(wait.for(Promise.reject(reason))).rejects.toBe(reason);
});

test('a wait that is stopped rejects at once, with the reason as it is', async () => {
  const wait = createWait();
  const waiting = wait.for(never);
  wait.stop(reason);
  await expect(waiting).rejects.toBe(reason);
  await expect(wait.for(never)).rejects.toBe(reason);
});

test('what the promise says after the stop is unheard, and no unhandled rejection', async () => {
  const wait = createWait();
  const late: { fail?: (error: Error) => void } = {};
  const waiting = wait.for(new Promise<never>((_, reject) => Object.assign(late, { fail: reject })));
  wait.stop(reason);
  late.fail?.(new Error('too late'));
  await expect(waiting).rejects.toBe(reason);
});
