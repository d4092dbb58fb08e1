import { array, assert, asyncProperty, constantFrom, nat, tuple } from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { readEvents, type SseEvent } from '../../src/lib/sse.ts';
import { byteStream, cutAt, cutEvery, gather, type Piece } from '../_kit/byte-stream.ts';
import { recording } from '../_kit/recordings.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (...pieces: Piece[]): Promise<SseEvent[]> => gather(readEvents(byteStream(pieces)));
const limits = { maxEventBytes: 1_000, maxStreamBytes: 100_000 };

const tooLarge = { code: 'limit_exceeded', phase: undefined, message: 'The stream holds one event larger than 1000 bytes.' };

function* forever(piece: string): Generator<string> {
  while (true) yield piece;
}

const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('what an event is', () => {
  test.each<[string, string, string[]]>([
    ['data with one space', 'data: a\n\n', ['a']],
    ['data without a space', 'data:a\n\n', ['a']],
    ['two spaces, of which one is text', 'data:  a\n\n', [' a']],
    ['several lines', 'data: a\ndata: b\n\n', ['a\nb']],
    ['empty data', 'data:\n\n', ['']],
    ['comments and pings', ': ping\n\ndata: a\n:\n\n:\n\n', ['a']],
    ['unknown fields, retry and an id with NUL', 'colour: red\nretry: 1\nid: a\0b\ndata: a\n\n', ['a']],
    ['CR LF', 'data: a\r\n\r\ndata: b\r\n\r\n', ['a', 'b']],
    ['CR', 'data: a\r\rdata: b\r\r', ['a', 'b']],
    ['mixed line ends', 'data: a\r\n\ndata: b\r\n\rdata: c\n\n', ['a', 'b', 'c']],
    ['a byte order mark at the start', '\uFEFFdata: a\n\n', ['a']],
    ['a second byte order mark at the start, which makes the field unknown', '\uFEFF\uFEFFdata: a\n\ndata: b\n\n', ['b']],
    ['a byte order mark as text, as if it were no UTF-8', '\u00EF\u00BB\u00BFdata: a\n\ndata: b\n\n', ['b']],
    ['a byte order mark in the middle', 'data: a\uFEFF\n\n', ['a\uFEFF']],
    ['an event cut off by the end', 'data: a\n\ndata: b\n', ['a']],
    ['nothing', '', []],
  ])('%s', async (_name, text, expected) => {
    expect((await read(text)).map(({ data }) => data)).toEqual(expected);
  });

  test.each([[['{"a":', '1}\n']], [[' \n{"a":1}\n', '']], [[' ', '\n', ' {"a":1}']], [['\r', '\n{', '}']]])(
    'JSON in the place of events is one event: %j',
    async (pieces) => {
      const events = await read(...pieces);
      expect(events).toEqual([{ event: undefined, data: pieces.join('') }]);
    },
  );

  test('JSON in the place of events has the size of an event at most', async () => {
    const pieces = ['{', 'x'.repeat(limits.maxEventBytes)];
    await expect(gather(readEvents(byteStream(pieces), limits))).rejects.toMatchObject({ code: 'limit_exceeded' });
  });

  test('names are told, and only where they were sent', async () => {
    expect(await read('event: error\ndata: a\n\ndata: b\n\n')).toEqual([
      { event: 'error', data: 'a' },
      { event: undefined, data: 'b' },
    ]);
  });

  test('bytes that are no UTF-8 become a replacement character', async () => {
    expect(await read('data: a', Uint8Array.of(0x80), 'b\n\n')).toEqual([{ event: undefined, data: 'a\uFFFDb' }]);
  });
});

describe('borders of reads', () => {
  const text = 'event: x\r\ndata: Grüße, 世界 👋\r\n\r\n: note\ndata: a\rdata: b\r\rdata: c\n\n';

  test('a stream cut at any byte gives the same events', async () => {
    const bytes = encode(text);
    const whole = await read(bytes);
    expect(whole.map(({ data }) => data)).toEqual(['Grüße, 世界 👋', 'a\nb', 'c']);
    for (let at = 0; at <= bytes.length; at++) expect(await read(...cutAt(bytes, at))).toEqual(whole);
    expect(await read(...cutEvery(bytes, 1))).toEqual(whole);
  });

  test('any document cut anywhere gives the same events', async () => {
    const line = constantFrom('data: a', 'data:é', 'data', 'event: e', ': c', 'id: 1', 'x', '', 'data: 👋', '\uFEFFdata: z');
    const document = array(tuple(line, constantFrom('\n', '\r\n', '\r')), { maxLength: 12 });
    await assert(
      asyncProperty(document, array(nat(), { maxLength: 6 }), async (lines, cuts) => {
        const bytes = encode(lines.map((parts) => parts.join('')).join(''));
        const positions = cuts.map((cut) => cut % (bytes.length + 1)).toSorted((left, right) => left - right);
        expect(await read(...cutAt(bytes, ...positions))).toEqual(await read(bytes));
      }),
      { numRuns: 500 },
    );
  });

  // An event of one line of data is cut out; what has a comment goes through the parser.
  test('an event is the same with a comment before it', async () => {
    const lines = array(
      constantFrom('data: a', 'data:  b', 'data:c', 'data: ', 'data', 'event: e', 'id: 1', 'x', 'data: \u2028👋', 'data: data: d'),
      {
        minLength: 1,
        maxLength: 3,
      },
    );
    const events = array(tuple(lines, constantFrom('\n', '\n', '\n', '\r\n', '\r')), { maxLength: 6 });
    await assert(
      asyncProperty(events, async (all) => {
        const document = (before: string): string => all.map(([each, end]) => [before, ...each, '', ''].join(end)).join('');
        expect(await read(all.map(([each, end]) => [...each, '', ''].join(end)).join(''))).toEqual(await read(document(':')));
      }),
      { numRuns: 500 },
    );
  });

  test('one batch per read, and none for a read that ends no event', async () => {
    const batches: number[] = [];
    for await (const batch of readEvents(byteStream(['data: a\n\ndata: b\n\nda', 'ta: c', '\n', ': ping\n\n', '\ndata: d\n\n']))) {
      batches.push(batch.length);
    }
    expect(batches).toEqual([2, 1, 1]);
  });

  test('a read of 100,000 events is told in several batches, all of them in order', async () => {
    const given = Array.from({ length: 100_000 }, (_, index) => `data: ${index}\n\n`).join('');
    const sizes: number[] = [];
    let count = 0;
    for await (const batch of readEvents(byteStream([given]))) {
      sizes.push(batch.length);
      for (const { data } of batch) expect(data === String(count++)).toBe(true);
    }
    expect(count).toBe(100_000);
    expect(sizes.length).toBeGreaterThan(10);
  });

  test('a recorded stream has the same events with every line end', async () => {
    const recorded = new TextDecoder().decode(recording('llama-server/chat_stream_usage').body);
    const events = await read(recorded);
    expect(events).toHaveLength(10);
    expect(await read(recorded.replaceAll('\n', '\r\n'))).toEqual(events);
    expect(await read(recorded.replaceAll('\n', '\r'))).toEqual(events);
  });
});

describe('limits', () => {
  test.each([
    ['one line without end', 'data: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'],
    ['one event of lines without end', 'data: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n'],
  ])('%s ends with limit_exceeded, long before the limit of the stream', async (_name, piece) => {
    const body = byteStream(forever(piece));
    await expect(gather(readEvents(body, limits))).rejects.toMatchObject({ code: 'limit_exceeded' });
    expect(body.state.reads).toBeLessThan(100);
    expect(body.state.cancelled).toBe(true);
  });

  test.each([
    ['events', 'data: aaaaaaaaaaaaaaaaaaaaaa\n\n'],
    ['pings', ': ping\n\n'],
    ['a comment', ': ping '],
  ])('endless %s end with limit_exceeded', async (_name, piece) => {
    const body = byteStream(forever(piece));
    await expect(gather(readEvents(body, limits))).rejects.toMatchObject({ code: 'limit_exceeded' });
    expect(body.state.cancelled).toBe(true);
  });

  test('events before the one that is too large are handed on', async () => {
    const events = readEvents(byteStream([`data: a\n\ndata: ${'b'.repeat(2_000)}`]), limits);
    expect((await events.next()).value).toEqual([{ event: undefined, data: 'a' }]);
    await expect(events.next()).rejects.toMatchObject({ code: 'limit_exceeded' });
  });

  test.each([
    ['a line', `data: a\n\ndata: ${'b'.repeat(995)}\n\ndata: c\n\n`],
    ['a line that is no data', `data: a\n\n: ${'b'.repeat(999)}\ndata: c\n\n`],
    ['a line with CR', `data: a\r\rdata: ${'b'.repeat(995)}\r\rdata: c\r\r`],
    ['the data of one event', `data: a\n\n${`data: ${'b'.repeat(500)}\n`.repeat(2)}\ndata: c\n\n`],
  ])('%s that is one character too large is refused, in one read and in many', async (_name, text) => {
    const bytes = encode(text);
    for (const pieces of [[bytes], cutEvery(bytes, 1), cutEvery(bytes, 300)]) {
      const found: SseEvent[] = [];
      const events = readEvents(byteStream(pieces), limits);
      const reading = (async () => {
        for await (const batch of events) found.push(...batch);
      })();
      await expect(reading).rejects.toMatchObject(tooLarge);
      expect(found.map(({ data }) => data)).toEqual(['a']);
    }
  });

  test.each([
    ['blanks', ' \n'.repeat(501)],
    ['JSON', `{${' '.repeat(1_000)}`],
  ])('%s in the place of events are refused above the limit, in one read and in many', async (_name, text) => {
    for (const pieces of [[text], [...text]]) {
      await expect(gather(readEvents(byteStream(pieces), limits))).rejects.toMatchObject(tooLarge);
    }
  });

  test.each([
    ['blanks before events', `${'\n'.repeat(1_000)}data: a\n\n`, 'a'],
    ['JSON', `{${' '.repeat(998)}}`, `{${' '.repeat(998)}}`],
  ])('%s as large as the limit pass, in one read and in many', async (_name, text, data) => {
    for (const pieces of [[text], [...text]]) {
      expect(await gather(readEvents(byteStream(pieces), limits))).toEqual([{ event: undefined, data }]);
    }
  });

  test('a stream that is too large in all is another error', async () => {
    await expect(gather(readEvents(byteStream(forever('data: a\n\n')), limits))).rejects.toMatchObject({
      code: 'limit_exceeded',
      phase: 'total',
      message: 'The stream is larger than 100000 bytes.',
    });
  });

  test('an event and a stream as large as the limits pass', async () => {
    const body = byteStream([`data: ${'a'.repeat(500)}`, `${'a'.repeat(494)}\n\n`]);
    expect(await gather(readEvents(body, { maxEventBytes: 1_000, maxStreamBytes: 1_002 }))).toHaveLength(1);
  });
});

describe('the body', () => {
  test('is read only when the next batch is asked for', async () => {
    const body = byteStream(['data: a\n\n', 'data: b\n\n']);
    const events = readEvents(body);
    expect(body.state.reads).toBe(0);
    await events.next();
    expect(body.state.reads).toBe(1);
  });

  test('is cancelled and let go when the reader leaves early', async () => {
    const body = byteStream(['data: a\n\n', 'data: b\n\n']);
    for await (const _ of readEvents(body)) break;
    expect(body.state.cancelled).toBe(true);
    expect(body.locked).toBe(false);
  });

  test('is not cancelled when it was read to its end', async () => {
    const body = byteStream(['data: a\n\n']);
    await gather(readEvents(body));
    expect(body.state.cancelled).toBe(false);
    expect(body.locked).toBe(false);
  });

  test('that breaks gives its finished events and then a classified fault without the words of the platform', async () => {
    const fault = Object.assign(new TypeError('terminated at http://10.0.0.1/?key=secret'), { cause: { code: 'ECONNRESET' } });
    const events = readEvents(byteStream(['data: a\n\nda'], fault));
    expect((await events.next()).value).toHaveLength(1);
    const error = await events.next().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'unavailable', reason: 'ECONNRESET' });
    expect(String(error)).not.toContain('secret');
  });
});

describe('a terminator', () => {
  const readTo = (body: ReadableStream<Uint8Array>): Promise<SseEvent[]> => gather(readEvents(body, limits, 'end'));
  test('ends the events, and is the last of them', async () => {
    expect((await readTo(byteStream(['data: a\n\ndata: end\n\ndata: b\n\n', 'data: c\n\n']))).map(({ data }) => data)).toEqual([
      'a',
      'end',
    ]);
  });

  test('may be told by its name instead', async () => {
    const body = byteStream(['event: a\ndata: 1\n\nevent: stop\ndata: 2\n\nevent: b\ndata: 3\n\n', 'data: 4\n\n']);
    const events = await gather(readEvents(body, limits, ({ event }) => event === 'stop'));
    expect(events.map(({ data }) => data)).toEqual(['1', '2']);
    await settled();
    expect(body.state.cancelled).toBe(false);
  });

  test('lets the rest of the body run out, so that the connection can be used again', async () => {
    const body = byteStream(['data: end\n\n', '\n']);
    await readTo(body);
    await settled();
    expect(body.state).toEqual({ cancelled: false, reads: 3 });
    expect(body.locked).toBe(false);
  });

  test('does so as well when the reader leaves with it', async () => {
    const body = byteStream(['data: end\n\n', '\n']);
    for await (const _ of readEvents(body, limits, 'end')) break;
    await settled();
    expect(body.state).toEqual({ cancelled: false, reads: 3 });
  });

  test('cancels a rest that does not run out: past 64 KiB', async () => {
    const body = byteStream(
      (function* () {
        yield 'data: end\n\n';
        while (true) yield 'x'.repeat(16 * 1_024);
      })(),
    );
    await readTo(body);
    await settled();
    expect(body.state).toEqual({ cancelled: true, reads: 6 });
  });

  test('cancels a rest that does not run out: after one second of silence', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const cancelled = vi.fn();
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(encode('data: end\n\n')), cancel: cancelled });
    await readTo(body);
    await vi.advanceTimersByTimeAsync(999);
    expect(cancelled).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(cancelled).toHaveBeenCalledOnce();
    vi.useRealTimers();
  });

  test('a rest that breaks harms nobody', async () => {
    expect(await readTo(byteStream(['data: end\n\n'], new TypeError('terminated')))).toHaveLength(1);
    await settled();
  });
});
