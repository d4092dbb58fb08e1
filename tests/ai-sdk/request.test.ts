import {
  InvalidArgumentError,
  type LanguageModelV4CallOptions,
  type LanguageModelV4Prompt,
  UnsupportedFunctionalityError,
} from '@ai-sdk/provider';
import { createInferlane, type InferlaneDefaults } from 'inferlane/ai-sdk';
import { describe, expect, test } from 'vitest';
import { question, scripted } from './scripted.ts';

// What becomes of a call of the AI SDK on its way to a provider.

async function sent(call: Partial<LanguageModelV4CallOptions>, defaults: InferlaneDefaults = {}, model?: string) {
  const { router, requests } = scripted();
  const { warnings } = await createInferlane(router, defaults)(model).doGenerate(question(call));
  const [request] = requests;
  if (request === undefined) throw new Error('nothing was sent');
  return { request, warnings, messages: request.messages };
}

const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 1, 2, 3);
const pngUrl = 'data:image/png;base64,iVBORwECAw==';
const user = (...content: Extract<LanguageModelV4Prompt[number], { role: 'user' }>['content']): LanguageModelV4Prompt => [
  { role: 'user', content },
];

const call = (id: string, text: string) => ({ id, type: 'function', function: { name: 'add', arguments: text } });
const result = (toolCallId: string, output: object) => ({ type: 'tool-result', toolCallId, toolName: 'add', output });
const ask = (inferlane: object) =>
  createInferlane(scripted().router)().doGenerate(question({ providerOptions: { inferlane: { ...inferlane } } }));

describe('settings', () => {
  test('a bare question sends a message and nothing else', async () => {
    const { request, warnings } = await sent({ toolChoice: { type: 'auto' }, stopSequences: [], reasoning: 'provider-default' });
    expect(request).toEqual({ messages: [{ role: 'user', content: 'Well?' }] });
    expect(warnings).toEqual([]);
  });

  test('each setting goes into its field', async () => {
    const settings = {
      maxOutputTokens: 9,
      temperature: 0,
      topP: 0.5,
      presencePenalty: 0.1,
      frequencyPenalty: 0.2,
      seed: 0,
      reasoning: 'low' as const,
    };
    const { request } = await sent({ ...settings, stopSequences: ['END'] }, {}, 'asked');
    expect(request).toMatchObject({
      model: 'asked',
      max_tokens: 9,
      temperature: 0,
      top_p: 0.5,
      presence_penalty: 0.1,
      frequency_penalty: 0.2,
      seed: 0,
      stop: ['END'],
      reasoning_effort: 'low',
    });
  });

  test('what has no place in a request is warned of', async () => {
    const provider = { type: 'provider' as const, id: 'openai.web_search' as const, name: 'search', args: {} };
    const examples = { type: 'function' as const, name: 'add', inputSchema: {}, inputExamples: [{ input: {} }] };
    const { request, warnings } = await sent({
      topK: 4,
      tools: [provider, examples],
      headers: { 'X-Api-Key': 'k-1', 'user-agent': 'ai/7' },
    });
    expect(warnings.map((warning) => 'feature' in warning && warning.feature)).toEqual([
      'the header X-Api-Key',
      'topK',
      'the tool openai.web_search of one provider',
      'input examples of the tool add',
    ]);
    expect(request.tools).toHaveLength(1);
  });

  test('a choice of tools without a tool that could go is left out with them', async () => {
    const tool = { type: 'provider' as const, id: 'openai.web_search' as const, name: 'search', args: {} };
    const { request } = await sent({ tools: [tool], toolChoice: { type: 'required' } });
    expect(request).toEqual({ messages: [{ role: 'user', content: 'Well?' }] });
  });

  test.each([
    [{ type: 'none' }, 'none'],
    [{ type: 'required' }, 'required'],
    [
      { type: 'tool', toolName: 'add' },
      { type: 'function', function: { name: 'add' } },
    ],
  ] as const)('the choice %o of tools becomes %o', async (toolChoice, expected) => {
    const inputSchema = { type: 'object', properties: {} } as const;
    const { request } = await sent({
      toolChoice,
      tools: [{ type: 'function', name: 'add', description: 'Adds.', inputSchema, strict: true }],
    });
    expect(request.tool_choice).toEqual(expected);
    expect(request.tools).toEqual([
      { type: 'function', function: { name: 'add', description: 'Adds.', strict: true, parameters: inputSchema } },
    ]);
  });

  test('JSON with a schema and without', async () => {
    const schema = { type: 'object' } as const;
    expect((await sent({ responseFormat: { type: 'json' } })).request.response_format).toEqual({ type: 'json_object' });
    expect((await sent({ responseFormat: { type: 'json', schema, name: 'person', description: 'One.' } })).request.response_format).toEqual(
      {
        type: 'json_schema',
        json_schema: { name: 'person', description: 'One.', schema },
      },
    );
    const strict = await sent({ responseFormat: { type: 'json', schema } }, { strictJsonSchema: true });
    expect(strict.request.response_format).toEqual({ type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } });
    expect((await sent({ responseFormat: { type: 'text' } })).request).not.toHaveProperty('response_format');
  });

  test('fields that the AI SDK does not know, for all calls or for one', async () => {
    const own = { user: 'u-1', parallelToolCalls: false, logitBias: { '5': 1 }, extra: { scripted: { mirostat: 1 } } };
    const fields = { user: 'u-1', parallel_tool_calls: false, logit_bias: { '5': 1 }, extra: { scripted: { mirostat: 1 } } };
    expect((await sent({ providerOptions: { inferlane: own } })).request).toMatchObject(fields);
    expect((await sent({}, own)).request).toMatchObject(fields);
    expect((await sent({ providerOptions: { inferlane: { user: 'u-2' } } }, own)).request.user).toBe('u-2');
  });
});

describe('messages', () => {
  test('several parts stay apart, one text is a plain string, and bytes of images travel inside', async () => {
    const { messages } = await sent({
      prompt: [
        { role: 'system', content: 'Be brief.' },
        ...user(
          { type: 'text', text: 'What is this?' },
          { type: 'file', mediaType: 'image/png', data: { type: 'data', data: png } },
          {
            type: 'file',
            mediaType: 'image',
            data: { type: 'data', data: 'iVBORwECAw==' },
            providerOptions: { inferlane: { imageDetail: 'low' } },
          },
          { type: 'file', mediaType: 'image/*', data: { type: 'url', url: new URL('https://pictures.test/a.png') } },
          { type: 'file', mediaType: 'text/plain', data: { type: 'data', data: new TextEncoder().encode('Notes ä') } },
          { type: 'file', mediaType: 'text/plain', data: { type: 'text', text: 'More' } },
        ),
      ],
    });
    expect(messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is this?' },
          { type: 'image_url', image_url: { url: pngUrl } },
          { type: 'image_url', image_url: { url: pngUrl, detail: 'low' } },
          { type: 'image_url', image_url: { url: 'https://pictures.test/a.png' } },
          { type: 'text', text: 'Notes ä' },
          { type: 'text', text: 'More' },
        ],
      },
    ]);
  });

  test.each([
    ['audio', 'audio/wav', { type: 'file', mediaType: 'audio/wav', data: { type: 'data', data: png } }],
    ['a PDF', 'application/pdf', { type: 'file', mediaType: 'application/pdf', data: { type: 'data', data: png } }],
    [
      "a file at one provider's",
      'references',
      { type: 'file', mediaType: 'image/png', data: { type: 'reference', reference: { openai: 'file-1' } } },
    ],
    [
      'an image of a kind that cannot be seen',
      'unknown format',
      { type: 'file', mediaType: 'image', data: { type: 'data', data: Uint8Array.of(1, 2) } },
    ],
  ] as const)('%s is refused before anything is sent', async (_what, words, part) => {
    const { router, requests } = scripted();
    const asked = createInferlane(router)().doGenerate(question({ prompt: user({ ...part }) }));
    await expect(asked).rejects.toSatisfy((error) => UnsupportedFunctionalityError.isInstance(error) && error.message.includes(words));
    expect(requests).toEqual([]);
  });

  test('the answer of an assistant comes back with its thoughts, their signatures and its calls', async () => {
    const signed = { type: 'thinking', thinking: 'Hm.', signature: 's-1' } as const;
    const { messages, warnings } = await sent({
      prompt: [
        ...user({ type: 'text', text: 'Well?' }),
        {
          role: 'assistant',
          content: [
            {
              type: 'reasoning',
              text: 'Hm.',
              providerOptions: { inferlane: { thinkingBlocks: [signed, { type: 'thinking', thinking: 'unsigned' }, 'no block'] } },
            },
            { type: 'text', text: 'One ' },
            { type: 'text', text: 'moment.' },
            { type: 'tool-call', toolCallId: 'c-1', toolName: 'add', input: { a: 1 } },
            { type: 'tool-call', toolCallId: 'c-2', toolName: 'add', input: '{"a":2}' },
            { type: 'tool-call', toolCallId: 'c-3', toolName: 'add', input: 'no JSON' },
          ],
        },
      ],
    });
    expect(messages[1]).toEqual({
      role: 'assistant',
      content: 'One moment.',
      reasoning_content: 'Hm.',
      thinking_blocks: [signed],
      tool_calls: [call('c-1', '{"a":1}'), call('c-2', '{"a":2}'), call('c-3', '"no JSON"')],
    });
    expect(warnings).toEqual([]);
  });

  test('what another provider left in a history is left out, with a warning', async () => {
    const { messages, warnings } = await sent({
      prompt: [
        {
          role: 'assistant',
          content: [
            { type: 'text', text: 'Here.' },
            { type: 'file', mediaType: 'image/png', data: { type: 'data', data: png } },
            { type: 'tool-call', toolCallId: 'c-1', toolName: 'search', input: {}, providerExecuted: true },
            { type: 'tool-result', toolCallId: 'c-1', toolName: 'search', output: { type: 'text', value: 'found' } },
          ],
        },
        ...user({ type: 'text', text: 'Well?' }),
      ],
    });
    expect(messages[0]).toEqual({ role: 'assistant', content: 'Here.' });
    expect(warnings).toHaveLength(2);
  });

  test('results of tools in every form, with the images behind them', async () => {
    const calls = ['t', 'j', 'e', 'd', 'c'].map((toolCallId) => ({ type: 'tool-call', toolCallId, toolName: 'add', input: {} }));
    const image = { type: 'file', mediaType: 'image/png', data: { type: 'data', data: png } };
    const prompt = [
      ...user({ type: 'text', text: 'Well?' }),
      { role: 'assistant', content: calls },
      {
        role: 'tool',
        content: [
          result('t', { type: 'text', value: 'three' }),
          result('j', { type: 'json', value: { sum: 3 } }),
          result('e', { type: 'error-json', value: ['no'] }),
          result('d', { type: 'execution-denied', reason: 'Not today.' }),
          result('c', { type: 'content', value: [{ type: 'text', text: 'See:' }, image] }),
          { type: 'tool-approval-response', approvalId: 'a', approved: true },
        ],
      },
    ] as LanguageModelV4Prompt;
    const { messages } = await sent({ prompt });
    expect(messages.slice(2).map(({ role, tool_call_id: id, content }) => [role, id, content])).toEqual([
      ['tool', 't', 'three'],
      ['tool', 'j', '{"sum":3}'],
      ['tool', 'e', '["no"]'],
      ['tool', 'd', 'Not today.'],
      ['tool', 'c', 'See:\n(an image, below)'],
      [
        'user',
        undefined,
        [
          { type: 'text', text: 'The images of the results above:' },
          { type: 'image_url', image_url: { url: pngUrl } },
        ],
      ],
    ]);
  });
});

describe('options of a call', () => {
  test('a name that is no option is refused, with those that there are', async () => {
    const { router, requests } = scripted();
    const asked = createInferlane(router)().doGenerate(question({ providerOptions: { inferlane: { maxLocalty: 'host' } } }));
    await expect(asked).rejects.toSatisfy((error) => InvalidArgumentError.isInstance(error) && error.message.includes('maxLocality'));
    expect(requests).toEqual([]);
  });

  test('streams cannot begin anew', async () => {
    const asked = createInferlane(scripted().router)().doStream(
      question({ providerOptions: { inferlane: { onStreamFailure: 'restart' } } }),
    );
    await expect(asked).rejects.toSatisfy((error) => InvalidArgumentError.isInstance(error));
  });

  test('values are held to what the router says of them', async () => {
    await expect(ask({ deadlineMs: -1 })).rejects.toMatchObject({ statusCode: 400, cause: { code: 'invalid_request' } });
    await expect(ask({ intent: 'faast' })).rejects.toThrow('fast');
    await expect(ask({ maxLocality: 'process' })).rejects.toMatchObject({ cause: { code: 'no_provider' } });
    await expect(ask({ provider: 'only', requestId: 'r-1', session: 's-1', caller: 'c-1' })).resolves.toMatchObject({
      providerMetadata: { inferlane: { route: { requestId: 'r-1', provider: 'only' } } },
    });
  });

  test('options of other providers are none of ours', async () => {
    expect((await sent({ providerOptions: { openai: { store: false } } })).warnings).toEqual([]);
  });
});
