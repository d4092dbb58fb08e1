import { describe, expect, test } from 'vitest';
import { after, fault, refused } from '../_kit/fake-adapter.ts';
import { failureOf, type FakeRouter, fakeRouter, hello, outcomeOf } from '../_kit/fake-router.ts';
import { type Called, callsOf, countsOf, expectFree, expectQuiet, mostAtOnce, once, type Options, single } from './queue-kit.ts';

const reason = new Error('the caller’s own');
const heavy = { intent: 'heavy' } as const;
/** It rests for 100 ms, and a call that it has refused comes back after 125. */
const rested = fault('overloaded', { status: 503, retryAfterMs: 100 });

describe('a call that comes back to a provider which had no room', () => {
  /** `a` refuses the first call, and at 110 ms, when its rest is over, another one takes its slot, for a second. */
  const returning = async (options: Options = {}, call = {}): Promise<FakeRouter<'a'> & { retried: Called }> => {
    const made = fakeRouter({ a: { does: [rested, after(1_000, 'held'), 'a'], ...single } }, options);
    const retried = outcomeOf(made.router.chat(hello, call));
    await made.clock.advance(110);
    void outcomeOf(made.router.chat(hello));
    return { ...made, retried };
  };

  test('waits for its slot where another has it by then', async () => {
    const made = await returning();
    await made.clock.advance(999);
    expect(made.retried.settled).toBe(false);
    expect(countsOf(made.router)).toEqual({ a: { waiting: 1, inFlight: 1 } });
    await made.clock.advance(1);
    expect(made.retried.value?.route).toMatchObject({ provider: 'a', queuedMs: 985, attempts: [{ startedMs: 0 }, { startedMs: 1_110 }] });
    expect(mostAtOnce(made.events, 'a')).toBe(1);
    expectQuiet(made);
    await expectFree(made, { a: 1 });
  });

  test('is aborted there as anywhere', async () => {
    const controller = new AbortController();
    const made = await returning({}, { signal: controller.signal });
    await made.clock.advance(500);
    controller.abort(reason);
    await made.clock.settle();
    expect(made.retried.error).toBe(reason);
    expect(countsOf(made.router)).toEqual({ a: { waiting: 0, inFlight: 1 } });
    await made.clock.advance(500);
    expectQuiet(made);
  });

  test('gives up with its failures when the time for waiting is over', async () => {
    const made = await returning({ queue: { timeoutMs: 300 } });
    await made.clock.advance(10_000);
    expect(made.retried.error).toMatchObject({ code: 'all_failed', attempts: [{ error: { code: 'overloaded' } }] });
    expect(made.fakes.a.calls).toHaveLength(2);
    expectQuiet(made);
    await expectFree(made, { a: 1 });
  });

  test('gives the slot back where a breaker has opened while it waited', async () => {
    const made = fakeRouter({ a: { does: [rested, after(1_000, refused()), 'a'], ...single } }, { breaker: { failureThreshold: 1 } });
    const retried = outcomeOf(made.router.chat(hello));
    await made.clock.advance(110);
    void outcomeOf(made.router.chat(hello));
    await made.clock.advance(1_000);
    expect(countsOf(made.router)).toEqual({ a: { waiting: 0, inFlight: 0 } });
    await made.clock.advance(60_000);
    expect(retried.error).toMatchObject({ code: 'all_failed' });
    expect((await made.clock.run(made.router.chat(hello))).route).toMatchObject({ provider: 'a', queuedMs: 0 });
    expectQuiet(made);
  });
});

describe('a breaker that may be probed, with every slot in use', () => {
  /** Heavy work has the slot that is there for it, for 40 s; since then a connection did not come about. */
  const opened = async (options: Options = {}): Promise<FakeRouter<'a'>> => {
    const does = [after(40_000, 'held'), refused(), 'a'];
    const made = fakeRouter({ a: { does, maxConcurrent: 2, reservedForFast: 1 } }, { breaker: { failureThreshold: 1 }, ...options });
    void outcomeOf(made.router.chat(hello, heavy));
    await failureOf(made.router.chat(hello, once));
    return made;
  };

  test('is probed by the call that waits, as soon as it has a slot, and by no other', async () => {
    const made = await opened();
    await made.clock.advance(30_000);
    const calls = callsOf(2, made.router, 'chat', heavy);
    await made.clock.settle();
    // Neither has been let in, so neither is the probe.
    expect(made.router.snapshot()).toMatchObject({ providers: [{ breaker: 'open', waiting: 2, inFlight: 1 }] });
    await made.clock.advance(10_000);
    expect(calls.map(({ value }) => value?.route.queuedMs)).toEqual([10_000, 10_000]);
    expect(made.events.names().filter((name) => name.startsWith('breaker'))).toEqual([
      'breaker:open',
      'breaker:half-open',
      'breaker:close',
    ]);
    expectQuiet(made);
  });

  test('is left to a call that finds a slot', async () => {
    const made = await opened();
    await made.clock.advance(30_000);
    const waiting = outcomeOf(made.router.chat(hello, heavy));
    expect((await made.router.chat(hello)).route.provider).toBe('a');
    expect(made.router.snapshot()).toMatchObject({ providers: [{ breaker: 'closed', waiting: 1 }] });
    await made.clock.advance(10_000);
    expect(waiting.value?.route.provider).toBe('a');
    expectQuiet(made);
  });

  test('in a panic is not waited for: the call fails at once, and the look is left to one that finds a slot', async () => {
    const made = await opened({ panic: 'soonest' });
    const waiting = outcomeOf(made.router.chat(hello, heavy));
    await made.clock.settle();
    expect(waiting.error).toMatchObject({ code: 'no_provider', retryAfterMs: 30_000 });
    expect(made.router.snapshot()).toMatchObject({ providers: [{ breaker: 'open', waiting: 0 }] });
    expect((await made.router.chat(hello)).route.provider).toBe('a');
    await made.clock.advance(40_000);
    expectQuiet(made);
  });

  test('in a panic is looked at by one call, whose slot comes back', async () => {
    const made = fakeRouter(
      { a: { does: [refused(), after(1_000, refused()), 'a'], ...single } },
      { breaker: { failureThreshold: 1 }, panic: 'soonest' },
    );
    await failureOf(made.router.chat(hello, once));
    const calls = callsOf(2, made.router, 'chat', once);
    await made.clock.advance(1_000);
    expect(calls.map(({ error }) => (error as { code: string }).code)).toEqual(['all_failed', 'no_provider']);
    expect(made.fakes.a.calls).toHaveLength(2);
    expectQuiet(made);
    await made.clock.advance(60_000);
    expect((await made.router.chat(hello)).route.provider).toBe('a');
  });
});
