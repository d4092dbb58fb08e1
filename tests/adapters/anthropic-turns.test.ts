import { expect, test } from 'vitest';
import { toConversation } from '../../src/adapters/anthropic-turns.ts';
import type { ChatMessage, ToolCall } from '../../src/core/types.ts';
import { slowdown } from '../lib/slowdown.ts';

const calls = (count: number): ToolCall[] =>
  Array.from({ length: count }, () => ({ id: 'same', type: 'function', function: { name: 'f', arguments: '{}' } }));

const refuse = (): never => {
  throw new Error('nothing here is refused');
};

test('calls that share an id cost in proportion to their number', () => {
  const histories = new Map<number, ChatMessage[]>();
  const historyOf = (count: number): ChatMessage[] => {
    const known = histories.get(count) ?? [{ role: 'assistant', content: null, tool_calls: calls(count) }];
    histories.set(count, known);
    return known;
  };
  expect(slowdown((size) => toConversation(historyOf(size / 16), refuse))).toBeLessThan(3);
});
