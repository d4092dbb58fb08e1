import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { anthropic } from '../../src/adapters/anthropic.ts';
import { collectChunks } from '../../src/core/collect.ts';
import type { ChatChunk, ChunkDelta } from '../../src/core/types.ts';
import { adapterContext } from '../_kit/adapter-context.ts';
import { byteStream, cutAt, cutEvery, gather, type Piece } from '../_kit/byte-stream.ts';
import { loopback } from '../_kit/loopback.ts';
import { callOf, connect, json, message } from './anthropic-kit.ts';

type Fields = Record<string, unknown>;

const event = (type: string, fields: Fields = {}): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
const begin = event('message_start', {
  message: message({ content: [], stop_reason: null, usage: { input_tokens: 12, cache_read_input_tokens: 3, output_tokens: 1 } }),
});
const start = (index: number, content_block: Fields): string => event('content_block_start', { index, content_block });
const piece = (index: number, delta: Fields): string => event('content_block_delta', { index, delta });
const stop = (index: number): string => event('content_block_stop', { index });
const change = (stop_reason: unknown, usage: Fields = { output_tokens: 30 }): string =>
  event('message_delta', { delta: { stop_reason, stop_sequence: null }, usage });
const end = event('message_stop');
const ping = event('ping');
const words = (index: number, ...texts: string[]): string =>
  start(index, { type: 'text', text: '' }) + texts.map((text) => piece(index, { type: 'text_delta', text })).join('') + stop(index);
const failed = (type: string, text: string): string => event('error', { error: { details: null, type, message: text } });

const textStream = begin + ping + words(0, 'Grüße, ', '世界 👋') + change('end_turn') + end;
const toolStream =
  begin +
  start(0, { type: 'thinking', thinking: '', signature: '' }) +
  piece(0, { type: 'thinking_delta', thinking: 'Let me' }) +
  piece(0, { type: 'thinking_delta', thinking: ' see' }) +
  piece(0, { type: 'signature_delta', signature: 'si' }) +
  piece(0, { type: 'signature_delta', signature: 'gn' }) +
  stop(0) +
  start(1, { type: 'redacted_thinking', data: 'd' }) +
  stop(1) +
  words(2, 'Wait.') +
  start(3, { type: 'tool_use', id: 'toolu_1', name: 'f', input: {} }) +
  piece(3, { type: 'input_json_delta', partial_json: '' }) +
  piece(3, { type: 'input_json_delta', partial_json: '{"x"' }) +
  piece(3, { type: 'input_json_delta', partial_json: ':1}' }) +
  stop(3) +
  start(4, { type: 'tool_use', id: 'toolu_2', name: 'g', input: {} }) +
  stop(4) +
  change('tool_use') +
  end;
const errorStream =
  begin + start(0, { type: 'text', text: '' }) + piece(0, { type: 'text_delta', text: 'Hel' }) + failed('overloaded_error', 'Overloaded');

function open(body: ReadableStream<Uint8Array>, signal: AbortSignal = new AbortController().signal) {
  const { http, ...context } = adapterContext('http://127.0.0.1:9', 'anthropic');
  return anthropic({ ...context, http: { ...http, openStream: async () => body } }).stream({ ...callOf(), signal });
}

/** Every chunk that came, and what the stream ended with. */
async function read(...pieces: Piece[]): Promise<{ chunks: ChatChunk[]; error: unknown }> {
  const chunks: ChatChunk[] = [];
  try {
    for await (const batch of await open(byteStream(pieces))) chunks.push(...batch);
    return { chunks, error: undefined };
  } catch (error) {
    return { chunks, error };
  }
}

const deltasOf = async (...pieces: string[]): Promise<(ChunkDelta | undefined)[]> => {
  const { chunks, error } = await read(...pieces);
  if (error !== undefined) throw error;
  return chunks.map(({ choices }) => choices[0]?.delta);
};

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const call = (index: number, id: string, name: string) => ({
  tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }],
});
const more = (index: number, text: string) => ({ tool_calls: [{ index, function: { arguments: text } }] });

describe('a stream', () => {
  test("is chunks of OpenAI's, usage last", async () => {
    const head = { id: 'msg_1', object: 'chat.completion.chunk', created: 0, model: 'claude-haiku-4-5-20251001' };
    const usage = { prompt_tokens: 15, completion_tokens: 30, total_tokens: 45, prompt_tokens_details: { cached_tokens: 3 } };
    expect(await read(textStream)).toEqual({
      error: undefined,
      chunks: [
        { ...head, choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] },
        { ...head, choices: [{ index: 0, delta: { content: 'Grüße, ' }, finish_reason: null }] },
        { ...head, choices: [{ index: 0, delta: { content: '世界 👋' }, finish_reason: null }] },
        { ...head, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
        { ...head, choices: [], usage },
      ],
    });
  });

  test('tells thoughts as they come and each block once it is whole, and numbers the tool calls alone', async () => {
    expect(await deltasOf(toolStream)).toEqual([
      { role: 'assistant', content: '' },
      { reasoning_content: 'Let me' },
      { reasoning_content: ' see' },
      { thinking_blocks: [{ type: 'thinking', thinking: 'Let me see', signature: 'sign' }] },
      { thinking_blocks: [{ type: 'redacted_thinking', data: 'd' }] },
      { content: 'Wait.' },
      call(0, 'toolu_1', 'f'),
      more(0, '{"x"'),
      more(0, ':1}'),
      call(1, 'toolu_2', 'g'),
      more(1, '{}'),
      {},
      undefined,
    ]);
  });

  test('collects to the answer that a chat would give', async () => {
    const content = [
      { type: 'thinking', thinking: 'Let me see', signature: 'sign' },
      { type: 'redacted_thinking', data: 'd' },
      { type: 'text', text: 'Wait.' },
      { type: 'tool_use', id: 'toolu_1', name: 'f', input: { x: 1 } },
      { type: 'tool_use', id: 'toolu_2', name: 'g', input: {} },
    ];
    const usage = { input_tokens: 12, cache_read_input_tokens: 3, output_tokens: 30 };
    await using box = await loopback(() => json(message({ content, stop_reason: 'tool_use', usage })));
    expect(await collectChunks(await open(byteStream([toolStream])))).toEqual(await connect(box.url).chat(callOf()));
  });

  test('is asked for over the wire, and resolves when the server accepted', async () => {
    await using box = await loopback(() => ({ headers: { 'content-type': 'text/event-stream' }, pieces: [textStream] }));
    expect(await gather(await connect(box.url).stream(callOf()))).toHaveLength(5);
    expect(box.requests[0]).toMatchObject({
      path: '/v1/messages',
      body: { stream: true },
      headers: { accept: expect.stringContaining('event-stream') },
    });
  });

  test('rejects before the first batch where the server refuses', async () => {
    await using box = await loopback(() => json({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }, 529));
    await expect(connect(box.url).stream(callOf())).rejects.toMatchObject({ code: 'overloaded', status: 529 });
  });

  test('leaves its connection to the next one, although the end of the body comes after the terminator', async () => {
    const pieces = [begin, words(0, 'a'), change('end_turn'), end, '\n', '\n'];
    await using box = await loopback(() => ({ headers: { 'content-type': 'text/event-stream' }, pieces }));
    const adapter = connect(box.url);
    for (let count = 0; count < 5; count++) {
      await gather(await adapter.stream(callOf()));
      for (let turn = 0; turn < 20; turn++) await setImmediate();
    }
    expect([box.requests.length, box.connections()]).toEqual([5, 1]);
  });

  test('comes in one batch per read', async () => {
    const sizes: number[] = [];
    for await (const batch of await open(byteStream([begin + words(0, 'a', 'b'), ping, change('end_turn') + end])))
      sizes.push(batch.length);
    expect(sizes).toEqual([3, 2]);
  });

  test('ignores what nobody knows yet', async () => {
    const news =
      start(0, { type: 'server_tool_use', id: 's', name: 'web_search', input: {} }) +
      piece(0, { type: 'input_json_delta', partial_json: '{' }) +
      stop(0);
    const cited =
      start(1, { type: 'text', text: '' }) +
      piece(1, { type: 'citations_delta', citation: {} }) +
      piece(1, { type: 'text_delta', text: 'a' }) +
      stop(1);
    const unknown = event('brand_new', { x: 1 }) + event('constructor') + 'event: note\ndata:\n\n';
    const deltas = await deltasOf(begin + news + unknown + cited + change('end_turn') + end);
    expect(deltas).toEqual([{ role: 'assistant', content: '' }, { content: 'a' }, {}, undefined]);
  });

  test('takes what stands in the start of a block already', async () => {
    const early =
      start(0, { type: 'thinking', thinking: 'hm', signature: 's' }) +
      stop(0) +
      start(1, { type: 'text', text: 'a' }) +
      stop(1) +
      start(2, { type: 'tool_use', id: 't', name: 'f', input: { x: 1 } }) +
      stop(2);
    const { choices } = await collectChunks(await open(byteStream([begin + early + change('tool_use') + end])));
    expect(choices[0]?.message).toMatchObject({
      content: 'a',
      reasoning_content: 'hm',
      thinking_blocks: [{ type: 'thinking', thinking: 'hm', signature: 's' }],
      tool_calls: [{ function: { arguments: '{"x":1}' } }],
    });
  });

  test('ends its blocks where the server forgot to', async () => {
    const open_ =
      start(0, { type: 'thinking', thinking: 'hm', signature: 's' }) + start(1, { type: 'tool_use', id: 't', name: 'f', input: {} });
    const { choices } = await collectChunks(await open(byteStream([begin + open_ + change('tool_use') + end])));
    expect(choices[0]?.message).toMatchObject({ thinking_blocks: [{ signature: 's' }], tool_calls: [{ function: { arguments: '{}' } }] });
  });

  test('keeps no block of thoughts that could not go back', async () => {
    const unsigned = start(0, { type: 'thinking', thinking: '' }) + piece(0, { type: 'thinking_delta', thinking: 'hm' }) + stop(0);
    const deltas = await deltasOf(begin + unsigned + words(1, 'a') + change('end_turn') + end);
    expect(deltas).toEqual([{ role: 'assistant', content: '' }, { reasoning_content: 'hm' }, { content: 'a' }, {}, undefined]);
  });

  test('is known by the events’ own type where they have no names', async () => {
    const { chunks, error } = await read(textStream.replaceAll(/^event: .*\n/gm, ''));
    expect([chunks.length, error]).toEqual([5, undefined]);
  });

  test('begins once, however often the server says so', async () => {
    const { chunks } = await read(begin + begin + words(0, 'a') + change('end_turn') + end);
    expect(chunks.filter(({ choices }) => choices[0]?.delta.role)).toHaveLength(1);
  });
});

describe('usage', () => {
  const usageOf = async (...changes: string[]) => (await read(begin + words(0, 'a') + changes.join('') + end)).chunks.at(-1)?.usage;

  test('is that of the whole message: later counts stand for earlier ones, and null says nothing', async () => {
    const found = await usageOf(
      change('end_turn', { input_tokens: 20, cache_read_input_tokens: null, output_tokens: 5 }),
      change(null, { output_tokens: 9 }),
    );
    expect(found).toMatchObject({ prompt_tokens: 23, completion_tokens: 9 });
  });

  test('is left out where the server counted nothing', async () => {
    const uncounted = event('message_start', { message: message({ content: [], usage: undefined }) });
    const { chunks } = await read(uncounted + words(0, 'a') + event('message_delta', { delta: { stop_reason: 'end_turn' } }) + end);
    expect(chunks.at(-1)).toMatchObject({ choices: [{ finish_reason: 'stop' }] });
  });

  test('is left out where the server counted at the start alone: what it says there of the answer is no count yet', async () => {
    const { chunks } = await read(begin + words(0, 'a') + event('message_delta', { delta: { stop_reason: 'end_turn' } }) + end);
    expect(chunks.filter((chunk) => chunk.usage)).toEqual([]);
  });
});

describe('the end', () => {
  test.each([
    ['max_tokens', 'length'],
    ['refusal', 'content_filter'],
    ['pause_turn', 'stop'],
    ['something_new', 'unknown'],
  ])('%s is %s', async (said, reason) => {
    const { chunks } = await read(begin + words(0, 'a') + change(said) + end);
    expect(chunks.at(-2)?.choices[0]).toMatchObject({ finish_reason: reason });
  });

  test('tells why the model refused', async () => {
    const delta = { stop_reason: 'refusal', stop_details: { category: 'cyber', explanation: 'Not that.' } };
    const { choices } = await collectChunks(await open(byteStream([begin + event('message_delta', { delta, usage: {} }) + end])));
    expect(choices[0]).toMatchObject({ message: { content: null, refusal: 'Not that.' }, finish_reason: 'content_filter' });
  });

  test('without a reason is unknown where there was an answer', async () => {
    expect((await read(begin + words(0, 'a') + end)).chunks.at(-1)?.choices[0]).toMatchObject({ finish_reason: 'unknown' });
  });

  test('without a reason and without an answer is a bad response', async () => {
    expect((await read(begin + end)).error).toMatchObject({ code: 'bad_response' });
  });

  test('with a reason and without an answer is an empty answer', async () => {
    expect((await collectChunks(await open(byteStream([begin + change('end_turn') + end])))).choices[0]?.message.content).toBe('');
  });

  test('is told once', async () => {
    const { chunks } = await read(begin + words(0, 'a') + change('max_tokens') + change('end_turn') + end);
    expect(chunks.flatMap(({ choices }) => choices[0]?.finish_reason ?? [])).toEqual(['length']);
  });

  test('lets nothing after it through', async () => {
    expect(await read(textStream + words(1, 'late'))).toEqual(await read(textStream));
  });
});

describe('a stream that fails', () => {
  test('gives what came before in the same read, and then what the error says', async () => {
    const { chunks, error } = await read(errorStream);
    expect(chunks.at(-1)?.choices[0]?.delta).toEqual({ content: 'Hel' });
    expect(error).toMatchObject({ code: 'overloaded', provider: 'box' });
  });

  test.each([
    ['overloaded_error', 'Overloaded', 'overloaded'],
    ['api_error', 'Internal server error', 'unavailable'],
    ['rate_limit_error', 'x', 'rate_limited'],
    ['timeout_error', 'x', 'timeout'],
    ['invalid_request_error', 'prompt is too long: 234567 tokens > 200000 maximum', 'context_length'],
  ])('with %s first: %s', async (type, text, code) => {
    expect(await read(failed(type, text))).toMatchObject({ chunks: [], error: { code } });
  });

  test.each([
    ['event: error\ndata: {"error":{"code":500,"message":"Compute error.","type":"server_error"}}\n\n', 'unavailable'],
    ['data: {"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}\n\n', 'model_loading'],
    ['event: error\ndata: {"message":"Overloaded","type":"overloaded_error"}\n\n', 'overloaded'],
    ['event: error\ndata: Overloaded\n\n', 'overloaded'],
    ['event: error\ndata: {}\n\n', 'unavailable'],
    ['data: {"type":"error"}\n\n', 'bad_response'],
  ])('in a shape of another server: %s', async (text, code) => {
    expect((await read(begin + text + words(8, 'a') + change('end_turn') + end)).error).toMatchObject({ code });
  });

  test.each([
    ['nothing', ''],
    ['before its end', begin + words(0, 'a')],
    ['after the reason', begin + words(0, 'a') + change('end_turn')],
  ])('ends with %s and no terminator: a bad response', async (_name, text) => {
    expect((await read(text)).error).toMatchObject({ code: 'bad_response', message: expect.stringContaining('terminator') });
  });

  test.each([
    ['no JSON', 'event: ping\ndata: {"type":\n\n'],
    ['no object', 'data: []\n\n'],
    ["OpenAI's terminator", 'data: [DONE]\n\n'],
    ['a piece of no block', piece(7, { type: 'text_delta', text: 'x' })],
    ['a block that is none', start(0, 'x' as unknown as Fields)],
    ['a text that is none', start(0, { type: 'text', text: '' }) + piece(0, { type: 'text_delta', text: 1 })],
    ['a call without a name', start(0, { type: 'tool_use', id: 't', input: {} })],
  ])('holds %s: a bad response', async (_name, text) => {
    expect((await read(begin + text + words(8, 'a') + change('end_turn') + end)).error).toMatchObject({ code: 'bad_response' });
  });

  test.each(['cut', 'reset'] as const)('whose connection is %s is unavailable, after what came', async (after) => {
    await using box = await loopback(() => ({ headers: { 'content-type': 'text/event-stream' }, pieces: [begin, words(0, 'one')], after }));
    let content = '';
    const reading = (async () => {
      for await (const batch of await connect(box.url).stream(callOf())) {
        for (const { choices } of batch) content += choices[0]?.delta.content ?? '';
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'unavailable' });
    expect(content).toBe('one');
  });

  test('that was given up throws the reason of it, untouched', async () => {
    await using box = await loopback(() => ({
      headers: { 'content-type': 'text/event-stream' },
      pieces: [begin, words(0, 'one')],
      after: 'hang',
    }));
    const control = new AbortController();
    const reason = new Error('mine');
    const reading = (async () => {
      for await (const _ of await connect(box.url).stream({ ...callOf(), signal: control.signal })) control.abort(reason);
    })();
    await expect(reading).rejects.toBe(reason);
    await box.idle();
  });

  test('that was given up as it ended throws that reason too', async () => {
    const control = new AbortController();
    const reason = new Error('mine');
    const reading = (async () => {
      for await (const _ of await open(byteStream([begin]), control.signal)) control.abort(reason);
    })();
    await expect(reading).rejects.toBe(reason);
  });
});

describe('however the network cuts it', () => {
  const streams = { textStream, toolStream, errorStream };

  test.each(Object.entries(streams))('%s gives the same chunks in two pieces, cut at every byte', async (_name, text) => {
    const whole = await read(text);
    expect(whole.chunks.length).toBeGreaterThan(1);
    const all = bytes(text);
    for (let at = 0; at <= all.length; at++) expect(await read(...cutAt(all, at))).toEqual(whole);
  });

  test.each(Object.entries(streams))('%s gives the same chunks byte by byte, with any line end', async (_name, text) => {
    const whole = await read(text);
    expect(await read(...cutEvery(bytes(text), 1))).toEqual(whole);
    expect(await read(...cutEvery(bytes(text.replaceAll('\n', '\r\n')), 7))).toEqual(whole);
  });
});
