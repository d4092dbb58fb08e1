import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { answerToChunks, collectChunks } from '../../src/core/collect.ts';
import type { AssistantMessage, ChatAnswer, ChatChoice, ChatChunk, ChunkBatches, ToolCall } from '../../src/core/types.ts';

async function* batchesOf(...batches: readonly (readonly ChatChunk[])[]): ChunkBatches {
  yield* batches;
}

const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
const text = fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme' });
const optional = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> => fc.option(value, { nil: undefined });
const toolCall: fc.Arbitrary<ToolCall> = fc.record({
  id: text,
  type: fc.constant('function' as const),
  function: fc.record({ name: text, arguments: fc.string() }),
});
const tokens = fc.array(fc.record({ token: text }), { minLength: 1, maxLength: 3 });

/** Messages as a server writes them: without text only where something else stands in its place. */
const message: fc.Arbitrary<AssistantMessage> = fc
  .record({ content: fc.string(), reasoning: optional(text), refusal: optional(text), calls: fc.array(toolCall, { maxLength: 3 }) })
  .map(({ content, reasoning, refusal, calls }) => ({
    role: 'assistant',
    content: content === '' && (calls.length > 0 || refusal !== undefined) ? null : content,
    ...(reasoning !== undefined && { reasoning_content: reasoning }),
    ...(refusal !== undefined && { refusal }),
    ...(calls.length > 0 && { tool_calls: calls }),
  }));

const choices: fc.Arbitrary<ChatChoice[]> = fc
  .array(
    fc.record({
      message,
      finish_reason: fc.constantFrom('stop' as const, 'length' as const, 'tool_calls' as const),
      logprobs: optional(tokens),
    }),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  .map((list) =>
    list.map(({ logprobs, ...choice }, index) => ({
      index,
      ...choice,
      ...(logprobs !== undefined && { logprobs: { content: logprobs } }),
    })),
  );

const anyAnswer: fc.Arbitrary<ChatAnswer> = fc
  .record({
    id: text,
    model: text,
    created: fc.nat(),
    choices,
    usage: optional(fc.constant(usage)),
    print: optional(text),
    degraded: fc.boolean(),
  })
  .map(({ print, degraded, usage: counted, ...answer }) => ({
    object: 'chat.completion',
    ...answer,
    ...(counted !== undefined && { usage: counted }),
    ...(print !== undefined && { system_fingerprint: print }),
    ...(degraded && { degraded: true as const }),
  }));

test('an answer that is made a stream and collected again is the same answer, however the stream is cut', async () => {
  const property = fc.asyncProperty(anyAnswer, fc.nat(3), async (answer, cut) => {
    const chunks = answerToChunks(answer);
    expect(await collectChunks(batchesOf(chunks.slice(0, cut), chunks.slice(cut)))).toEqual(answer);
  });
  await fc.assert(property, { numRuns: 500 });
});
