import { describe, expect, test, vi } from 'vitest';
import { createOutbox } from '../../src/adapters/cpu-outbox.ts';
import type { ChatChunk } from '../../src/core/types.ts';
import { batchesOf } from './cpu-kit.ts';

const chunk = (id: string): ChatChunk => ({ id, object: 'chat.completion.chunk', created: 0, model: 'm', choices: [] });

describe('an outbox', () => {
  test('gives what has gathered as one batch', async () => {
    const outbox = createOutbox(() => undefined);
    outbox.push(chunk('a'));
    outbox.push(chunk('b'));
    outbox.end();
    expect(await batchesOf(outbox.batches)).toEqual([[chunk('a'), chunk('b')]]);
  });

  test('wakes every reader that waits', async () => {
    const outbox = createOutbox(() => undefined);
    const reader = outbox.batches[Symbol.asyncIterator]();
    const reads = [reader.next(), reader.next()];
    outbox.push(chunk('a'));
    outbox.end();
    expect(await Promise.all(reads)).toEqual([
      { done: false, value: [chunk('a')] },
      { done: true, value: undefined },
    ]);
  });

  test('gives what lies there before a failure, and the failure once', async () => {
    const outbox = createOutbox(() => undefined);
    outbox.push(chunk('a'));
    outbox.fail('broken');
    const reader = outbox.batches[Symbol.asyncIterator]();
    expect((await reader.next()).value).toEqual([chunk('a')]);
    await expect(reader.next()).rejects.toBe('broken');
    expect((await reader.next()).done).toBe(true);
  });

  test('gives the reason of an abort at once, and nothing that lay there or comes after', async () => {
    const outbox = createOutbox(() => undefined);
    outbox.push(chunk('a'));
    outbox.abort('left');
    outbox.push(chunk('b'));
    await expect(batchesOf(outbox.batches)).rejects.toBe('left');
  });

  test('that has ended is not aborted any more', async () => {
    const outbox = createOutbox(() => undefined);
    outbox.push(chunk('a'));
    outbox.end();
    outbox.abort('late');
    expect(await batchesOf(outbox.batches)).toHaveLength(1);
  });

  test('tells when its reader leaves, and ends for one that still waits', async () => {
    const onLeave = vi.fn();
    const reader = createOutbox(onLeave).batches[Symbol.asyncIterator]();
    const waiting = reader.next();
    await reader.return?.();
    expect(onLeave).toHaveBeenCalledOnce();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });
});
