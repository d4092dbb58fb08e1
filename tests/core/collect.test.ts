import { describe, expect, test } from 'vitest';
import { answerToChunks, collectChunks, createCollector, hasContent } from '../../src/core/collect.ts';
import type { ChatAnswer, ChatChunk, ChatChoice, ChunkBatches, ChunkChoice, ChunkDelta } from '../../src/core/types.ts';

const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
const head = { id: 'c1', object: 'chat.completion.chunk', created: 12, model: 'm' } as const;
const chunk = (choices: ChunkChoice[], other: Partial<ChatChunk> = {}): ChatChunk => ({ ...head, choices, ...other });
const delta = (given: ChunkDelta, other: Partial<ChunkChoice> = {}): ChatChunk => chunk([{ index: 0, delta: given, ...other }]);
const end = (reason: ChatChoice['finish_reason']): ChatChunk => delta({}, { finish_reason: reason });

function collected(...chunks: readonly ChatChunk[]): ChatAnswer {
  const collector = createCollector();
  for (const each of chunks) collector.add(each);
  return collector.answer();
}

const first = (answer: ChatAnswer): ChatChoice | undefined => answer.choices[0];

async function* batchesOf(...batches: readonly (readonly ChatChunk[])[]): ChunkBatches {
  yield* batches;
}

describe('a collected stream', () => {
  test('is the answer that a plain call would have given', () => {
    const chunks = [delta({ role: 'assistant', content: '' }), delta({ content: 'Hel' }), delta({ content: 'lo' }), end('stop')];
    expect(collected(...chunks, chunk([], { usage }))).toEqual({
      id: 'c1',
      object: 'chat.completion',
      created: 12,
      model: 'm',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
      usage,
    });
  });

  test('joins reasoning and refusals apart from the text', () => {
    const answer = collected(
      delta({ reasoning_content: 'hm' }),
      delta({ reasoning_content: 'm' }),
      delta({ refusal: 'I ' }),
      delta({ refusal: 'will not' }),
    );
    expect(first(answer)?.message).toEqual({ role: 'assistant', content: null, reasoning_content: 'hmm', refusal: 'I will not' });
  });

  test('puts split tool calls together, each by its index', () => {
    const answer = collected(
      delta({ tool_calls: [{ index: 1, id: 'b', type: 'function', function: { name: 'second', arguments: '' } }] }),
      delta({ tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'first', arguments: '{"x"' } }] }),
      delta({
        tool_calls: [
          { index: 0, function: { arguments: ':1}' } },
          { index: 1, function: { arguments: '{}' } },
        ],
      }),
      end('tool_calls'),
    );
    expect(first(answer)?.message).toEqual({
      role: 'assistant',
      content: null,
      tool_calls: [
        { id: 'a', type: 'function', function: { name: 'first', arguments: '{"x":1}' } },
        { id: 'b', type: 'function', function: { name: 'second', arguments: '{}' } },
      ],
    });
  });

  test('takes id and name once where a server repeats them with every piece', () => {
    const piece = (text: string): ChatChunk => delta({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: text } }] });
    expect(first(collected(piece('{'), piece('}')))?.message.tool_calls).toEqual([
      { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } },
    ]);
  });

  test('keeps the text beside tool calls', () => {
    const answer = collected(delta({ content: 'Wait.' }), delta({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f' } }] }));
    expect(first(answer)?.message.content).toBe('Wait.');
  });

  test('keeps several choices apart, and puts them in order', () => {
    const answer = collected(
      chunk([{ index: 2, delta: { content: 'c' } }]),
      chunk([
        { index: 0, delta: { content: 'a' } },
        { index: 1, delta: { content: 'b' } },
      ]),
      chunk([{ index: 2, delta: { content: 'C' }, finish_reason: 'length' }]),
    );
    expect(answer.choices.map(({ index, message, finish_reason }) => [index, message.content, finish_reason])).toEqual([
      [0, 'a', 'unknown'],
      [1, 'b', 'unknown'],
      [2, 'cC', 'length'],
    ]);
  });

  test('joins the log probabilities of text and of refusals', () => {
    const answer = collected(
      delta({ content: 'a' }, { logprobs: { content: [{ token: 'a' }], refusal: null } }),
      delta({ content: 'b' }, { logprobs: { content: [{ token: 'b' }] } }),
      delta({ refusal: 'no' }, { logprobs: { content: null, refusal: [{ token: 'no' }] } }),
      delta({}, { logprobs: null }),
    );
    expect(first(answer)?.logprobs).toEqual({ content: [{ token: 'a' }, { token: 'b' }], refusal: [{ token: 'no' }] });
  });

  test('has the last word on usage, and ends at the first finish reason', () => {
    const answer = collected(
      chunk([{ index: 0, delta: { content: 'x' } }], { usage: { ...usage, total_tokens: 1 } }),
      end('length'),
      end('stop'),
      chunk([], { usage }),
      chunk([], { usage: null }),
    );
    expect([answer.usage, first(answer)?.finish_reason]).toEqual([usage, 'length']);
  });

  test('says so where the server never told why it ended', () => {
    expect(first(collected(delta({ content: 'x' })))?.finish_reason).toBe('unknown');
  });

  test('has no field that the server did not report', () => {
    expect(Object.keys(collected(end('stop')))).toEqual(['id', 'object', 'created', 'model', 'choices']);
  });

  test('stays marked where it is only a stand-in', () => {
    expect(collected(chunk([{ index: 0, delta: {} }], { degraded: true })).degraded).toBe(true);
  });

  test.each([
    ['nothing came', []],
    ['no choice came', [chunk([], { usage })]],
  ])('is no answer where %s', (_name, chunks) => {
    expect(() => collected(...chunks)).toThrow(expect.objectContaining({ code: 'bad_response' }));
  });

  test('may be read before its end', () => {
    const collector = createCollector();
    collector.add(delta({ content: 'a' }));
    const early = collector.answer();
    collector.add(delta({ content: 'b' }));
    expect([first(early)?.message.content, first(collector.answer())?.message.content]).toEqual(['a', 'ab']);
  });
});

describe('collectChunks', () => {
  test('reads batch after batch, empty ones too', async () => {
    const answer = await collectChunks(batchesOf([delta({ content: 'a' }), delta({ content: 'b' })], [], [delta({ content: 'c' })]));
    expect(first(answer)?.message.content).toBe('abc');
  });

  test('rejects with what ended the stream early', async () => {
    const broken = new Error('cut');
    async function* cut(): ChunkBatches {
      yield [delta({ content: 'a' })];
      throw broken;
    }
    await expect(collectChunks(cut())).rejects.toBe(broken);
  });
});

describe('hasContent', () => {
  test.each<[string, ChatChunk, boolean]>([
    ['the role', delta({ role: 'assistant' }), false],
    ['an empty text', delta({ content: '' }), false],
    ['usage', chunk([], { usage }), false],
    ['an empty list of tool calls', delta({ tool_calls: [] }), false],
    ['no finish reason', delta({}, { finish_reason: null }), false],
    ['text', delta({ content: 'a' }), true],
    ['reasoning', delta({ reasoning_content: 'a' }), true],
    ['a refusal', delta({ refusal: 'a' }), true],
    ['a tool call', delta({ tool_calls: [{ index: 0, id: 'a' }] }), true],
    ['a finish reason', end('stop'), true],
    [
      'text of the second choice',
      chunk([
        { index: 0, delta: {} },
        { index: 1, delta: { content: 'a' } },
      ]),
      true,
    ],
  ])('%s', (_name, given, expected) => {
    expect(hasContent(given)).toBe(expected);
  });
});

test('an answer that is made a stream ends with its finish reasons, then its usage', () => {
  const answer = collected(delta({ content: 'a' }), end('stop'), chunk([], { usage }));
  const shape = answerToChunks(answer).map((each) => [each.choices.map(({ finish_reason }) => finish_reason), each.usage]);
  expect(shape).toEqual([
    [[null], undefined],
    [['stop'], undefined],
    [[], usage],
  ]);
});
