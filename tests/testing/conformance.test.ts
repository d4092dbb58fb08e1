import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { conformancePage } from '../../scripts/write-conformance.ts';
import { providerTypes } from '../../src/index.ts';
import { adapterCases } from '../../src/testing/index.ts';
import { benchOf, caseCounts, concerning, runs, withoutRun } from '../_kit/conformance.ts';

const counts = await caseCounts();

// What does not concern an adapter is no test: docs/reference/conformance.md lists it with its reason, and is compared below.
describe.each(runs)('$title', (run) => {
  test.for(concerning(counts, run))('$group: $name', async (each) => {
    await using bench = await benchOf(run);
    await each.run(bench);
  });
});

describe('the suite', () => {
  test('has a run for every provider type, or a reason for having none', () => {
    expect([...new Set(runs.map(({ type }) => type)), ...Object.keys(withoutRun)].toSorted()).toEqual(
      Object.keys(providerTypes).toSorted(),
    );
  });

  test('calls no two cases by the same name', () => {
    expect(new Set(adapterCases.map(({ name }) => name)).size).toBe(adapterCases.length);
  });

  test('gives a reason, as a sentence, for every case that it leaves out', () => {
    const reasons = Object.values(counts).flatMap(({ skipped }) => Object.values(skipped));
    expect(reasons.filter((reason) => reason.split(' ').length < 3)).toEqual([]);
  });

  test('runs the cases that the page says, and leaves out the others for the reasons that it gives', () => {
    const page = readFileSync(new URL('../../docs/reference/conformance.md', import.meta.url), 'utf8');
    expect(page).toBe(conformancePage(counts));
  });
});
