import { describe, expect, test } from 'vitest';
import { benchOf, caseCounts, concerning, runs } from '../_kit/conformance.ts';

const counts = await caseCounts('routed');

// Our own engine between the caller and the adapter must not be seen: what holds for the adapter holds through a router.
describe.each(runs)('$title inside a router', (run) => {
  test.for(concerning(counts, run))('$group: $name', async (each) => {
    await using bench = await benchOf(run, 'routed');
    await each.run(bench);
  });
});

test('no case is left out because of the router', async () => {
  expect(namesOfSkipped(counts)).toEqual(namesOfSkipped(await caseCounts()));
});

function namesOfSkipped(of: Awaited<ReturnType<typeof caseCounts>>): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(Object.entries(of).map(([title, { skipped }]) => [title, Object.keys(skipped)]));
}
