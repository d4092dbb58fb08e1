import { describe, expect, test } from 'vitest';
import { createLanes } from '../../src/router/lanes.ts';
import { after, fault, hang, type Outcome, refused } from '../_kit/fake-adapter.ts';
import { type FakeRouter, fakeRouter, hello, outcomeOf } from '../_kit/fake-router.ts';
import { type Called, countsOf, expectQuiet, once, type Options, queueLines, single } from './queue-kit.ts';

// For whom a call waits, for how long, and what it keeps of its place when it looks around.

const overloaded = (restMs: number): Error => fault('overloaded', { status: 503, retryAfterMs: restMs });

/** A call at one provider, which is not looked at any more: it has the slot, or makes the provider rest. */
function occupy({ router }: FakeRouter<string>, provider: string): void {
  void outcomeOf(router.chat(hello, { provider, ...once, deadlineMs: 600_000 }));
}

function asked({ router }: FakeRouter<string>, options = {}): Called {
  return outcomeOf(router.chat(hello, options));
}

describe('one that costs money', () => {
  /** Free `a` is busy without end, and `p` costs money and rests for 5 s. */
  const made = async (): Promise<FakeRouter<'a' | 'p'>> => {
    const providers = { a: { does: hang, ...single }, p: { does: [overloaded(5_000), 'p'] as Outcome[], cost: 'paid' as const } };
    const router = fakeRouter(providers, { allowPaid: true, pollMs: false });
    occupy(router, 'a');
    occupy(router, 'p');
    await router.clock.settle();
    router.events.clear();
    return router;
  };

  test('and is ready again while a call waits for the free one is asked after half of the time that is left then', async () => {
    const { router, clock, events } = await made();
    const call = outcomeOf(router.chat(hello, { deadlineMs: 25_000 }));
    await clock.advance(14_999);
    expect(call.settled).toBe(false);
    await clock.advance(1);
    expect(call.value?.route).toMatchObject({ provider: 'p', queuedMs: 15_000 });
    expect(queueLines(events)).toEqual(['enter a', 'leave for nothing after 5000', 'enter a', 'leave for nothing after 10000']);
  });

  test('and the route does not name it among those that were not asked', async () => {
    const { router, clock } = await made();
    const { route } = await clock.run(router.chat(hello, { deadlineMs: 25_000 }));
    expect(route.skipped).toEqual([expect.objectContaining({ provider: 'a', code: 'saturated' })]);
  });
});

test('one whose pin is lifted while a call waits for another is asked within a second', async () => {
  const made = fakeRouter({ gpu: { does: [fault('out_of_memory'), 'gpu'] }, cpu: { does: hang, ...single } }, { pollMs: false });
  occupy(made, 'gpu');
  occupy(made, 'cpu');
  await made.clock.settle();
  const call = asked(made);
  await made.clock.advance(2_500);
  expect(made.router.unpin()).toBe(1);
  await made.clock.advance(500);
  expect(call.value?.route).toMatchObject({ provider: 'gpu', queuedMs: 3_000 });
});

test('and so is one whose rest was ended by an answer', async () => {
  const does = [after(2_500, 'late'), overloaded(100_000), 'gpu'];
  const made = fakeRouter({ gpu: { does, maxConcurrent: 2 }, cpu: { does: hang, ...single } }, { pollMs: false });
  occupy(made, 'gpu');
  // The answer that comes is to a question of the same moment as the refusal.
  occupy(made, 'gpu');
  occupy(made, 'cpu');
  await made.clock.settle();
  const call = asked(made);
  await made.clock.advance(3_000);
  expect(call.value?.route).toMatchObject({ provider: 'gpu', queuedMs: 3_000 });
});

test('one that was gone past twice is named once among those that were not asked', async () => {
  const { router, clock, ...made } = fakeRouter(
    { a: { does: hang, ...single }, b: fault('driver', { status: 500 }), c: { does: [overloaded(3_000), 'c'] } },
    { pollMs: false },
  );
  occupy({ router, clock, ...made }, 'a');
  occupy({ router, clock, ...made }, 'c');
  await clock.settle();
  const { route } = await clock.run(router.chat(hello));
  expect(route.attempts.map(({ provider }) => provider)).toEqual(['b', 'c']);
  expect(route.skipped.map(({ provider }) => provider)).toEqual(['a']);
});

test('nor is one that rested when its turn came, and got it later', async () => {
  const made = fakeRouter(
    { first: after(1_000, fault('driver', { status: 500 })), r: { does: [overloaded(4_000), 'r'] }, a: { does: hang, ...single } },
    { pollMs: false },
  );
  occupy(made, 'a');
  const call = asked(made);
  await made.clock.advance(500);
  occupy(made, 'r');
  await made.clock.advance(4_500);
  expect(call.value?.route).toMatchObject({ provider: 'r', attempts: [{ provider: 'first' }, { provider: 'r' }], skipped: [] });
});

test('nor is one that was looked at in a panic', async () => {
  const made = fakeRouter({ a: { does: [refused(), 'a'] } }, { breaker: { failureThreshold: 1 }, panic: 'soonest', pollMs: false });
  occupy(made, 'a');
  await made.clock.settle();
  const { route } = await made.clock.run(made.router.chat(hello));
  expect(route).toMatchObject({ provider: 'a', skipped: [] });
});

test('a call that waits does not look around for those who may never answer it', async () => {
  const made = fakeRouter({ a: { does: hang, ...single }, p: { does: 'p', cost: 'paid' } }, { pollMs: false });
  occupy(made, 'a');
  const call = asked(made);
  await made.clock.advance(10_000);
  expect(queueLines(made.events)).toEqual(['enter a']);
  expect(call.settled).toBe(false);
});

test('a call whose queue was full at one provider has a place there as soon as there is one', async () => {
  const made = fakeRouter(
    { gpu: { does: after(900, 'gpu'), ...single }, cpu: { does: after(60_000, 'cpu'), ...single } },
    { queue: { limit: 1 }, pollMs: false },
  );
  occupy(made, 'gpu');
  occupy(made, 'cpu');
  const [second, third] = [asked(made, { provider: 'gpu' }), asked(made)];
  await made.clock.advance(1_000);
  expect(queueLines(made.events)).toEqual(['enter gpu', 'enter cpu', 'leave gpu after 900']);
  expect(countsOf(made.router)).toEqual({ gpu: { waiting: 1, inFlight: 1 }, cpu: { waiting: 1, inFlight: 1 } });
  await made.clock.advance(1_700);
  expect([second?.value?.route.queuedMs, third?.value?.route]).toMatchObject([900, { provider: 'gpu', queuedMs: 1_800 }]);
  expect(countsOf(made.router)).toMatchObject({ cpu: { waiting: 0 } });
});

test('and so it has one that is free', async () => {
  const made = fakeRouter(
    { gpu: { does: after(400, 'gpu'), ...single }, cpu: { does: after(60_000, 'cpu'), ...single } },
    { queue: { limit: 1 }, pollMs: false },
  );
  occupy(made, 'gpu');
  occupy(made, 'cpu');
  const [, third] = [asked(made, { provider: 'gpu' }), asked(made)];
  await made.clock.advance(1_400);
  expect(third?.value?.route).toMatchObject({ provider: 'gpu', queuedMs: 1_000 });
});

test('a busy one that stands before a free one leaves that one half of the time', async () => {
  // A CPU that nobody has asked yet is believed to need 5 s, so the GPU would be worth a wait of nearly 10.
  const made = fakeRouter({ gpu: { does: hang, ...single }, cpu: after(1_500, 'cpu') }, { pollMs: false });
  occupy(made, 'gpu');
  const call = outcomeOf(made.router.chat(hello, { deadlineMs: 8_000 }));
  await made.clock.advance(3_999);
  expect(countsOf(made.router)).toEqual({ gpu: { waiting: 1, inFlight: 1 }, cpu: { waiting: 0, inFlight: 0 } });
  await made.clock.advance(1_501);
  expect(call.value?.route).toMatchObject({ provider: 'cpu', queuedMs: 4_000 });
});

test('the last attempt of a call waits for nobody who stands behind a free one', async () => {
  const made = fakeRouter(
    {
      first: fault('driver', { status: 500 }),
      slow: after(9_000, 'slow'),
      fast: { does: (call) => after(call === 8 ? 9_000 : 1_000, 'fast'), ...single },
    },
    { intents: { fast: { order: ['first', 'slow', 'fast'] } }, maxAttempts: 2, pollMs: false },
  );
  const { router, clock, events } = made;
  for (let count = 0; count < 8; count++) for (const provider of ['slow', 'fast']) await clock.run(router.chat(hello, { provider }));
  occupy(made, 'fast');
  await clock.settle();
  const { route } = await clock.run(router.chat(hello));
  expect(route).toMatchObject({ provider: 'slow', queuedMs: 0, skipped: [] });
  expect(events.of('queue:enter')).toEqual([]);
  await clock.advance(9_000);
  expectQuiet(made);
});

test('a call that comes back to one without a free slot, and finds another one ready meanwhile, has its last attempt there', async () => {
  const made = fakeRouter({ a: { does: [overloaded(100), hang], ...single }, b: { does: [overloaded(4_000), 'b'] } }, { pollMs: false });
  occupy(made, 'b');
  await made.clock.settle();
  const call = outcomeOf(made.router.chat(hello, { maxAttempts: 2 }));
  await made.clock.advance(110);
  occupy(made, 'a');
  await made.clock.advance(5_000);
  expect(call.value?.route).toMatchObject({ provider: 'b', attempts: [{ provider: 'a' }, { provider: 'b' }] });
});

describe('where expected times decide, and all are busy', () => {
  /** `a` answers within 2 s and `b` within `bMs`, which the router knows; each has its slot taken now, `a` for `heldMs`. */
  const known = async (bMs: number, heldMs: number, options: Options = {}, then: Outcome = 'b'): Promise<FakeRouter<'a' | 'b'>> => {
    const made = fakeRouter(
      {
        a: { does: (call) => after(call === 8 ? heldMs : 2_000, 'a'), ...single },
        b: { does: (call) => (call > 8 ? then : after(bMs, 'b')), ...single },
      },
      { balance: 'expected-ttft', pollMs: false, intents: { fast: { order: [['a', 'b']] } }, ...options },
    );
    for (let count = 0; count < 8; count++) for (const provider of ['a', 'b']) await made.clock.run(made.router.chat(hello, { provider }));
    made.events.clear();
    occupy(made, 'a');
    occupy(made, 'b');
    await made.clock.settle();
    return made;
  };

  test.each<[string, object, Options]>([
    ['the time that is left', { deadlineMs: 12_050 }, {}],
    ['the time that it may wait', {}, { queue: { timeoutMs: 12_000 } }],
  ])('a call waits for the slower ones as well after half of %s', async (_, call, options) => {
    const made = await known(9_000, 60_000, options);
    const waiting = asked(made, call);
    await made.clock.advance(6_000);
    expect(queueLines(made.events)).toEqual(['enter a', 'leave for nothing after 6000', 'enter a b']);
    await made.clock.advance(3_000);
    expect(waiting.value?.route).toMatchObject({ provider: 'b', queuedMs: 9_000 });
  });

  test('a call that waits for more of them keeps its place among those that came after it', async () => {
    const made = await known(60_000, 12_000);
    const first = asked(made);
    await made.clock.advance(5_000);
    const second = asked(made);
    await made.clock.advance(5_000);
    expect(queueLines(made.events)).toEqual(['enter a', 'enter a', 'leave for nothing after 8000', 'enter a b']);
    await made.clock.advance(4_000);
    expect([first.value?.route.queuedMs, second.value]).toEqual([12_000, undefined]);
    await made.clock.advance(2_000);
    expect(second.value?.route).toMatchObject({ provider: 'a', queuedMs: 9_000 });
  });

  test('and has a new one after an attempt elsewhere', async () => {
    const made = await known(9_000, 12_000, {}, fault('driver', { status: 500 }));
    const first = asked(made);
    await made.clock.advance(5_000);
    const second = asked(made);
    await made.clock.advance(4_000);
    expect(queueLines(made.events).slice(-2)).toEqual(['leave b after 1000', 'enter a']);
    await made.clock.advance(5_000);
    expect([first.value, second.value?.route.queuedMs]).toEqual([undefined, 7_000]);
  });
});

test('whoever comes back to a lane has its place again, be it the first, one between others, or the last', () => {
  const lanes = createLanes({ slots: 1, reservedForFast: 0, queueLimit: 10, agingMs: 1_000 });
  const granted: string[] = [];
  const join = (name: string, sinceMs: number): (() => void) | undefined => lanes.join('fast', sinceMs, () => void granted.push(name));
  lanes.take('fast');
  const leaves = ['a', 'b', 'c', 'd'].map((name, index) => join(name, index));
  for (const index of [0, 2, 3]) leaves[index]?.();
  join('d', 3);
  join('c', 2);
  join('a', 0);
  join('e', 4);
  for (let count = 0; count < 5; count++) lanes.give('fast', 10 + count);
  expect(granted).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(lanes.waiting).toBe(0);
});
