import { getEventListeners, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { type AttemptDeadline, type DeadlineOptions, openDeadline, timeoutError } from '../../src/lib/deadline.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createRouter } from '../../src/router/create-router.ts';
import { hello } from '../_kit/fake-router.ts';
import { chatBody } from '../_kit/openai-bytes.ts';
import { type TestClock, testClock } from '../_kit/test-clock.ts';

function open(more: Partial<Omit<DeadlineOptions, 'clock'>> & { endsInMs?: number } = {}): { clock: TestClock; deadline: AttemptDeadline } {
  const clock = testClock();
  const { endsInMs = 1_000, ...rest } = more;
  const endsAtMs = clock.nowMs() + endsInMs;
  return { clock, deadline: openDeadline({ clock, provider: 'box', signals: [], endsAtMs, endPhase: 'total', ...rest }) };
}

describe('phases', () => {
  test('the end of the attempt holds from the beginning, and the reason names it', async () => {
    const { clock, deadline } = open();
    await clock.advance(999);
    expect(deadline.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(deadline.signal.reason).toMatchObject({ code: 'timeout', phase: 'total', provider: 'box' });
    expect((deadline.signal.reason as Error).message).toBe('box: no complete answer within 1000 ms.');
  });

  test('a phase has its own limit from the moment it begins', async () => {
    const { clock, deadline } = open();
    await clock.advance(300);
    deadline.enter('idle', 200);
    await clock.advance(199);
    expect(deadline.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(deadline.signal.reason).toMatchObject({ phase: 'idle', message: 'box: nothing more within 200 ms.' });
  });

  test('a phase that would go beyond the end of the attempt ends with it, and the reason says so', async () => {
    const { clock, deadline } = open({ endPhase: 'deadline' });
    await clock.advance(900);
    deadline.enter('idle', 200);
    await clock.advance(100);
    expect(deadline.signal.reason).toMatchObject({ phase: 'deadline', message: expect.stringContaining('within 1000 ms') });
  });

  test('in a pause only the end of the attempt holds', async () => {
    const { clock, deadline } = open();
    deadline.enter('idle', 100);
    await clock.advance(50);
    deadline.pause();
    await clock.advance(949);
    expect(deadline.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(deadline.signal.reason).toMatchObject({ phase: 'total' });
  });

  test('a limit without end leaves the end of the attempt', async () => {
    const { clock, deadline } = open();
    deadline.enter('first-token', Infinity);
    await clock.advance(1_000);
    expect(deadline.signal.reason).toMatchObject({ phase: 'total' });
  });
});

describe('the timer', () => {
  test('is moved when it fires and not at every piece: a thousand pieces cost a handful of timers', async () => {
    const { clock, deadline } = open({ endsInMs: 100_000 });
    for (let piece = 0; piece < 1_000; piece++) {
      deadline.enter('idle', 15_000);
      await clock.advance(10);
      deadline.pause();
    }
    expect(deadline.signal.aborted).toBe(false);
    expect(clock.delays.length).toBeLessThan(10);
    expect(clock.timers()).toBe(1);
  });

  test('that was set for an earlier limit still ends the later one in time', async () => {
    const { clock, deadline } = open({ endsInMs: 100_000 });
    deadline.enter('idle', 1_000);
    await clock.advance(900);
    deadline.enter('idle', 1_000);
    await clock.advance(999);
    expect(deadline.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(deadline.signal.aborted).toBe(true);
  });

  test('is moved forward for an earlier limit', async () => {
    const { clock, deadline } = open({ endsInMs: 100_000 });
    deadline.enter('idle', 10_000);
    deadline.enter('first-token', 50);
    await clock.advance(50);
    expect(deadline.signal.reason).toMatchObject({ phase: 'first-token' });
  });

  test('is gone after dispose', async () => {
    const { clock, deadline } = open();
    deadline.enter('idle', 10);
    deadline.dispose();
    expect(clock.timers()).toBe(0);
    await clock.advance(5_000);
    expect(deadline.signal.aborted).toBe(false);
  });
});

test('a limit that is set after dispose sets no timer', () => {
  const { clock, deadline } = open();
  deadline.enter('idle', 10);
  deadline.dispose();
  deadline.enter('idle', 5);
  deadline.pause();
  expect(clock.timers()).toBe(0);
});

describe('signals that were passed in', () => {
  test('abort with their own reason', () => {
    const caller = new AbortController();
    const { deadline } = open({ signals: [caller.signal] });
    caller.abort('mine');
    expect(deadline.signal.reason).toBe('mine');
  });

  test('that have aborted before count at once', () => {
    expect(open({ signals: [AbortSignal.abort('mine')] }).deadline.signal.reason).toBe('mine');
  });

  test('keep no listener after dispose', () => {
    const { signal } = new AbortController();
    const { deadline } = open({ signals: [signal] });
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    deadline.dispose();
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});

/** A clock whose timers fire late by `latenessMs`, as they do while the event loop is blocked. */
function lateClock(latenessMs: number): TestClock {
  const clock = testClock();
  let isLate = true;
  return {
    ...clock,
    schedule(delayMs, callback) {
      const lateMs = isLate ? latenessMs : 0;
      isLate = false;
      return clock.schedule(delayMs + lateMs, callback);
    },
  };
}

describe('a timer that fires late', () => {
  test.each([
    [10_000, 30],
    [10_000, 2_000],
    [100, 700],
    [20, 15],
  ])('limit %i ms, %i ms late: the loop gets a moment to read before it is judged', async (limitMs, latenessMs) => {
    const clock = lateClock(latenessMs);
    const deadline = openDeadline({ clock, provider: 'box', signals: [], endsAtMs: clock.nowMs() + limitMs, endPhase: 'total' });
    await clock.advance(limitMs + latenessMs);
    expect(deadline.signal.aborted).toBe(false);
    await clock.advance(25);
    expect(deadline.signal.reason).toMatchObject({ phase: 'total' });
  });

  test('gets that moment once', async () => {
    const clock = lateClock(700);
    const deadline = openDeadline({ clock, provider: 'box', signals: [], endsAtMs: clock.nowMs() + 100, endPhase: 'total' });
    await clock.advance(800 + 25);
    expect(deadline.signal.aborted).toBe(true);
    expect(clock.timers()).toBe(0);
  });

  test('by the usual milliseconds of a busy loop gets none', async () => {
    const clock = lateClock(5);
    const deadline = openDeadline({ clock, provider: 'box', signals: [], endsAtMs: clock.nowMs() + 1_000, endPhase: 'total' });
    await clock.advance(1_005);
    expect(deadline.signal.aborted).toBe(true);
  });
});

/** Does nothing else for this long, as an application that computes. */
function block(ms: number): void {
  const untilMs = systemClock.nowMs() + ms;
  while (systemClock.nowMs() < untilMs);
}

/** A server in a thread of its own, which answers after 30 ms whatever this thread is doing. */
async function serverBesides(): Promise<AsyncDisposable & { readonly url: string }> {
  const code = `
    const { parentPort } = require('node:worker_threads');
    const body = ${JSON.stringify(chatBody('it was there'))};
    const server = require('node:http').createServer((request, response) => {
      request.resume().on('end', () => setTimeout(() => response.setHeader('content-type', 'application/json').end(body), 30));
    });
    server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;
  const worker = new Worker(code, { eval: true });
  const [port] = (await once(worker, 'message')) as [number];
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: async () => void (await worker.terminate()) };
}

test.each([
  [100, 250],
  [200, 260],
])('with the answer in the socket, a loop that is blocked past a limit of %i ms for %i ms makes no timeout', async (totalMs, blockedMs) => {
  await using server = await serverBesides();
  const router = createRouter({ providers: { box: { type: 'openai-compatible', url: server.url } }, maxAttempts: 1, deadlineMs: 10_000 });
  await router.chat(hello);
  let timeouts = 0;
  for (let round = 0; round < 6; round++) {
    const call = router.chat(hello, { timeouts: { totalMs } }).catch(() => timeouts++);
    // In the check phase: the next thing the loop does is to look at its timers.
    await sleep(10);
    setImmediate(() => block(blockedMs));
    await call;
  }
  expect(timeouts).toBe(0);
});

test('the error of the deadline of a call names no provider', () => {
  expect(timeoutError(undefined, 'deadline', 1_234.4).message).toBe('no complete answer before the deadline of the call within 1234 ms.');
});
