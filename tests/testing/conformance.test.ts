import { describe, expect, test } from 'vitest';
import { providerTypes } from '../../src/index.ts';
import { adapterCases } from '../../src/testing/index.ts';
import { benchOf, caseCounts, runs, skipReasonOf, withoutRun } from '../_kit/conformance.ts';

const cases = adapterCases.map((each) => [`${each.group}: ${each.name}`, each] as const);

describe.each(runs)('$title', (run) => {
  test.for(cases)('%s', async ([, each], { skip }) => {
    await using bench = await benchOf(run);
    const reason = skipReasonOf(run, each, bench);
    if (reason !== undefined) skip(reason);
    await each.run(bench);
  });
});

/** How many cases each run has at least. Fewer means that something is no longer declared, told or sent: a skip that nobody wanted. */
const fewest: Readonly<Record<string, number>> = {
  ollama: 150,
  vllm: 143,
  llamacpp: 147,
  tgi: 111,
  textgen: 120,
  sglang: 138,
  lmstudio: 137,
  nvidia: 151,
  tei: 42,
  openai: 148,
  anthropic: 112,
  huggingface: 151,
  together: 147,
  'openai-compatible': 157,
  'remote-gpu/notebook': 61,
  'remote-gpu/notebook/auto': 61,
  'remote-gpu/proxy': 69,
  'remote-gpu/proxy/auto': 63,
  'remote-gpu/tgi': 95,
  'remote-gpu/tgi/auto': 86,
};

describe('the suite', () => {
  test('has a run for every provider type, or a reason for having none', () => {
    expect([...new Set(runs.map(({ type }) => type)), ...Object.keys(withoutRun)].toSorted()).toEqual(
      Object.keys(providerTypes).toSorted(),
    );
  });

  test('calls no two cases by the same name', () => {
    expect(new Set(adapterCases.map(({ name }) => name)).size).toBe(adapterCases.length);
  });

  test('gives a reason, as a sentence, for every case that it skips', async () => {
    const reasons = Object.values(await caseCounts()).flatMap(({ skipped }) => Object.values(skipped));
    expect(reasons.filter((reason) => reason.split(' ').length < 3)).toEqual([]);
  });

  test('runs no fewer cases than it did', async () => {
    const run = Object.entries(await caseCounts()).map(([title, count]) => [title, count.run] as const);
    expect(run.map(([title]) => title).toSorted()).toEqual(Object.keys(fewest).toSorted());
    expect(run.filter(([title, count]) => count < (fewest[title] ?? Infinity))).toEqual([]);
  });
});
