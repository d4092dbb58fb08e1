import { describe, expect, test } from 'vitest';
import type { Call } from '../../src/core/adapter.ts';
import type { ChatMessage, ChatRequest } from '../../src/core/types.ts';
import { collect, textOf } from '../../src/router/chat-stream.ts';
import { after, fault, hang, type Outcome, pieces, role } from '../_kit/fake-adapter.ts';
import { type FakeProvider, type FakeRouter, fakeRouter, hello, outcomeOf } from '../_kit/fake-router.ts';
import { type Piece, promiseJobs, readParts, readText, sending } from '../_kit/stream-parts.ts';

const goOn = { onStreamFailure: 'continue' } as const;
const broken = fault('driver');
/** A provider that can take up a begun answer. */
const able = (does: Outcome | readonly Outcome[]): FakeProvider => ({ does, fake: { capabilities: { prefill: true } } });

const begun = 'The quick brown fox';
const rest = ' jumps over the lazy dog and runs away.';

/** What a provider was asked, call by call. */
function listening(answer: (call: Call<ChatRequest>) => readonly Piece[]): { provider: FakeProvider; asked: Call<ChatRequest>[] } {
  const asked: Call<ChatRequest>[] = [];
  const provider = sending((call) => {
    asked.push(call);
    return answer(call);
  }, true);
  return { provider, asked };
}

const contents = (...texts: readonly string[]): Piece[] => texts.map((content) => ({ content }));

/** A text in pieces of so many letters. */
const cut = (text: string, size: number): Piece[] => contents(...(text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []));

describe('a stream that is continued', () => {
  test('gives the rest of the text after one chunk that says so', async () => {
    const { router, events } = fakeRouter({ a: pieces('The quick ', 'brown fox', broken), b: able(pieces(role, rest)) }, goOn);
    const stream = await router.stream(hello);
    expect(await readParts(stream)).toEqual({
      parts: ['The quick ', 'brown fox', '<resumed: a to b, driver>', '', rest],
      failure: undefined,
    });
    expect(stream.route).toMatchObject({ provider: 'b', attempts: [{ provider: 'a', error: { code: 'driver' } }, { provider: 'b' }] });
    expect(events.lines().slice(2)).toEqual([
      'attempt:error a',
      'stream:interrupted a',
      'failover a to b: driver',
      'attempt:start b',
      'stream:resumed b',
      'attempt:end b',
      'request:end b',
    ]);
    expect(events.of('stream:resumed')).toMatchObject([{ provider: 'b', from: 'a', model: 'm', reason: 'driver' }]);
  });

  test('asks with the text as the last message, and says that it is a beginning', async () => {
    const { provider, asked } = listening(() => contents(rest));
    const { router } = fakeRouter({ a: sending([...contents('The quick ', 'brown fox'), broken]), b: provider }, goOn);
    await readText(await router.stream({ ...hello, temperature: 0 }));
    expect(asked).toMatchObject([
      { continues: true, request: { temperature: 0, messages: [...hello.messages, { role: 'assistant', content: begun }] } },
    ]);
    for (const limit of ['max_tokens', 'max_completion_tokens']) expect(asked[0]?.request).not.toHaveProperty(limit);
  });

  test('adds to a beginning that the caller gave', async () => {
    const given: ChatMessage[] = [...hello.messages, { role: 'assistant', content: 'Sure: ' }];
    const { provider, asked } = listening(() => contents(rest));
    const { router } = fakeRouter({ a: sending([...contents(begun), broken]), b: provider }, goOn);
    expect(await readText(await router.stream({ messages: given }))).toEqual({ text: begun + rest, failure: undefined });
    expect(asked[0]?.request.messages).toEqual([...hello.messages, { role: 'assistant', content: `Sure: ${begun}` }]);
  });

  test.each<[string, ChatMessage[], ChatMessage[]]>([
    ['keeps what the assistant said before', [{ role: 'user', content: 'More.' }], [{ role: 'user', content: 'More.' }]],
    [
      'adds to the last of several',
      [
        { role: 'user', content: 'More.' },
        { role: 'assistant', content: 'Sure: ' },
      ],
      [{ role: 'user', content: 'More.' }],
    ],
  ])('%s', async (_, later, kept) => {
    const earlier: ChatMessage[] = [...hello.messages, { role: 'assistant', content: 'Hello to you.' }];
    const { provider, asked } = listening(() => contents(rest));
    const { router } = fakeRouter({ a: sending([...contents(begun), broken]), b: provider }, goOn);
    await readText(await router.stream({ messages: [...earlier, ...later] }));
    const given = later.at(-1)?.role === 'assistant' ? 'Sure: ' : '';
    expect(asked[0]?.request.messages).toEqual([...earlier, ...kept, { role: 'assistant', content: given + begun }]);
  });

  test('keeps what the first provider told beside the text', async () => {
    const usage = { prompt_tokens: 1, completion_tokens: 9, total_tokens: 10 };
    const a = sending([{ content: begun }, { choices: [], degraded: true, usage }, broken]);
    const { router, events } = fakeRouter({ a, b: able(pieces(rest)) }, goOn);
    const stream = await router.stream(hello);
    expect(await readText(stream)).toEqual({ text: begun + rest, failure: undefined });
    expect(stream.route.degraded).toBe(true);
    expect(events.of('request:end')).toMatchObject([{ usage }]);
  });

  test.each(['max_tokens', 'max_completion_tokens'] as const)('lowers %s by the pieces that the caller has', async (limit) => {
    const { provider, asked } = listening(() => contents(rest));
    const first = sending([...contents('The ', 'quick ', 'brown fox'), broken]);
    for (const most of [100, 4, 3, 1]) {
      const { router } = fakeRouter({ a: first, b: provider }, goOn);
      await readText(await router.stream({ ...hello, [limit]: most }));
    }
    expect(asked.map(({ request }) => request[limit])).toEqual([97, 1, 1, 1]);
  });

  test('takes a limit that was left out as null for none', async () => {
    const { provider, asked } = listening(() => contents(rest));
    const { router } = fakeRouter({ a: sending([...contents(begun), broken]), b: provider }, goOn);
    const nothing = { max_tokens: null, response_format: null, stop: null, n: null } as object;
    expect(await readText(await router.stream({ ...hello, ...nothing }))).toEqual({ text: begun + rest, failure: undefined });
    expect(asked[0]?.request.max_tokens).toBeUndefined();
  });

  test('asks only providers that can take up a beginning, in the order of the plan', async () => {
    const { router, fakes } = fakeRouter({ a: pieces(begun, broken), b: 'never', c: able(pieces(rest)) }, goOn);
    expect(await readText(await router.stream(hello))).toEqual({ text: begun + rest, failure: undefined });
    expect(fakes.b.calls).toHaveLength(0);
  });

  test('is continued again, with all of the text', async () => {
    const third = listening(() => contents(' lazy dog and runs away.'));
    const { router } = fakeRouter(
      {
        a: pieces(begun, broken),
        b: able(pieces(' jumps over the old and tired and', ' very', fault('unavailable'))),
        c: third.provider,
      },
      goOn,
    );
    expect(await readParts(await router.stream(hello))).toMatchObject({
      parts: [
        begun,
        '<resumed: a to b, driver>',
        ' jumps over the old and tired and',
        ' very',
        '<resumed: b to c, unavailable>',
        ' lazy dog and runs away.',
      ],
      failure: undefined,
    });
    expect(third.asked[0]?.request.messages.at(-1)?.content).toBe(`${begun} jumps over the old and tired and very`);
  });

  test('goes on at the only provider after a pause', async () => {
    const { router, clock, events } = fakeRouter({ only: able([pieces(begun, fault('unavailable')), pieces(rest)]) }, goOn);
    const read = outcomeOf(readParts(await router.stream(hello)));
    await clock.advance(1_000);
    expect(read.value?.parts).toEqual([begun, '<resumed: only to only, unavailable>', rest]);
    expect(events.of('retry')).toHaveLength(1);
  });

  test('is one text for collect() and for textOf()', async () => {
    const made = (): FakeRouter<'a' | 'b'> => fakeRouter({ a: pieces(begun, broken), b: able(pieces(rest)) }, goOn);
    expect((await collect(await made().router.stream(hello))).choices[0].message.content).toBe(begun + rest);
    let text = '';
    for await (const piece of textOf(await made().router.stream(hello))) text += piece;
    expect(text).toBe(begun + rest);
  });

  test('may have come to its end already', async () => {
    const end: Piece = { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };
    const { router } = fakeRouter({ a: sending([...contents('All of it.'), broken]), b: sending([end], true) }, goOn);
    const answer = await collect(await router.stream(hello));
    expect(answer.choices[0]).toMatchObject({ message: { content: 'All of it.' }, finish_reason: 'stop' });
  });
});

describe('the seam', () => {
  // Runs of blanks of every kind, one of them longer than what is held back to look at.
  const whole = `One two  three\n\n    four\t\tfive \n${' '.repeat(45)}six\u00A0 seven; the end of it is here. `;

  test.each([1, 2, 3, 7, 1_000])('neither loses nor repeats a letter, wherever the text broke (pieces of %i)', async (size) => {
    for (let at = 1; at < whole.length; at++) {
      const had = whole.slice(0, at);
      const { provider, asked } = listening(({ request }) => {
        // A server writes what follows on the text that it was given.
        const given = String(request.messages.at(-1)?.content);
        return cut(whole.slice(given.length), size);
      });
      const { router } = fakeRouter({ a: sending([...cut(had, size), broken]), b: provider }, goOn);
      expect(await readText(await router.stream(hello)), JSON.stringify(had)).toEqual({ text: whole, failure: undefined });
      expect(asked[0]?.request.messages.at(-1)?.content).toBe(had.trimEnd());
    }
  });

  test('keeps the blanks of a rest that has fewer or other ones', async () => {
    const joined = async (had: string, ...more: readonly string[]): Promise<string> => {
      const { router } = fakeRouter({ a: sending([...contents(had), broken]), b: sending(contents(...more), true) }, goOn);
      return (await readText(await router.stream(hello))).text;
    };
    expect(await joined('a  ', ' b')).toBe('a  b');
    expect(await joined('a ', 'b')).toBe('a b');
    expect(await joined('a', ' b')).toBe('a b');
    expect(await joined('a ', '\nb')).toBe('a \nb');
    expect(await joined('a ', '  b')).toBe('a  b');
    expect(await joined('a \n', ' ', '\n', '\nb')).toBe('a \n\nb');
    expect(await joined('a \n', ' b', '\nc')).toBe('a \nb\nc');
  });
});

describe('what is no plain text is not continued', () => {
  const thought: Piece = { reasoning_content: 'Let me see.' };
  const tool: Piece = { tool_calls: [{ index: 0, id: 'x', type: 'function', function: { name: 'f', arguments: '{"a"' } }] };
  const ended: Piece = { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };
  const second: Piece = { choices: [{ index: 1, delta: { content: 'other' }, finish_reason: null }] };

  test.each<[string, readonly Piece[]]>([
    ['reasoning before it', [thought, { content: begun }]],
    ['reasoning after it', [{ content: begun }, thought]],
    ['a block of signed thoughts', [{ thinking_blocks: [{ type: 'redacted_thinking', data: 'x' }] }, { content: begun }]],
    ['a tool call', [{ content: begun }, tool]],
    ['a tool call alone', [tool]],
    ['a refusal', [{ content: begun }, { refusal: 'No.' }]],
    ['its end', [{ content: begun }, ended]],
    ['a second choice', [{ content: begun }, second]],
    ['nothing but blanks', [{ content: ' \n' }]],
  ])('the stream had %s', async (_, had) => {
    const { provider, asked } = listening(() => contents(rest));
    const { router } = fakeRouter({ a: sending([...had, broken]), b: provider }, goOn);
    expect((await readParts(await router.stream(hello))).failure).toMatchObject({
      code: 'stream_interrupted',
      cause: { code: 'driver' },
      attempts: [{ provider: 'a' }],
    });
    expect(asked).toEqual([]);
  });

  const schema = { type: 'json_schema', json_schema: { name: 's', schema: {} } } as const;
  const everything = { prefill: true, jsonSchema: true, jsonObject: true, choices: true, logprobs: true } as const;

  test.each<[string, Partial<ChatRequest>]>([
    ['a schema', { response_format: schema }],
    ['any JSON', { response_format: { type: 'json_object' } }],
    ['two choices', { n: 2 }],
    ['a stop sequence', { stop: 'END' }],
    ['a list of stop sequences', { stop: ['END'] }],
    ['log probabilities', { logprobs: true }],
    ['a rest of a message with parts', { messages: [...hello.messages, { role: 'assistant', content: [{ type: 'text', text: 'x' }] }] }],
  ])('the request asks for %s', async (_, more) => {
    const provider = (does: Outcome): FakeProvider => ({ does, fake: { capabilities: everything } });
    const { router, fakes } = fakeRouter({ a: provider(pieces(begun, broken)), b: provider('never') }, goOn);
    expect((await readParts(await router.stream({ ...hello, ...more }))).failure).toMatchObject({ code: 'stream_interrupted' });
    expect(fakes.b.calls).toHaveLength(0);
  });

  test.each<[string, Partial<ChatRequest>]>([
    ['a schema', { extra: { vllm: { structured_outputs: { json: {} } } } }],
    ['a schema in its options', { extra: { ollama: { options: { stop: ['END'] } } } }],
  ])('a field of one server alone asks for %s', async (_, more) => {
    const { provider, asked } = listening(() => contents(rest));
    const { router } = fakeRouter({ a: sending([...contents(begun), broken]), b: provider }, goOn);
    expect((await readParts(await router.stream({ ...hello, ...more }))).failure).toMatchObject({ code: 'stream_interrupted' });
    expect(asked).toEqual([]);
  });

  test.each<[string, Partial<ChatRequest>]>([
    ['plain text', { response_format: { type: 'text' } }],
    ['one choice', { n: 1 }],
    ['no log probabilities', { logprobs: false }],
  ])('but the request may ask for %s', async (_, more) => {
    const { router } = fakeRouter({ a: pieces(begun, broken), b: able(pieces(rest)) }, goOn);
    expect((await readText(await router.stream({ ...hello, ...more }))).text).toBe(begun + rest);
  });

  test.each(['bad_request', 'content_filtered', 'context_length'] as const)('the provider ended it with %s', async (code) => {
    const { router, fakes } = fakeRouter({ a: pieces(begun, fault(code)), b: able('never') }, goOn);
    expect((await readParts(await router.stream(hello))).failure).toMatchObject({ code: 'stream_interrupted', cause: { code } });
    expect(fakes.b.calls).toHaveLength(0);
  });
});

describe('a provider that does not go on with the text', () => {
  const long = 'It was a dark and stormy night; the rain fell in torrents.';

  test.each<[string, readonly Piece[]]>([
    ['begins anew', cut(long, 3)],
    ['begins anew after blanks', cut(`\n\n  ${long}`, 3)],
    ['begins anew after many blanks', cut(`${' '.repeat(40)}${long}`, 3)],
    ['begins anew and ends soon', cut(long.slice(0, 32), 3)],
    ['begins anew after its role', [{ role: 'assistant' }, ...cut(long, 3)]],
    ['thinks first', [{ reasoning_content: 'Hm.' }, ...cut(rest, 3)]],
    ['begins to think soon', [{ content: ' the' }, { reasoning_content: 'Hm.' }, ...cut(rest, 3)]],
  ])('and %s is left, and the next one is asked', async (_, does) => {
    const { router, events } = fakeRouter(
      { a: sending([...cut(long.slice(0, 40), 3), broken]), b: sending(does, true), c: able(pieces(long.slice(40))) },
      goOn,
    );
    expect(await readText(await router.stream(hello))).toEqual({ text: long, failure: undefined });
    expect(events.of('attempt:error')).toMatchObject([{ provider: 'a' }, { provider: 'b', error: { code: 'unsupported' } }]);
    expect(events.of('stream:resumed')).toMatchObject([{ provider: 'c', from: 'a' }]);
  });

  test('is known although the text began with blanks, which it leaves out', async () => {
    const b = able(pieces(long));
    const { router } = fakeRouter({ a: pieces(`\n\n${long.slice(0, 40)}`, broken), b, c: able(pieces(long.slice(40))) }, goOn);
    expect((await readText(await router.stream(hello))).text).toBe(`\n\n${long}`);
  });

  test('says so', async () => {
    const { router, events } = fakeRouter({ a: pieces(long, broken), b: able(pieces(long)) }, goOn);
    await readParts(await router.stream(hello));
    const message = 'b: it did not go on with the answer but began another one.';
    expect(events.of('attempt:error')[1]?.error).toMatchObject({ code: 'unsupported', provider: 'b', model: 'm', message });
  });

  test.each([
    ['repeats a word or two', 'Duck, d', 'Duck, duck, goose, and so on to the end of it.'],
    ['sends a piece without choices first', 'It was a dark', ' night, and it went on and on to its end.'],
  ])('is another one than one that %s', async (_, had, more) => {
    const b = sending([{ choices: [] }, ...cut(more, 3)], true);
    const { router } = fakeRouter({ a: pieces(had, broken), b, c: able('never') }, goOn);
    expect(await readText(await router.stream(hello))).toEqual({ text: had + more, failure: undefined });
  });

  test('is known by as little as two tokens', async () => {
    const { router } = fakeRouter(
      { a: pieces('It ', 'was a', broken), b: able(pieces('It ', 'was a dark night', rest)), c: able(pieces(rest)) },
      goOn,
    );
    expect((await readText(await router.stream(hello))).text).toBe(`It was a${rest}`);
  });

  test('is left at its first thought, not at its last', async () => {
    let thoughts = 0;
    const thinks = function* (): Generator<Piece> {
      for (; thoughts < 100; thoughts++) yield { reasoning_content: 'Hm. ' };
    };
    const { router } = fakeRouter({ a: pieces(long, broken), b: sending(thinks, true), c: able(pieces(rest)) }, goOn);
    expect((await readText(await router.stream(hello))).text).toBe(long + rest);
    expect(thoughts).toBeLessThan(3);
  });

  test('has its source closed, and is not asked again in the call, where it would do the same', async () => {
    const { router, fakes, clock, events } = fakeRouter({ a: pieces(long, broken), b: able(pieces(long, 'more', 'hang')) }, goOn);
    const read = outcomeOf(readParts(await router.stream(hello)));
    await clock.advance(10_000);
    expect(read.value).toMatchObject({
      parts: [long],
      failure: {
        code: 'stream_interrupted',
        provider: 'a',
        attempts: [{ provider: 'a' }, { provider: 'b', error: { code: 'unsupported', provider: 'b', model: 'm' } }],
      },
    });
    expect(events.of('retry')).toEqual([]);
    expect(fakes.b.openStreams()).toBe(0);
    expect(clock.timers()).toBe(0);
  });

  test.each<[string, Piece]>([
    ['begins anew', { content: long }],
    ['thinks first', { reasoning_content: 'Hm.' }],
  ])('and %s has nothing of that held against it: it answers others well', async (_, first) => {
    const a = sending([{ content: long }, fault('unsupported')]);
    const b = sending(({ continues }) => [continues === true ? first : { content: 'fine' }], true);
    const { router, events } = fakeRouter({ a, b }, goOn);
    for (let count = 0; count < 10; count++) {
      expect((await readParts(await router.stream(hello))).failure).toMatchObject({ attempts: [{ provider: 'a' }, { provider: 'b' }] });
    }
    expect(events.of('breaker:open')).toEqual([]);
    expect(await readText(await router.stream(hello, { provider: 'b' }))).toEqual({ text: 'fine', failure: undefined });
  });
});

test.each([
  ['32 characters of it', ['x'.repeat(32)]],
  ['1,024 blanks of it', [' '.repeat(1_024)]],
  ['2,000 blanks of it in many pieces', Array.from({ length: 20 }, () => ' '.repeat(100))],
])('a rest is handed on as soon as %s have come', async (_, rest) => {
  const { router, clock } = fakeRouter({ a: pieces(begun, broken), b: able(pieces(...rest, 'hang')) }, goOn);
  const iterator = (await router.stream(hello))[Symbol.asyncIterator]();
  await iterator.next();
  const next = outcomeOf(iterator.next());
  await clock.settle();
  expect(next.value).toMatchObject({ value: { inferlane: { type: 'resumed' } } });
  await iterator.return?.();
});

describe('time', () => {
  test('a rest that comes slowly is not silence', async () => {
    const slow = pieces(' ju', 9_000, 'mps', 9_000, ' over', 9_000, ' the', 9_000, ' lazy', 9_000, ' dog and runs away.');
    const { router, clock } = fakeRouter({ a: pieces(begun, broken), b: able(slow) }, goOn);
    const read = outcomeOf(readText(await router.stream(hello)));
    await clock.advance(45_000);
    expect(read.value).toEqual({ text: begun + rest, failure: undefined });
    expect(clock.timers()).toBe(0);
  });

  test('a rest that falls silent before it is believed is left, and the next one is asked', async () => {
    const does = { a: pieces(begun, broken), b: able(pieces(' ju', 'hang')), c: able(pieces(rest)) };
    const { router, clock, events } = fakeRouter(does, goOn);
    const read = outcomeOf(readText(await router.stream(hello)));
    await clock.advance(14_999);
    expect(read.settled).toBe(false);
    await clock.advance(1);
    expect(read.value).toEqual({ text: begun + rest, failure: undefined });
    expect(events.of('failover')).toMatchObject([{ from: 'a' }, { from: 'b', reason: 'timeout', phase: 'idle' }]);
  });

  test('that the reader takes for a short rest, which has ended already, is not counted', async () => {
    const { router, clock, events } = fakeRouter({ a: pieces(begun, broken), b: able(pieces(' ju', 'mps')) }, goOn);
    const iterator = (await router.stream(hello))[Symbol.asyncIterator]();
    const texts: unknown[] = [];
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      texts.push(next.value.choices[0]?.delta.content);
      await clock.advance(20_000);
    }
    expect(texts).toEqual([begun, undefined, ' ju', 'mps']);
    expect(events.of('request:end')).toHaveLength(1);
  });

  test('of the first part and of the rest is one deadline', async () => {
    const { router, clock } = fakeRouter({ a: pieces(begun, 3_000, broken), b: able(pieces(rest, 'hang')) }, goOn);
    const read = outcomeOf(readParts(await router.stream(hello, { deadlineMs: 5_000 })));
    await clock.advance(5_000);
    expect(read.value).toMatchObject({
      parts: [begun, '<resumed: a to b, driver>', rest],
      failure: { code: 'stream_interrupted', provider: 'b', phase: 'deadline' },
    });
    expect(clock.timers()).toBe(0);
  });
});

describe('while another provider is being asked for the rest', () => {
  test.each([
    ['it says nothing', hang],
    ['it has said too little to be believed', pieces(' ju', 'hang')],
    ['it is about to fail', after(10, broken)],
  ] as const)('the reader may leave (%s)', async (_, does) => {
    const { router, clock, events, fakes } = fakeRouter({ a: pieces(begun, broken), b: able(does) }, goOn);
    const iterator = (await router.stream(hello))[Symbol.asyncIterator]();
    await iterator.next();
    const waiting = outcomeOf(iterator.next());
    await clock.settle();
    await iterator.return?.();
    await clock.settle();
    expect(waiting.value).toEqual({ done: true, value: undefined });
    expect(events.lines().slice(-2)).toEqual(['attempt:error b', 'request:end a']);
    expect(events.of('request:end')).toMatchObject([{ abandoned: true }]);
    expect(fakes.b.openStreams()).toBe(0);
    expect(router.snapshot()).toMatchObject({ inFlight: 0, providers: [{ inFlight: 0 }, { inFlight: 0, failures: 0 }] });
    expect(clock.timers()).toBe(0);
  });

  test.each(Array.from({ length: 64 }, (_, jobs) => jobs))(
    'an abort %i promise jobs after the first piece leaves nothing behind',
    async (jobs) => {
      const { router, clock, events } = fakeRouter({ a: pieces(begun, broken), b: able(pieces(' ju', 'mps', rest, 'hang')) }, goOn);
      const controller = new AbortController();
      const reason = new Error('the caller’s own');
      const read = readParts(await router.stream(hello, { signal: controller.signal }));
      await promiseJobs(jobs);
      controller.abort(reason);
      expect((await read).failure).toBe(reason);
      await clock.settle();
      expect(events.names().filter((name) => /^request:(end|error)$/.test(name))).toEqual(['request:error']);
      expect(events.names().at(-1)).toBe('request:error');
      expect(router.snapshot()).toMatchObject({ inFlight: 0, providers: [{ inFlight: 0 }, { inFlight: 0 }] });
      expect(clock.timers()).toBe(0);
    },
  );
});
