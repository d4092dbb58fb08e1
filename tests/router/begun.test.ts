import { describe, expect, test } from 'vitest';
import type { ChunkDelta } from '../../src/core/types.ts';
import { canBeContinued, createBegun } from '../../src/router/begun.ts';
import { toChunk } from '../_kit/fake-adapter.ts';

const texts = (...deltas: readonly (string | ChunkDelta)[]) =>
  deltas.map((delta) => toChunk(typeof delta === 'string' ? { content: delta } : delta, 'm'));

describe('what a caller has', () => {
  test('is the text of every chunk, and its pieces are counted', () => {
    const begun = createBegun();
    begun.note(texts({ role: 'assistant', content: '' }, 'one', ' two'));
    begun.note(texts('', ' three'));
    expect([begun.text(), begun.pieces(), begun.isPlain()]).toEqual(['one two three', 3, true]);
  });

  test('is plain only where there is text', () => {
    const begun = createBegun();
    expect(begun.isPlain()).toBe(false);
    begun.note(texts({ role: 'assistant' }, ' \n\t'));
    expect(begun.isPlain()).toBe(false);
    begun.note(texts('x'));
    expect(begun.isPlain()).toBe(true);
  });

  test('is not kept once it cannot be taken up any more', () => {
    const begun = createBegun();
    begun.note(texts('one', { reasoning_content: 'Hm.' }, ' two'));
    begun.note(texts(' three'));
    expect([begun.text(), begun.isPlain()]).toEqual(['', false]);
  });

  test('is counted on over empty fields that some servers send', () => {
    const begun = createBegun();
    begun.note(texts({ content: 'one', reasoning_content: '', refusal: null, tool_calls: [] }, { content: null, reasoning_content: null }));
    expect([begun.text(), begun.pieces(), begun.isPlain()]).toEqual(['one', 1, true]);
  });
});

const ask = (message: object): boolean =>
  canBeContinued({
    messages: [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', ...message },
    ],
  });

test('a last message of the assistant is a beginning where it is a text without calls', () => {
  expect(ask({ content: 'Sure' })).toBe(true);
  expect(ask({ content: null })).toBe(false);
  expect(ask({ content: [{ type: 'text', text: 'Sure' }] })).toBe(false);
  expect(ask({ content: 'Sure', tool_calls: [] })).toBe(false);
  expect(canBeContinued({ messages: [{ role: 'tool', content: '4', tool_call_id: 'x' }] })).toBe(true);
});
