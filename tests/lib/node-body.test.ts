import { expect, test } from 'vitest';
import { fedSource } from '../../src/lib/node-body.ts';

/** A source, and what it asks of whoever feeds it. */
function fed() {
  const asked: string[] = [];
  const note = (what: string) => () => void asked.push(what);
  return { asked, source: fedSource({ pause: note('pause'), resume: note('resume'), leave: note('leave'), close: note('close') }) };
}

const bytes = (length: number): Uint8Array => new Uint8Array(length);

test('what has ended closes nothing', () => {
  const { asked, source } = fed();
  source.end();
  source.cancel();
  expect(asked).toEqual(['leave']);
});

test('what is left has ended before it closes the connection, and does so once', async () => {
  const { asked, source } = fed();
  source.add(bytes(1));
  source.cancel();
  source.cancel();
  source.fail(new Error('of the connection'));
  expect(asked).toEqual(['leave', 'close']);
  expect(await source.read()).toBeUndefined();
});

test('what comes while more is asked for is not lost', async () => {
  const half = 40 * 1024;
  const left = [half, half, half];
  const feed = (): void => {
    for (const length of left.splice(0, 2)) source.add(bytes(length));
    if (left.length === 0) source.end();
  };
  const source = fedSource({ pause: () => undefined, resume: feed, leave: () => undefined, close: () => undefined });
  feed();
  expect((await source.read())?.byteLength).toBe(2 * half);
  expect((await source.read())?.byteLength).toBe(half);
  expect(await source.read()).toBeUndefined();
});
