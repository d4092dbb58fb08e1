import { expect, test } from 'vitest';
import { longestPinMs, nextPin, type Pin } from '../../src/routing/pins.ts';

const halfHourMs = 1_800_000;

function pinsInARow(count: number, pinMs: number): Pin[] {
  const pins: Pin[] = [];
  for (let nowMs = 0; pins.length < count; nowMs = pins.at(-1)?.untilMs ?? 0) pins.push(nextPin(pins.at(-1), pinMs, nowMs));
  return pins;
}

const lengthsMs = (pins: readonly Pin[]): number[] => pins.map(({ untilMs }, index) => untilMs - (pins[index - 1]?.untilMs ?? 0));

test('pins of a model that never fits double from half an hour to 4 hours', () => {
  const hours = lengthsMs(pinsInARow(6, halfHourMs)).map((ms) => ms / 3_600_000);
  expect(hours).toEqual([0.5, 1, 2, 4, 4, 4]);
});

test('no number of them makes a pin without end', () => {
  expect(nextPin({ untilMs: 0, times: 100_000 }, halfHourMs, 7)).toEqual({ untilMs: 7 + longestPinMs, times: 100_001 });
});

test('a pin lasts as long as the configuration says', () => {
  expect(nextPin(undefined, 5_000, 100)).toEqual({ untilMs: 5_100, times: 1 });
});

test('a pin is at most 4 hours long, whatever the configuration says', () => {
  expect(nextPin(undefined, 10 * longestPinMs, 0).untilMs).toBe(longestPinMs);
});
