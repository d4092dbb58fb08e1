import { afterEach, expect, test, vi } from 'vitest';
import { ApiFailure, createApi } from '../../src/admin/api.ts';
import { followFeed } from '../../src/admin/event-feed.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test('a server that is away for long costs no listener for each try', async () => {
  vi.useFakeTimers();
  const added = vi.spyOn(AbortSignal.prototype, 'addEventListener');
  const removed = vi.spyOn(AbortSignal.prototype, 'removeEventListener');
  let tries = 0;
  const api = {
    ...createApi('token'),
    async *events(): AsyncGenerator<undefined, void> {
      tries += 1;
      if (tries === 1) yield undefined;
      throw new ApiFailure(0, 'The server cannot be reached.');
    },
  };
  const quiet = { onEvents: () => undefined, onLink: () => undefined, onGap: () => undefined, onRefused: () => undefined };
  const end = followFeed(api, quiet);
  await vi.advanceTimersByTimeAsync(600_000);
  expect(tries).toBeGreaterThan(30);
  // The pause under way still listens.
  expect(added.mock.calls.length - removed.mock.calls.length).toBe(1);
  end();
  await vi.advanceTimersByTimeAsync(0);
  expect(added.mock.calls.length - removed.mock.calls.length).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});
