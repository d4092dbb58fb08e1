import { describe, expect, test } from 'vitest';
import type { ChatMessage, ReasoningEffort, Tool, ToolCall } from '../../src/core/types.ts';
import { soundPart } from '../_kit/sound-part.ts';
import { bodyOf, callOf, connect, olderModel, sent } from './anthropic-kit.ts';

const weather: Tool = { type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: {} } } };
const use = (id: string) => ({ type: 'tool_use', id, name: 'f', input: {} });
const toolCall = (id: string, text: string = '{}'): ToolCall => ({ id, type: 'function', function: { name: 'f', arguments: text } });
const text = (words: string) => ({ type: 'text', text: words });
const image = (url: string): ChatMessage[] => [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }];

/** The turns that a history becomes. */
const turnsOf = async (...messages: ChatMessage[]): Promise<unknown> => (await bodyOf({ messages }))['messages'];

/** What a request that cannot be sent fails with; nothing listens there. */
const refusal = (request: Parameters<typeof callOf>[0], model?: string): Promise<unknown> =>
  connect('http://127.0.0.1:9')
    .chat(callOf(request, model))
    .catch((error: unknown) => error);

describe('the request', () => {
  test('carries the key and the version of the API in headers of their own', async () => {
    const { method, path, headers } = await sent({});
    expect([method, path]).toEqual(['POST', '/v1/messages']);
    expect(headers).toMatchObject({ 'x-api-key': 'key-of-the-box', 'anthropic-version': '2023-06-01' });
    expect(headers).not.toHaveProperty('authorization');
  });

  test('holds nothing that was not asked for, but the limit that the API demands', async () => {
    expect(await bodyOf({})).toEqual({
      model: olderModel,
      max_tokens: 16_000,
      messages: [{ role: 'user', content: [text('hi')] }],
      stream: false,
    });
  });

  test.each([undefined, ''])('is refused without a model (%j), naming the option that helps', async (model) => {
    const failure = connect('http://127.0.0.1:9').stream({ ...callOf(), model });
    await expect(failure).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringContaining('"defaultModel"') });
  });

  test('carries sampling, stops and the user in the words of the API', async () => {
    expect(await bodyOf({ temperature: 0.3, stop: 'END', user: 'u1', max_tokens: 64 })).toMatchObject({
      temperature: 0.3,
      stop_sequences: ['END'],
      metadata: { user_id: 'u1' },
      max_tokens: 64,
    });
  });

  test('sends several stops as they are', async () => {
    expect(await bodyOf({ stop: ['a', 'b'] })).toMatchObject({ stop_sequences: ['a', 'b'] });
  });

  test('has its limit by the other name where one of them is null', async () => {
    expect(await bodyOf({ max_tokens: 64, max_completion_tokens: null as never })).toMatchObject({ max_tokens: 64 });
  });

  test('prefers max_completion_tokens', async () => {
    expect(await bodyOf({ max_tokens: 64, max_completion_tokens: 32 })).toMatchObject({ max_tokens: 32 });
  });

  test.each([
    ['claude-3-haiku-20240307', 4_096],
    ['claude-3-5-sonnet-20241022', 4_096],
    ['claude-opus-4-20250514', 16_000],
    ['claude-opus-5-5', 16_000],
    ['claude-mythos-preview', 16_000],
    ['qwen3-8b', 4_096],
  ])('limits %s to %i tokens where the request sets no limit', async (model, max_tokens) => {
    expect(await bodyOf({}, model)).toMatchObject({ max_tokens });
  });

  test('leaves out what the API does not have', async () => {
    expect(Object.keys(await bodyOf({ seed: 1, presence_penalty: 1, frequency_penalty: 1 }))).toEqual(Object.keys(await bodyOf({})));
    expect(connect('http://127.0.0.1:9').ignores).toEqual(['seed', 'presence_penalty', 'frequency_penalty']);
  });

  test('is not sent with a temperature that the API does not have; another provider may take it', async () => {
    expect(await refusal({ temperature: 1.2 })).toMatchObject({ code: 'unsupported', provider: 'box' });
  });

  test.each([
    ['claude-opus-4-6', true],
    ['us.anthropic.claude-sonnet-4.6-v1', true],
    ['claude-opus-4-20250514', true],
    ['claude-opus-4-7', false],
    ['claude-sonnet-5', false],
    ['claude-fable-5-1', false],
    ['claude-sonnet-latest', false],
    ['qwen3-8b', true],
  ])('sampling goes to %s: %s', async (model, goes) => {
    const bodies = [await bodyOf({ temperature: 0.3 }, model), await bodyOf({ top_p: 0.9 }, model)];
    expect(['temperature' in (bodies[0] ?? {}), 'top_p' in (bodies[1] ?? {})]).toEqual([goes, goes]);
  });

  test.each([
    ['claude-3-7-sonnet-20250219', true],
    ['claude-opus-4-20250514', true],
    ['claude-opus-4-1', false],
    [olderModel, false],
    ['claude-sonnet-4-6', false],
    ['qwen3-8b', true],
  ])('temperature and top_p go together to %s: %s', async (model, together) => {
    const both = { temperature: 0.3, top_p: 0.9 };
    const body = await bodyOf(both, model);
    expect(['temperature' in body, 'top_p' in body]).toEqual([true, together]);
    expect(
      connect('http://127.0.0.1:9')
        .leavesOut({ ...both, messages: [] }, model)
        .includes('top_p'),
    ).toBe(!together);
  });

  test.each(['\n\n', '', ['END', ' ']])('is not sent with a stop of white space alone (%j); another provider may take it', async (stop) => {
    expect(await refusal({ stop })).toMatchObject({ code: 'unsupported', provider: 'box' });
  });

  test('a stop of white space goes to a server that only imitates the API', async () => {
    expect(await bodyOf({ stop: '\n' }, 'qwen3-8b')).toMatchObject({ stop_sequences: ['\n'] });
  });

  test('lets extra.anthropic win, and never sends another backend its extras', async () => {
    const extra = { anthropic: { top_k: 5, max_tokens: 7, stream: true }, vllm: { min_p: 1 } };
    const body = await bodyOf({ max_tokens: 64, extra });
    expect(body).toMatchObject({ top_k: 5, max_tokens: 7 });
    expect(body).not.toHaveProperty('min_p');
  });

  test('keeps the kind of answer in our hands, because the reader depends on it', async () => {
    expect(await bodyOf({ extra: { anthropic: { stream: true } } })).toMatchObject({ stream: false });
  });

  test('asks for a schema, beside what extra says of the output', async () => {
    const schema = { type: 'object', properties: { city: { type: 'string' } }, additionalProperties: false };
    const response_format = { type: 'json_schema' as const, json_schema: { name: 'place', schema } };
    const body = await bodyOf({ response_format, extra: { anthropic: { output_config: { effort: 'low' } } } });
    expect(body['output_config']).toEqual({ effort: 'low', format: { type: 'json_schema', schema } });
  });

  test.each([
    [
      { type: 'integer', minimum: 1 },
      { type: 'integer', description: '(minimum: 1)' },
    ],
    [
      { type: 'string', minLength: 2, description: 'A city' },
      { type: 'string', description: 'A city (minLength: 2)' },
    ],
    [
      { type: 'string', format: 'date' },
      { type: 'string', format: 'date' },
    ],
    [
      { type: 'string', format: 'cuid' },
      { type: 'string', description: '(format: "cuid")' },
    ],
    [
      { type: 'array', items: { type: 'string' }, minItems: 1 },
      { type: 'array', items: { type: 'string' }, minItems: 1 },
    ],
    [
      { type: 'array', items: { type: 'string' }, minItems: 2 },
      { type: 'array', items: { type: 'string' }, description: '(minItems: 2)' },
    ],
    [
      { type: 'array', prefixItems: [], items: false },
      { type: 'array', description: '(prefixItems: [], items: false)' },
    ],
    [
      { oneOf: [{ type: 'null' }, { type: 'string', maxLength: 3 }] },
      { anyOf: [{ type: 'null' }, { type: 'string', description: '(maxLength: 3)' }] },
    ],
    [{ $ref: '#/$defs/city', description: 'd' }, { $ref: '#/$defs/city' }],
    [
      { type: 'object', properties: { minimum: { const: 'a' } } },
      { type: 'object', properties: { minimum: { const: 'a' } }, additionalProperties: false },
    ],
    [
      { type: 'object', additionalProperties: { type: 'string' } },
      { type: 'object', additionalProperties: { type: 'string' } },
    ],
  ])('a schema is put into the words that the API takes: %j', async (part, accepted) => {
    const schema = { type: 'array', items: part };
    const body = await bodyOf({ response_format: { type: 'json_schema', json_schema: { name: 'place', schema } } });
    expect(body['output_config']).toEqual({ format: { type: 'json_schema', schema: { type: 'array', items: accepted } } });
  });
});

describe('tools', () => {
  test('are told with their schemas', async () => {
    const tools: Tool[] = [
      { type: 'function', function: { name: 'now', strict: null } },
      { type: 'function', function: { name: 'at', description: 'd', parameters: { type: 'object' }, strict: true } },
    ];
    expect((await bodyOf({ tools }))['tools']).toEqual([
      { name: 'now', input_schema: { type: 'object', properties: {} } },
      { name: 'at', description: 'd', input_schema: { type: 'object', additionalProperties: false }, strict: true },
    ]);
  });

  test.each([
    ['none', { type: 'none' }],
    ['auto', { type: 'auto' }],
    ['required', { type: 'any' }],
    [
      { type: 'function', function: { name: 'get_weather' } },
      { type: 'tool', name: 'get_weather' },
    ],
  ] as const)('the choice %j is %j', async (tool_choice, choice) => {
    expect((await bodyOf({ tools: [weather], tool_choice }))['tool_choice']).toEqual(choice);
  });

  test.each([
    [undefined, { type: 'auto', disable_parallel_tool_use: true }],
    ['required', { type: 'any', disable_parallel_tool_use: true }],
    ['none', { type: 'none' }],
  ] as const)('one call at a time, with the choice %j', async (tool_choice, choice) => {
    const request = { tools: [weather], parallel_tool_calls: false, ...(tool_choice && { tool_choice }) };
    expect((await bodyOf(request))['tool_choice']).toEqual(choice);
  });

  test('no choice is sent where there is nothing to choose from', async () => {
    expect(await bodyOf({ tools: [], tool_choice: 'auto', parallel_tool_calls: false })).not.toHaveProperty('tool_choice');
    expect(await bodyOf({ tools: [] })).not.toHaveProperty('tools');
  });
});

describe('reasoning', () => {
  const efforts: [ReasoningEffort, number][] = [
    ['minimal', 1_024],
    ['low', 1_024],
    ['medium', 4_096],
    ['high', 8_192],
    ['max', 16_000],
  ];
  test.each(efforts)('effort %s is a budget of %i for older models, on top of the answer', async (reasoning_effort, budget) => {
    expect(await bodyOf({ reasoning_effort })).toMatchObject({
      thinking: { type: 'enabled', budget_tokens: budget },
      max_tokens: 16_000 + budget,
    });
  });

  test.each([
    [1_025, 1_024],
    [4_000, 2_000],
    [64_000, 8_192],
  ])('within a limit of %i tokens the budget is %i', async (max_tokens, budget) => {
    expect(await bodyOf({ reasoning_effort: 'high', max_tokens })).toMatchObject({ max_tokens, thinking: { budget_tokens: budget } });
  });

  test('a limit too small to think within is refused before anything is sent', async () => {
    expect(await refusal({ reasoning_effort: 'low', max_tokens: 1_024 })).toMatchObject({ code: 'unsupported' });
  });

  test.each([
    ['claude-opus-4-6', 'high'],
    ['claude-sonnet-4.6', 'low'],
    ['claude-opus-5', 'max'],
    ['claude-mythos-preview', 'xhigh'],
  ] as const)('%s is told the effort %s and thinks as it sees fit', async (model, reasoning_effort) => {
    const body = await bodyOf({ reasoning_effort }, model);
    expect(body).toMatchObject({ thinking: { type: 'adaptive' }, output_config: { effort: reasoning_effort }, max_tokens: 16_000 });
  });

  test('minimal effort is the lowest that newer models know', async () => {
    expect(await bodyOf({ reasoning_effort: 'minimal' }, 'claude-opus-5')).toMatchObject({ output_config: { effort: 'low' } });
  });

  test.each(['claude-3-7-sonnet-20250219', 'claude-opus-4-20250514', 'claude-opus-4@20250514', 'claude-opus-4-5-20251101', 'qwen3-8b'])(
    '%s is told a budget',
    async (model) => {
      expect(await bodyOf({ reasoning_effort: 'low' }, model)).toMatchObject({ thinking: { type: 'enabled' } });
    },
  );

  test.each([olderModel, 'claude-opus-4-6', 'claude-opus-5', 'claude-haiku-5-5'])('effort none keeps %s from thinking', async (model) => {
    const body = await bodyOf({ reasoning_effort: 'none' }, model);
    expect(body['thinking']).toEqual({ type: 'disabled' });
    expect(body).not.toHaveProperty('output_config');
  });

  test.each(['claude-3-haiku-20240307', 'claude-3-5-sonnet-20241022'])(
    'effort none goes without a word to %s, which cannot',
    async (model) => {
      expect(await bodyOf({ reasoning_effort: 'none' }, model)).not.toHaveProperty('thinking');
    },
  );

  test.each(['claude-fable-5', 'claude-mythos-preview', 'claude-opus-5-5', 'claude-sonnet-5-5'])(
    'effort none is refused for %s, which cannot stop',
    async (model) => {
      expect(await refusal({ reasoning_effort: 'none' }, model)).toMatchObject({ code: 'unsupported' });
    },
  );

  test.each([
    [{ type: 'enabled', budget_tokens: 2_000 }, 'low', olderModel],
    [{ type: 'between_tools' }, 'none', 'claude-sonnet-5-5'],
    [{ type: 'adaptive', display: 'summarized' }, 'high', 'claude-opus-5'],
  ] as const)('extra.anthropic.thinking %j stands for ours', async (thinking, reasoning_effort, model) => {
    expect((await bodyOf({ reasoning_effort, extra: { anthropic: { thinking } } }, model))['thinking']).toEqual(thinking);
  });

  test('our budget does not raise the limit where extra.anthropic.thinking stands for it', async () => {
    const body = await bodyOf({ reasoning_effort: 'low', extra: { anthropic: { thinking: { type: 'disabled' } } } });
    expect(body).toMatchObject({ max_tokens: 16_000 });
  });

  test('sampling stays behind where the model thinks, and goes where it does not', async () => {
    expect(await bodyOf({ temperature: 0.3, reasoning_effort: 'low' })).not.toHaveProperty('temperature');
    expect(await bodyOf({ temperature: 0.3, extra: { anthropic: { thinking: { type: 'adaptive' } } } })).not.toHaveProperty('temperature');
    expect(await bodyOf({ temperature: 0.3, reasoning_effort: 'none' })).toMatchObject({ temperature: 0.3 });
  });
});

describe('the conversation', () => {
  test('system and developer texts stand apart, in order', async () => {
    const body = await bodyOf({
      messages: [
        { role: 'system', content: 'One.' },
        { role: 'user', content: 'hi' },
        { role: 'developer', content: [text('Two.'), text(' ')] as ChatMessage['content'] },
      ],
    });
    expect(body).toMatchObject({ system: 'One.\n\nTwo.', messages: [{ role: 'user', content: [text('hi')] }] });
  });

  test('messages of one side in a row are one turn', async () => {
    const turns = await turnsOf(
      { role: 'user', content: 'a' },
      { role: 'user', content: 'b' },
      { role: 'assistant', content: 'c' },
      { role: 'assistant', content: 'd' },
    );
    expect(turns).toEqual([
      { role: 'user', content: [text('a'), text('b')] },
      { role: 'assistant', content: [text('c'), text('d')] },
    ]);
  });

  test.each(['', ' \n', null, undefined])('a message without text (%j) is left out', async (content) => {
    const turns = await turnsOf({ role: 'user', content: 'a' }, { role: 'assistant', content }, { role: 'user', content: 'b' });
    expect(turns).toEqual([{ role: 'user', content: [text('a'), text('b')] }]);
  });

  test('calls become blocks after the text, and their results the first blocks of the next turn', async () => {
    const turns = await turnsOf(
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'Let me see.', tool_calls: [toolCall('t1', '{"x":1}'), toolCall('t2', '')] },
      { role: 'tool', tool_call_id: 't1', content: 'one' },
      { role: 'user', content: 'and?' },
      { role: 'tool', tool_call_id: 't2', content: '' },
    );
    expect(turns).toEqual([
      { role: 'user', content: [text('a')] },
      {
        role: 'assistant',
        content: [
          text('Let me see.'),
          { type: 'tool_use', id: 't1', name: 'f', input: { x: 1 } },
          { type: 'tool_use', id: 't2', name: 'f', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 't1', content: [text('one')] },
          { type: 'tool_result', tool_use_id: 't2' },
          text('and?'),
        ],
      },
    ]);
  });

  const deep = `{"x":${'['.repeat(70)}${']'.repeat(70)}}`;
  test.each(['[7]', '"x"', 'null', '{"x":', deep])('arguments %s are refused, saying where', async (given) => {
    const messages: ChatMessage[] = [
      { role: 'user', content: 'a' },
      { role: 'assistant', tool_calls: [toolCall('t0'), toolCall('t1', given)] },
    ];
    const error = await refusal({ messages });
    expect(error).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('messages[1].tool_calls[1]') });
    expect(String(error)).not.toContain(given);
  });

  test('ids that the API refuses are rewritten, and the results with them', async () => {
    const turns = await turnsOf(
      { role: 'assistant', tool_calls: [toolCall('functions.f:0'), toolCall('functions_f_0'), toolCall('functions f 0')] },
      { role: 'tool', tool_call_id: 'functions f 0', content: '3' },
      { role: 'tool', tool_call_id: 'functions.f:0', content: '1' },
    );
    expect(turns).toEqual([
      { role: 'assistant', content: [use('functions_f_0_2'), use('functions_f_0'), use('functions_f_0_3')] },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'functions_f_0_3', content: [text('3')] },
          { type: 'tool_result', tool_use_id: 'functions_f_0_2', content: [text('1')] },
        ],
      },
    ]);
  });

  test('ids that come again in a later turn, or twice in one, are told apart', async () => {
    const turns = await turnsOf(
      { role: 'assistant', tool_calls: [toolCall('c')] },
      { role: 'tool', tool_call_id: 'c', content: '1' },
      { role: 'assistant', tool_calls: [toolCall('c'), toolCall('c')] },
      { role: 'tool', tool_call_id: 'c', content: '2' },
      { role: 'tool', tool_call_id: 'c', content: '3' },
    );
    const ids = JSON.stringify(turns).match(/"(?:tool_use_)?id":"[^"]+"/g);
    expect(ids).toEqual(['"id":"c"', '"tool_use_id":"c"', '"id":"c_2"', '"id":"c_3"', '"tool_use_id":"c_2"', '"tool_use_id":"c_3"']);
  });

  test.each([
    ['an unknown call', 'other'],
    ['a call that has its result', 't1'],
    ['no call', undefined],
  ])('a result of %s is a text of the user', async (_name, tool_call_id) => {
    const turns = await turnsOf(
      { role: 'assistant', tool_calls: [toolCall('t1')] },
      { role: 'tool', tool_call_id: 't1', content: 'one' },
      { role: 'tool', tool_call_id, content: 'lost' },
    );
    expect(turns).toMatchObject([{}, { role: 'user', content: [{ type: 'tool_result' }, text('lost')] }]);
  });

  test('a result that comes a turn late is a text too, because the API looks one turn back', async () => {
    const turns = await turnsOf(
      { role: 'assistant', tool_calls: [toolCall('t1')] },
      { role: 'user', content: 'stop' },
      { role: 'assistant', content: 'ok' },
      { role: 'tool', tool_call_id: 't1', content: 'late' },
    );
    expect(turns).toMatchObject([{}, {}, {}, { role: 'user', content: [text('late')] }]);
  });

  test('signed thoughts go back as they came, before everything else; unsigned ones stay behind', async () => {
    const thinking_blocks = [
      { type: 'thinking', thinking: 'hm', signature: 's' },
      { type: 'redacted_thinking', data: 'd' },
    ] as const;
    const turns = await turnsOf(
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b', reasoning_content: 'hm', thinking_blocks, tool_calls: [toolCall('t1')] },
      { role: 'tool', tool_call_id: 't1', content: 'one' },
      { role: 'assistant', content: 'c', reasoning_content: 'unsigned' },
    );
    expect(turns).toMatchObject([{}, { content: [...thinking_blocks, text('b'), { type: 'tool_use' }] }, {}, { content: [text('c')] }]);
    expect(JSON.stringify(turns)).not.toContain('unsigned');
  });
});

describe('images', () => {
  test.each([
    ['data:image/png;base64,AAAA', { type: 'base64', media_type: 'image/png', data: 'AAAA' }],
    ['data:IMAGE/JPG;charset=x;BASE64,AAAA', { type: 'base64', media_type: 'image/jpeg', data: 'AAAA' }],
    ['https://example.test/a.png', { type: 'url', url: 'https://example.test/a.png' }],
  ])('%s becomes its source', async (url, source) => {
    expect(await turnsOf(...image(url))).toEqual([{ role: 'user', content: [{ type: 'image', source }] }]);
  });

  test.each(['data:image/png,AAAA', 'data:;base64,AAAA', 'file:///etc/passwd', 'AAAA'])('%s is refused, saying where', async (url) => {
    const error = await refusal({ messages: image(url) });
    expect(error).toMatchObject({ code: 'invalid_request', message: expect.stringContaining('messages[0]') });
    expect(String(error)).not.toContain(url);
  });

  test('an image in a tool result stays in it', async () => {
    const content = image('data:image/png;base64,AAAA')[0]?.content;
    const turns = await turnsOf({ role: 'assistant', tool_calls: [toolCall('t1')] }, { role: 'tool', tool_call_id: 't1', content });
    expect(turns).toMatchObject([{}, { content: [{ type: 'tool_result', content: [{ type: 'image' }] }] }]);
  });

  test.each(['user', 'system'] as const)('a part of an unknown type in a message of the %s is left to other providers', async (role) => {
    const error = await refusal({ messages: [{ role, content: [{ type: 'text', text: 'What is said here?' }, soundPart] }] });
    expect(error).toMatchObject({ code: 'unsupported', message: expect.stringContaining('messages[0]') });
  });

  test('an image in a system message is refused', async () => {
    const [{ content } = {}] = image('data:image/png;base64,AAAA');
    expect(await refusal({ messages: [{ role: 'system', content }] })).toMatchObject({ code: 'invalid_request' });
  });
});
