import { describe, expect, test } from 'vitest';
import { collect } from '../../src/router/chat-stream.ts';
import type { RecordedCall } from '../../src/router/record-lines.ts';
import { simulate } from '../../src/testing/index.ts';
import { failureOf, outcomeOf } from '../_kit/fake-router.ts';
import { question, scene, type Scene, type SceneOptions, settled } from './kept-kit.ts';

// Calls for which nobody was asked: the cache answered, or the request of another call.

/** A scene that is recorded, and the lines of its calls. */
function recorded(options: SceneOptions): { readonly made: Scene; readonly lines: string[]; readonly calls: () => RecordedCall[] } {
  const made = scene(options);
  const lines: string[] = [];
  made.router.record((line) => lines.push(line));
  const calls = (): RecordedCall[] =>
    lines.map((line) => JSON.parse(line) as RecordedCall | { type: 'header' }).filter((line) => line.type === 'call');
  return { made, lines, calls };
}

const kept = { cache: true } as const;

const cachedOf = (calls: readonly RecordedCall[]): (true | undefined)[] => calls.map(({ cached }) => cached);

describe('an answer from the cache', () => {
  test.each(['chat', 'stream'] as const)('has a line of its own, without an attempt (%s)', async (verb) => {
    const { made, calls } = recorded({});
    const { router, clock, asked } = made;
    await router.chat(question, { ...kept, requestId: 'first' });
    await settled(made);
    if (verb === 'chat') await router.chat(question, { ...kept, requestId: 'second' });
    else await collect(await router.stream(question, { ...kept, requestId: 'second' }));
    expect(asked).toHaveLength(1);
    const [first, second] = calls();
    expect(first).toMatchObject({ requestId: 'first', attempts: [{ provider: 'gpu' }], outcome: 'answered' });
    expect(first).not.toHaveProperty('cached');
    expect(second).toEqual({
      type: 'call',
      at: clock.wallMs(),
      requestId: 'second',
      verb,
      intent: 'fast',
      lane: 'fast',
      model: 'm',
      needs: [],
      promptTokens: first?.promptTokens,
      plan: [],
      skipped: [],
      attempts: [],
      usage: { promptTokens: 3, answerTokens: 2 },
      cached: true,
      queuedMs: 0,
      ms: 0,
      outcome: 'answered',
    });
    expect(calls()).toHaveLength(2);
  });

  test('is counted by a replay, and left out of it', async () => {
    const { made, lines } = recorded({});
    for (let call = 0; call < 3; call += 1) {
      await made.router.chat(question, kept);
      await settled(made);
    }
    const told = await simulate({ providers: { gpu: { type: 'vllm', url: 'http://gpu:8000' } } }, lines);
    expect([told.recorded.calls, told.replayed.calls, told.cached]).toEqual([1, 1, 2]);
  });
});

describe('calls that share a request', () => {
  const sharing: SceneOptions = { cache: false, singleFlight: true, afterMs: 100 };
  const ids = ['r0', 'r1', 'r2'];

  test('have a line each, and one of them the attempt (chat)', async () => {
    const { made, calls } = recorded(sharing);
    await made.clock.run(Promise.all(ids.map((requestId) => made.router.chat(question, { requestId }))));
    expect(
      calls()
        .map(({ requestId }) => requestId)
        .toSorted(),
    ).toEqual(ids);
    expect(calls().map(({ attempts }) => attempts.length)).toEqual([1, 0, 0]);
    expect(cachedOf(calls())).toEqual([undefined, true, true]);
    expect(calls().every(({ outcome, ms }) => outcome === 'answered' && ms === 100)).toBe(true);
    // The request may take longer than its first call, which is nothing that its caller has set.
    expect(calls().filter((call) => 'deadlineMs' in call)).toEqual([]);
  });

  test('have a line each, and one of them the attempt (stream)', async () => {
    const { made, calls } = recorded(sharing);
    const streams = await made.clock.run(Promise.all(ids.map((requestId) => made.router.stream(question, { requestId }))));
    await made.clock.run(Promise.all(streams.slice(1).map(collect)));
    for await (const _chunk of streams[0] as (typeof streams)[number]) break;
    expect(
      calls()
        .map(({ requestId }) => requestId)
        .toSorted(),
    ).toEqual(ids);
    expect(calls().filter(({ attempts }) => attempts.length > 0)).toHaveLength(1);
    expect(cachedOf(calls()).filter((cached) => cached === true)).toHaveLength(2);
  });

  test('fail each with a line, and one who leaves is told as that', async () => {
    const { made, calls } = recorded({ ...sharing, answers: () => new Error('broken') });
    const { router, clock } = made;
    const leaving = new AbortController();
    const rest = [outcomeOf(router.chat(question)), outcomeOf(router.chat(question))];
    const left = outcomeOf(router.chat(question, { signal: leaving.signal }));
    await settled(made);
    leaving.abort();
    await clock.advance(1_000);
    await settled(made);
    expect([...rest, left].every(({ error }) => error !== undefined)).toBe(true);
    expect(calls().map(({ outcome, cached }) => [outcome, cached])).toEqual(
      expect.arrayContaining([
        ['failed', undefined],
        ['failed', true],
        ['aborted', true],
      ]),
    );
    expect(calls()).toHaveLength(3);
  });

  test('where the caller had left before it began: nobody was asked, and nobody answered', async () => {
    const { made, calls } = recorded(sharing);
    await failureOf(made.router.chat(question, { signal: AbortSignal.abort() }));
    expect(calls()).toMatchObject([{ attempts: [], outcome: 'aborted' }]);
    expect(cachedOf(calls())).toEqual([undefined]);
  });

  test('and find the answer kept: none of them has an attempt', async () => {
    const { made, calls } = recorded({ singleFlight: true });
    await made.router.chat(question, kept);
    await settled(made);
    await Promise.all(ids.map((requestId) => made.router.chat(question, { ...kept, requestId })));
    expect(made.asked).toHaveLength(1);
    expect(cachedOf(calls())).toEqual([undefined, true, true, true]);
  });
});
