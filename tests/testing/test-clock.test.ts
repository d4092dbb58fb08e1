import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { fakeBackend, inWrites, loading, slow, testClock } from '../../src/testing/index.ts';
import { ask } from '../_kit/backend-forms.ts';
import { plainWire } from '../_kit/plain-wire.ts';

function sleeper(clock: ReturnType<typeof testClock>, ms: number): Promise<number> {
  return new Promise((resolve) => void clock.schedule(ms, () => resolve(clock.nowMs())));
}

test('stands still until it is told to go on', async () => {
  const clock = testClock({ startMs: 50 });
  await clock.settle();
  expect([clock.nowMs(), clock.wallMs()]).toEqual([50, 2_000_000_000_050]);
});

test('fires what is due, in order, each at its own time', async () => {
  const clock = testClock({ startMs: 0 });
  const fired: number[] = [];
  for (const ms of [30, 10, 20, 40]) clock.schedule(ms, () => fired.push(clock.nowMs()));
  await clock.advance(35);
  expect([fired, clock.nowMs(), clock.timers()]).toEqual([[10, 20, 30], 35, 1]);
});

test('fires what a timer sets, where it is due in time', async () => {
  const clock = testClock({ startMs: 0 });
  let firedMs = 0;
  clock.schedule(10, () => void clock.schedule(10, () => (firedMs = clock.nowMs())));
  await clock.advance(20);
  expect(firedMs).toBe(20);
});

test('fires no timer that was cancelled', async () => {
  const clock = testClock();
  let fired = false;
  clock.schedule(10, () => (fired = true))();
  await clock.advance(20);
  expect([fired, clock.timers(), clock.delays]).toEqual([false, 0, [10]]);
});

test('runs until a promise settles, and gives what it gives', async () => {
  const clock = testClock({ startMs: 0 });
  void clock.schedule(99_000, () => undefined);
  const [value, nowMs] = [await clock.run(sleeper(clock, 70_000)), clock.nowMs()];
  expect([value, nowMs, clock.timers()]).toEqual([70_000, 70_000, 1]);
});

test('runs until a promise rejects, with its own reason', async () => {
  const clock = testClock();
  const reason = new Error('late');
  await expect(clock.run(sleeper(clock, 5).then(() => Promise.reject(reason)))).rejects.toBe(reason);
});

test('gives up on a promise that no timer brings about', async () => {
  await expect(testClock().run(new Promise(() => undefined))).rejects.toThrow('no timer of the test clock');
});

test('says that what it waits for may be on another clock', async () => {
  await using server = await fakeBackend(plainWire, loading(60_000)).listen();
  const leaving = new AbortController();
  const asked = ask(server.url, 'chat', { signal: leaving.signal }).then(() => new Promise(() => undefined));
  await expect(testClock().run(asked)).rejects.toThrow('unless it is made with { clock }');
  leaving.abort();
});

test.each([[undefined], [5], [() => Promise.resolve()]])('runs promises, and nothing else: %s', async (value) => {
  await expect(testClock().run(value as unknown as Promise<void>)).rejects.toThrow('run() takes a promise');
});

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('does not go on by %s', async (ms) => {
  const clock = testClock({ startMs: 7 });
  await expect(clock.advance(ms)).rejects.toThrow(RangeError);
  expect(clock.nowMs()).toBe(7);
});

test('gives up on timers that follow each other for ever', async () => {
  const clock = testClock();
  const again = (): void => void clock.schedule(3_600_000, again);
  again();
  await expect(clock.run(new Promise(() => undefined))).rejects.toThrow('A day has passed on the test clock');
});

function numbersOf(seed?: number): number[] {
  const { random } = testClock({ seed });
  return Array.from({ length: 1_000 }, random);
}

test('the same seed gives the same numbers, and another seed others', () => {
  expect(numbersOf(1)).toEqual(numbersOf());
  expect(numbersOf(2)).not.toEqual(numbersOf(1));
});

test('the numbers lie from 0 to 1, evenly', () => {
  const numbers = numbersOf();
  expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
  expect(Math.abs(numbers.reduce((sum, number) => sum + number, 0) / numbers.length - 0.5)).toBeLessThan(0.05);
});

test('two clocks with one seed share no state', () => {
  const [first, second] = [testClock({ seed: 7 }), testClock({ seed: 7 })];
  expect([first.random(), first.random()]).toEqual([second.random(), second.random()]);
});

test('settles only when an answer in many writes is through', async () => {
  const clock = testClock();
  await using server = await fakeBackend(plainWire, inWrites('bytes'), { clock }).listen();
  let isRead = false;
  void ask(server.url, 'stream')
    .then((response) => response.text())
    .then(() => (isRead = true));
  await clock.settle();
  expect(isRead).toBe(true);
});

test('lets no time pass while a real socket delivers', async () => {
  const clock = testClock({ startMs: 0 });
  await using server = await fakeBackend(plainWire, slow(1), { clock }).listen();
  const cancel = clock.schedule(60_000, () => undefined);
  await clock.run(ask(server.url, 'stream').then((response) => response.text()));
  cancel();
  expect(clock.nowMs()).toBe(4_000);
});

test('settling waits for what only promises and turns of the loop bring about', async () => {
  let happened = false;
  void setImmediate()
    .then(() => setImmediate())
    .then(() => (happened = true));
  await testClock().settle();
  expect(happened).toBe(true);
});
