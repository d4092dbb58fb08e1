import { describe, expect, test } from 'vitest';
import { adapters } from '../../src/adapters/registry.ts';
import { adapterCases, type BenchOptions, createBench, skipReason } from '../../src/testing/index.ts';
import { adapterContext } from '../_kit/adapter-context.ts';
import { type Broken, brokenAdapters } from '../_kit/broken-adapters.ts';
import type { Break } from '../_kit/changed-adapter.ts';

// Each of these adapters breaks one promise, and the cases about that promise must fail: those and no others.

type Type = NonNullable<Broken['type']> | 'openai-compatible';

/** The names of the cases that fail. */
async function failures(change: Break, type: Type = 'openai-compatible'): Promise<readonly string[]> {
  const failed: string[] = [];
  const options: BenchOptions = {
    backend: type,
    model: 'a-model',
    adapter(url) {
      const adapter = adapters[type](adapterContext(url, type));
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
  test.for(['openai-compatible', 'vllm', 'textgen'] as const)('that is fine fails no case: %s', async (type) => {
    expect(await failures(() => ({}), type)).toEqual([]);
  });

  test.for(Object.entries(brokenAdapters))('that breaks a promise fails those cases: %s', async ([, { change, fails, type }]) => {
    expect(await failures(change, type)).toEqual(fails);
  });
});
