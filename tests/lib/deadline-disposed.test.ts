import { expect, test } from 'vitest';
import { openDeadline } from '../../src/lib/deadline.ts';
import { testClock } from '../_kit/test-clock.ts';

test('a limit that is set after the attempt has ended arms no timer, and never aborts', async () => {
  const clock = testClock();
  const deadline = openDeadline({ clock, provider: 'a', signals: [], endsAtMs: clock.nowMs() + 10_000, endPhase: 'deadline' });
  deadline.dispose();
  deadline.enter('throughput', 100);
  deadline.pause();
  deadline.enter('idle', 0);
  expect(clock.timers()).toBe(0);
  await clock.advance(20_000);
  expect(deadline.signal.aborted).toBe(false);
});
