import { expect, test } from 'vitest';
import type { ChatChunk } from '../../src/core/types.ts';
import type { Batches } from '../../src/lib/batches.ts';
import { type ItemReader, readStream } from '../../src/lib/read-stream.ts';

const chunk = (content: string): ChatChunk => ({
  id: 'a',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'm',
  choices: [{ index: 0, delta: { content } }],
});

/** Words are content, `.` ends the stream, `!` is what cannot be read. `isHolding`: something is held back to the end. */
const wordsOf = (isHolding: boolean): ItemReader<string> => ({
  read(word, batch) {
    if (word === '!') throw new Error('cannot be read');
    if (word === '.') return true;
    if (word !== '') batch.push(chunk(word));
    return false;
  },
  end(isTerminated, batch) {
    if (!isTerminated) throw new Error('cut short');
    if (isHolding) batch.push(chunk('held back'));
  },
});

interface Source {
  readonly reads: Batches<string>;
  readonly closed: () => boolean;
}

function sourceOf(...batches: readonly (readonly string[])[]): Source {
  const left = [...batches];
  let closed = false;
  const reads: Batches<string> = {
    poll: () => (closed || left.length === 0 ? undefined : new Uint8Array(1)),
    take: (bytes) => (bytes === undefined ? [] : (left.shift() ?? [])),
    isTerminated: () => false,
    close: () => void (closed = true),
  };
  return { reads, closed: () => closed };
}

async function readAll(
  { reads }: Source,
  signal = new AbortController().signal,
  words = wordsOf(true),
): Promise<{ texts: string[][]; failure: unknown }> {
  const texts: string[][] = [];
  try {
    for await (const batch of readStream(reads, words, signal)) texts.push(batch.map(({ choices }) => choices[0]?.delta.content ?? ''));
    return { texts, failure: undefined };
  } catch (failure) {
    return { texts, failure };
  }
}

test('one array for each read that says something, and what was held back at the end', async () => {
  expect(await readAll(sourceOf(['a', 'b'], [''], ['c', '.']))).toEqual({ texts: [['a', 'b'], ['c'], ['held back']], failure: undefined });
});

test('no array where nothing was held back', async () => {
  expect(await readAll(sourceOf(['a', '.']), undefined, wordsOf(false))).toEqual({ texts: [['a']], failure: undefined });
});

test('what follows the last item is not read, and the source is let go', async () => {
  const source = sourceOf(['a', '.', '!'], ['b']);
  expect(await readAll(source)).toMatchObject({ texts: [['a'], ['held back']] });
  expect(source.closed()).toBe(true);
});

test('what came before a failure in the same read is handed on first', async () => {
  const { texts, failure } = await readAll(sourceOf(['a', '!', 'b']));
  expect(texts).toEqual([['a']]);
  expect(failure).toMatchObject({ message: 'cannot be read' });
});

test('the end of the source without the last item is for the reader to judge', async () => {
  expect(await readAll(sourceOf(['a']))).toMatchObject({ texts: [['a']], failure: { message: 'cut short' } });
  expect(await readAll(sourceOf())).toMatchObject({ texts: [], failure: { message: 'cut short' } });
});

test('after an abort its reason is what ends the stream', async () => {
  const reason = { mine: true };
  expect((await readAll(sourceOf(['!']), AbortSignal.abort(reason))).failure).toBe(reason);
});
