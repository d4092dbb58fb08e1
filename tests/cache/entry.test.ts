import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Entry, entryText, isChatAnswer, isEmbedAnswer, isWholeChat, longestEntry, readEntry } from '../../src/cache/entry.ts';
import { copyJson } from '../../src/cache/copy-json.ts';
import type { ChatAnswer, ChatChoice, EmbedAnswer } from '../../src/core/types.ts';

const answer: ChatAnswer = {
  id: 'c',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [
    {
      index: 0,
      message: {
        role: 'assistant',
        content: 'Yes.',
        reasoning_content: 'Hm.',
        refusal: null,
        thinking_blocks: [{ type: 'thinking', thinking: 'Hm.', signature: 's' }],
        tool_calls: [{ id: 't', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      finish_reason: 'stop',
    },
  ],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  system_fingerprint: null,
};
const vectors: EmbedAnswer = {
  object: 'list',
  model: 'm',
  data: [0, 1].map((index) => ({ object: 'embedding', index, embedding: [0.5, index] })),
  usage: { prompt_tokens: 1, total_tokens: 1 },
};
const entry: Entry = { key: 'k', keptAtMs: 5, provider: 'gpu', model: 'm', space: undefined, answer };
const text = JSON.stringify(entry);
const read = (value: unknown): Entry | undefined => readEntry(value, isChatAnswer);

/** Every way to put something odd in the place of one part of a value. */
function spoilt(value: unknown): unknown[] {
  if (Array.isArray(value)) return [{}, 'x', ...value.flatMap((part, index) => spoilt(part).map((odd) => value.with(index, odd)))];
  if (typeof value !== 'object' || value === null) return [[1], { a: 1 }, true];
  const parts = Object.entries(value).flatMap(([name, part]) => spoilt(part).map((odd) => ({ ...value, [name]: odd })));
  return [null, 'x', 7, ...parts];
}

describe('an entry', () => {
  test('comes back as it was written', () => {
    expect(read(entryText(entry))).toEqual(entry);
  });

  test('with anything odd in it is none', () => {
    const odd = spoilt(JSON.parse(text));
    expect(odd.length).toBeGreaterThan(100);
    for (const value of odd) expect([read(JSON.stringify(value)), value]).toEqual([undefined, value]);
  });

  test('with anything missing that it needs is none', () => {
    for (const name of ['key', 'keptAtMs', 'provider', 'answer'] as const) {
      const { [name]: _left, ...rest } = entry;
      expect(read(JSON.stringify(rest))).toBeUndefined();
    }
  });

  test.each<[string, unknown]>([
    ['an object instead of its text', entry],
    ['a text that is no JSON', text.slice(0, -1)],
    ['nothing', undefined],
    ['a text that nests too deep', `${'['.repeat(100)}${']'.repeat(100)}`],
    ['a text that is too long', text.replace('Yes.', 'y'.repeat(longestEntry))],
  ])('is none of %s', (_what, value) => {
    expect(read(value)).toBeUndefined();
  });

  test('whatever a store gives, nothing is thrown', () => {
    fc.assert(fc.property(fc.oneof(fc.anything(), fc.json(), fc.string()), (value) => void read(value)));
  });

  test('is not written where it is too long, or cannot be', () => {
    const long = { ...answer, id: 'x'.repeat(longestEntry) };
    expect(entryText({ ...entry, answer: long })).toBeUndefined();
    expect(entryText({ ...entry, answer: { ...answer, created: 1n } as unknown as ChatAnswer })).toBeUndefined();
  });
});

function isVectors(value: unknown, count = 2, dimensions?: number): boolean {
  return isEmbedAnswer(JSON.parse(JSON.stringify(value)) as Record<string, unknown>, count, dimensions);
}

describe('vectors', () => {
  test('are those that were asked for', () => {
    expect([isVectors(vectors), isVectors(vectors, 2, 2), isVectors(vectors, 3), isVectors(vectors, 2, 3)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  test('with anything odd in them are none', () => {
    const odd = spoilt(vectors).filter((value) => typeof value === 'object' && value !== null);
    expect(odd.length).toBeGreaterThan(30);
    for (const value of odd) expect([isVectors(value), value]).toEqual([false, value]);
  });

  test.each([
    [{ ...vectors, degraded: true }],
    [{ ...vectors, data: vectors.data.toReversed() }],
    [{ ...vectors, data: vectors.data.map((each) => ({ ...each, embedding: [] })) }],
    [{ ...vectors, data: vectors.data.map((each, index) => ({ ...each, embedding: Array<number>(index + 1).fill(1) })) }],
  ])('such as %j are none', (value) => {
    expect(isVectors(value)).toBe(false);
  });
});

describe('worth keeping', () => {
  const choice = answer.choices[0] as ChatChoice;
  const isWhole = (change: Partial<ChatChoice>, isBound = false): boolean => isWholeChat({ choices: [{ ...choice, ...change }] }, isBound);

  test.each<[boolean, Partial<ChatChoice>, boolean?]>([
    [true, {}],
    [true, { finish_reason: 'tool_calls', message: { ...choice.message, content: null } }],
    [false, { finish_reason: 'length' }],
    [true, { finish_reason: 'length' }, true],
    [false, { finish_reason: 'content_filter' }],
    [false, { finish_reason: 'unknown' }],
    [false, { message: { role: 'assistant', content: 'I will not.', refusal: 'No.' } }],
    [false, { message: { role: 'assistant', content: '' } }],
    [false, { message: { role: 'assistant', content: null, tool_calls: [] } }],
  ])('%s: a choice with %j', (is, change, isBound) => {
    expect(isWhole(change, isBound)).toBe(is);
  });

  test('not the words of a stand-in, nor an answer with one bad choice, or none', () => {
    expect(isWholeChat({ choices: [choice], degraded: true }, false)).toBe(false);
    expect(isWholeChat({ choices: [choice, { ...choice, finish_reason: 'length' }] }, false)).toBe(false);
    expect(isWholeChat({ choices: [] }, false)).toBe(false);
  });
});

test('a copy shares nothing with what it was made of', () => {
  const copy = copyJson(answer);
  expect(copy).toEqual(answer);
  copy.choices[0]?.message.tool_calls?.pop();
  copy.choices.pop();
  expect(answer.choices[0]?.message.tool_calls).toHaveLength(1);
});
