import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { drawFailover, picture, runFailover } from '../../scripts/write-failover-picture.ts';

test('the picture of a failover is what scripts/write-failover-picture.ts draws of a run of now', { timeout: 30_000 }, async () => {
  expect(readFileSync(picture, 'utf8')).toBe(drawFailover(await runFailover()));
});

test('the run is one of memory that ran out, a pin, and a second call that leaves the GPU out', { timeout: 30_000 }, async () => {
  const { calls, events, pinnedMs } = await runFailover();
  expect(calls.map(({ route }) => route.attempts.map(({ provider, error }) => [provider, error?.code]))).toEqual([
    [
      ['gpu', 'out_of_memory'],
      ['cpu', undefined],
    ],
    [['cpu', undefined]],
  ]);
  expect(calls.map(({ text }) => text)).toEqual(['Hello from the CPU.', 'Hello from the CPU.']);
  expect(events.map(({ name }) => name)).toContain('model:pinned');
  expect(pinnedMs).toBe(1_800_000);
});
