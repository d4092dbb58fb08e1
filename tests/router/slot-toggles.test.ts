import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createRouter } from '../../src/router/create-router.ts';
import type { RouterOptions } from '../../src/config/options.ts';
import { sleep } from '../../src/lib/clock.ts';
import type { Transport } from '../../src/lib/transport.ts';
import { createLanes, createPool, lanesOf } from '../../src/router/lanes.ts';
import { hello, outcomeOf } from '../_kit/fake-router.ts';
import { testClock } from '../_kit/test-clock.ts';

// An Ollama has slots for each of its models, and one number for all of them where `maxConcurrent` is set: what a configuration may
// switch on and off while calls are under way.

const header = (name: string): string | null => (name === 'content-type' ? 'application/json' : null);

/** From five on one of them is for fast calls. */
const forHeavy = (slots: number): number => (slots >= 5 ? slots - 1 : slots);

interface Asked {
  readonly model: string;
  readonly intent: string;
  readonly controller: AbortController;
  readonly outcome: ReturnType<typeof outcomeOf>;
}

/** A server whose answers take as many milliseconds as the prompt says, beside the intent, and what was wrong as a request came to it. */
function start(limit: number | undefined) {
  const clock = testClock();
  const running = new Map<string, number>();
  const faults: string[] = [];
  let rules = limit;
  let heavy = 0;
  const total = (): number => [...running.values()].reduce((sum, each) => sum + each, 0);
  const countOf = (model: string): number => running.get(model) ?? 0;
  const transport: Transport = {
    async send({ body, signal }) {
      const { model, messages } = JSON.parse(body ?? '') as { model: string; messages: readonly [{ content: string }] };
      const [ms, intent] = messages[0].content.split(' ') as [string, string];
      const isHeavy = intent === 'heavy' ? 1 : 0;
      running.set(model, countOf(model) + 1);
      heavy += isHeavy;
      if (rules === undefined ? countOf(model) > 1 : total() > rules || heavy * isHeavy > forHeavy(rules))
        faults.push(`${countOf(model)} of ${model}, ${total()} in all`);
      try {
        await sleep(clock, Number(ms), signal);
      } finally {
        running.set(model, countOf(model) - 1);
        heavy -= isHeavy;
      }
      const text = JSON.stringify({ model, message: { role: 'assistant', content: 'yes' }, done: true, done_reason: 'stop' });
      return { status: 200, header, body: new Response(text).body, text: async () => text };
    },
  };
  const optionsOf = (maxConcurrent: number | undefined): RouterOptions => ({
    clock,
    random: () => 0.5,
    transport,
    health: false,
    pollMs: false,
    checkModels: false,
    deadlineMs: 3_600_000,
    providers: { a: { type: 'ollama', maxConcurrent } },
  });
  const router = createRouter(optionsOf(limit));
  const asked: Asked[] = [];
  return {
    clock,
    router,
    asked,
    ask(model: string, ms: number, intent = 'fast') {
      const controller = new AbortController();
      const request = { ...hello, model, messages: [{ role: 'user' as const, content: `${ms} ${intent}` }] };
      const outcome = outcomeOf(router.chat(request, { intent, signal: controller.signal, deadlineMs: 3_600_000 }));
      asked.push({ model, intent, controller, outcome });
    },
    setLimit(next: number | undefined) {
      rules = next;
      router.update(optionsOf(next));
    },
    /** What is wrong now: more than may be, or somebody who waits beside a slot that is free. */
    wrong(): readonly string[] {
      const [{ inFlight = 0, waiting = 0, models = [] } = {}] = router.snapshot().providers;
      const open = asked.filter(({ outcome }) => !outcome.settled);
      const openHeavy = open.filter(({ intent }) => intent === 'heavy').length;
      const idle = open.filter(({ model }) => open.filter((each) => each.model === model).length > countOf(model) && countOf(model) === 0);
      return [
        ...faults,
        ...(inFlight === total() ? [] : [`${inFlight} under way in the books, and ${total()} at the server`]),
        ...(waiting === open.length - total() ? [] : [`${waiting} wait in the books, and ${open.length - total()} of the callers`]),
        ...(rules !== undefined && total() < rules && open.length - openHeavy > total() - heavy
          ? ['a fast call waits beside a free slot']
          : []),
        ...(rules !== undefined && total() < rules && heavy < forHeavy(rules) && openHeavy > heavy
          ? ['a heavy call waits beside one']
          : []),
        ...(rules === undefined && idle.length > 0 ? [`somebody waits for ${idle[0]?.model}, which nobody uses`] : []),
        ...models.flatMap(({ model, inFlight: its }) => (its === countOf(model) ? [] : [`${its} of ${model} in the books`])),
      ];
    },
  };
}

type Step =
  | { readonly type: 'ask'; readonly model: string; readonly ms: number; readonly intent: string }
  | { readonly type: 'limit'; readonly to: number | undefined }
  | { readonly type: 'wait'; readonly ms: number }
  | { readonly type: 'abort'; readonly which: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('ask' as const),
      model: fc.constantFrom('m', 'n', 'o'),
      ms: fc.integer({ min: 1, max: 5_000 }),
      intent: fc.constantFrom('fast', 'heavy'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('limit' as const), to: fc.constantFrom(undefined, 1, 2, 3, 6) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 4_000 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('abort' as const), which: fc.nat(20) }) },
);

test(
  'a limit that comes and goes while calls run loses no slot and doubles none, and nobody waits for ever',
  { timeout: 60_000 },
  async () => {
    const property = fc.asyncProperty(
      fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      fc.array(step, { minLength: 5, maxLength: 40 }),
      async (limit, steps) => {
        const made = start(limit);
        for (const each of steps) {
          if (each.type === 'ask') made.ask(each.model, each.ms, each.intent);
          else if (each.type === 'limit') made.setLimit(each.to);
          else if (each.type === 'abort') made.asked[each.which]?.controller.abort(new Error('enough'));
          else await made.clock.advance(each.ms);
          await made.clock.settle();
          expect(made.wrong()).toEqual([]);
        }
        await made.clock.advance(300_000);
        expect(made.asked.every(({ outcome, controller }) => outcome.value !== undefined || controller.signal.aborted)).toBe(true);
        expect([made.wrong(), made.clock.timers()]).toEqual([[], 0]);
      },
    );
    await fc.assert(property, { numRuns: 200 });
  },
);

test('calls that ran for each model count for all as soon as they share, and the other way round', async () => {
  const made = start(undefined);
  for (const model of ['m', 'n', 'm', 'o']) made.ask(model, 1_000);
  await made.clock.settle();
  expect(made.router.snapshot().providers).toMatchObject([{ inFlight: 3, waiting: 1, slots: undefined }]);
  made.setLimit(3);
  made.ask('p', 1_000);
  await made.clock.settle();
  expect(made.router.snapshot().providers).toMatchObject([{ inFlight: 3, waiting: 2, slots: 3 }]);
  await made.clock.advance(1_000);
  expect(made.router.snapshot().providers).toMatchObject([{ inFlight: 2, waiting: 0 }]);
  made.ask('m', 1_000);
  await made.clock.settle();
  expect(made.router.snapshot().providers).toMatchObject([{ inFlight: 3, waiting: 0 }]);
  made.setLimit(undefined);
  made.ask('p', 1_000);
  made.ask('n', 1_000);
  await made.clock.settle();
  expect(made.router.snapshot().providers).toMatchObject([{ inFlight: 4, waiting: 1, slots: undefined }]);
});

test('calls that go over to other slots keep their age, and those of others stay', () => {
  const limits = { slots: 1, reservedForFast: 0, queueLimit: 100, agingMs: 1_000 };
  const [pool, other] = [createPool(limits), createLanes(limits)];
  const [mine, yours] = [lanesOf(pool), lanesOf(pool)];
  const granted: string[] = [];
  mine.take('fast');
  other.take('fast');
  mine.join('fast', 3, () => granted.push('mine'));
  yours.join('fast', 1, () => granted.push('yours'));
  other.join('fast', 2, () => granted.push('first there'));
  other.join('fast', 4, () => granted.push('last there'));
  mine.moveTo(other.pool);
  expect([pool, other.pool].map(({ fast }) => [fast.inUse, fast.waiting])).toEqual([
    [0, 1],
    [2, 3],
  ]);
  yours.resize(limits, 5);
  expect([granted, yours.isIdle]).toEqual([['yours'], false]);
  yours.give('fast', 5);
  expect(yours.isIdle).toBe(true);
  mine.give('fast', 5);
  expect(granted).toEqual(['yours']);
  for (const lanes of [other, other, mine]) lanes.give('fast', 5);
  expect(granted).toEqual(['yours', 'first there', 'mine', 'last there']);
});
