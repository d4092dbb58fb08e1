import { describe, expect, test } from 'vitest';
import type { ChatRequest } from '../../src/core/types.ts';
import type { CallOptions } from '../../src/config/call-options.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import { after, hang, type Outcome } from '../_kit/fake-adapter.ts';
import { type FakeRouter, fakeRouter, outcomeOf } from '../_kit/fake-router.ts';

type Balance = NonNullable<RouterOptions['balance']>;
type Made = FakeRouter<'a' | 'b'>;

/** A prompt that begins like no other. */
const prompt = (name: string, words = 1): ChatRequest => ({
  model: 'm',
  messages: [{ role: 'user', content: `${name}: ${'word '.repeat(words)}` }],
});

/** Some 10,000 tokens. */
const long = (name: string): ChatRequest => prompt(name, 8_000);

const firstOf = (router: Made['router'], request: ChatRequest, options: CallOptions = {}): string | undefined =>
  router.explain(request, options).candidates[0]?.provider;

/** Two providers that serve one call each, and then keep what they get. */
const pairOf = (slots: number): Made =>
  fakeRouter(
    {
      a: { does: ['yes', hang], maxConcurrent: slots },
      b: { does: ['yes', hang], maxConcurrent: slots },
    },
    { balance: 'least-busy' },
  );

describe('least-busy', () => {
  const occupy = (router: Made['router'], provider: string, count: number): void => {
    for (let call = 0; call < count; call++) outcomeOf(router.chat(prompt(`busy ${call}`), { provider }));
  };

  test('keeps a prompt at the provider that has read it while that has a free slot', async () => {
    const both = pairOf(4);
    await both.router.chat(prompt('known'), { provider: 'b' });
    occupy(both.router, 'b', 3);
    await both.clock.settle();
    expect(firstOf(both.router, prompt('known'))).toBe('b');
    expect(firstOf(both.router, prompt('unknown'))).toBe('a');
    await both.router.close({ drainMs: 0 });
  });

  test('does not bury the first provider that has read what all prompts begin with', async () => {
    const many = { does: ['yes', hang], maxConcurrent: 64 } as const;
    const { router, clock, fakes } = fakeRouter({ a: many, b: many, c: many }, { balance: 'least-busy' });
    const system = { role: 'system', content: 'You are a helpful assistant.' } as const;
    const question = (name: string): ChatRequest => ({ model: 'm', messages: [system, ...prompt(name).messages] });
    await router.chat(question('first'));
    for (let call = 0; call < 60; call++) {
      outcomeOf(router.chat(question(`${call}`)));
      await clock.settle();
    }
    // A quarter more than its share, and 4.
    expect(Math.max(...Object.values(fakes).map(({ calls }) => calls.length))).toBeLessThanOrEqual(30);
    await router.close({ drainMs: 0 });
  });

  test('goes to the least busy one with a prompt that all have read', async () => {
    const both = pairOf(4);
    for (const provider of ['a', 'b']) await both.router.chat(prompt('known'), { provider });
    occupy(both.router, 'b', 2);
    await both.clock.settle();
    expect(firstOf(both.router, prompt('known'))).toBe('a');
    await both.router.close({ drainMs: 0 });
  });
});

/** Ways in which a call may stick to a provider; each has a session that belongs to b. */
const ways: readonly (readonly [name: string, balance: Balance, hasSession: boolean])[] = [
  ['least-busy', 'least-busy', false],
  ['expected-ttft', 'expected-ttft', false],
  ['a session, priority', 'priority', true],
  ['a session, expected-ttft', 'expected-ttft', true],
];

interface Warm extends Made {
  readonly options: CallOptions;
  /** Has a provider read the long prompt "known". */
  read(provider: 'a' | 'b'): Promise<void>;
  /** Takes the slot of a provider for so long. */
  occupy(provider: 'a' | 'b', forMs: number): Promise<void>;
}

/** Two providers of one slot that read 1,000 tokens a second. B has read the long prompt "known". */
async function warm(balance: Balance, hasSession: boolean): Promise<Warm> {
  const next: { a: Outcome; b: Outcome } = { a: 'yes', b: 'yes' };
  const made = fakeRouter({ a: { does: () => next.a, maxConcurrent: 1 }, b: { does: () => next.b, maxConcurrent: 1 } }, { balance });
  const { router, clock } = made;
  const key = Array.from({ length: 50 }, (_, each) => `session ${each}`).find(
    (session) => firstOf(made.router, prompt('x'), { session }) === 'b',
  );
  const options: CallOptions = hasSession ? { session: key as string } : {};
  const call = async (provider: 'a' | 'b', request: ChatRequest, ms: number, more: CallOptions = {}): Promise<void> => {
    next[provider] = after(ms, 'yes');
    const outcome = outcomeOf(router.chat(request, { provider, ...more }));
    await clock.advance(ms);
    expect(outcome.settled).toBe(true);
  };
  for (const provider of ['a', 'b'] as const) {
    for (let round = 0; round < 3; round++) {
      await call(provider, prompt(`${provider} ${round}`), 100);
      await call(provider, long(`${provider} ${round}`), 10_000);
    }
  }
  const read = async (provider: 'a' | 'b'): Promise<void> => {
    await call(provider, long('known'), 10_000, options);
    next.a = next.b = after(100, 'yes');
  };
  await read('b');
  const occupy = async (provider: 'a' | 'b', forMs: number): Promise<void> => {
    next[provider] = after(forMs, 'yes');
    outcomeOf(router.chat(prompt(`busy at ${provider} from ${clock.nowMs()}`), { provider }));
    await clock.settle();
    next[provider] = after(100, 'yes');
  };
  made.events.clear();
  return { ...made, options, occupy, read };
}

describe.each(ways)('a call whose prompt a busy provider has read (%s)', (_name, balance, hasSession) => {
  test('waits there for a while rather than have it read anew elsewhere', async () => {
    const { router, clock, events, options, occupy } = await warm(balance, hasSession);
    await occupy('b', 3_000);
    const outcome = outcomeOf(router.chat(long('known'), options));
    await clock.advance(3_100);
    expect(outcome.value?.route.provider).toBe('b');
    expect(events.of('queue:enter')).toMatchObject([{ providers: ['b'] }]);
  });

  test('goes elsewhere once that would have been sooner', async () => {
    const { router, clock, options, occupy } = await warm(balance, hasSession);
    await occupy('b', 60_000);
    const outcome = outcomeOf(router.chat(long('known'), options));
    await clock.advance(15_000);
    expect(outcome.value?.route.provider).toBe('a');
    await router.close({ drainMs: 0 });
  });

  test('goes elsewhere at once where too many wait there already', async () => {
    const { router, clock, events, options, occupy } = await warm(balance, hasSession);
    await occupy('b', 60_000);
    for (let call = 0; call < 4; call++) outcomeOf(router.chat(prompt(`waits ${call}`), { provider: 'b' }));
    await clock.settle();
    events.clear();
    const outcome = outcomeOf(router.chat(long('known'), options));
    await clock.advance(200);
    expect(outcome.value?.route.provider).toBe('a');
    expect(events.of('queue:enter')).toEqual([]);
    await router.close({ drainMs: 0 });
  });

  test('lets a slot elsewhere go by where all were busy, and takes any after a long wait', async () => {
    const { router, clock, events, options, occupy } = await warm(balance, hasSession);
    await occupy('b', 500_000);
    await occupy('a', 1_000);
    const outcome = outcomeOf(router.chat(long('known'), options));
    await clock.advance(2_000);
    expect(outcome.settled).toBe(false);
    expect(events.of('queue:enter').at(-1)).toMatchObject({ providers: ['b'] });
    await clock.advance(60_000);
    expect(outcome.value?.route.provider).toBe('a');
    await router.close({ drainMs: 0 });
  });

  test('waits for all of them after a long wait for its own', async () => {
    const { router, clock, events, options, occupy } = await warm(balance, hasSession);
    for (const provider of ['a', 'b'] as const) await occupy(provider, 500_000);
    outcomeOf(router.chat(long('known'), options));
    await clock.advance(60_000);
    expect(events.of('queue:enter').map(({ providers }) => providers.toSorted().join(' '))).toEqual(['b', 'a b']);
    await router.close({ drainMs: 0 });
  });

  test('is asked for its own slot alone, also where its queue is long', async () => {
    const { router, clock, events, options, occupy } = await warm(balance, hasSession);
    for (const provider of ['a', 'b'] as const) {
      await occupy(provider, 60_000);
      outcomeOf(router.chat(prompt(`waits at ${provider}`), { provider }));
    }
    outcomeOf(router.chat(long('known'), options));
    await clock.settle();
    expect(events.of('queue:enter').at(-1)).toMatchObject({ providers: ['b'] });
    await router.close({ drainMs: 0 });
  });

  test.each([
    [1, 'b'],
    [2, 'b'],
    [5, 'a'],
  ] as const)('with %d who wait there and nobody elsewhere, where all are busy, has %s as its first', async (count, first) => {
    const { router, clock, options, occupy } = await warm(balance, hasSession);
    for (const provider of ['a', 'b'] as const) await occupy(provider, 60_000);
    for (let call = 0; call < count; call++) outcomeOf(router.chat(prompt(`waits ${call}`), { provider: 'b' }));
    await clock.settle();
    expect(firstOf(router, long('known'), options)).toBe(first);
    await router.close({ drainMs: 0 });
  });

  test('has a free one as its first that would read it sooner than the queue moves', async () => {
    const { router, clock, options, occupy } = await warm(balance, hasSession);
    await occupy('b', 60_000);
    outcomeOf(router.chat(prompt('waits'), { provider: 'b' }));
    await clock.settle();
    expect(firstOf(router, long('known'), options)).toBe('a');
    await router.close({ drainMs: 0 });
  });

  test('is no reason to wait for calls with other prompts', async () => {
    const { router, clock, options, occupy } = await warm(balance, hasSession);
    await occupy('b', 60_000);
    const outcome = outcomeOf(router.chat(long('another'), options));
    await clock.advance(200);
    expect(outcome.value?.route.provider).toBe('a');
    await router.close({ drainMs: 0 });
  });
});

test('without sessions priority and weighted take the first slot there is', async () => {
  for (const balance of ['priority', 'weighted'] as const) {
    const { router, clock, events, occupy } = await warm(balance, false);
    await occupy('b', 60_000);
    const outcome = outcomeOf(router.chat(long('known')));
    await clock.advance(200);
    expect(outcome.value?.route.provider).toBe('a');
    await occupy('a', 1_000);
    outcomeOf(router.chat(long('known')));
    await clock.settle();
    expect(new Set(events.of('queue:enter').at(-1)?.providers)).toEqual(new Set(['a', 'b']));
    await router.close({ drainMs: 0 });
  }
});

describe('a session', () => {
  test('stays at a provider with a free slot, however idle the others are', async () => {
    const made = fakeRouter({
      a: { does: hang, maxConcurrent: 4 },
      b: { does: hang, maxConcurrent: 4 },
    });
    for (let call = 0; call < 4; call++) outcomeOf(made.router.chat(prompt(`${call}`), { session: 's' }));
    await made.clock.settle();
    expect([made.fakes.a.calls.length, made.fakes.b.calls.length].toSorted()).toEqual([0, 4]);
    await made.router.close({ drainMs: 0 });
  });

  test('goes on where it was read, after its own provider was busy', async () => {
    const { router, clock, options, occupy } = await warm('priority', true);
    const [first, second] = [long('conversation'), long('conversation')];
    await occupy('b', 1_000);
    await clock.advance(0);
    const outcome = outcomeOf(router.chat(first, options));
    await clock.advance(1_200);
    expect(outcome.value?.route.provider).toBe('a');
    expect(firstOf(router, second, options)).toBe('a');
    expect(firstOf(router, prompt('something else'), options)).toBe('b');
  });

  test('takes the shorter queue where both have read the prompt', async () => {
    const { router, clock, options, occupy, read } = await warm('priority', true);
    await read('a');
    for (const provider of ['a', 'b'] as const) await occupy(provider, 60_000);
    expect(firstOf(router, long('known'), options)).toBe('b');
    outcomeOf(router.chat(prompt('waits'), { provider: 'b' }));
    await clock.settle();
    expect(firstOf(router, long('known'), options)).toBe('a');
    await router.close({ drainMs: 0 });
  });

  test('has its own provider first, busy or not, where nobody has read the prompt', async () => {
    const { router, options, occupy } = await warm('expected-ttft', true);
    await occupy('b', 60_000);
    expect(firstOf(router, prompt('something else'), options)).toBe('b');
    await router.close({ drainMs: 0 });
  });

  test('counts against nobody who has more to do than its share, where nobody knows the slots', async () => {
    const made = fakeRouter({ a: hang, b: hang });
    for (let call = 0; call < 20; call++) outcomeOf(made.router.chat(prompt(`${call}`), { session: 's' }));
    await made.clock.settle();
    expect(Math.max(made.fakes.a.calls.length, made.fakes.b.calls.length)).toBeLessThanOrEqual(14);
    await made.router.close({ drainMs: 0 });
  });
});

describe('how long calls have been running', () => {
  /** Where the next call would be sooner: at a, after what runs there, or at b, which is slower. */
  const chosenAfter = async (runningMs: number): Promise<string | undefined> => {
    const made = fakeRouter(
      {
        a: { does: after(4_000, 'yes'), maxConcurrent: 1 },
        b: { does: after(6_000, 'yes'), maxConcurrent: 1 },
      },
      { balance: 'expected-ttft' },
    );
    for (let round = 0; round < 3; round++) {
      for (const provider of ['a', 'b']) {
        outcomeOf(made.router.chat(prompt('x'), { provider }));
        await made.clock.advance(6_000);
      }
    }
    outcomeOf(made.router.chat(prompt('x'), { provider: 'a' }));
    await made.clock.advance(runningMs);
    const chosen = firstOf(made.router, prompt('x'));
    await made.router.close({ drainMs: 0 });
    return chosen;
  };

  test('is part of how long a slot is waited for', async () => {
    expect([await chosenAfter(0), await chosenAfter(1_500), await chosenAfter(2_500), await chosenAfter(3_900)]).toEqual([
      'b',
      'b',
      'a',
      'a',
    ]);
  });

  test('is forgotten with the calls that have ended', async () => {
    const slow = { does: after(4_000, 'yes'), maxConcurrent: 2 };
    const { router, clock } = fakeRouter({ a: slow, b: slow }, { balance: 'expected-ttft' });
    const call = async (thenMs: number): Promise<void> => {
      outcomeOf(router.chat(prompt('x'), { provider: 'a' }));
      await clock.advance(thenMs);
    };
    for (let round = 0; round < 3; round++) await call(5_000);
    // One begins at 0 s, one at 3 s, and one when the first has ended.
    for (const thenMs of [3_000, 1_000, 1_000]) await call(thenMs);
    const { candidates } = router.explain(prompt('x'));
    expect(candidates.find(({ provider }) => provider === 'a')?.score?.queueMs).toBeCloseTo((4_000 - 1_500) / 2, 3);
    await router.close({ drainMs: 0 });
  });
});
