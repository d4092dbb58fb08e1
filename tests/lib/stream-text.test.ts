import { setImmediate as settled } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { RouterError } from '../../src/core/errors.ts';
import { openText, type TextBody } from '../../src/lib/stream-text.ts';
import { byteStream } from '../_kit/byte-stream.ts';
import { nextOf } from '../_kit/text-body.ts';
import { failureOf } from '../_kit/fake-router.ts';

const limitBytes = 1_000;

/** Timers that keep the process alive. */
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

async function readAll(text: TextBody): Promise<string> {
  let all = '';
  for (let piece = await nextOf(text); piece !== undefined; piece = await nextOf(text)) all += piece;
  return all;
}

afterEach(() => void vi.useRealTimers());

describe('a stream above its limit', () => {
  test('is an error of the whole stream, which says how long it may be', async () => {
    const text = openText(byteStream(['x'.repeat(limitBytes), 'y']), limitBytes);
    expect(await nextOf(text)).toHaveLength(limitBytes);
    expect(await failureOf(nextOf(text))).toMatchObject({
      code: 'limit_exceeded',
      phase: 'total',
      message: 'The stream is larger than 1000 bytes.',
    });
  });

  test('is counted in bytes', async () => {
    const twoEach = 'é'.repeat(limitBytes / 2);
    expect(await readAll(openText(byteStream([twoEach]), limitBytes))).toBe(twoEach);
    await expect(readAll(openText(byteStream([twoEach, 'é']), limitBytes))).rejects.toMatchObject({ code: 'limit_exceeded' });
  });
});

describe('a body that breaks', () => {
  const failureWith = (error: unknown): Promise<unknown> => failureOf(readAll(openText(byteStream(['x'], error), limitBytes)));

  test('is told in our words where the platform’s code says what happened', async () => {
    const error = Object.assign(new Error('read ECONNRESET 10.0.0.1:80'), { code: 'ECONNRESET' });
    expect(await failureWith(error)).toMatchObject({ code: 'unavailable', reason: 'ECONNRESET', message: 'The connection was reset.' });
  });

  test('is told as a broken connection where nothing says more', async () => {
    const told = { code: 'unavailable', reason: undefined, message: 'The connection broke before the stream ended.' };
    expect(await failureWith(new Error('what the platform says'))).toMatchObject(told);
    expect(await failureWith('no error at all')).toMatchObject(told);
  });

  test('with an error of this library keeps it as it is', async () => {
    const own = new RouterError('limit_exceeded', 'The body is too large when unpacked.');
    expect(await failureWith(own)).toBe(own);
  });
});

test('a read that holds half a character only is no piece', async () => {
  const text = openText(byteStream([Uint8Array.of(0xc3), Uint8Array.of(0xa9), Uint8Array.of()]), limitBytes);
  expect([await nextOf(text), await nextOf(text)]).toEqual(['é', undefined]);
});

test('after the end there is nothing more, however often it is asked', async () => {
  const text = openText(byteStream(['a']), limitBytes);
  expect([await nextOf(text), await nextOf(text), await nextOf(text)]).toEqual(['a', undefined, undefined]);
});

describe('a rest that nobody needs', () => {
  const opened = async (pieces: Iterable<string>) => {
    const body = byteStream(pieces);
    const text = openText(body, limitBytes);
    await nextOf(text);
    return { body, text };
  };

  test('leaves no timer when it has run out', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { body, text } = await opened(['a', 'b']);
    text.drain();
    expect(vi.getTimerCount()).toBe(1);
    await settled();
    expect(vi.getTimerCount()).toBe(0);
    expect(body.state).toEqual({ cancelled: false, reads: 3 });
    expect(body.locked).toBe(false);
  });

  test('keeps no process alive while it is waited for', async () => {
    const body = new ReadableStream<Uint8Array>();
    const text = openText(body, limitBytes);
    const before = timers();
    text.drain();
    expect(timers()).toBe(before);
  });

  test('of a stream that has ended already is none, and the body is let go', async () => {
    const { body, text } = await opened(['a']);
    await nextOf(text);
    text.drain();
    await settled();
    expect(body.state).toEqual({ cancelled: false, reads: 2 });
    expect(body.locked).toBe(false);
  });
});
