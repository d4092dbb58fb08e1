import { expect, test } from 'vitest';
import { createAdminAttempts } from '../../src/http/admin-attempts.ts';
import type { AdminChange } from '../../src/http/admin-options.ts';
import { resolveHandlerOptions } from '../../src/http/handler-options.ts';
import { testClock, type TestClock } from '../_kit/test-clock.ts';
import { token } from './admin-kit.ts';

function attempts(): {
  readonly wrong: () => number;
  readonly after: () => number | undefined;
  readonly clock: TestClock;
  readonly changes: AdminChange[];
} {
  const clock = testClock();
  const changes: AdminChange[] = [];
  const admin = { token, options: { providers: {} }, onChange: (change: AdminChange) => void changes.push(change) };
  const counted = createAdminAttempts(resolveHandlerOptions({ admin, clock }));
  const after = (): number | undefined => counted.wrong()?.refusal.retryAfterMs;
  return { wrong: () => counted.wrong()?.refusal.status ?? 401, after, clock, changes };
}

test('five wrong tokens per minute are told that they are wrong, and the sixth to wait until the first is a minute old', async () => {
  const { wrong, after, clock } = attempts();
  for (let count = 0; count < 5; count++) {
    expect(wrong()).toBe(401);
    await clock.advance(1_000);
  }
  expect(after()).toBe(55_000);
  await clock.advance(54_999);
  expect(wrong()).toBe(429);
  await clock.advance(1);
  expect(wrong()).toBe(401);
  expect(wrong()).toBe(429);
});

test('those that were told to wait do not make the wait longer', async () => {
  const { wrong, clock } = attempts();
  for (let count = 0; count < 1_000; count++) wrong();
  await clock.advance(60_000);
  expect(Array.from({ length: 6 }, wrong)).toEqual([401, 401, 401, 401, 401, 429]);
});

test('the log hears of wrong tokens, and no flood of them', () => {
  const { wrong, clock, changes } = attempts();
  for (let count = 0; count < 1_000; count++) wrong();
  expect(changes).toHaveLength(5);
  expect(changes[4]).toEqual({ atMs: clock.wallMs(), action: 'login', keys: [], ok: false });
});
