import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { RouterError } from '../../src/core/errors.ts';
import type { RouteAttempt, RouteTrace } from '../../src/core/route.ts';
import type { ChatRequest } from '../../src/core/types.ts';
import type { Score } from '../../src/routing/expected-time.ts';
import { formatPlan, formatRoute } from '../../src/routing/format-plan.ts';
import type { Plan, PlannedCandidate } from '../../src/routing/plan.ts';
import { after, fault, type Outcome, pieces } from '../_kit/fake-adapter.ts';
import { type FakeProvider, fakeRouter, hello, outcomeOf, readAll } from '../_kit/fake-router.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const guide = read('docs/guides/routing.md');

/** The blocks of the guide that are texts, by their names. */
const shown: ReadonlyMap<string, string> = new Map(
  Array.from(guide.matchAll(/^```text (\S+)\n([\s\S]*?)\n```$/gm), ([, name = '', text = '']) => [name, text]),
);

const request: ChatRequest = { ...hello, model: 'llama3.1' };
const names = { 'llama3.1': { gpu: 'llama3.1:8b', cpu: 'llama3.1:8b', openai: 'gpt-4o-mini' } };
const openai = { does: 'never asked', device: 'cloud', cost: 'paid' } as const;

async function freshPair(): Promise<string> {
  const { router } = fakeRouter({ gpu: 'yes', cpu: 'yes' });
  return formatPlan(router.explain(request));
}

async function pinnedGpu(): Promise<string> {
  const { router, clock } = fakeRouter({ gpu: fault('out_of_memory'), cpu: after(2_000, 'yes'), openai }, { models: names });
  await clock.run(router.chat(request));
  await clock.advance(60_000);
  return formatPlan(router.explain(request));
}

/** One that tells which models are in its memory, and needs 1 ms for each token of a prompt and 200 ms beside. */
function rack(resident: readonly string[], ...prompts: readonly number[]): FakeProvider {
  const does = (call: number): Outcome => after(200 + (prompts[call] ?? 0), pieces('Once', 4_000, ' upon'));
  const load = async () => ({ resident: resident.map((id) => ({ id, sizeBytes: 5e9, vramBytes: 5e9 })) });
  return { does, device: 'gpu', maxConcurrent: 1, fake: { load, models: async () => [{ id: 'llama3.1', sizeBytes: 4.9e9 }] } };
}

const ask = (content: string): ChatRequest => ({ model: 'llama3.1', messages: [{ role: 'user', content }] });
const long = (text: string): string => text.repeat(400);

async function warmOrIdle(): Promise<string> {
  const inMemory = ['llama3.1'];
  const providers = { 'rack-1': rack(['llama3.1'], 10, 3_600, 10), 'rack-2': rack(inMemory, 10, 3_600) };
  const { router, clock } = fakeRouter(providers, { balance: 'expected-ttft' });
  const said = async (content: string, provider: string) => readAll(await router.stream(ask(content), { provider }));
  await clock.settle();
  for (const provider of ['rack-1', 'rack-2']) {
    await clock.run(said('Hello!', provider));
    await clock.run(said(long(`A king and a queen, told by ${provider}. `), provider));
  }
  inMemory.splice(0, 1, 'qwen3');
  await clock.advance(10_000);
  outcomeOf(said('And you?', 'rack-1'));
  await clock.settle();
  const story = ask(long('A king and a queen, told by rack-1. '));
  const messages = [...story.messages, { role: 'assistant' as const, content: 'Once upon' }, { role: 'user' as const, content: 'Go on.' }];
  return formatPlan(router.explain({ ...story, messages }));
}

async function privateAndLong(): Promise<string> {
  const { router } = fakeRouter(
    {
      gpu: { does: 'yes', locality: 'host', contextLength: 4_096 },
      cpu: { does: 'yes', locality: 'process' },
      box: { does: 'yes', device: 'gpu', locality: 'lan' },
      notebook: { does: 'yes', device: 'remote', locality: 'tunnel' },
    },
    { intents: { private: { maxLocality: 'host' } } },
  );
  return formatPlan(router.explain(ask('The patient complains of headaches. '.repeat(1_500)), { intent: 'private' }));
}

async function embeddings(): Promise<string> {
  const { router, clock } = fakeRouter(
    {
      'gpu-1': { does: after(120, 'yes'), device: 'gpu', maxConcurrent: 1, embeddingModel: 'nomic-embed-text' },
      'gpu-2': { does: after(150, 'yes'), device: 'gpu', maxConcurrent: 1, embeddingModel: 'nomic-embed-text:latest' },
      cpu: { does: 'yes', embeddingModel: 'all-minilm' },
    },
    { balance: 'least-busy' },
  );
  for (const provider of ['gpu-1', 'gpu-2']) await clock.run(router.embed({ input: 'The king' }, { provider }));
  outcomeOf(router.embed({ input: 'The king' }, { provider: 'gpu-1' }));
  return formatPlan(router.explain({ input: 'The king' }));
}

/** Both are busy with calls of others; this one waits, meets a failure, waits again, and is answered. */
async function waitedAndFailedOver(): Promise<string> {
  const broken = new RouterError('driver', 'driver (HTTP 500): CUDA error: an illegal memory access was encountered.');
  const { router, clock } = fakeRouter(
    {
      gpu: { does: [after(3_000, 'yes'), after(1_200, broken)], maxConcurrent: 1 },
      cpu: { does: [after(6_000, 'yes'), after(2_400, pieces('yes', 5_000, ', indeed'))], maxConcurrent: 1 },
      openai,
    },
    { models: names },
  );
  for (const provider of ['gpu', 'cpu']) outcomeOf(router.chat(request, { provider }));
  const stream = await clock.run(router.stream(request));
  await clock.run(readAll(stream));
  return formatRoute(stream.route);
}

describe('the guide shows', () => {
  const situations: Readonly<Record<string, () => Promise<string>>> = {
    'fresh-pair': freshPair,
    'pinned-gpu': pinnedGpu,
    'warm-or-idle': warmOrIdle,
    'private-and-long': privateAndLong,
    embeddings,
    'waited-and-failed-over': waitedAndFailedOver,
  };

  test.each(Object.entries(situations))('what the router says: %s', async (name, textOf) => {
    expect(shown.get(name)).toBe(await textOf());
  });

  test('no text that no router has said', () => {
    expect([...shown.keys()].toSorted()).toEqual(Object.keys(situations).toSorted());
  });

  test('one that the README shows as well', () => {
    expect(read('README.md')).toContain(`\`\`\`text\n${shown.get('pinned-gpu')}\n\`\`\``);
  });
});

const soon: Score = { totalMs: 400, queueMs: 0, loadMs: 0, answerMs: 400, failureMs: 0, savedMs: 0, isGuess: false };
const first: PlannedCandidate = {
  isFull: false,
  provider: 'gpu',
  model: 'm',
  substituted: false,
  tier: 0,
  reason: 'free',
  score: soon,
  isTrial: false,
  seenTokens: 0,
};
const whole: Plan = {
  atMs: 1_000,
  verb: 'chat',
  intent: 'fast',
  balance: 'priority',
  lane: 'fast',
  promptTokens: 1_234,
  candidates: [first],
  skipped: [],
};

/** The line of the only candidate, as it is with these differences. */
function lineOf(other: Partial<Omit<PlannedCandidate, 'score'>> & { readonly score?: Partial<Score> | undefined }): string | undefined {
  const score = 'score' in other ? other.score && { ...soon, ...other.score } : soon;
  return formatPlan({ ...whole, candidates: [{ ...first, ...other, score }] }).split('\n')[2];
}

describe('a candidate', () => {
  test.each<[string, Partial<Score> | undefined, string]>([
    ['that is free', {}, '400 ms'],
    ['with a time below a second', { totalMs: 999, answerMs: 999 }, '999 ms'],
    ['with a time below ten seconds', { totalMs: 1_449, answerMs: 1_449 }, '1.4 s'],
    ['with a time below a minute', { totalMs: 59_400, answerMs: 59_400 }, '59 s'],
    ['with a time below an hour', { totalMs: 90_000, answerMs: 90_000 }, '1.5 min'],
    ['with a time of hours', { totalMs: 12_600_000, answerMs: 12_600_000 }, '3.5 h'],
    ['that is busy', { totalMs: 1_600, queueMs: 1_200 }, '1.6 s = queue 1.2 s + answer 400 ms'],
    ['that is cold', { totalMs: 8_400, loadMs: 8_000 }, '8.4 s = loading 8 s + answer 400 ms'],
    ['that failed of late', { totalMs: 2_900, failureMs: 2_500 }, '2.9 s = answer 400 ms + recent failures 2.5 s'],
    ['with a cached prompt', { totalMs: 100, savedMs: 300 }, '100 ms = answer 400 ms - cached prompt 300 ms'],
    ['nobody knows', { totalMs: 0, answerMs: 0, isGuess: true }, 'not known yet'],
    [
      'nobody knows, and that is cold',
      { totalMs: 8_000, answerMs: 0, loadMs: 8_000, isGuess: true },
      '8 s = loading 8 s + answer not known yet',
    ],
    ['that another call finds out about', { totalMs: 400, isGuess: true }, '400 ms = answer 400 ms (a guess)'],
  ])('%s shows what decided', (_, score, text) => {
    expect(lineOf({ score })).toBe(`  1.  gpu (m)  ${text}  free`);
  });

  test('of a plan without times has none', () => {
    expect(lineOf({ score: undefined })).toBe('  1.  gpu (m)    free');
  });

  test('whose model is the server’s choice is named alone', () => {
    expect(lineOf({ model: undefined })).toBe('  1.  gpu  400 ms  free');
  });

  test.each([
    [1_000, '1,000 tokens'],
    // By another rule than the whole prompt, so it may come out larger.
    [5_000, '1,200 tokens'],
    [1, '1 token'],
  ])('that has read %i tokens of the prompt says so', (seenTokens, text) => {
    expect(lineOf({ seenTokens })).toBe(`  1.  gpu (m)  400 ms  free, has seen ${text} of the prompt`);
  });

  test('says once what is cached', () => {
    expect(lineOf({ seenTokens: 1_000, score: { totalMs: 100, savedMs: 300 } })).not.toContain('seen');
  });

  test('that is tried because nobody else is left says so', () => {
    expect(lineOf({ isTrial: true })).toBe('  1.  gpu (m)  400 ms  free; to find out whether the model fits again');
  });
});

describe('a plan', () => {
  test('numbers its candidates and stands in columns', () => {
    const other: PlannedCandidate = {
      ...first,
      provider: 'processor',
      score: { ...soon, totalMs: 12_000, answerMs: 12_000 },
      reason: 'paid',
    };
    expect(
      formatPlan({ ...whole, candidates: [first, other] })
        .split('\n')
        .slice(2),
    ).toEqual(['  1.  gpu (m)        400 ms  free', '  2.  processor (m)  12 s    paid']);
  });

  test('without a candidate says so', () => {
    const skipped = [
      { provider: 'gpu', model: 'm', substituted: false, code: 'auth', reason: 'its credentials were refused', readyAtMs: undefined },
    ];
    expect(formatPlan({ ...whole, candidates: [], skipped } as Plan)).toBe(
      'chat for fast (balance priority, lane fast, prompt of about 1,200 tokens)\nNobody may be asked now.\nLeft out:\n  -  gpu (m)  its credentials were refused',
    );
  });

  test('says when an obstacle ends, where that is still to come', () => {
    const open = { provider: 'gpu', model: 'm', substituted: false, code: 'circuit_open', reason: 'its breaker is open' } as const;
    const skipped = [
      { ...open, readyAtMs: 21_000 },
      { ...open, readyAtMs: 1_000 },
    ];
    expect(
      formatPlan({ ...whole, skipped })
        .split('\n')
        .slice(-2),
    ).toEqual(['  -  gpu (m)  its breaker is open; tried again in 20 s', '  -  gpu (m)  its breaker is open']);
  });
});

const answered: RouteAttempt = { provider: 'gpu', model: 'm', startedMs: 0, ms: 400 };
const route: RouteTrace = {
  requestId: 'r',
  provider: 'gpu',
  model: 'm',
  intent: 'fast',
  attempts: [answered],
  skipped: [],
  queuedMs: 0,
  degraded: false,
  substituted: false,
  truncated: false,
  cached: false,
  hedged: false,
};

describe('a route', () => {
  test('of a call that went well is short', () => {
    expect(formatRoute(route)).toBe('gpu (m) answered (intent fast)\n  after 0 ms  gpu (m)  answered in 400 ms');
  });

  test.each<[Partial<RouteTrace>, string]>([
    [{ queuedMs: 2_000 }, 'waited 2 s for a slot'],
    [{ hedged: true }, 'hedged'],
    [{ substituted: true }, 'with a default model in place of the one asked for'],
    [{ degraded: true }, 'a stand-in, no answer of a model'],
    [{ truncated: true }, 'the server has probably dropped a part of the prompt'],
  ])('tells of %j in its first line', (other, note) => {
    expect(formatRoute({ ...route, ...other }).split('\n')[0]).toBe(`gpu (m) answered (intent fast; ${note})`);
  });

  test('says what was expected of an attempt, where that decided', () => {
    const lines = formatRoute({ ...route, attempts: [{ ...answered, ms: 900, firstContentMs: 400, expectedMs: 250 }] }).split('\n');
    expect(lines[1]).toBe('  after 0 ms  gpu (m)  answered in 900 ms, first content after 400 ms, expected after 250 ms');
  });

  test('of a stream tells whether it is read, has ended, or broke off', async () => {
    const { router } = fakeRouter({ gpu: [pieces('Once', ' upon'), pieces('Once', fault('driver'))] });
    const firstLines = async (): Promise<(string | undefined)[]> => {
      const stream = await router.stream(hello);
      const before = formatRoute(stream.route).split('\n')[0];
      await readAll(stream);
      return [before, formatRoute(stream.route).split('\n')[0]];
    };
    expect(await firstLines()).toEqual(['gpu (m) is answering (intent fast)', 'gpu (m) answered (intent fast)']);
    expect(await firstLines()).toEqual(['gpu (m) is answering (intent fast)', 'gpu (m) broke off (intent fast)']);
  });

  test('of a stream that broke off and is read anew from another names that one', async () => {
    const { router } = fakeRouter({ gpu: pieces('Once', fault('driver')), cpu: pieces('Once', ' upon') }, { onStreamFailure: 'restart' });
    const stream = await router.stream(hello);
    const firstLines: (string | undefined)[] = [];
    for await (const { inferlane } of stream) if (inferlane?.type === 'reset') firstLines.push(formatRoute(stream.route).split('\n')[0]);
    expect(firstLines).toEqual(['cpu (m) is answering (intent fast)']);
    expect(formatRoute(stream.route)).toMatch(/^cpu \(m\) answered .*\n.*gpu \(m\) {2}failed in 0 ms, first content after 0 ms \(driver\)/);
  });

  test('of a stream that failed before it began, and is read from another, names that one', async () => {
    const { router } = fakeRouter({ gpu: fault('driver'), cpu: pieces('Once', ' upon') });
    const stream = await router.stream(hello);
    expect(formatRoute(stream.route).split('\n')).toEqual([
      'cpu (m) is answering (intent fast)',
      '  after 0 ms  gpu (m)  failed in 0 ms (driver): it said driver.',
    ]);
    await readAll(stream);
  });

  test('tells an error in its own words, without naming the provider twice', () => {
    const error = { code: 'unavailable', message: 'gpu: not available (HTTP 502).' };
    const failed = formatRoute({
      ...route,
      attempts: [{ ...answered, error }, { ...answered, error: { ...error, message: 'It is down.' } }, answered],
    });
    expect(failed.split('\n').slice(1, 3)).toEqual([
      '  after 0 ms  gpu (m)  failed in 400 ms (unavailable): not available (HTTP 502).',
      '  after 0 ms  gpu (m)  failed in 400 ms (unavailable): It is down.',
    ]);
  });
});
