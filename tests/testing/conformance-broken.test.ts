import { describe, expect, test } from 'vitest';
import { openaiCompatible } from '../../src/adapters/openai-compatible.ts';
import { adapterCases, type BenchOptions, createBench, skipReason } from '../../src/testing/index.ts';
import { adapterContext } from '../_kit/adapter-context.ts';
import { brokenAdapters } from '../_kit/broken-adapters.ts';
import type { Break } from '../_kit/changed-adapter.ts';

// Each of these adapters breaks one promise, and the cases about that promise must fail: those and no others.

/** The names of the cases that fail. */
async function failures(change: Break): Promise<readonly string[]> {
  const failed: string[] = [];
  const options: BenchOptions = {
    backend: 'openai-compatible',
    model: 'a-model',
    adapter(url) {
      const adapter = openaiCompatible()(adapterContext(url));
      return { ...adapter, ...change(adapter) };
    },
  };
  for (const each of adapterCases) {
    await using bench = await createBench(options);
    if (skipReason(each, bench) === undefined) await each.run(bench).catch(() => failed.push(each.name));
  }
  return failed;
}

// A case that waits for what never comes gives up after many turns of the event loop.
describe('an adapter', { timeout: 60_000 }, () => {
  test('that is fine fails no case', async () => {
    expect(await failures(() => ({}))).toEqual([]);
  });

  test.for(Object.entries(brokenAdapters))('that breaks a promise fails those cases: %s', async ([, { change, fails }]) => {
    expect(await failures(change)).toEqual(fails);
  });
});
