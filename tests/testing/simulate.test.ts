import { open, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest';
import { createRouter, type RecordLine, type RouterOptions } from '../../src/index.ts';
import { formatRuns, simulate, type Simulation } from '../../src/testing/index.ts';
import { fake, fault, refused } from '../_kit/fake-adapter.ts';
import { type Box, recordDay } from './recorded-day.ts';

type Call = Extract<RecordLine, { type: 'call' }>;
type Attempt = Call['attempts'][number];

let network: MockInstance<typeof fetch>;
beforeEach(() => void (network = vi.spyOn(globalThis, 'fetch')));
afterEach(() => expect(network).not.toHaveBeenCalled());

const two: RouterOptions = {
  providers: { one: { type: 'vllm', url: 'http://one:8000' }, two: { type: 'vllm', url: 'http://two:8000', priority: 1 } },
  breaker: { failureThreshold: 1_000, failureRatio: 1 },
};

/** The header that a router with these options writes. */
function headerOf(options: RouterOptions): string {
  const lines: string[] = [];
  createRouter({ ...options, health: false, pollMs: false, checkModels: false }).record((line) => lines.push(line))();
  return lines[0] ?? '';
}

const startMs = 1_700_000_000_000;

/** A call of the record, as short as one can be. */
function callAt(atMs: number, attempts: readonly Partial<Attempt>[], more: Partial<Call> = {}): string {
  const whole = attempts.map((attempt) => ({ provider: 'one', model: 'm', startMs: 0, ms: 1_000, firstContentMs: 200, ...attempt }));
  const line: Call = {
    type: 'call',
    at: startMs + atMs,
    requestId: `r${atMs}`,
    verb: 'stream',
    intent: 'fast',
    lane: 'fast',
    model: 'm',
    needs: [],
    promptTokens: 100,
    plan: [],
    skipped: [],
    attempts: whole.map(({ firstContentMs, ...rest }) => (rest.error === undefined ? { ...rest, firstContentMs } : rest)),
    usage: { promptTokens: 100, answerTokens: 40 },
    queuedMs: 0,
    ms: 1_000,
    outcome: 'answered',
    ...more,
  };
  return JSON.stringify(line);
}

/** One call each ten seconds to each of the two, with the second one half as fast. */
const calm = (count: number): string[] =>
  Array.from({ length: count }, (_, index) =>
    callAt(index * 10_000, [index % 2 === 0 ? {} : { provider: 'two', firstContentMs: 400, ms: 2_000 }], {
      ms: index % 2 === 0 ? 1_000 : 2_000,
    }),
  );

describe('a recorded day', () => {
  const boxes: readonly Box[] = [
    {
      id: 'big',
      device: 'gpu',
      weight: 50,
      maxConcurrent: 8,
      firstMs: 200,
      tokenMs: 10,
      faultAt: (ms) => (ms > 60_000 && ms < 120_000 ? refused() : undefined),
    },
    {
      id: 'small',
      device: 'gpu',
      weight: 50,
      maxConcurrent: 6,
      firstMs: 300,
      tokenMs: 15,
      faultAt: (ms, random) =>
        ms > 200_000 && ms < 201_000 ? fault('out_of_memory') : random() < 0.03 ? fault('unavailable', { status: 500 }) : undefined,
    },
    { id: 'cpu', device: 'cpu', weight: 1, maxConcurrent: 16, firstMs: 800, tokenMs: 40 },
  ];
  let lines: readonly string[];
  let same: Simulation;
  let options: (big: number, small: number) => RouterOptions;

  beforeAll(async () => {
    ({ lines, options } = await recordDay(boxes, { calls: 900, perMs: 450, seed: 11 }));
    same = await simulate(options(50, 50), lines);
  }, 60_000);

  test('replayed through its own configuration comes close to itself', () => {
    const { recorded, replayed } = same;
    expect(recorded.calls).toBe(900);
    expect([replayed.calls, replayed.notAnswered]).toEqual([900, recorded.notAnswered]);
    for (const [id, { share, failures, firstTokenMs }] of Object.entries(recorded.providers)) {
      const again = replayed.providers[id];
      expect(Math.abs((again?.share ?? 0) - share), `share of ${id}`).toBeLessThan(0.04);
      expect(Math.abs((again?.failures ?? 0) - failures), `failures of ${id}`).toBeLessThanOrEqual(6);
      expect((again?.firstTokenMs.p50 ?? 0) / (firstTokenMs.p50 ?? 0), `first token of ${id}`).toBeCloseTo(1, 0.5);
    }
    expect((replayed.wholeMs.p50 ?? 0) / (recorded.wholeMs.p50 ?? 0)).toBeCloseTo(1, 0.8);
    expect(recorded.failovers).toBeGreaterThan(5);
  });

  test('goes otherwise through another configuration, which the table shows side by side', async () => {
    const other = await simulate(options(80, 20), lines);
    const [before, after] = [same.replayed.providers, other.replayed.providers];
    expect((after['big']?.share ?? 0) - (before['big']?.share ?? 0)).toBeGreaterThan(0.04);
    expect(after['small']?.requests).toBeLessThan(before['small']?.requests ?? 0);
    const text = formatRuns({ 'as it was': same.recorded, '80:20': other.replayed });
    expect(text.split('\n')[0]).toMatch(/^\| +\| +as it was \| +80:20 \|$/);
    expect(text).toContain('big: share of answers');
  });

  test('is the same with the same seed, and another with another', async () => {
    expect(await simulate(options(50, 50), lines)).toEqual(same);
    expect(await simulate(options(50, 50), lines, { seed: 2 })).not.toEqual(same);
  });

  test('asks no adapter of the options, and closes none', async () => {
    const close = vi.fn(async () => undefined);
    const { adapter, calls } = fake('never', { close });
    const given = options(50, 50);
    const own = {
      ...given,
      providers: { ...given.providers, big: { ...given.providers['big'], type: 'custom', adapter } },
    } as RouterOptions;
    await simulate(own, lines);
    expect([calls.length, close.mock.calls.length]).toEqual([0, 0]);
  });

  test('may come as a text, as lines, or from a file', async () => {
    const file = join(tmpdir(), `inferlane-record-${process.pid}.jsonl`);
    await writeFile(file, lines.map((line) => `${line}\n`).join(''));
    await using handle = await open(file);
    expect(await simulate(options(50, 50), await readFile(file, 'utf8'))).toEqual(same);
    expect(await simulate(options(50, 50), handle.readLines())).toEqual(same);
  });
});

describe('what befell a server befalls it again', () => {
  test('when nobody could connect to it, whichever model was asked for', async () => {
    const lines = [
      ...calm(20),
      ...[200, 210, 220, 230].map((s) =>
        callAt(s * 1_000, [
          { error: 'unavailable', phase: 'connect', ms: 5 },
          { provider: 'two', startMs: 5 },
        ]),
      ),
    ];
    const late = [240, 250, 260].map((s) => callAt(s * 1_000, [{}]));
    const other = callAt(215_000, [{ provider: 'two', model: 'other' }], { model: 'other' });
    const { replayed } = await simulate(two, [headerOf(two), ...lines, ...late, other]);
    expect(replayed.providers['one']?.failures).toBe(5);
    expect(replayed.notAnswered).toBe(0);
  });

  test('when it was out of memory, for the first that asks, and the pin does the rest', async () => {
    const oom = callAt(200_000, [
      { error: 'out_of_memory', ms: 50 },
      { provider: 'two', startMs: 50 },
    ]);
    const pinned = Array.from({ length: 10 }, (_, index) => callAt(210_000 + index * 10_000, [{ provider: 'two' }]));
    const { replayed } = await simulate(two, [headerOf(two), ...calm(20), oom, ...pinned]);
    expect(replayed.providers['one']?.failures).toBe(1);
    expect(replayed.providers['one']?.requests).toBe(20);
    expect(replayed.providers['two']?.requests).toBe(11);
    const { replayed: unpinned } = await simulate({ ...two, pinMs: 1 }, [headerOf(two), ...calm(20), oom, ...pinned]);
    expect([unpinned.providers['one']?.failures, unpinned.providers['two']?.requests]).toEqual([1, 1]);
  });

  test('when it hung, for as long as the limits of the new configuration say', async () => {
    const hung = [200, 201, 202].map((s) =>
      callAt(s * 1_000, [
        { error: 'timeout', phase: 'first-token', ms: 10_000 },
        { provider: 'two', startMs: 10_000 },
      ]),
    );
    const { replayed } = await simulate({ ...two, timeouts: { firstTokenMs: 15_000 } }, [headerOf(two), ...calm(20), ...hung]);
    expect(replayed.providers['one']?.failures).toBe(3);
    expect(replayed.firstTokenMs.p95).toBeCloseTo(15_400, -2);
  });

  test('when single calls failed, as often as they did', async () => {
    const header = headerOf(two);
    const mixed = Array.from({ length: 600 }, (_, index) =>
      callAt(
        index * 5_000,
        index % 5 === 4
          ? [
              { error: 'overloaded', ms: 20 },
              { provider: 'two', startMs: 20 },
            ]
          : [{}],
      ),
    );
    const { replayed } = await simulate({ ...two, retry: { maxTokens: 1_000_000 } }, [header, ...mixed]);
    const { failures = 0, attempts = 1 } = replayed.providers['one'] ?? {};
    expect(failures / attempts).toBeCloseTo(0.2, 1);
  });

  test('when many asked at once, it is as slow as it was then', async () => {
    const burst = [200, 400, 600, 800].map((firstContentMs) => ({ firstContentMs, ms: 1_000 }));
    const lines = Array.from({ length: 10 }, (_, index) => [
      callAt(index * 20_000, [{}]),
      ...burst.map((attempt) => callAt(index * 20_000 + 10_000, [attempt])),
    ]);
    const { recorded, replayed } = await simulate(two, [headerOf(two), ...lines.flat()]);
    expect(replayed.firstTokenMs).toEqual(recorded.firstTokenMs);
    expect(replayed.firstTokenMs).toEqual({ p50: 400, p95: 800 });
    // One after the other, each is as fast as one that came alone.
    const alone: RouterOptions = { providers: { one: { type: 'vllm', url: 'http://one:8000', maxConcurrent: 1 } } };
    expect((await simulate(alone, [headerOf(two), ...lines.flat()])).replayed.firstTokenMs).toEqual({ p50: 1_200, p95: 3_200 });
  });

  test('calls wait for the slots that the new configuration has', async () => {
    const options: RouterOptions = { providers: { one: { type: 'vllm', url: 'http://one:8000', maxConcurrent: 1 } } };
    const { recorded, replayed } = await simulate(options, [headerOf(two), callAt(0, [{}]), callAt(0, [{}])]);
    expect([recorded.queuedMs.p95, replayed.queuedMs.p95]).toEqual([0, 1_000]);
  });

  test('a caller who left leaves after the same time', async () => {
    const leaving = callAt(200_000, [{ error: 'aborted', ms: 100 }], { outcome: 'aborted', ms: 100 });
    const { recorded, replayed } = await simulate(two, [headerOf(two), ...calm(20), leaving]);
    expect([recorded.left, replayed.left]).toEqual([1, 1]);
  });

  test('a server that loads models on demand does so for the first that asks', async () => {
    const options: RouterOptions = { providers: { one: { type: 'ollama', url: 'http://one:11434' } } };
    const minutes = [0, 1, 2, 30, 31];
    const lines = minutes.map((minute) => {
      const isCold = minute === 0 || minute === 30;
      return callAt(minute * 60_000, [isCold ? { firstContentMs: 9_000, ms: 9_800 } : {}], { ms: isCold ? 9_800 : 1_000 });
    });
    const { replayed } = await simulate(options, [headerOf(options), ...lines]);
    expect(replayed.firstTokenMs).toEqual({ p50: 200, p95: 9_000 });
  });
});

describe('a provider that the trace does not know', () => {
  const three: RouterOptions = { ...two, providers: { ...two.providers, new: { type: 'vllm', url: 'http://new:8000', priority: -1 } } };

  test('is refused, where nobody says how fast it is', async () => {
    await expect(simulate(three, [headerOf(two), ...calm(4)])).rejects.toThrow('no answer of the provider "new"');
    const unheard = simulate({ ...two, breaker: {} }, [headerOf(two), callAt(0, [{ provider: 'two' }])]);
    await expect(unheard).rejects.toThrow('no answer of the provider "one"');
  });

  test('is as fast as assumed', async () => {
    const assume = { new: { firstTokenMs: 50, tokensPerSecond: 80 } };
    const { replayed } = await simulate(three, [headerOf(two), ...calm(4)], { assume });
    expect(replayed.providers['new']?.requests).toBe(4);
    expect([replayed.firstTokenMs.p50, replayed.wholeMs.p50]).toEqual([50, 550]);
    await expect(
      simulate(three, [headerOf(two), ...calm(4)], { assume: { new: { firstTokenMs: 1, tokensPerSecond: 0 } } }),
    ).rejects.toThrow('assume.new');
  });
});

const weighted = (one: number, two: number): RouterOptions => ({
  balance: 'weighted',
  providers: { one: { type: 'vllm', url: 'http://one:8000', weight: one }, two: { type: 'vllm', url: 'http://two:8000', weight: two } },
});

test('shares by weight become those of the new weights', async () => {
  const { recorded, replayed } = await simulate(weighted(70, 30), [headerOf(weighted(50, 50)), ...calm(100)]);
  expect([recorded.providers['one']?.share, replayed.providers['one']?.share]).toEqual([0.5, 0.7]);
  expect(replayed.firstTokenMs).toEqual({ p50: 200, p95: 400 });
});

test('a paid answer costs what its tokens cost', async () => {
  const prices = { date: '2026-11-21', source: 'test', priceOf: () => ({ inputPerMillionUsd: 1_000, outputPerMillionUsd: 10_000 }) };
  const options: RouterOptions = { providers: { one: { type: 'openai', apiKey: 'unused-key' } }, prices };
  const { recorded, replayed } = await simulate(options, [headerOf(options), callAt(0, [{}])]);
  expect([recorded.costUsd, replayed.costUsd]).toEqual([0.5, 0.5]);
});

test('a limit of the cost that a caller had set holds in the replay as well', async () => {
  const prices = { date: '2026-11-21', source: 'test', priceOf: () => ({ inputPerMillionUsd: 1_000, outputPerMillionUsd: 10_000 }) };
  const options: RouterOptions = { providers: { one: { type: 'openai', apiKey: 'unused-key' } }, prices };
  const limited = (maxCostUsd: number) => [headerOf(options), callAt(0, [{}], { maxCostUsd, maxAnswerTokens: 40 })];
  const [small, large] = [await simulate(options, limited(0.1)), await simulate(options, limited(10))];
  expect([small.replayed.notAnswered, large.replayed.notAnswered]).toEqual([1, 0]);
});

test('what a cache answered is not replayed, and lines that are missing are counted', async () => {
  const cached = callAt(900_000, [], { cached: true });
  const lost = JSON.stringify({ type: 'lost', at: startMs, lines: 7 });
  const told = await simulate(two, [headerOf(two), ...calm(4), cached, lost]);
  expect([told.recorded.calls, told.replayed.calls, told.cached, told.lost]).toEqual([4, 4, 1, 7]);
});

describe('a trace that is none is refused with the number of its line', () => {
  const header = headerOf(two);
  const call = callAt(0, [{}]);
  const withField = (more: object): string => JSON.stringify({ ...(JSON.parse(call) as object), ...more });

  test.each<[string, readonly string[], RegExp]>([
    ['nothing', [], /holds no call/],
    ['a header alone', [header], /holds no call/],
    ['garbage', [header, call, 'garbage'], /^Line 3 .* is no JSON/],
    ['a last line that was cut off', [header, call, call.slice(0, 80)], /^Line 3 .* cut off there/],
    ['no header', [call], /^Line 1 .* not the header/],
    ['another version', [header.replace('"version":1', '"version":2')], /^Line 1 .* another format or version/],
    ['another format', [header.replace('inferlane-record', 'other')], /^Line 1 .* another format or version/],
    ['a list', [header, '[]'], /^Line 2 .* none of a record/],
    ['a line of another kind', [header, '{"type":"toString"}'], /^Line 2 .* none of a record/],
    ['a time that is none', [header, withField({ at: -1 })], /^Line 2 .* no valid at/],
    ['a limit of the cost that is none', [header, withField({ maxCostUsd: 0 })], /^Line 2 .* no valid maxCostUsd/],
    ['a prompt as long as a library', [header, withField({ promptTokens: 1e12 })], /^Line 2 .* no valid promptTokens/],
    ['an attempt without a time', [header, withField({ attempts: [{ provider: 'one' }] })], /^Line 2 .* no valid attempts/],
    [
      'more attempts than there are',
      [header, withField({ attempts: Array.from({ length: 65 }, () => ({})) })],
      /^Line 2 .* no valid attempts/,
    ],
    ['a verb that is none', [header, withField({ verb: 'sing' })], /^Line 2 .* no valid verb/],
    ['a line without end', [header, `"${'x'.repeat(1_000_001)}"`], /^Line 2 .* 1000003 characters/],
  ])('%s', async (_what, lines, message) => {
    await expect(simulate(two, lines)).rejects.toThrow(message);
  });
});
