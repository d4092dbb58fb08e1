import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createStopCutter, cutAtStop } from '../../src/adapters/remote-gpu-stops.ts';
import { stopsOf, toPrompt, withoutPrompt } from '../../src/adapters/remote-gpu-prompt.ts';
import type { ChatMessage } from '../../src/core/types.ts';
import { soundPart } from '../_kit/sound-part.ts';

const cutPieces = (pieces: readonly string[], stops: readonly string[]): string => {
  const cutter = createStopCutter(stops);
  return pieces.map((piece) => cutter.push(piece)).join('') + cutter.end();
};

describe('stop sequences', () => {
  test.each<[string, string[], string]>([
    ['one two three', [' two'], 'one'],
    ['one two three', [], 'one two three'],
    ['one two three', ['four', 'three'], 'one two '],
    ['one two three', ['three', 'two'], 'one '],
    ['one', ['one'], ''],
    ['aab', ['ab'], 'a'],
    ['abc', ['b', 'abc'], 'a'],
    ['xab', ['b', 'ab'], 'x'],
    ['xab', ['ab', 'b'], 'x'],
    ['one tw', [' two'], 'one tw'],
  ])('%j with %j ends as %j, whole or letter by letter', (text, stops, expected) => {
    expect([cutAtStop(text, stops), cutPieces([text], stops), cutPieces([...text], stops)]).toEqual([expected, expected, expected]);
  });

  test('any pieces give what the whole text gives', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength: 12 });
    const stops = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\n'), minLength: 1, maxLength: 4 }), { maxLength: 3 });
    fc.assert(
      fc.property(fc.array(letters), stops, (pieces, list) => {
        expect(cutPieces(pieces, list)).toBe(cutAtStop(pieces.join(''), list));
      }),
    );
  });

  test('nothing is held back but what may become a stop sequence', () => {
    const cutter = createStopCutter(['\nUser:']);
    expect(['Hello', '!\n', 'Us', 'ed'].map((piece) => cutter.push(piece))).toEqual(['Hello', '!', '', '\nUsed']);
  });

  test.each([
    [undefined, []],
    ['', []],
    ['a', ['a']],
    [
      ['a', '', 'b'],
      ['a', 'b'],
    ],
  ])('stop %j is %j: an empty one would stop everything', (stop, expected) => {
    expect(stopsOf({ messages: [], ...(stop !== undefined && { stop }) })).toEqual(expected);
  });
});

test('the prompt is taken off only where it stands in front', () => {
  expect([withoutPrompt('Once upon', 'Once'), withoutPrompt('At Once', 'Once'), withoutPrompt('Onc', 'Once')]).toEqual([
    ' upon',
    'At Once',
    'Onc',
  ]);
});

const promptOf = (...messages: ChatMessage[]): string => toPrompt({ request: { messages } }, 'gpu');

describe('messages as one text', () => {
  test('a single message of the user is its text', () => {
    expect(promptOf({ role: 'user', content: 'Once upon\na time' })).toBe('Once upon\na time');
    const parts = [
      { type: 'text' as const, text: 'one' },
      { type: 'text' as const, text: 'two' },
    ];
    expect(promptOf({ role: 'user', content: parts })).toBe('one\ntwo');
  });

  test('what is no text is refused: the rest would be another question', () => {
    const prompt = (): string => promptOf({ role: 'user', content: [{ type: 'text', text: 'What is said here?' }, soundPart] });
    expect(prompt).toThrow(expect.objectContaining({ code: 'unsupported', provider: 'gpu' }));
  });

  test('a single message of another role is a conversation', () => {
    expect(promptOf({ role: 'system', content: 'Be brief.' })).toBe('System: Be brief.\nAssistant:');
  });

  test('a conversation is one line per message, and the last stands open', () => {
    const tool_calls = [{ id: 'a', type: 'function' as const, function: { name: 'get_time', arguments: '{"zone":"UTC"}' } }];
    expect(
      promptOf(
        { role: 'developer', content: 'Be brief.' },
        { role: 'user', content: 'Time?' },
        { role: 'assistant', content: null, tool_calls },
        { role: 'tool', content: '12:00', tool_call_id: 'a' },
        { role: 'assistant', content: 'Noon.' },
        { role: 'user', content: 'Thanks' },
      ),
    ).toBe(
      'System: Be brief.\nUser: Time?\nAssistant: [calls get_time({"zone":"UTC"})]\nTool: 12:00\nAssistant: Noon.\nUser: Thanks\nAssistant:',
    );
  });
});
