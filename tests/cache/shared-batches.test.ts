import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BatchReader, shareBatches } from '../../src/cache/shared-batches.ts';
import { outcomeOf } from '../_kit/fake-router.ts';

interface Scene {
  open(): BatchReader<number>;
  /** Batches that were taken from the source. */
  taken(): number;
  closed(): number;
}

/** A source that counts from 0 to `count` (not included); each batch has the size 1. */
function counting(count: number, mostKept = Infinity, failure?: Error): Scene {
  let next = 1;
  let closed = 0;
  const shared = shareBatches<number>({
    begun: 0,
    sizeOf: () => 1,
    mostKept,
    onClosed: () => void (closed += 1),
    async next() {
      if (next < count) return next++;
      if (failure !== undefined) throw failure;
      return undefined;
    },
  });
  return { open: shared.open, taken: () => next, closed: () => closed };
}

async function rest(reader: BatchReader<number>): Promise<number[]> {
  const got: number[] = [];
  for (let batch = await reader.read(); batch !== undefined; batch = await reader.read()) got.push(batch);
  return got;
}

describe('batches that several read', () => {
  test('each reader gets all of them, one who comes late as well, and the source gives each once', async () => {
    const scene = counting(4);
    const early = scene.open();
    expect([await early.read(), await early.read()]).toEqual([0, 1]);
    const late = scene.open();
    expect(await Promise.all([rest(early), rest(late)])).toEqual([
      [2, 3],
      [0, 1, 2, 3],
    ]);
    expect([scene.taken(), scene.closed()]).toEqual([4, 1]);
  });

  test('nothing is taken from the source before somebody asks for it', async () => {
    const scene = counting(4);
    const reader = scene.open();
    scene.open();
    await reader.read();
    expect(scene.taken()).toBe(1);
  });

  test('a failure comes to each reader where the source failed', async () => {
    const failure = new Error('It broke.');
    const scene = counting(2, Infinity, failure);
    const readers = [scene.open(), scene.open()];
    for (const reader of readers) expect([await reader.read(), await reader.read()]).toEqual([0, 1]);
    for (const reader of readers) await expect(reader.read()).rejects.toBe(failure);
  });

  test('beyond the bound the fast ones wait for the slowest, until he reads or leaves', async () => {
    const scene = counting(100, 3);
    const [fast, slow] = [scene.open(), scene.open()];
    const first = [];
    for (let read = 0; read < 4; read++) first.push(await fast.read());
    expect(first).toEqual([0, 1, 2, 3]);
    expect(scene.closed()).toBe(1);
    const waiting = outcomeOf(fast.read());
    await Promise.resolve();
    expect([waiting.settled, scene.taken()]).toEqual([false, 4]);
    expect([await slow.read(), await slow.read()]).toEqual([0, 1]);
    await new Promise(setImmediate);
    expect(waiting.value).toBe(4);
    slow.leave();
    expect(await rest(fast)).toHaveLength(95);
  });

  test('a reader who leaves while he waits gets the end', async () => {
    const scene = counting(100, 1);
    const [fast] = [scene.open(), scene.open()];
    await fast.read();
    await fast.read();
    const waiting = outcomeOf(fast.read());
    fast.leave();
    await new Promise(setImmediate);
    expect(waiting).toEqual({ settled: true, value: undefined });
  });

  test('in whatever order they read and leave, each gets a beginning of the whole, and who stays gets all of it', async () => {
    const steps = fc.array(fc.record({ reader: fc.nat(3), does: fc.constantFrom('read', 'read', 'read', 'leave') }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(steps, fc.constantFrom(2, 5, Infinity), async (order, mostKept) => {
        const scene = counting(8, mostKept);
        const readers = Array.from({ length: 4 }, () => ({
          reader: scene.open(),
          got: [] as number[],
          isGone: false,
          pending: Promise.resolve(),
        }));
        for (const { reader, does } of order) {
          const who = readers[reader] as (typeof readers)[number];
          if (does === 'leave') {
            who.isGone = true;
            who.reader.leave();
          } else {
            who.pending = who.pending.then(() => who.reader.read()).then((batch) => void (batch !== undefined && who.got.push(batch)));
          }
        }
        await Promise.all(
          readers.map(async (who) => {
            await who.pending;
            if (!who.isGone) who.got.push(...(await rest(who.reader)));
            who.reader.leave();
          }),
        );
        const whole = [0, 1, 2, 3, 4, 5, 6, 7];
        for (const { got, isGone } of readers) expect(got).toEqual(isGone ? whole.slice(0, got.length) : whole);
        expect(scene.taken()).toBeLessThanOrEqual(8);
      }),
    );
  });
});
