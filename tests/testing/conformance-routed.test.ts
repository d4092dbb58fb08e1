import { describe, expect, test } from 'vitest';
import { adapterCases } from '../../src/testing/index.ts';
import { benchOf, caseCounts, runs, skipReasonOf } from '../_kit/conformance.ts';

const cases = adapterCases.map((each) => [`${each.group}: ${each.name}`, each] as const);

// Our own engine between the caller and the adapter must not be seen: what holds for the adapter holds through a router.
describe.each(runs)('$title inside a router', (run) => {
  test.for(cases)('%s', async ([, each], { skip }) => {
    await using bench = await benchOf(run, 'routed');
    const reason = skipReasonOf(run, each, bench, 'routed');
    if (reason !== undefined) skip(reason);
    await each.run(bench);
  });
});

test('no case is left out because of the router', async () => {
  expect(await caseCounts('routed').then(namesOfSkipped)).toEqual(await caseCounts().then(namesOfSkipped));
});

function namesOfSkipped(counts: Awaited<ReturnType<typeof caseCounts>>): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(Object.entries(counts).map(([title, { skipped }]) => [title, Object.keys(skipped)]));
}
