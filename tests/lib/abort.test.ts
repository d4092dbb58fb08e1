import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { orAborted } from '../../src/lib/abort.ts';

const never = (): Promise<never> => new Promise(() => undefined);

test('gives the value, and leaves no listener', async () => {
  const { signal } = new AbortController();
  expect(await orAborted(Promise.resolve(7), signal)).toBe(7);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

test('gives the failure, and leaves no listener', async () => {
  const { signal } = new AbortController();
  await expect(orAborted(Promise.reject(new Error('own')), signal)).rejects.toThrow('own');
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

test('gives the reason of an abort although the work goes on for ever', async () => {
  const controller = new AbortController();
  const result = orAborted(never(), controller.signal);
  controller.abort('why');
  await expect(result).rejects.toBe('why');
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
});

test('gives the reason where the signal has aborted before', async () => {
  await expect(orAborted(Promise.resolve(7), AbortSignal.abort('why'))).rejects.toBe('why');
});

test('what the work throws after an abort is neither given nor unhandled', async () => {
  const unhandled: unknown[] = [];
  const listen = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', listen);
  const late = new Promise((_, reject) => void setTimeout(() => reject(new Error('late')), 5));
  await expect(orAborted(late, AbortSignal.abort('why'))).rejects.toBe('why');
  const controller = new AbortController();
  const alsoLate = new Promise((_, reject) => void setTimeout(() => reject(new Error('late')), 5));
  const result = orAborted(alsoLate, controller.signal);
  controller.abort('why');
  await expect(result).rejects.toBe('why');
  await new Promise((resolve) => void setTimeout(resolve, 20));
  process.off('unhandledRejection', listen);
  expect(unhandled).toEqual([]);
});
