import { expect, test } from 'vitest';
import { collectMetrics } from '../../src/telemetry/prometheus.ts';
import { hang } from '../_kit/fake-adapter.ts';
import { fakeRouter, hello } from '../_kit/fake-router.ts';
import { readExposition, valueOf } from './exposition.ts';

test('a scrape reads all its gauges from one snapshot, and the next one from another', async () => {
  const { router, clock } = fakeRouter({ gpu: hang });
  let taken = 0;
  const snapshot = (): ReturnType<typeof router.snapshot> => {
    taken += 1;
    return router.snapshot();
  };
  const metrics = collectMetrics({ ...router, snapshot });
  const inFlight = async (): Promise<number | undefined> =>
    valueOf(readExposition(await metrics.text()), 'inferlane_requests_in_flight', {});
  expect([await inFlight(), taken]).toEqual([0, 1]);
  const left = new AbortController();
  const call = router.chat(hello, { signal: left.signal }).catch(() => undefined);
  await clock.settle();
  expect([await inFlight(), taken]).toEqual([1, 2]);
  left.abort();
  await call;
});
