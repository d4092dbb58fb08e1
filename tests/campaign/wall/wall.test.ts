import { beforeAll, describe, expect, test } from 'vitest';
import { cases } from '../../../bench/wall/cases.ts';
import { oursInAiSdk } from '../../../bench/wall/ours-ai-sdk.ts';
import { ours } from '../../../bench/wall/ours.ts';
import { faults } from '../../../bench/wall/plays.ts';
import { type CellResult, runWall } from '../../../bench/wall/rig.ts';
import { createInferlane } from '../../../src/ai-sdk/index.ts';
import { createRouter } from '../../../src/index.ts';

// Our own rows of `npm run wall`, from the sources: the same servers, cases and judge, with a third of the patience.

const patienceMs = 4_000;
let results: readonly CellResult[] = [];
let inAiSdk: readonly CellResult[] = [];
let printed = '';
/** `streamText` prints each error, which here are all expected; that nothing secret is in them is looked at all the same. */
let isQuiet = false;

beforeAll(async () => {
  const undo = [process.stdout, process.stderr].map((stream) => {
    const write = stream.write.bind(stream);
    stream.write = ((text: string | Uint8Array, ...rest: []) => {
      printed += typeof text === 'string' ? text : Buffer.from(text).toString();
      return isQuiet || write(text, ...rest);
    }) as typeof stream.write;
    return () => void (stream.write = write);
  });
  results = await runWall(ours(createRouter, [], 0.4), { patienceMs, atOnce: 64, output: () => printed });
  isQuiet = true;
  inAiSdk = await runWall(await oursInAiSdk({ createRouter, createInferlane }, [], 0.4), { patienceMs, atOnce: 64, output: () => printed });
  for (const put of undo) put();
}, 120_000);

const everything = cases.flatMap(({ id, title, group, forms, expected }) =>
  forms.map((form) => ({ id, form, expected, name: `${group}: ${title}, ${form}` })),
);

describe('the wall of faults', () => {
  test.each(everything)('is survived: $name', ({ id, form, expected }) => {
    const found = results.find((each) => each.id === id && each.form === form);
    expect(expected, `${found?.verdict} ${found?.note} after ${found?.ms} ms`).toContain(found?.verdict);
  });

  // `streamText` keeps what comes for whoever reads it a second time, so nothing below it learns that its reader has left.
  test.each(everything.filter(({ id }) => id !== 'leave'))('is survived as a model of the AI SDK: $name', ({ id, form, expected }) => {
    const found = inAiSdk.find((each) => each.id === id && each.form === form);
    expect(expected, `${found?.verdict} ${found?.note} after ${found?.ms} ms`).toContain(found?.verdict);
  });

  test('has bytes for every case, and a case for all bytes', () => {
    expect(Object.keys(faults).toSorted()).toEqual(cases.map(({ id }) => id).toSorted());
  });

  test('has 30 faults or more, in both forms wherever both exist', () => {
    expect(cases.length).toBeGreaterThanOrEqual(30);
    expect(results).toHaveLength(cases.reduce((sum, { forms }) => sum + forms.length, 0));
  });
});
