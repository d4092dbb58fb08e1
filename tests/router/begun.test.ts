import { describe, expect, test } from 'vitest';
import type { ChunkDelta } from '../../src/core/types.ts';
import { canBeContinued, createBegun } from '../../src/router/continuation.ts';
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

test('only the last message counts, and one of somebody else may be anything', () => {
  const user = { role: 'user', content: 'Hi' } as const;
  const called = { role: 'assistant', content: null, tool_calls: [] } as const;
  expect(canBeContinued({ messages: [user, called, { role: 'tool', content: '4', tool_call_id: 'x' }] })).toBe(true);
  expect(canBeContinued({ messages: [user, { role: 'assistant', content: 'Sure' }, user, called] })).toBe(false);
  expect(canBeContinued({ messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }] })).toBe(true);
  expect(canBeContinued({ messages: [] })).toBe(true);
});

const withExtra = (extra: object): boolean => canBeContinued({ messages: [{ role: 'user', content: 'Hi' }], extra: extra as never });

describe('fields of one server, which are passed on as they are,', () => {
  test.each([
    ['response_format', { vllm: { response_format: { type: 'json_object' } } }],
    ['format', { ollama: { format: 'json' } }],
    ['json_schema', { llamacpp: { json_schema: {} } }],
    ['structured_outputs', { vllm: { structured_outputs: { regex: 'a+' } } }],
    ['guided_json', { vllm: { guided_json: {} } }],
    ['guided_regex', { vllm: { guided_regex: 'a+' } }],
    ['guided_choice', { vllm: { guided_choice: ['a', 'b'] } }],
    ['guided_grammar', { vllm: { guided_grammar: 'root ::= "a"' } }],
    ['grammar', { llamacpp: { grammar: 'root ::= "a"' } }],
    ['regex', { sglang: { regex: 'a+' } }],
    ['ebnf', { sglang: { ebnf: 'root ::= "a"' } }],
    ['structural_tag', { sglang: { structural_tag: '{}' } }],
    ['stop', { vllm: { stop: ['END'] } }],
    ['n', { vllm: { n: 2 } }],
    ['logprobs', { vllm: { logprobs: true } }],
    ['a format in the second of two', { vllm: { top_k: 4 }, ollama: { format: {} } }],
    ['a stop beside others', { vllm: { top_k: 4, stop: ['END'], seed: 1 } }],
    ['a stop in the options of Ollama', { ollama: { options: { stop: ['END'] } } }],
    ['a grammar in the parameters of TGI', { tgi: { parameters: { grammar: { type: 'json' } } } }],
  ])('forbid a seam where they hold %s', (_, extra) => {
    expect(withExtra(extra)).toBe(false);
  });

  test.each([
    ['none', {}],
    ['others', { vllm: { top_k: 4, chat_template_kwargs: { language: 'fr' } }, ollama: { keep_alive: 5, options: { num_ctx: 8 } } }],
    ['null', { vllm: { stop: null, grammar: undefined, options: null } }],
    ['nothing at all', { vllm: null, ollama: undefined, tgi: 'stop' }],
    ['such a name among their own values', { vllm: { chat_template_kwargs: { tags: { stop: true } } } }],
  ])('allow it where they hold %s', (_, extra) => {
    expect(withExtra(extra)).toBe(true);
  });
});
