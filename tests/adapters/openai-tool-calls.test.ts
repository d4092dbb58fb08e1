import { describe, expect, test } from 'vitest';
import { openaiCompatible } from '../../src/adapters/openai-compatible.ts';
import { collectChunks } from '../../src/core/collect.ts';
import type { ChatChunk, ToolCall } from '../../src/core/types.ts';
import { gather } from '../_kit/byte-stream.ts';
import { recording } from '../_kit/recordings.ts';
import { scriptedHttp } from '../_kit/scripted-http.ts';

const call = { request: { messages: [] }, model: 'm', signal: new AbortController().signal, requestId: 'r1' };
const chunk = (tool_calls: readonly object[], finish: string | null = null, index = 0): string =>
  `data: ${JSON.stringify({ id: 'a', choices: [{ index, delta: { tool_calls }, finish_reason: finish }] })}\n\n`;
const end = `data: ${JSON.stringify({ id: 'a', choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] })}\n\ndata: [DONE]\n\n`;
const piece = (rest: object, text?: string, name?: string): object => ({
  ...rest,
  function: { ...(name !== undefined && { name }), ...(text !== undefined && { arguments: text }) },
});

const stream = (...bodies: string[]): Promise<AsyncIterable<readonly ChatChunk[]>> =>
  openaiCompatible()(scriptedHttp({ '/v1/chat/completions': bodies.join('') + end })).stream(call);
async function callsOf(...bodies: string[]): Promise<[string, string, string][]> {
  const { choices } = await collectChunks(await stream(...bodies));
  return (choices[0]?.message.tool_calls ?? []).map(({ id, function: { name, arguments: text } }: ToolCall) => [id, name, text]);
}
const deltasOf = async (...bodies: string[]): Promise<unknown[]> =>
  (await gather(await stream(...bodies))).flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []);

describe('tool calls of a stream', () => {
  test('in pieces come together', async () => {
    expect(
      await callsOf(
        chunk([piece({ index: 0, id: 'a', type: 'function' }, '', 'f')]),
        chunk([piece({ index: 0 }, '{"x"')]),
        chunk([piece({ index: 0 }, ':1}')]),
      ),
    ).toEqual([['a', 'f', '{"x":1}']]);
  });

  test('in parallel, interleaved, are told apart by their index', async () => {
    expect(
      await callsOf(
        chunk([piece({ index: 0, id: 'a' }, '', 'f'), piece({ index: 1, id: 'b' }, '', 'g')]),
        chunk([piece({ index: 1 }, '{"y"'), piece({ index: 0 }, '{"x"')]),
        chunk([piece({ index: 0 }, ':1}'), piece({ index: 1 }, ':2}')]),
      ),
    ).toEqual([
      ['a', 'f', '{"x":1}'],
      ['b', 'g', '{"y":2}'],
    ]);
  });

  test('with id and name on every piece (TGI) are one, and readers that join texts see each once', async () => {
    const pieces = ['{"x"', ':', '1}'].map((text) => chunk([piece({ index: 0, id: 'a', type: 'function' }, text, 'f')]));
    expect(await callsOf(...pieces)).toEqual([['a', 'f', '{"x":1}']]);
    const deltas = (await deltasOf(...pieces)) as { id?: string; function: { name?: string } }[];
    expect(deltas.map(({ id = '', function: { name = '' } }) => id + name)).toEqual(['af', '', '']);
  });

  test('with index 0 on every call are told apart by their ids', async () => {
    expect(
      await callsOf(
        chunk([piece({ index: 0, id: 'a' }, '{"x"', 'f')]),
        chunk([piece({ index: 0 }, ':1}')]),
        chunk([piece({ index: 0, id: 'b' }, '{"y"', 'f')]),
        chunk([piece({ index: 0 }, ':2}')]),
      ),
    ).toEqual([
      ['a', 'f', '{"x":1}'],
      ['b', 'f', '{"y":2}'],
    ]);
  });

  test('a later index that was given away already gets another', async () => {
    const zero = [chunk([piece({ index: 0, id: 'a' }, '{}', 'f')]), chunk([piece({ index: 0, id: 'b' }, '{}', 'f')])];
    expect((await callsOf(...zero, chunk([piece({ index: 1, id: 'c' }, '{}', 'f')]))).map(([id]) => id)).toEqual(['a', 'b', 'c']);
  });

  test('without an index are told apart by their ids, over chunks too', async () => {
    expect(
      await callsOf(
        chunk([piece({ id: 'a' }, '{"x"', 'f')]),
        chunk([piece({ id: 'b' }, '{"y"', 'g')]),
        chunk([piece({ id: 'a' }, ':1}'), piece({ id: 'b' }, ':2}')]),
      ),
    ).toEqual([
      ['a', 'f', '{"x":1}'],
      ['b', 'g', '{"y":2}'],
    ]);
  });

  test('without index and id begin with a name, and get ids of their own', async () => {
    expect(
      await callsOf(
        chunk([piece({}, '{}', 'f'), piece({}, '{"y"', 'f')]),
        chunk([piece({}, ':2}')]),
        chunk([piece({ id: '' }, '{}', 'g')]),
      ),
    ).toEqual([
      ['call_r1_0_0', 'f', '{}'],
      ['call_r1_0_1', 'f', '{"y":2}'],
      ['call_r1_0_2', 'g', '{}'],
    ]);
  });

  test('with index 0 on every call and no ids are told apart by their names', async () => {
    expect(
      await callsOf(
        chunk([piece({ index: 0 }, '{"x"', 'f')]),
        chunk([piece({ index: 0 }, ':1}', 'f')]),
        chunk([piece({ index: 0 }, '{"y"', 'g')]),
        chunk([piece({ index: 0 }, ':2}')]),
      ),
    ).toEqual([
      ['call_r1_0_0', 'f', '{"x":1}'],
      ['call_r1_0_1', 'g', '{"y":2}'],
    ]);
  });

  test('an id that comes late does not replace the one that was given', async () => {
    const deltas = await deltasOf(chunk([piece({ index: 0 }, '', 'f')]), chunk([piece({ index: 0, id: 'late' }, '{}')]));
    expect(deltas).toEqual([
      { index: 0, id: 'call_r1_0_0', type: 'function', function: { name: 'f', arguments: '' } },
      { index: 0, function: { arguments: '{}' } },
    ]);
  });

  test('another id without a name begins no call', async () => {
    const bodies = [chunk([piece({ index: 0, id: 'a' }, '{"x"', 'f')]), chunk([piece({ index: 0, id: 'b' }, ':1}')])];
    expect(await callsOf(...bodies)).toEqual([['a', 'f', '{"x":1}']]);
  });

  test('an empty name behind the real one is taken out', async () => {
    const deltas = await deltasOf(chunk([piece({ index: 0, id: 'a' }, '', 'f')]), chunk([piece({ index: 0 }, '{}', '')]));
    expect(deltas[1]).toEqual({ index: 0, function: { arguments: '{}' } });
  });

  test('a whole call in the chunk with the finish reason is a call', async () => {
    const body = chunk([piece({ id: 'a', index: 0, type: 'function' }, '{"x":1}', 'f')], 'tool_calls');
    const { choices } = await collectChunks(await stream(body));
    expect(choices[0]).toMatchObject({ finish_reason: 'tool_calls', message: { content: null, tool_calls: [{ id: 'a' }] } });
  });

  test('of two choices are kept apart', async () => {
    const body = chunk([piece({ index: 0, id: 'a' }, '{}', 'f')]) + chunk([piece({ index: 0, id: 'b' }, '{}', 'g')], 'tool_calls', 1);
    const { choices } = await collectChunks(await stream(body));
    expect(choices.map(({ message }) => message.tool_calls?.map(({ id }) => id))).toEqual([['a'], ['b']]);
  });

  test.each([
    ['a function of text', { index: 0, function: 'f' }],
    ['arguments that are an object', { index: 0, function: { name: 'f', arguments: { x: 1 } } }],
  ])('%s is a bad response', async (_name, broken) => {
    await expect(gather(await stream(chunk([broken])))).rejects.toMatchObject({ code: 'bad_response' });
  });

  test('of llama.cpp pass as they were recorded', async () => {
    const { body } = recording('llama-server/chat_tools_stream');
    const text = new TextDecoder().decode(body);
    const sent = text.split('\n').filter((line) => line.includes('tool_calls":['));
    const deltas = await gather(await openaiCompatible()(scriptedHttp({ '/v1/chat/completions': text })).stream(call));
    expect(deltas.filter(({ choices }) => choices[0]?.delta.tool_calls)).toEqual(
      sent.map((line) => JSON.parse(line.slice('data: '.length)) as unknown),
    );
  });
});
