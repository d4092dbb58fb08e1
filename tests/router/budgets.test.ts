import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { priceTable } from '../../src/config/prices.ts';
import type { BudgetOptions } from '../../src/config/limit-options.ts';
import type { ChatRequest } from '../../src/core/types.ts';
import type { Adapter } from '../../src/core/adapter.ts';
import { memoryStore } from '../../src/state/memory.ts';
import type { StateStore } from '../../src/state/store.ts';
import { sleep } from '../../src/lib/clock.ts';
import { fault, hang, pieces, toChunk } from '../_kit/fake-adapter.ts';
import { failureOf, fakeRouter, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';
import { type TestClock, testClock } from '../_kit/test-clock.ts';

/** A dollar for a million tokens of the prompt, ten for a million of the answer. */
const prices = priceTable({ date: '2026-11-21', models: { m: { inputPerMillionUsd: 1, outputPerMillionUsd: 10 } } });

/** Answers with these counts, after a time. */
function counting(prompt: number, answer: number, waits?: { readonly clock: TestClock; readonly ms: number }): { chat: Adapter['chat'] } {
  return {
    chat: async ({ signal }) => {
      if (waits !== undefined) await sleep(waits.clock, waits.ms, signal);
      const message = { role: 'assistant' as const, content: 'yes' };
      return {
        id: 'c',
        object: 'chat.completion' as const,
        created: 1,
        model: 'm',
        choices: [{ index: 0, message, finish_reason: 'stop' as const }],
        usage: { prompt_tokens: prompt, completion_tokens: answer, total_tokens: prompt + answer },
      };
    },
  };
}

/** 1,000 tokens and 100: $0.002. */
const costing = (waits?: { readonly clock: TestClock; readonly ms: number }) => ({
  does: 'unused',
  cost: 'paid' as const,
  fake: counting(1_000, 100, waits) as never,
});
const callUsd = 0.002;
const paidFor = (does: Error) => ({ does, cost: 'paid' as const });
const short: ChatRequest = {
  model: 'm',
  messages: [{ role: 'user', content: 'seven small words of English, repeated. '.repeat(90) }],
  max_tokens: 100,
};

const withBudgets = (budgets: BudgetOptions) => ({ prices, budgets, allowPaid: true });

describe('a budget that is used up', () => {
  test('closes the paid provider with the reason and the time, and free ones go on', async () => {
    const { router, clock } = fakeRouter({ paid: { ...costing(), priority: -1 }, cpu: 'I do' }, withBudgets({ hourUsd: 0.004 }));
    const who = [];
    for (let call = 0; call < 4; call++) who.push((await router.chat(short)).route.provider);
    expect(who).toEqual(['paid', 'paid', 'cpu', 'cpu']);
    const [skipped] = router.explain(short).skipped;
    expect(skipped).toMatchObject({
      provider: 'paid',
      code: 'no_provider',
      reason: 'the budget of $0.0040 an hour is used up until 2033-05-18 04:00 UTC',
    });
    const leftMs = 3_600_000 - (clock.wallMs() % 3_600_000);
    expect(skipped?.readyAtMs).toBe(clock.nowMs() + leftMs);
    await clock.advance(leftMs - 1);
    expect((await router.chat(short)).route.provider).toBe('cpu');
    await clock.advance(1);
    expect((await router.chat(short)).route.provider).toBe('paid');
  });

  test('makes a call that nobody else can serve fail, with the time at which it begins anew', async () => {
    const { router, clock } = fakeRouter({ paid: costing() }, withBudgets({ dayUsd: 0.001 }));
    await router.chat(short);
    const error = await failureOf(router.chat(short));
    expect(error).toMatchObject({ code: 'no_provider', retryAfterMs: 86_400_000 - (clock.wallMs() % 86_400_000) });
  });

  test('is told of once for each hour, and once before it comes to that', async () => {
    const { router, clock, events } = fakeRouter({ paid: { ...costing(), priority: -1 }, cpu: 'I do' }, withBudgets({ hourUsd: 0.01 }));
    for (let call = 0; call < 9; call++) await router.chat(short);
    const about = { scope: 'all', provider: undefined, caller: undefined, per: 'hour', limitUsd: 0.01 };
    expect(events.of('budget:warning')).toEqual([{ ...about, spentUsd: expect.closeTo(0.008, 9) as number }]);
    expect(events.of('budget:exceeded')).toEqual([{ ...about, spentUsd: expect.closeTo(0.01, 9) as number }]);
    await clock.advance(3_600_000);
    for (let call = 0; call < 9; call++) await router.chat(short);
    expect([events.of('budget:warning').length, events.of('budget:exceeded').length]).toEqual([2, 2]);
  });

  test('of one provider leaves another to be paid, and of one caller the others', async () => {
    const paid = { ...costing(), priority: -1 };
    const { router, events } = fakeRouter(
      { one: paid, two: paid, cpu: 'I do' },
      withBudgets({ providers: { one: { hourUsd: 0.001 } }, caller: { dayUsd: 0.003 }, callers: { free: {} } }),
    );
    const who = async (caller?: string): Promise<string> => (await router.chat(short, { caller })).route.provider;
    expect([await who(), await who(), await who()]).toEqual(['one', 'two', 'two']);
    expect([await who('web'), await who('web'), await who('web'), await who('free')]).toEqual(['two', 'two', 'cpu', 'two']);
    expect(events.of('budget:exceeded')).toMatchObject([
      { scope: 'provider', provider: 'one', per: 'hour' },
      { scope: 'caller', caller: 'web', per: 'day' },
    ]);
    expect(router.spending().budgets.map(({ scope, provider, caller }) => [scope, provider ?? caller])).toEqual([
      ['provider', 'one'],
      ['caller', 'web'],
    ]);
    expect(router.explain(short, { caller: 'web' }).skipped.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('the budget of $0.0010 an hour for the provider "one" is used up'),
      expect.stringContaining('the budget of $0.0030 a day for the caller "web" is used up until'),
    ]);
  });

  test('lets calls under way end', async () => {
    const clock = testClock();
    const { router } = fakeRouter({ paid: costing({ clock, ms: 1_000 }) }, { ...withBudgets({ hourUsd: 0.003 }), clock });
    const two = [router.chat(short), router.chat(short)];
    await clock.advance(1_000);
    expect((await Promise.all(two)).map(({ route }) => route.provider)).toEqual(['paid', 'paid']);
    expect(router.spending().budgets[0]?.spentUsd).toBeCloseTo(0.004, 9);
  });
});

test('is told of once, also where several calls end beyond it', async () => {
  const clock = testClock();
  // They cost twice as much as they seemed to.
  const { router, events } = fakeRouter({ paid: costing({ clock, ms: 1_000 }) }, { ...withBudgets({ hourUsd: 0.0021 }), clock });
  const all = [1, 2, 3].map(() => router.chat({ ...hello, max_tokens: 100 }));
  await clock.advance(1_000);
  await Promise.all(all);
  expect(events.of('budget:exceeded')).toMatchObject([{ spentUsd: expect.closeTo(0.004, 9) as number }]);
});

test('vectors of a paid provider whose price is not known are not what a call is held to', async () => {
  const { router } = fakeRouter(
    { paid: { does: '1', cost: 'paid', embeddingModel: 'x', priority: -1 }, cpu: { does: '1', embeddingModel: 'y' } },
    withBudgets({ dayUsd: 5 }),
  );
  expect((await router.embed({ input: 'a' })).route.provider).toBe('cpu');
});

test('a paid provider whose price is not known is no candidate for a call that a budget concerns', async () => {
  const { router } = fakeRouter(
    { paid: { does: 'yes', cost: 'paid', defaultModel: 'x', priority: -1 }, cpu: 'I do' },
    withBudgets({ callers: { web: { dayUsd: 5 } } }),
  );
  const unknown = { ...hello, model: 'x' };
  expect((await router.chat(unknown, { caller: 'web' })).route.provider).toBe('cpu');
  expect(router.explain(unknown, { caller: 'web' }).skipped).toMatchObject([
    { provider: 'paid', code: 'no_provider', reason: 'its price is not known, and a budget is set', readyAtMs: undefined },
  ]);
  expect((await router.chat(unknown)).route.provider).toBe('paid');
  expect(router.spending().rows.find(({ provider }) => provider === 'paid')).toMatchObject({ attempts: 1, unpriced: 1, costUsd: 0 });
});

describe('a thousand calls at once', () => {
  test('spend no more than one call’s cost over the budget', async () => {
    const clock = testClock();
    const { router, fakes } = fakeRouter(
      { paid: { ...costing({ clock, ms: 500 }), priority: -1 }, cpu: 'I do' },
      { ...withBudgets({ hourUsd: 0.1 }), clock },
    );
    const all = Array.from({ length: 1_000 }, () => router.chat(short));
    await clock.advance(500);
    await Promise.all(all);
    expect(router.spending().budgets[0]?.spentUsd).toBeGreaterThan(0.04);
    expect(fakes.cpu.calls.length).toBeGreaterThan(900);
    for (let round = 0; round < 20; round++) {
      const more = Array.from({ length: 50 }, () => router.chat(short));
      await clock.advance(500);
      await Promise.all(more);
    }
    const [budget] = router.spending().budgets;
    expect(budget?.reservedUsd).toBeCloseTo(0, 9);
    expect(budget?.spentUsd).toBeGreaterThan(0.0999);
    expect(budget?.spentUsd).toBeLessThanOrEqual(0.1 + callUsd);
  });

  test('at eight processes with one store spend no more than one call’s cost each over it', async () => {
    const clock = testClock();
    const store = memoryStore({ clock });
    const made = Array.from({ length: 8 }, () =>
      fakeRouter(
        { paid: { ...costing({ clock, ms: 500 }), priority: -1 }, cpu: 'I do' },
        { ...withBudgets({ hourUsd: 0.4 }), clock, store },
      ),
    );
    await clock.advance(3_000);
    for (let round = 0; round < 30; round++) {
      const all = made.flatMap(({ router }) => Array.from({ length: 30 }, () => router.chat(short)));
      await clock.advance(500);
      await Promise.all(all);
    }
    await clock.advance(3_000);
    const sums = made.map(({ router }) => router.spending().budgets[0]?.spentUsd ?? 0);
    // Everybody hears of the same sum.
    expect(Math.max(...sums) - Math.min(...sums)).toBeLessThan(1e-9);
    const ownUsd = made.reduce(
      (sum, { router }) => sum + (router.spending().rows.find(({ provider }) => provider === 'paid')?.costUsd ?? 0),
      0,
    );
    expect(ownUsd).toBeCloseTo(sums[0] ?? 0, 9);
    expect(ownUsd).toBeGreaterThan(0.3999);
    expect(ownUsd).toBeLessThanOrEqual(0.4 + 8 * callUsd);
    await Promise.all(made.map(({ router }) => router.close()));
  });
});

/** A store that can be switched off. */
function leaving(clock: TestClock): { readonly store: StateStore; leave(isGone: boolean): void } {
  const inner = memoryStore({ clock });
  let isGone = false;
  const unlessGone = <Answer>(work: () => Promise<Answer>): Promise<Answer> => (isGone ? Promise.reject(new Error('gone')) : work());
  const store: StateStore = {
    connect() {
      const connection = inner.connect();
      return {
        ...connection,
        sync: (asked) => unlessGone(() => connection.sync(asked)),
        add: (asks) => unlessGone(() => connection.add(asks)),
      };
    },
  };
  return { store, leave: (now) => void (isGone = now) };
}

describe('while the store is gone', () => {
  test('a process spends a third of its part of the rest, and what it spent is added when it is back', async () => {
    const clock = testClock();
    const { store, leave } = leaving(clock);
    const [one, other] = [1, 2].map(() =>
      fakeRouter({ paid: { ...costing(), priority: -1 }, cpu: 'I do' }, { ...withBudgets({ dayUsd: 0.3 }), clock, store }),
    ) as [ReturnType<typeof fakeRouter>, ReturnType<typeof fakeRouter>];
    await clock.advance(2_000);
    leave(true);
    await clock.advance(5_000);
    for (let call = 0; call < 100; call++) {
      await one.router.chat(short);
      await clock.advance(100);
    }
    expect(one.router.spending().budgets[0]?.spentUsd).toBeCloseTo(0.05, 2);
    leave(false);
    await clock.advance(5_000);
    await other.router.chat(short);
    await clock.advance(2_000);
    expect(other.router.spending().budgets[0]?.spentUsd).toBeCloseTo((one.router.spending().budgets[0]?.spentUsd ?? 0) + 0.002, 3);
    await Promise.all([one.router.close(), other.router.close()]);
  });

  // Each last heard of the others at another time: whoever heard first knows least of what was spent before the store left.
  test.each([1_100, 1_500, 1_900, 2_300, 2_700])('after %s ms all together keep within one call’s cost each', async (leavesMs) => {
    const clock = testClock();
    const { store, leave } = leaving(clock);
    const dayUsd = 0.4;
    const made: ReturnType<typeof fakeRouter>[] = [];
    for (let count = 0; count < 6; count++) {
      made.push(fakeRouter({ paid: { ...costing(), priority: -1 }, cpu: 'I do' }, { ...withBudgets({ dayUsd }), clock, store }));
      await clock.advance(150);
    }
    for (let ms = 900; ms < 8_000; ms += 20) {
      if (ms >= leavesMs) leave(ms < leavesMs + 1_500);
      for (const { router } of made) await router.chat(short);
      await clock.advance(20);
    }
    const rows = made.flatMap(({ router }) => router.spending().rows);
    const totalUsd = rows.reduce((sum, { costUsd }) => sum + costUsd, 0);
    expect(totalUsd).toBeLessThanOrEqual(dayUsd + 6 * callUsd);
    expect(totalUsd).toBeGreaterThan(0.9 * dayUsd);
    leave(false);
    await Promise.all(made.map(({ router }) => router.close()));
  });
});

test('a router that is closed tells the others what it has spent', async () => {
  const clock = testClock();
  const store = memoryStore({ clock });
  const join = () => fakeRouter({ paid: costing() }, { ...withBudgets({ dayUsd: 1 }), clock, store });
  const one = join();
  await clock.advance(2_000);
  await one.router.chat(short);
  await clock.advance(1_500);
  await one.router.chat(short);
  await one.router.close();
  const other = join();
  await clock.advance(2_000);
  expect(other.router.spending().budgets[0]?.spentUsd).toBeCloseTo(2 * callUsd, 9);
  await other.router.close();
});

test('a store that has lost its data makes nobody forget what was spent', async () => {
  const clock = testClock();
  let inner = memoryStore({ clock }).connect();
  const store: StateStore = { connect: () => ({ ...inner, sync: (ask) => inner.sync(ask), add: (asks) => inner.add(asks) }) };
  const { router } = fakeRouter({ paid: costing() }, { ...withBudgets({ dayUsd: 1 }), clock, store });
  await clock.advance(2_000);
  await router.chat(short);
  await clock.advance(2_000);
  inner = memoryStore({ clock }).connect();
  await router.chat(short);
  await clock.advance(2_000);
  expect(router.spending().budgets[0]?.spentUsd).toBeCloseTo(2 * callUsd, 9);
  await router.close();
});

describe('what a call has cost', () => {
  test('stands in request:end, and is left out for what is free or not known', async () => {
    const { router, events } = fakeRouter(
      { paid: costing(), odd: { does: 'yes', cost: 'paid', defaultModel: 'x' }, cpu: 'I do' },
      { prices, allowPaid: true },
    );
    for (const provider of ['paid', 'cpu']) await router.chat(short, { provider });
    await router.chat({ ...short, model: 'x' }, { provider: 'odd' });
    expect(events.of('request:end').map(({ costUsd }) => costUsd)).toEqual([callUsd, undefined, undefined]);
  });

  test('counts attempts that failed after they may have begun to bill, as an estimate, and none that were refused', async () => {
    const { router, events, clock } = fakeRouter(
      {
        refused: paidFor(fault('rate_limited', { status: 429 })),
        away: paidFor(fault('unavailable', { phase: 'connect' })),
        broken: paidFor(fault('bad_response')),
        last: costing(),
      },
      { prices, allowPaid: true, maxAttempts: 5 },
    );
    await clock.run(router.chat(short));
    const { rows } = router.spending();
    expect(rows.map(({ provider, attempts, estimated }) => [provider, attempts, estimated.attempts])).toEqual([
      ['broken', 1, 1],
      ['last', 1, 0],
    ]);
    const [broken] = rows;
    // The answer is taken to have been as long as it may.
    expect(broken).toMatchObject({ answerTokens: 100, estimated: { answerTokens: 100 } });
    expect(events.of('request:end')[0]?.costUsd).toBeCloseTo(callUsd + (broken?.costUsd ?? 0), 9);
  });

  test('counts streams that were left, and hedges that lost', async () => {
    const { router, clock } = fakeRouter(
      { one: { does: pieces('a', 'b', 'c', 'hang'), cost: 'paid' }, two: { does: 'x', cost: 'paid' } },
      { prices, allowPaid: true },
    );
    const stream = await router.stream(hello, { provider: 'one' });
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content === 'c') break;
    expect(router.spending().rows).toMatchObject([{ provider: 'one', attempts: 1, answerTokens: 3, estimated: { attempts: 1 } }]);
    const left = outcomeOf(router.chat(hello, { provider: 'two', signal: AbortSignal.timeout(60_000) }));
    await clock.settle();
    expect(left.settled).toBe(true);

    const hedged = fakeRouter(
      { gpu: { does: (call) => (call < 20 ? 'yes' : hang), cost: 'paid' }, cpu: { does: 'I do', cost: 'paid' } },
      { prices, allowPaid: true, hedge: { minDelayMs: 100, minSamples: 5, maxLoad: 1 } },
    );
    for (let index = 0; index < 21; index++) await hedged.clock.run(hedged.router.chat(short));
    expect(hedged.router.spending().rows.map(({ provider, attempts }) => [provider, attempts])).toEqual([
      ['gpu', 21],
      ['cpu', 1],
    ]);
  });

  test('of a stream is what its server counted', async () => {
    const usage = { prompt_tokens: 1_000, completion_tokens: 100, total_tokens: 1_100 };
    const { router, events } = fakeRouter(
      {
        paid: {
          does: 'unused',
          cost: 'paid',
          fake: {
            stream: async () =>
              (async function* () {
                yield [{ ...toChunk({ content: 'a' }, 'm'), usage }];
              })(),
          } as never,
        },
      },
      withBudgets({ dayUsd: 1 }),
    );
    await readAll(await router.stream(hello));
    expect(events.of('request:end')[0]?.costUsd).toBeCloseTo(callUsd, 9);
    expect(router.spending().budgets[0]).toMatchObject({ spentUsd: callUsd, reservedUsd: 0 });
  });
});

test('the ledger is the sum of what the servers counted, however many models and callers there are', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 60 })), { minLength: 1, maxLength: 60 }),
      async (calls) => {
        const { router } = fakeRouter(
          { paid: costing(), cpu: { does: 'unused', fake: counting(7, 3) as never } },
          { prices, allowPaid: true },
        );
        for (const [model, caller] of calls) {
          const provider = (model + caller) % 3 === 0 ? 'cpu' : 'paid';
          await router.chat({ ...short, model: model % 5 === 0 ? 'm' : `m${model}` }, { caller: `c${caller}`, provider });
        }
        const { rows } = router.spending();
        const paid = calls.filter(([model, caller]) => (model + caller) % 3 !== 0);
        const sum = (name: 'attempts' | 'promptTokens' | 'answerTokens' | 'costUsd' | 'unpriced') =>
          rows.reduce((total, row) => total + row[name], 0);
        expect([sum('attempts'), sum('promptTokens'), sum('answerTokens')]).toEqual([
          calls.length,
          paid.length * 1_000 + (calls.length - paid.length) * 7,
          paid.length * 100 + (calls.length - paid.length) * 3,
        ]);
        const priced = paid.filter(([model]) => model % 5 === 0).length;
        expect(sum('costUsd')).toBeCloseTo(priced * callUsd, 9);
        expect(sum('unpriced')).toBe(paid.length - priced);
      },
    ),
    { numRuns: 30 },
  );
});

test('the ledger has 1,000 rows at most, and loses nothing', async () => {
  const { router } = fakeRouter({ cpu: 'I do' });
  for (let call = 0; call < 1_050; call++) await router.chat(hello, { caller: `c${call}` });
  const { rows } = router.spending();
  expect(rows.length).toBeLessThanOrEqual(1_001);
  expect(rows.reduce((sum, { attempts }) => sum + attempts, 0)).toBe(1_050);
  expect(rows.at(-1)).toMatchObject({ provider: 'cpu', model: 'others', caller: 'others', attempts: 50 });
});

test('budgets and the ledger go on when the configuration is replaced', async () => {
  const { router } = fakeRouter({ paid: costing() }, withBudgets({ hourUsd: 0.01 }));
  await router.chat(short);
  router.update({ ...withBudgets({ hourUsd: 0.02 }), health: false, providers: { paid: { type: 'stub', cost: 'paid' } } });
  expect(router.spending()).toMatchObject({ rows: [{ provider: 'paid', attempts: 1 }], budgets: [{ limitUsd: 0.02, spentUsd: callUsd }] });
});
