import * as fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createChunkReader } from '../../src/adapters/openai-wire-stream.ts';
import type { CallOrigin } from '../../src/adapters/openai-wire.ts';
import { RouterError } from '../../src/core/errors.ts';
import type { ChatChunk } from '../../src/core/types.ts';
import { collectGarbage } from '../_kit/collect-garbage.ts';

// Events that differ in their text alone are not parsed whole: nobody must see that by anything but the time it takes.

const origin: CallOrigin = {
  provider: 'box',
  requestId: 'r1',
  model: 'tiny',
  badResponse: (text) => new RouterError('bad_response', `box: ${text}`, { provider: 'box' }),
};

interface Reading {
  readonly chunks: readonly ChatChunk[];
  readonly failure: string | undefined;
}

/** One that has read what goes before: nothing is learned from the first events of a stream. */
function begunReader(first: unknown = { content: 'so' }): ReturnType<typeof createChunkReader> {
  const reader = createChunkReader(() => undefined, origin, { isNoModel: () => false });
  for (let index = 0; index < 15; index++) reader.read({ event: undefined, data: eventOf({ delta: first, head: { created: index } }) }, []);
  return reader;
}

function readAll(events: readonly string[], first?: unknown): Reading {
  const reader = begunReader(first);
  const chunks: ChatChunk[] = [];
  try {
    for (const data of events) reader.read({ event: undefined, data }, chunks);
  } catch (error) {
    return { chunks, failure: String(error) };
  }
  return { chunks, failure: undefined };
}

/** The same events, no two of which have the same around their texts. */
const eachItsOwn = (events: readonly string[]): readonly string[] => events.map((data, index) => `${data}${' '.repeat(index)}`);

function expectNoDifference(events: readonly string[], first?: unknown): void {
  expect(readAll(events, first)).toEqual(readAll(eachItsOwn(events), first));
}

interface Parts {
  readonly delta: unknown;
  readonly index?: number;
  readonly finish?: string | null;
  readonly head?: object;
  readonly tail?: object;
}

const eventOf = ({ delta, index = 0, finish = null, head, tail }: Parts): string =>
  JSON.stringify({
    id: 'a',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    ...head,
    choices: [{ index, delta, finish_reason: finish }],
    ...tail,
  });
const text = (content: string): string => eventOf({ delta: { content } });
const texts = (...all: readonly string[]): readonly string[] => all.map(text);

const tokens = fc.constantFrom(
  'a',
  ' word',
  ',',
  ':',
  'm',
  'chat',
  'assistant',
  'content',
  '"',
  '\\',
  '\n',
  '\u0001',
  'é🙂',
  '<think>',
  '</think>',
  '',
  'x'.repeat(40),
  '{"a":"b"}',
  '","',
  'null',
);
const deltas = fc.oneof(
  { weight: 8, arbitrary: tokens.map((content): unknown => ({ content })) },
  tokens.map((content) => ({ role: 'assistant', content })),
  tokens.map((reasoning_content) => ({ reasoning_content })),
  tokens.map((reasoning) => ({ reasoning, content: null })),
  fc.tuple(tokens, tokens).map(([content, reasoning_content]) => ({ content, reasoning_content })),
  tokens.map((content) => ({ content: [{ type: 'text', text: content }] })),
  tokens.map((name) => ({ tool_calls: [{ index: 0, id: 'c', function: { name, arguments: '' } }] })),
  tokens.map((content) => ({ content, refusal: null, extra: { deep: content } })),
);
const events = fc
  .record({
    delta: deltas,
    index: fc.constantFrom(0, 0, 0, 0, 1),
    finish: fc.constantFrom(null, null, null, null, null, '', 'stop'),
    head: fc.constantFrom({}, {}, {}, { created: 2 }, { id: '' }),
    tail: fc.constantFrom({}, {}, {}, { usage: null }, { usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } }),
  })
  .map(eventOf);
/** Runs of one form, as servers send them, between others. */
const runs = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.array(tokens.map(text), { minLength: 3, maxLength: 8 }) },
      fc.array(
        tokens.map((reasoning_content) => eventOf({ delta: { reasoning_content } })),
        { minLength: 3, maxLength: 8 },
      ),
      events.map((event) => [event]),
      fc.array(events, { maxLength: 6 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.flat());

test('any events give the same chunks, and the same failure', () => {
  // Behind a role alone it is not known yet whether thoughts come in the text.
  const firsts = fc.constantFrom<unknown>({ content: 'so' }, { role: 'assistant' }, { content: '<think>so' });
  fc.assert(fc.property(runs, firsts, expectNoDifference), { numRuns: 2_000 });
});

describe('the same word in another place', () => {
  test.each(['assistant', 'm', 'a', 'chat.completion.chunk', 'content', ',', ':', '":"', 'id'])('%j', (word) => {
    const event = (role: string, content: string): string => eventOf({ delta: { role, content } });
    expectNoDifference([...texts('so', word, word, word, 'on'), event('assistant', word), event('assistant', word), event('tool', word)]);
  });
});

test('a text with all that JSON escapes', () => {
  const all = ['a', 'b', '"', '\\', '\\"', '\n', '\u0000', '\u2028', '🙂', '\ud83d', 'é', '/', '\\u0041', `${'x'.repeat(20)}"`];
  expectNoDifference(texts(...all));
  expect(readAll(texts(...all)).chunks.map(({ choices }) => choices[0]?.delta.content)).toEqual(all);
});

test('what is no JSON is refused as ever', () => {
  const known = texts('a', 'b', 'c');
  expectNoDifference([...known, text('').replace('""}', '"}')]);
  expect(readAll([...known, text('').replace('""}', '"}')]).failure).toContain('not a JSON object');
  for (const broken of ['a\u0001b', 'a\nb', 'a\\x', 'a\\', 'a"b', 'a","b']) {
    expectNoDifference([...known, text('TEXT').replace('TEXT', () => broken)]);
    expect(readAll([...known, text('TEXT').replace('TEXT', () => broken)]).failure).toContain('not a JSON object');
  }
});

test('another text beside it that the server says twice', () => {
  const twice = (content: string): string => text('TEXT').replace('"content":"TEXT"', () => `"content":${content}`);
  expectNoDifference(['"a"', '"b"', '"c"', '"d","content":"e"', '"f","content":null'].map(twice));
});

test('a reader may change what he was given', () => {
  const reader = begunReader();
  const contents: unknown[] = [];
  for (const data of texts('a', 'b', 'c', 'd', 'e')) {
    const batch: ChatChunk[] = [];
    reader.read({ event: undefined, data }, batch);
    const [chunk] = batch as [ChatChunk];
    contents.push(structuredClone(chunk));
    Object.assign(chunk, { id: 'mine', model: 'mine' });
    Object.assign(chunk.choices[0] as object, { index: 7, mine: true });
    Object.assign(chunk.choices[0]?.delta as object, { content: 'mine', role: 'user' });
    chunk.choices.push({ index: 9, delta: {} });
  }
  expect(contents).toEqual(readAll(eachItsOwn(texts('a', 'b', 'c', 'd', 'e'))).chunks);
});

test('choices beside the first are told', () => {
  const rest = { index: 1, delta: { content: 'the same' } };
  const both = ['a', 'b', 'c', 'd'].map((content) => JSON.stringify({ choices: [{ index: 0, delta: { content } }, rest] }));
  expectNoDifference(both);
});

describe('nothing is shared by two chunks', () => {
  test.each([
    ['of the event', (content: string) => eventOf({ delta: { content }, tail: { timings: { ms: 1 } } }), 'timings'],
    ['of the choice', (content: string) => text(content).replace('"index":0', '"index":0,"logprobs":{"content":[]}'), 'logprobs'],
    ['of the delta', (content: string) => eventOf({ delta: { content, audio: { id: 'a' } } }), 'audio'],
  ])('%s', (_, event, name) => {
    const { chunks } = readAll(['a', 'b', 'c', 'd'].map(event));
    const found = chunks.map((chunk) =>
      [chunk, chunk.choices[0], chunk.choices[0]?.delta].map((part) => (part as Record<string, unknown>)[name]),
    );
    const all = found.flat().filter((value) => value !== undefined);
    expect(all).toHaveLength(4);
    expect(new Set(all).size).toBe(4);
  });
});

test('an event of another name is read as such', () => {
  const reader = begunReader();
  const batch: ChatChunk[] = [];
  for (const data of texts('a', 'b', 'c')) reader.read({ event: undefined, data }, batch);
  expect(() => reader.read({ event: 'error', data: text('d') }, batch)).toThrow('error event');
});

describe('how many events are parsed whole', () => {
  afterEach(() => vi.restoreAllMocks());

  function parsedWhole(data: readonly string[]): number {
    const reader = begunReader();
    const parse = vi.spyOn(JSON, 'parse');
    for (const each of data) reader.read({ event: undefined, data: each }, []);
    return parse.mock.calls.filter(([each]) => data.includes(each)).length;
  }
  const many = Array.from({ length: 100 }, (_, index) => ` word${index}`);

  test.each([
    ['of texts', texts(...many), 2],
    ['of thoughts', many.map((reasoning_content) => eventOf({ delta: { reasoning_content } })), 2],
    ['of thoughts by another name', many.map((reasoning) => eventOf({ delta: { reasoning } })), 2],
    ['with empty finish reasons', many.map((content) => eventOf({ delta: { content }, finish: '' })), 2],
    ['with lines and quotes in between', texts(...many.map((word, index) => (index % 5 === 4 ? '\n"' : word))), 2],
    [
      'with a time that changes ten times',
      many.map((content, index) => eventOf({ delta: { content }, head: { created: 1 + Math.trunc(index / 10) } })),
      20,
    ],
  ])('%s', (_, data, most) => {
    expect(parsedWhole(data)).toBe(most);
  });

  test('the first of a stream', () => {
    const reader = createChunkReader(() => undefined, origin, { isNoModel: () => false });
    const parse = vi.spyOn(JSON, 'parse');
    for (const each of texts(...many)) reader.read({ event: undefined, data: each }, []);
    expect(parse.mock.calls.filter(([each]) => texts(...many).includes(each))).toHaveLength(17);
  });

  test('all of those that differ in more, and no more is looked for after a while', () => {
    const data = many.map((content, index) => eventOf({ delta: { content }, head: { created: index } }));
    expect(parsedWhole([...data, ...texts(...many)])).toBe(data.length + many.length);
  });
});

/** An event as it is cut out of much else. */
const within = (event: string): string =>
  Buffer.from(`${'x'.repeat(100_000)}${event}`)
    .toString()
    .slice(100_000);
const heldBytes = (hold: () => unknown): number => {
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const held = Array.from({ length: 50 }, hold);
  collectGarbage();
  return (process.memoryUsage().heapUsed - before) / held.length;
};

describe('what the network brought at once is let go', () => {
  const readerAfter = (events: readonly string[]): ReturnType<typeof createChunkReader> => {
    const reader = begunReader();
    for (const data of events) reader.read({ event: undefined, data: within(data) }, []);
    return reader;
  };

  test('by whoever keeps a chunk', () => {
    const reader = readerAfter(texts('a', 'b', 'c'));
    const hold = (): readonly ChatChunk[] => {
      const batch: ChatChunk[] = [];
      reader.read({ event: undefined, data: within(text('a text of twenty-eight letters')) }, batch);
      return batch;
    };
    expect(heldBytes(hold)).toBeLessThan(10_000);
  });

  test('by a stream that goes on', () => {
    expect(heldBytes(() => readerAfter(texts('a', 'b', 'c')))).toBeLessThan(10_000);
  });

  test('by a stream whose events differ in more than a text', () => {
    const changing = Array.from({ length: 10 }, (_, index) => eventOf({ delta: { content: `word${index}` }, head: { created: index } }));
    // The last chunk is kept, for what follows it; its texts are those of the parser.
    expect(heldBytes(() => readerAfter(changing))).toBeLessThan(10_000);
  });
});
