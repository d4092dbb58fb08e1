import { describe, expect, test } from 'vitest';
import { createChunkReader, terminator } from '../../src/adapters/openai-wire-stream.ts';
import type { CallOrigin } from '../../src/adapters/openai-wire.ts';
import { collectChunks } from '../../src/core/collect.ts';
import { RouterError } from '../../src/core/errors.ts';
import type { ChatChunk } from '../../src/core/types.ts';
import { openEvents } from '../../src/lib/sse.ts';
import { defaultStreamLimits } from '../../src/lib/stream-text.ts';
import { readStream } from '../../src/lib/read-stream.ts';
import { byteStream, cutAt, cutEvery, gather, type Piece } from '../_kit/byte-stream.ts';
import { recording } from '../_kit/recordings.ts';

const origin: CallOrigin = {
  provider: 'box',
  requestId: 'r1',
  model: 'tiny',
  badResponse: (text) => new RouterError('bad_response', `box: ${text}`, { provider: 'box' }),
};
const errorIn = (value: unknown): RouterError | undefined => {
  const { error } = (value ?? {}) as { error?: unknown };
  return error ? new RouterError('out_of_memory', 'box: out of memory', { provider: 'box' }) : undefined;
};

const { signal: quiet } = new AbortController();
const chunksOf = (body: ReadableStream<Uint8Array>, signal = quiet): AsyncIterableIterator<readonly ChatChunk[]> =>
  readStream(openEvents(body, defaultStreamLimits, terminator), createChunkReader(errorIn, origin, { isNoModel: () => false }), signal);
const read = (...pieces: Piece[]): Promise<ChatChunk[]> => gather(chunksOf(byteStream(pieces)));
const failureOf = (...pieces: Piece[]): Promise<unknown> => read(...pieces).catch((error: unknown) => error);

const event = (choices: unknown, rest: object = {}): string =>
  `data: ${JSON.stringify({ id: 'a', object: 'chat.completion.chunk', created: 1, model: 'm', choices, ...rest })}\n\n`;
const delta = (fields: object, index = 0): string => event([{ index, delta: fields, finish_reason: null }]);
const text = (content: string): string => delta({ content });
const finish = (reason: unknown, index = 0): string => event([{ index, delta: {}, finish_reason: reason }]);
const done = 'data: [DONE]\n\n';

const streams = {
  'llama-server/chat_stream_usage': 'Hello from a tiny model.',
  'llama-server/chat_stream_nousage': 'Hello from a tiny model.',
  'llama-server/chat_json_schema_stream': undefined,
  'llama-server/stories_chat_stream': undefined,
  'llama-server/chat_tools_stream': '',
  'llama-server-2025/chat_stream_usage': 'Hello from a tiny model.',
};

describe('recorded streams', () => {
  test.each(Object.keys(streams))('%s cut at any byte gives the same chunks', async (name) => {
    const { body } = recording(name);
    const whole = JSON.stringify(await read(body));
    for (let at = 1; at < body.length; at++) {
      if (JSON.stringify(await read(...cutAt(body, at))) !== whole) expect.fail(`differs when cut at byte ${at}`);
    }
    for (const size of [1, 2, 3, 7, 64]) expect(JSON.stringify(await read(...cutEvery(body, size)))).toBe(whole);
  });

  test.each(Object.entries(streams))('%s is a whole answer', async (name, content) => {
    const answer = await collectChunks(chunksOf(byteStream([recording(name).body])));
    if (content === undefined) expect(answer.choices[0]?.message.content).toMatch(/\S/);
    else expect(answer.choices[0]?.message.content ?? '').toBe(content);
    expect(answer.choices[0]?.finish_reason).not.toBe('unknown');
  });

  test('a stream with a schema carries an object of that schema', async () => {
    const answer = await collectChunks(chunksOf(byteStream([recording('llama-server/chat_json_schema_stream').body])));
    expect(Object.keys(JSON.parse(answer.choices[0]?.message.content ?? '') as object)).toEqual(['color', 'ok']);
  });

  test('a stream of tool calls carries the call in pieces', async () => {
    const answer = await collectChunks(chunksOf(byteStream([recording('llama-server/chat_tools_stream').body])));
    expect(answer.choices[0]).toMatchObject({
      message: { content: null, tool_calls: [{ type: 'function', function: { name: 'get_weather', arguments: '{"city": "Paris"}' } }] },
      finish_reason: 'tool_calls',
    });
  });

  test('the usage is told as the server counted it', async () => {
    const answer = await collectChunks(chunksOf(byteStream([recording('llama-server/chat_stream_usage').body])));
    expect(answer.usage).toMatchObject({ prompt_tokens: 22, completion_tokens: 7, total_tokens: 29 });
  });

  test('a server killed in the middle: what came is handed on, and the end is a failure', async () => {
    const chunks = chunksOf(byteStream(cutEvery(recording('llama-server/killed_midstream').body, 100)));
    let content = '';
    const reading = (async () => {
      for await (const batch of chunks) for (const chunk of batch) content += chunk.choices[0]?.delta.content ?? '';
    })();
    await expect(reading).rejects.toMatchObject({ code: 'bad_response', message: expect.stringContaining('ended before its terminator') });
    expect(content).toBe('one two three four five six sevenone');
  });
});

describe('how a stream ends', () => {
  test.each<[string, string[]]>([
    ['finish reason and terminator', [text('Hi'), finish('stop'), done]],
    ['finish reason and a clean end (F67)', [text('Hi'), finish('stop')]],
    ['terminator and no finish reason (F68)', [text('Hi'), done]],
    ['a finish reason and no content', [finish('stop'), done]],
    ['two finish reasons', [text('Hi'), finish('stop'), finish('length'), done]],
    [
      'usage after the finish reason',
      [text('Hi'), finish('stop'), event([], { usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } })],
    ],
    ['empty finish reasons before the real one', [finish(''), text('Hi'), finish(''), finish('stop'), done]],
  ])('%s: success', async (_name, pieces) => {
    expect((await read(...pieces)).length).toBeGreaterThan(0);
  });

  test.each<[string, string, string[]]>([
    ['nothing at all', 'bad_response', []],
    ['only the terminator', 'bad_response', [done]],
    ['only pings and the terminator', 'bad_response', [': ping\n\n', done]],
    ['a role prelude and the terminator', 'bad_response', [delta({ role: 'assistant', content: null }), done]],
    ['content and a clean end (F66)', 'bad_response', [text('Hi')]],
    ['a finish reason for one of two choices', 'bad_response', [text('Hi'), delta({ content: 'Ho' }, 1), finish('stop', 1)]],
    ['tool calls that are none', 'bad_response', [delta({ role: 'assistant', content: '' }), finish('tool_calls'), done]],
    ['abort', 'overloaded', [text('Hi'), finish('abort'), done]],
    ['error', 'unavailable', [text('Hi'), finish('error'), done]],
    ['an empty reason and nothing better', 'unavailable', [text('Hi'), finish(''), done]],
    ['an error event', 'out_of_memory', [text('Hi'), 'data: {"error":{"message":"CUDA"}}\n\n', done]],
    ['an error beside choices', 'out_of_memory', [text('Hi'), event([], { error: { message: 'CUDA' } }), finish('stop'), done]],
    ['a named error event', 'out_of_memory', [text('Hi'), 'event: error\ndata: {"message":"CUDA"}\n\n', done]],
    ['a named error event of plain text', 'out_of_memory', [text('Hi'), 'event: error\ndata: CUDA\n\n', done]],
    ['no JSON', 'bad_response', [text('Hi'), 'data: {"secret\n\n', done]],
    ['no object', 'bad_response', [text('Hi'), 'data: "secret"\n\n', done]],
    ['null', 'bad_response', [text('Hi'), 'data: null\n\n', done]],
    ['no choices', 'bad_response', [text('Hi'), 'data: {"id":"secret"}\n\n', done]],
    ['choices of the wrong type', 'bad_response', [text('Hi'), event({ secret: 1 }), done]],
    ['a choice of the wrong type', 'bad_response', [text('Hi'), event(['secret']), done]],
    ['a delta of the wrong type', 'bad_response', [text('Hi'), event([{ index: 0, delta: 'secret' }]), done]],
    ['content of the wrong type', 'bad_response', [text('Hi'), delta({ content: { secret: 1 } }), done]],
    ['tool calls of the wrong type', 'bad_response', [text('Hi'), delta({ tool_calls: 'secret' }), done]],
  ])('%s: %s, and the message quotes nothing', async (_name, code, pieces) => {
    const error = await failureOf(...pieces);
    expect(error).toMatchObject({ code, provider: 'box' });
    expect(String(error)).not.toContain('secret');
  });

  test('what came before a failure in the same read is handed on first', async () => {
    const chunks = chunksOf(byteStream([text('Hi') + text('Ho') + 'data: {"error":"x"}\n\n']));
    expect((await chunks.next()).value).toHaveLength(2);
    await expect(chunks.next()).rejects.toMatchObject({ code: 'out_of_memory' });
  });

  test('what follows the terminator is ignored', async () => {
    const body = byteStream([text('Hi') + finish('stop') + done + text('more'), text('more'), 'data: {"error":"x"}\n\n']);
    expect(await gather(chunksOf(body))).toHaveLength(2);
  });

  test.each(['[DONE]', '\n\ndata: [DONE]\n\n', '\n\nevent: error\ndata: {"error":1}\n\n'])(
    '%j inside the text is text',
    async (content) => {
      const answer = await collectChunks(chunksOf(byteStream([text(content), finish('stop'), done])));
      expect(answer.choices[0]?.message.content).toBe(content);
    },
  );
});

describe('what servers do differently', () => {
  test('events that mean nothing here are ignored', async () => {
    const pieces = [': note\n\n', 'data:\n\n', 'event: ping\ndata: {}\n\n', 'event: ping\ndata: 2026-11-21\n\n', 'retry: 1\n\n'];
    expect(await read(...pieces, text('Hi'), finish('stop'), done)).toHaveLength(2);
  });

  test('chunks named `message` or otherwise are chunks', async () => {
    expect(await read(`event: message\n${text('Hi')}`, `event: chunk\n${finish('stop')}`, done)).toHaveLength(2);
  });

  test('`usage: null` on every chunk is passed, nonsense is left out', async () => {
    const [first, second] = await read(event([], { usage: null }), event([], { usage: { total_tokens: 'NaN' } }), finish('stop'), done);
    expect(first).toHaveProperty('usage', null);
    expect(second).not.toHaveProperty('usage');
  });

  test('a usage chunk without choices gets an empty list', async () => {
    const [chunk] = await read('data: {"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}\n\n', finish('stop'), done);
    expect(chunk).toMatchObject({ choices: [], usage: { total_tokens: 2 } });
  });

  test('`choices: null` is an empty list (servers written in Go)', async () => {
    const [first, , last] = await read(event(null), text('Hi'), event(null, { usage: null }), finish('stop'), done);
    expect([first, last]).toMatchObject([{ choices: [] }, { choices: [] }]);
  });

  test('content in parts is text', async () => {
    const parts = [
      { type: 'thinking', thinking: [{ type: 'text', text: 'Well' }] },
      { type: 'text', text: 'Hi' },
    ];
    const { choices } = await collectChunks(chunksOf(byteStream([delta({ content: parts }), finish('stop'), done])));
    expect(choices[0]?.message).toMatchObject({ content: 'Hi', reasoning_content: 'Well' });
  });

  test.each([
    ['as an event', (json: string) => [`data: ${json}\n\n`, done]],
    ['as plain JSON, in any pieces', (json: string) => [json.slice(0, 9), json.slice(9)]],
  ])('a whole answer %s is read as a stream', async (_name, piecesOf) => {
    const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } };
    const message = { role: 'assistant', content: 'Hi', tool_calls: [call] };
    const json = JSON.stringify({ id: 'a', object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }] });
    const chunks = await read(...piecesOf(json));
    expect(chunks).toMatchObject([
      {
        object: 'chat.completion.chunk',
        choices: [{ delta: { content: 'Hi', tool_calls: [{ index: 0, id: 'c' }] }, finish_reason: 'tool_calls' }],
      },
    ]);
    expect(chunks[0]?.choices[0]).not.toHaveProperty('message');
  });

  test('an error as plain JSON is that error', async () => {
    expect(await failureOf('{"error":{"mess', 'age":"CUDA"}}')).toMatchObject({ code: 'out_of_memory' });
  });

  test.each(['reasoning', 'thinking', 'reasoning_content'])('%s is reasoning, and content in the sense of F68', async (name) => {
    const answer = await collectChunks(chunksOf(byteStream([delta({ [name]: 'We' }), delta({ [name]: 'll' }), done])));
    expect(answer.choices[0]?.message.reasoning_content).toBe('Well');
  });

  test('tool calls that end with stop end with tool_calls', async () => {
    const call = { index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } };
    const answer = await collectChunks(chunksOf(byteStream([delta({ tool_calls: [call] }), finish('stop'), done])));
    expect(answer.choices[0]?.finish_reason).toBe('tool_calls');
  });

  test('a whole call in the chunk that ends the choice', async () => {
    const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } };
    const [chunk] = await read(event([{ index: 0, delta: { tool_calls: [call] }, finish_reason: 'stop' }]), done);
    expect(chunk?.choices[0]).toMatchObject({ finish_reason: 'tool_calls', delta: { tool_calls: [{ index: 0 }] } });
  });

  test('parallel calls come together by their index, whatever their order', async () => {
    const piece = (index: number, rest: object, args: string): string =>
      delta({ tool_calls: [{ index, ...rest, function: { ...('id' in rest && { name: `f${index}` }), arguments: args } }] });
    const stream = byteStream([
      piece(1, { id: 'b', type: 'function' }, '{"y"'),
      piece(0, { id: 'a', type: 'function' }, '{"x"'),
      piece(1, {}, ':2}'),
      piece(0, {}, ':1}'),
      finish('tool_calls'),
      done,
    ]);
    const answer = await collectChunks(chunksOf(stream));
    expect(answer.choices[0]?.message.tool_calls).toEqual([
      { id: 'a', type: 'function', function: { name: 'f0', arguments: '{"x":1}' } },
      { id: 'b', type: 'function', function: { name: 'f1', arguments: '{"y":2}' } },
    ]);
  });

  test('`tool_calls: null` and a missing delta are nothing', async () => {
    const [first, second] = await read(delta({ content: 'Hi', tool_calls: null }), event([{ index: 0, finish_reason: 'stop' }]), done);
    expect(first?.choices[0]?.delta).toEqual({ content: 'Hi' });
    expect(second?.choices[0]?.delta).toEqual({});
  });

  test('what the server left out of the head is filled', async () => {
    const [chunk] = await read('data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n', done);
    expect(chunk).toMatchObject({ id: 'chatcmpl-r1', object: 'chat.completion.chunk', created: 0, model: 'tiny', choices: [{ index: 0 }] });
  });
});

describe('the body', () => {
  test('is cancelled when the reader leaves', async () => {
    const body = byteStream([text('Hi'), text('Ho')]);
    for await (const _ of chunksOf(body)) break;
    expect(body.state.cancelled).toBe(true);
  });

  test('is cancelled when an event fails', async () => {
    const body = byteStream([text('Hi'), 'data: {"error":"x"}\n\n', text('Ho')]);
    await expect(gather(chunksOf(body))).rejects.toThrow();
    expect(body.state.cancelled).toBe(true);
  });

  test('that breaks because of an abort rejects with the very reason of the abort', async () => {
    const controller = new AbortController();
    const reason = { mine: true };
    controller.abort(reason);
    const chunks = chunksOf(byteStream([], new DOMException('This operation was aborted', 'AbortError')), controller.signal);
    await expect(chunks.next()).rejects.toBe(reason);
  });
});
