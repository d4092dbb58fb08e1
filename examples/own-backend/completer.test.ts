import { adapterCases, createBench, skipReason } from 'inferlane/testing';
import { test } from 'vitest';
import { completerWire } from './completer-wire.ts';
import { completer } from './completer.ts';

const bench = () => createBench({ backend: completerWire, adapter: completer });

await using sample = await bench();
const cases = adapterCases.filter((each) => skipReason(each, sample) === undefined);

test.for(cases)('$group: $name', async (adapterCase) => {
  await using fresh = await bench();
  await adapterCase.run(fresh);
});
