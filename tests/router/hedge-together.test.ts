import { expect, test } from 'vitest';
import { type AdapterDefinition, defineAdapter } from '../../src/core/adapter.ts';
import type { ChatAnswer, ChunkBatches } from '../../src/core/types.ts';
import type { ChatStream } from '../../src/router/chat-stream.ts';
import { createRouter } from '../../src/router/create-router.ts';
import type { Router } from '../../src/router/router.ts';
import { record } from '../_kit/events.ts';
import { fault, toChunk } from '../_kit/fake-adapter.ts';
import { hello, outcomeOf, readAll } from '../_kit/fake-router.ts';
import { testClock } from '../_kit/test-clock.ts';

// An attempt and its hedge that end within the same moment: every order of the steps that promises take, forwards and backwards.

type End = 'answer' | 'refuse' | 'fail';

const ends = {
  refuse: () => fault('bad_request', { status: 400 }),
  fail: () => fault('driver', { status: 500 }),
};

/** A provider that answers or fails when it is let go; its first `quick` calls answer at once. */
function gated(id: string, end: End, quick: number) {
  let calls = 0;
  let open: (() => void) | undefined;
  let closed = 0;
  const gate = async (): Promise<void> => {
    if (calls++ < quick) return;
    await new Promise<void>((resolve) => (open = resolve));
    if (end !== 'answer') throw ends[end]();
  };
  const chat = async (): Promise<ChatAnswer> => {
    await gate();
    const message = { role: 'assistant' as const, content: `${id} whole` };
    return { id: 'c', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message, finish_reason: 'stop' }] };
  };
  const stream = async (): Promise<ChunkBatches> =>
    (async function* () {
      try {
        await gate();
        yield [toChunk({ content: id }, 'm')];
        yield [toChunk({ content: ' whole' }, 'm')];
      } finally {
        closed += 1;
      }
    })();
  const definition: AdapterDefinition = { name: 'gated', modelName: 'optional', chat, stream };
  return {
    options: { type: 'custom' as const, adapter: defineAdapter(definition) },
    letGo: () => open?.(),
    sources: () => [calls, closed],
  };
}

async function callOf(router: Router, verb: 'chat' | 'stream', provider?: string): Promise<{ route: ChatStream['route'] }> {
  if (verb === 'chat') return router.chat(hello, { provider });
  const stream = await router.stream(hello, { provider });
  return { ...(await readAll(stream)), route: stream.route };
}

const sweep = Array.from({ length: 31 }, (_, index) => index - 15);

async function together(verb: 'chat' | 'stream', [first, second]: readonly [End, End], gap: number) {
  const clock = testClock();
  const a = gated('a', first, 1);
  const b = gated('b', second, 0);
  const router = createRouter({
    clock,
    random: () => 0.5,
    hedge: { minDelayMs: 200, minSamples: 1, maxLoad: 1 },
    providers: { a: a.options, b: b.options },
  });
  const events = record(router);
  await callOf(router, verb, 'a');
  events.clear();
  const call = outcomeOf(callOf(router, verb));
  await clock.advance(200);
  const [former, latter] = gap < 0 ? [b, a] : [a, b];
  former.letGo();
  for (let step = 0; step < Math.abs(gap); step++) await undefined;
  latter.letGo();
  await clock.settle();
  return { router, clock, events, call, sources: [a, b].map(({ sources }) => sources()) };
}

test.each([
  ['chat', ['answer', 'answer'], ['a', 'b']],
  ['stream', ['answer', 'answer'], ['a', 'b']],
  // An error of the hedge waits for the attempt.
  ['chat', ['answer', 'refuse'], ['a']],
  ['stream', ['answer', 'refuse'], ['a']],
  ['chat', ['refuse', 'answer'], ['b', 'nobody']],
  ['stream', ['refuse', 'answer'], ['b', 'nobody']],
  ['chat', ['refuse', 'refuse'], ['nobody']],
  ['stream', ['refuse', 'refuse'], ['nobody']],
  ['chat', ['fail', 'answer'], ['b']],
  ['stream', ['answer', 'fail'], ['a']],
  ['chat', ['fail', 'refuse'], ['nobody']],
  ['stream', ['refuse', 'fail'], ['nobody']],
] as const)(
  'two attempts of a %s that end in the same moment, %j: there is one end of the call and one of each attempt',
  async (verb, pair, possible) => {
    const winners = new Set<string>();
    for (const gap of sweep) {
      const { router, clock, events, call, sources } = await together(verb, pair, gap);
      expect(call.settled).toBe(true);
      const winner = call.value?.route?.provider;
      winners.add(winner ?? 'nobody');
      if (verb === 'stream' && winner !== undefined) expect(call.value).toMatchObject({ text: `${winner} whole`, failure: undefined });
      // The one that answered has ended well, and nobody else has.
      expect(events.of('attempt:end').map(({ provider }) => provider)).toEqual(winner === undefined ? [] : [winner]);
      expect(events.of('attempt:error')).toHaveLength(winner === undefined ? 2 : 1);
      expect([events.of('request:end').length, events.of('request:error').length]).toEqual(winner === undefined ? [0, 1] : [1, 0]);
      expect(call.value?.route?.attempts.map(({ provider, error }) => provider + (error ? '' : ' well')).toSorted()).toEqual(
        winner && ['a', 'b'].map((id) => (id === winner ? `${id} well` : id)),
      );
      if (verb === 'stream') for (const [opened, closed] of sources) expect(closed).toBe(opened);
      expect(router.snapshot()).toMatchObject({ inFlight: 0, providers: [{ inFlight: 0 }, { inFlight: 0 }] });
      expect(clock.timers()).toBe(0);
    }
    // The sweep has seen both orders.
    expect([...winners].toSorted()).toEqual(possible);
  },
);
