import { describe, expect, test } from 'vitest';
import { isRouterError } from '../../src/core/errors.ts';
import { anthropic as literals } from '../lib/error-literals/clouds.ts';
import { loopback, type Script } from '../_kit/loopback.ts';
import { answerOf, callOf, connect, json, message } from './anthropic-kit.ts';

const { signal } = new AbortController();

/** What a chat fails with where the server answers so. */
async function failureOf(script: Script): Promise<unknown> {
  await using box = await loopback(() => script);
  return await connect(box.url)
    .chat(callOf())
    .catch((error: unknown) => error);
}

describe('an answer', () => {
  test("is OpenAI's", async () => {
    expect(await answerOf({})).toEqual({
      id: 'msg_1',
      object: 'chat.completion',
      created: 0,
      model: 'claude-haiku-4-5-20251001',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 12, completion_tokens: 30, total_tokens: 42, prompt_tokens_details: { cached_tokens: 0 } },
    });
  });

  test('joins texts, and leaves out what the server did by itself', async () => {
    const content = [
      { type: 'text', text: 'a' },
      { type: 'server_tool_use', id: 's', name: 'web_search', input: {} },
      { type: 'text', text: 'b' },
    ];
    expect((await answerOf({ content })).choices[0]?.message).toEqual({ role: 'assistant', content: 'ab' });
  });

  test('keeps thoughts as text, and whole with their signatures', async () => {
    const thoughts = [
      { type: 'thinking', thinking: 'hm', signature: 's' },
      { type: 'redacted_thinking', data: 'd' },
    ];
    const { choices } = await answerOf({ content: [...thoughts, { type: 'text', text: 'a' }] });
    expect(choices[0]?.message).toEqual({ role: 'assistant', content: 'a', reasoning_content: 'hm', thinking_blocks: thoughts });
  });

  test.each([{}, { signature: '' }])('keeps no block of thoughts that could not go back: %j', async (signature) => {
    const { choices } = await answerOf({
      content: [
        { type: 'thinking', thinking: 'hm', ...signature },
        { type: 'text', text: 'a' },
      ],
    });
    expect(choices[0]?.message).toEqual({ role: 'assistant', content: 'a', reasoning_content: 'hm' });
  });

  test('keeps thoughts whose text is withheld', async () => {
    const block = { type: 'thinking', thinking: '', signature: 's' };
    const { choices } = await answerOf({ content: [block, { type: 'text', text: 'a' }] });
    expect(choices[0]?.message).toEqual({ role: 'assistant', content: 'a', thinking_blocks: [block] });
  });

  test('carries tool calls with their arguments as text, and an id where the server gave none', async () => {
    const content = [
      { type: 'tool_use', id: 'toolu_1', name: 'f', input: { x: 1 } },
      { type: 'tool_use', name: 'g', input: {} },
    ];
    const { choices } = await answerOf({ content, stop_reason: 'tool_use' });
    expect(choices[0]).toMatchObject({
      message: {
        content: null,
        tool_calls: [
          { id: 'toolu_1', type: 'function', function: { name: 'f', arguments: '{"x":1}' } },
          { id: 'call_r1_1', type: 'function', function: { name: 'g', arguments: '{}' } },
        ],
      },
      finish_reason: 'tool_calls',
    });
  });

  test.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['pause_turn', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['tool_use', 'tool_calls'],
    ['refusal', 'content_filter'],
    ['something_new', 'unknown'],
    [null, 'unknown'],
  ])('that ended with %j ended with %s', async (stop_reason, finish_reason) => {
    expect((await answerOf({ stop_reason })).choices[0]).toMatchObject({ finish_reason });
  });

  test('tells why the model refused', async () => {
    const refused = { content: [], stop_reason: 'refusal', stop_details: { category: 'cyber', explanation: 'Not that.' } };
    expect((await answerOf(refused)).choices[0]?.message).toEqual({ role: 'assistant', content: null, refusal: 'Not that.' });
  });

  test('without any text is an empty answer', async () => {
    expect((await answerOf({ content: [] })).choices[0]?.message).toEqual({ role: 'assistant', content: '' });
  });

  test('counts the cached part of the prompt too, and the thoughts', async () => {
    const usage = {
      input_tokens: 5,
      cache_creation_input_tokens: 3,
      cache_read_input_tokens: 2,
      output_tokens: 7,
      output_tokens_details: { thinking_tokens: 4 },
    };
    expect((await answerOf({ usage })).usage).toEqual({
      prompt_tokens: 10,
      completion_tokens: 7,
      total_tokens: 17,
      prompt_tokens_details: { cached_tokens: 2 },
      completion_tokens_details: { reasoning_tokens: 4 },
    });
  });

  test.each([undefined, null, { input_tokens: 5 }, { input_tokens: '5', output_tokens: 1 }])(
    'counts nothing that was not: %j',
    async (usage) => {
      expect(await answerOf({ usage })).not.toHaveProperty('usage');
    },
  );

  test.each<[string, unknown]>([
    ['a list', []],
    ["OpenAI's answer", { object: 'chat.completion', choices: [] }],
    ['of another type', message({ type: 'completion' })],
    ['a message without content', message({ content: undefined })],
    ['content that is text', message({ content: 'Hello' })],
    ['a block that is no object', message({ content: ['Hello'] })],
    ['a text that is none', message({ content: [{ type: 'text', text: 1 }] })],
    ['a call without a name', message({ content: [{ type: 'tool_use', id: 't', input: {} }] })],
  ])('that is %s is none', async (_name, value) => {
    expect(await failureOf(json(value))).toMatchObject({ code: 'bad_response', provider: 'box' });
  });
});

describe('failures', () => {
  test.each(literals.flatMap((row) => (row.status === 'stream' ? [] : [{ ...row, status: row.status }])))(
    '$status, $trigger: $expected',
    async ({ status, body, expected, headers }) => {
      const pieces = [typeof body === 'string' ? body : JSON.stringify(body)];
      expect(await failureOf({ status, pieces, headers })).toMatchObject({ code: expected, status, provider: 'box' });
    },
  );

  test('an error with a good status is one', async () => {
    const error = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
    expect(await failureOf(json(error))).toMatchObject({ code: 'overloaded' });
  });

  test('of a server that imitates the API are read in its own shape', async () => {
    const error = { error: { code: 503, message: 'Loading model', type: 'unavailable_error' } };
    expect(await failureOf(json(error, 503))).toMatchObject({ code: 'model_loading', status: 503 });
  });

  test('tell neither the key nor the prompt', async () => {
    const text = 'invalid x-api-key key-of-the-box: hi there, this is my secret prompt';
    await using box = await loopback(() => json({ type: 'error', error: { type: 'authentication_error', message: text } }, 401));
    const request = { messages: [{ role: 'user', content: 'hi there, this is my secret prompt' }] } as const;
    const error = await connect(box.url)
      .chat(callOf(request))
      .catch((reason: unknown) => reason);
    expect(isRouterError(error, 'auth')).toBe(true);
    expect(String(error)).not.toMatch(/key-of-the-box|secret prompt/);
  });
});

const list = (data: unknown[], more: Record<string, unknown> = {}): Script => json({ data, has_more: false, ...more });

describe('models', () => {
  test('are listed over all pages, with their windows and what they can do', async () => {
    const yes = { supported: true };
    const able = { image_input: yes, structured_outputs: { supported: false }, thinking: yes };
    const first = { type: 'model', id: 'claude-opus-5', max_input_tokens: 1_000_000, capabilities: able };
    await using box = await loopback(({ path }) =>
      path.includes('after_id')
        ? list([{ id: 'claude-haiku-4-5', max_input_tokens: null }])
        : list([first, {}], { has_more: true, last_id: 'a/b' }),
    );
    expect(await connect(box.url).models?.(signal)).toEqual([
      { id: 'claude-opus-5', contextLength: 1_000_000, capabilities: { vision: true, jsonSchema: false, reasoningEffort: true } },
      { id: 'claude-haiku-4-5' },
    ]);
    expect(box.requests.map(({ path }) => path)).toEqual(['/v1/models?limit=1000', '/v1/models?limit=1000&after_id=a%2Fb']);
  });

  test('of a server that never ends its list are left after ten pages', async () => {
    await using box = await loopback(() => list([{ id: 'm' }], { has_more: true, last_id: 'm' }));
    expect(await connect(box.url).models?.(signal)).toHaveLength(10);
  });

  test('that are no list are a bad response', async () => {
    await using box = await loopback(() => json({ models: [] }));
    await expect(connect(box.url).models?.(signal)).rejects.toMatchObject({ code: 'bad_response' });
  });

  test('that are not listed may be asked for all the same, because names without a date never are', () => {
    expect(connect('http://127.0.0.1:9').listsAllModels).toBe(false);
  });
});

describe('health', () => {
  test('asks for one model and nothing paid', async () => {
    await using box = await loopback(() => json({ data: [] }));
    expect(await connect(box.url).health?.(signal)).toEqual({ state: 'ok' });
    expect(box.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /v1/models?limit=1']);
  });

  test('rejects with the reason', async () => {
    await using box = await loopback(() => json({ type: 'error', error: { type: 'authentication_error', message: 'x' } }, 401));
    await expect(connect(box.url).health?.(signal)).rejects.toMatchObject({ code: 'auth' });
  });

  test('of a server that loads its model is warming', async () => {
    await using box = await loopback(() => json({ error: { code: 503, message: 'Loading model', type: 'unavailable_error' } }, 503));
    expect(await connect(box.url).health?.(signal)).toEqual({ state: 'warming' });
  });
});

test('the adapter declares what the protocol can carry', () => {
  const { name, capabilities, modelName, embed, load } = connect('http://127.0.0.1:9');
  expect({ name, modelName, embed, load }).toEqual({ name: 'anthropic', modelName: 'required', embed: undefined, load: undefined });
  const declared = Object.entries(capabilities).filter(([, can]) => can);
  expect(declared.map(([feature]) => feature)).toEqual(['tools', 'toolChoice', 'vision', 'jsonSchema', 'reasoningEffort']);
});
