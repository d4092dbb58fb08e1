import { describe, expect, test } from 'vitest';
import { answer, type Front, front, hello, refusalOf, type Refused } from './anthropic-kit.ts';
import { createHandler } from '../../src/http/handler.ts';
import { allCapabilities } from '../../src/core/capabilities.ts';
import type { ChatRequest } from '../../src/index.ts';
import { fakeRouter } from '../_kit/fake-router.ts';

const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } };
const tool = { name: 'look', description: 'Looks.', input_schema: { type: 'object', properties: { endpoint: { type: 'string' } } } };
const secret = 'never-to-be-shown';

/** What reached the provider for a body. */
async function asked(body: object): Promise<ChatRequest> {
  await using served: Front = front(answer({ content: 'Hi.' }));
  const response = await served.post({ ...hello, ...body });
  if (response.status !== 200) throw new Error(await response.text());
  const [request] = served.requests;
  if (request === undefined) throw new Error('Nobody was asked.');
  return request;
}

async function refused(body: unknown, path?: string): Promise<Refused> {
  await using served: Front = front(answer({ content: 'Hi.' }));
  const refusal = await refusalOf(await served.post(body, path), secret);
  expect(served.requests).toStrictEqual([]);
  return refusal;
}

const said = async (messages: readonly object[]) => (await asked({ messages })).messages;
const sole = async (content: unknown) => said([{ role: 'user', content }]);

describe('what is carried', () => {
  test('the plain fields, under the names that the router has for them', async () => {
    const request = await asked({ temperature: 0.5, top_p: 0.9, stop_sequences: ['END'] });
    expect(request).toEqual({
      model: 'm',
      max_tokens: 64,
      messages: [{ role: 'user', content: 'Hello!' }],
      temperature: 0.5,
      top_p: 0.9,
      stop: ['END'],
    });
  });

  test('the system prompt as the first message, be it text or blocks', async () => {
    const system = { role: 'system', content: 'Be brief.' };
    expect((await asked({ system: 'Be brief.' })).messages[0]).toEqual(system);
    const blocks = [
      { type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } },
      { type: 'text', text: 'Be kind.' },
    ];
    expect((await asked({ system: blocks })).messages[0]).toEqual({ role: 'system', content: 'Be brief.\n\nBe kind.' });
    expect((await asked({ system: [] })).messages).toEqual([{ role: 'user', content: 'Hello!' }]);
    expect((await said([{ role: 'user', content: 'a' }, system]))[1]).toEqual(system);
  });

  test('images as data or as an address, which nobody here fetches', async () => {
    const url = { type: 'image', source: { type: 'url', url: 'https://images.example/a.png?token=1' } };
    expect(await sole([{ type: 'text', text: 'What is it?' }, image, url])).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is it?' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } },
          { type: 'image_url', image_url: { url: 'https://images.example/a.png?token=1' } },
        ],
      },
    ]);
  });

  test('the result of each tool as a message of its own, before what else the user says', async () => {
    const messages = await said([
      { role: 'user', content: 'Look twice.' },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'I look.' },
          { type: 'tool_use', id: 'a', name: 'look', input: { at: 1 }, caller: { type: 'direct' } },
          { type: 'tool_use', id: 'b', name: 'look', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'And?' },
          { type: 'tool_result', tool_use_id: 'a', content: 'Sun.' },
          { type: 'tool_result', tool_use_id: 'b', content: [{ type: 'text', text: 'Rain.' }, image] },
          { type: 'tool_result', tool_use_id: 'c' },
        ],
      },
    ]);
    expect(messages.slice(1)).toEqual([
      {
        role: 'assistant',
        content: 'I look.',
        tool_calls: [
          { id: 'a', type: 'function', function: { name: 'look', arguments: '{"at":1}' } },
          { id: 'b', type: 'function', function: { name: 'look', arguments: '{}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'a', content: 'Sun.' },
      {
        role: 'tool',
        tool_call_id: 'b',
        content: [
          { type: 'text', text: 'Rain.' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } },
        ],
      },
      { role: 'tool', tool_call_id: 'c', content: '' },
      { role: 'user', content: 'And?' },
    ]);
  });

  test('the failure of a tool in its text, for no other protocol has a word for it', async () => {
    const results = async (content: unknown, is_error: boolean) =>
      (await sole([{ type: 'tool_result', tool_use_id: 'a', content, is_error }]))[0]?.content;
    expect(await results('no such file', true)).toBe('Error: no such file');
    expect(await results(undefined, true)).toBe('Error');
    expect(await results('fine', false)).toBe('fine');
  });

  test('thoughts: signed ones as they are, all of them as reasoning', async () => {
    const thoughts = [
      { type: 'thinking', thinking: 'First. ', signature: 'c2ln' },
      { type: 'redacted_thinking', data: 'eA==' },
      { type: 'thinking', thinking: 'Unsigned.', signature: '' },
    ];
    const history = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: [...thoughts, { type: 'text', text: 'b' }] },
    ];
    expect((await said([...history, { role: 'user', content: 'c' }]))[1]).toEqual({
      role: 'assistant',
      content: 'b',
      reasoning_content: 'First. Unsigned.',
      thinking_blocks: thoughts.slice(0, 2),
    });
  });

  test('tools of the caller, whose schemas may name anything', async () => {
    const request = await asked({
      tools: [{ ...tool, type: 'custom', strict: true, cache_control: null, allowed_callers: ['direct'], defer_loading: false }],
    });
    expect(request.tools).toEqual([
      { type: 'function', function: { name: 'look', description: 'Looks.', parameters: tool.input_schema, strict: true } },
    ]);
  });

  test.each([
    [{ type: 'auto' }, 'auto', undefined],
    [{ type: 'any' }, 'required', undefined],
    [{ type: 'none' }, 'none', undefined],
    [{ type: 'tool', name: 'look' }, { type: 'function', function: { name: 'look' } }, undefined],
    [{ type: 'auto', disable_parallel_tool_use: true }, 'auto', false],
    [{ type: 'any', disable_parallel_tool_use: false }, 'required', undefined],
  ])('the choice of tools %j', async (tool_choice, choice, parallel) => {
    const request = await asked({ tools: [tool], tool_choice });
    expect(request.tool_choice).toEqual(choice);
    expect(request.parallel_tool_calls).toBe(parallel);
  });

  test.each([
    [{ type: 'disabled' }, 'none', undefined],
    [{ type: 'adaptive', display: 'summarized' }, undefined, { type: 'adaptive', display: 'summarized' }],
    [{ type: 'enabled', budget_tokens: 1_024 }, 'low', { type: 'enabled', budget_tokens: 1_024 }],
    [{ type: 'enabled', budget_tokens: 4_096 }, 'medium', { type: 'enabled', budget_tokens: 4_096 }],
    [{ type: 'enabled', budget_tokens: 31_999 }, 'high', { type: 'enabled', budget_tokens: 31_999 }],
  ])('thinking %j as an effort, and as it stands for those who know it', async (thinking, effort, verbatim) => {
    const request = await asked({ max_tokens: 32_000, thinking });
    expect(request.reasoning_effort).toBe(effort);
    expect(request.extra).toEqual(verbatim && { anthropic: { thinking: verbatim } });
  });

  test('an effort and a format of the answer', async () => {
    const schema = { type: 'object', properties: {}, additionalProperties: false };
    const thinking = { type: 'enabled', budget_tokens: 1_024 };
    const request = await asked({ max_tokens: 2_048, thinking, output_config: { effort: 'max', format: { type: 'json_schema', schema } } });
    expect(request.reasoning_effort).toBe('max');
    expect(request.response_format).toEqual({ type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } });
    const older = await asked({ output_format: { type: 'json_schema', schema } });
    expect(older.response_format).toEqual(request.response_format);
  });

  test('top_k for the servers that take it', async () => {
    const { extra } = await asked({ top_k: 40, thinking: { type: 'adaptive' } });
    expect(extra?.['anthropic']).toEqual({ top_k: 40, thinking: { type: 'adaptive' } });
    expect(extra?.['ollama']).toEqual({ options: { top_k: 40 } });
    expect(extra?.['vllm']).toEqual({ top_k: 40 });
    expect(extra).not.toHaveProperty('openai');
  });

  test('nothing of the fields that ask nothing of the answer', async () => {
    const request = await asked({
      metadata: { user_id: secret },
      service_tier: 'auto',
      speed: 'fast',
      cache_control: { type: 'ephemeral' },
      container: null,
      mcp_servers: [],
      context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] },
    });
    expect(request).toEqual({ model: 'm', max_tokens: 64, messages: [{ role: 'user', content: 'Hello!' }] });
  });
});

const withContent = (content: unknown, role = 'user') => ({ ...hello, messages: [{ role, content }] });

describe('what is refused with 400', () => {
  test.each<[string, unknown, string]>([
    ['no object', [secret], 'The body must be an object with model, max_tokens and messages.'],
    ['no model', { ...hello, model: undefined }, 'model must be text.'],
    ['an empty model', { ...hello, model: '' }, 'model must not be empty.'],
    ['no limit', { ...hello, max_tokens: undefined }, 'max_tokens must be a whole number, 1 at least.'],
    ['a limit of nothing', { ...hello, max_tokens: 0 }, 'max_tokens must be a whole number, 1 at least.'],
    ['a limit as text', { ...hello, max_tokens: secret }, 'max_tokens must be a whole number, 1 at least.'],
    ['no messages', { ...hello, messages: [] }, 'messages must be a list with at least one message.'],
    ['another role', withContent('a', 'tool'), 'messages[0].role must be one of user, assistant, system.'],
    ['content that is a number', withContent(3), 'messages[0].content must be text, or a list with at least one block.'],
    ['no block', withContent([]), 'messages[0].content must be text, or a list with at least one block.'],
    ['a block of no kind', withContent([{ type: secret }]), 'messages[0].content[0].type must be one of text, image, tool_result.'],
    ['text that is none', withContent([{ type: 'text', text: { secret } }]), 'messages[0].content[0].text must be text.'],
    [
      'a call by the user',
      withContent([{ type: 'tool_use', id: 'a', name: 'b', input: {} }]),
      'messages[0].content[0].type must be one of',
    ],
    [
      'a result by the assistant',
      withContent([{ type: 'tool_result', tool_use_id: 'a' }], 'assistant'),
      'messages[0].content[0].type must be one of text, tool_use, thinking, redacted_thinking.',
    ],
    [
      'arguments that are text',
      withContent([{ type: 'tool_use', id: 'a', name: 'b', input: secret }], 'assistant'),
      'messages[0].content[0].input must be an object.',
    ],
    [
      'a file as the address of an image',
      withContent([{ type: 'image', source: { type: 'url', url: `file:///${secret}` } }]),
      'messages[0].content[0].source.url must be an http or https address.',
    ],
    [
      'another kind of image',
      withContent([{ type: 'image', source: { type: 'base64', media_type: secret, data: 'aGk=' } }]),
      'messages[0].content[0].source.media_type must be one of image/jpeg, image/png, image/gif, image/webp.',
    ],
    ['too hot', { ...hello, temperature: 1.5 }, 'temperature must be a number from 0 to 1.'],
    [
      'a budget that is too small',
      { ...hello, thinking: { type: 'enabled', budget_tokens: 10 } },
      'thinking.budget_tokens must be a whole number, 1024 at least.',
    ],
    [
      'a budget that leaves nothing',
      { ...hello, max_tokens: 1_024, thinking: { type: 'enabled', budget_tokens: 1_024 } },
      'thinking.budget_tokens must be less than max_tokens.',
    ],
    ['a tool without a schema', { ...hello, tools: [{ name: 'a' }] }, 'tools[0].input_schema must be a JSON Schema of type object.'],
    ['the name of a tool', { ...hello, tools: [{ ...tool, name: `${secret}!` }] }, 'tools[0].name must be 1 to 128 letters'],
    ['a choice of no kind', { ...hello, tool_choice: { type: secret } }, 'tool_choice.type must be one of auto, any, tool, none.'],
    ['a field that nobody knows', { ...hello, frequency: secret }, 'Unrecognized request argument supplied: frequency.'],
    ['a name that may be a value', { ...hello, [`${secret}.`]: 1 }, 'Unrecognized request argument supplied: a field of the body.'],
  ])('%s', async (_, body, message) => {
    const refusal = await refused(body);
    expect(refusal).toMatchObject({ status: 400, type: 'invalid_request_error' });
    expect(refusal.message).toContain(message);
  });

  test.each<[string, unknown, string]>([
    ['a document', withContent([{ type: 'document', source: { data: secret } }]), 'messages[0].content[0] is not supported here'],
    [
      'an uploaded image',
      withContent([{ type: 'image', source: { type: 'file', file_id: secret } }]),
      'messages[0].content[0].source is not supported',
    ],
    [
      'a document as a result',
      withContent([{ type: 'tool_result', tool_use_id: 'a', content: [{ type: 'document' }] }]),
      'messages[0].content[0].content[0] is not supported here',
    ],
    [
      'a tool of the server',
      { ...hello, tools: [{ type: 'web_search_20250305', name: 'web_search', max_uses: 2 }] },
      'tools[0].type is not',
    ],
    [
      'what a tool of the server said',
      withContent([{ type: 'server_tool_use', id: secret }], 'assistant'),
      'messages[0].content[0] is not',
    ],
    ['examples of a tool', { ...hello, tools: [{ ...tool, input_examples: [{ a: secret }] }] }, 'tools[0].input_examples is not'],
    ['a tool to be found later', { ...hello, tools: [{ ...tool, defer_loading: true }] }, 'tools[0].defer_loading is not supported'],
    ['thinking between tools only', { ...hello, thinking: { type: 'between_tools' } }, 'thinking is not supported here'],
    ['a container', { ...hello, container: secret }, 'container is not supported here'],
    ['servers of tools', { ...hello, mcp_servers: [{ type: 'url', url: secret }] }, 'mcp_servers is not supported here'],
    [
      'callers that are programs',
      { ...hello, tools: [{ ...tool, allowed_callers: ['code_execution_20260120'] }] },
      'tools[0].allowed_callers is',
    ],
    [
      'a way to change an image',
      withContent([{ ...image, transformations: { oversized_image: 'error' } }]),
      'messages[0].content[0].transformations is not supported',
    ],
    [
      'a call of a set of tools',
      withContent([{ type: 'tool_use', id: 'a', name: 'b', input: {}, toolset_name: secret }], 'assistant'),
      'messages[0].content[0].toolset_name is not supported',
    ],
    [
      'a result of a set of tools',
      withContent([{ type: 'tool_result', tool_use_id: 'a', toolset_name: secret }]),
      'messages[0].content[0].toolset_name is not supported',
    ],
    ['a question about the cache', { ...hello, diagnostics: { previous_message_id: secret } }, 'diagnostics is not supported here'],
    ['a region', { ...hello, inference_geo: 'us' }, 'inference_geo is not supported here'],
    [
      'edits of the history',
      { ...hello, context_management: { edits: [{ type: 'clear_tool_uses_20250919' }] } },
      'context_management is not',
    ],
  ])('because no provider could be sent it: %s', async (_, body, message) => {
    const refusal = await refused(body);
    expect(refusal).toMatchObject({ status: 400, type: 'invalid_request_error' });
    expect(refusal.message).toContain(message);
  });

  test("a destination or a key, wherever they stand but in what is the caller's own", async () => {
    for (const body of [{ ...hello, api_base: secret }, withContent([{ type: 'text', text: 'a', api_key: secret }])]) {
      expect(await refused(body)).toMatchObject({ status: 400, message: expect.stringContaining('is not taken from a request') });
    }
    const input = { endpoint: 'a', api_key: 'b' };
    const messages = await said([
      { role: 'user', content: 'a' },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'look', input }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: 'b' }] },
    ]);
    expect(messages[1]?.tool_calls?.[0]?.function.arguments).toBe(JSON.stringify(input));
  });
});

test.each([
  ['/v1/messages', { max_tokens: 2_048, thinking: { type: 'disabled' } }, { thinking: { type: 'enabled', budget_tokens: 1_024 } }],
  ['/v1/chat/completions', { reasoning_effort: 'none' }, { reasoning_effort: 'low' }],
  ['/api/chat', { think: false, stream: false }, { think: true }],
])('a model that cannot think does as it is told where %s asks for none, and is not asked for some', async (path, none, some) => {
  const capabilities = { ...allCapabilities, reasoningEffort: false };
  const { router } = fakeRouter({ box: { does: 'Hi.', fake: { capabilities } } });
  const handler = createHandler(router);
  const ask = async (more: object): Promise<number> => {
    const body = JSON.stringify({ model: 'm', messages: hello.messages, ...none, ...more });
    const headers = { 'content-type': 'application/json' };
    return (await handler(new Request(`http://localhost${path}`, { method: 'POST', headers, body }))).status;
  };
  expect([await ask({}), await ask(some)]).toEqual([200, 400]);
});

describe('the number of tokens', () => {
  const path = '/v1/messages/count_tokens';
  const { max_tokens: _, ...question } = hello;

  test("is the router's own estimate, and asks nobody", async () => {
    await using served = front(answer({ content: 'Hi.' }));
    const count = async (more: object): Promise<number> => {
      const response = await served.post({ ...question, ...more }, path);
      const told = (await response.json()) as { input_tokens: number };
      expect(response.status).toBe(200);
      expect(told).toStrictEqual({ input_tokens: expect.any(Number) });
      return told.input_tokens;
    };
    const messages = [{ role: 'user' as const, content: 'Hello!' }];
    const few = await count({});
    expect(few).toBe(served.router.explain({ model: 'm', messages }).promptTokens);
    expect(await count({ system: 'Be brief and kind.' })).toBeGreaterThan(few);
    expect(await count({ tools: [tool] })).toBeGreaterThan(few);
    expect(served.requests).toStrictEqual([]);
  });

  test('is not told of a body that could not be carried either', async () => {
    expect(await refused({ ...question, max_tokens: 5 }, path)).toMatchObject({ status: 400 });
    expect(await refused({ ...question, messages: secret }, path)).toMatchObject({ status: 400 });
  });
});
