import { describe, expect, test } from 'vitest';
import { adapters } from '../../src/adapters/registry.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createHttpClient } from '../../src/lib/http.ts';
import { undiciTransport } from '../../src/lib/undici-transport.ts';
import { type AdapterCase, adapterCases, type Bench, createBench, skipReason } from '../../src/testing/index.ts';
import { adapterContext } from '../_kit/adapter-context.ts';

// What is asked of a transport, for the two kinds of streams that there are. The other runs have the other transports.

type Type = 'ollama' | 'vllm';

const groups: readonly string[] = ['chat', 'stream', 'embed', 'errors', 'abort', 'concurrency'];
const transport = undiciTransport();

const openBench = (type: Type): Promise<Bench> =>
  createBench({
    backend: type,
    model: 'conformance-model',
    adapter(url) {
      const network = { transport, clock: systemClock, connectMs: 3_000 };
      const http = createHttpClient({ provider: 'box', url, headers: {}, keyHeader: 'authorization', apiKey: undefined, ...network });
      return adapters[type](adapterContext(url, type, { http }));
    },
  });

async function casesOf(type: Type): Promise<readonly AdapterCase[]> {
  await using bench = await openBench(type);
  return adapterCases.filter((each) => groups.includes(each.group) && skipReason(each, bench) === undefined);
}

const suites = [
  { type: 'ollama', cases: await casesOf('ollama') },
  { type: 'vllm', cases: await casesOf('vllm') },
] as const;

describe.each(suites)('$type over undici', ({ type, cases }) => {
  test.for(cases)('$group: $name', async (each) => {
    await using bench = await openBench(type);
    await each.run(bench);
  });

  test('has most of the cases', () => {
    expect(cases.length).toBeGreaterThan(90);
    expect(new Set(cases.map(({ group }) => group))).toEqual(new Set(groups));
  });
});
