import { describe, expect, test } from 'vitest';
import { openaiCompatible } from '../../src/adapters/openai-compatible.ts';
import type { Dialect } from '../../src/adapters/openai-dialect.ts';
import type { Adapter, Call } from '../../src/core/adapter.ts';
import { RouterError } from '../../src/core/errors.ts';
import type { ChatMessage, ChatRequest, EmbedRequest } from '../../src/core/types.ts';
import { recording } from '../_kit/recordings.ts';
import { type ScriptedHttp, scriptedHttp } from '../_kit/scripted-http.ts';

const recorded = JSON.parse(new TextDecoder().decode(recording('llama-server/chat').body)) as object;
const { signal } = new AbortController();
const callOf = <Request>(request: Request): Call<Request> => ({ request, model: 'm', signal, requestId: 'r1' });
const plain: Dialect = { name: 'vllm', capabilities: {} };

const embedded = ({ input }: { input: string | string[] }): object => ({
  data: [input].flat().map(() => ({ embedding: [1] })),
  model: 'm',
});
const boxOf = (): ScriptedHttp => scriptedHttp({ '/v1/chat/completions': recorded, '/v1/embeddings': embedded });
async function bodyOf(request: ChatRequest, rules: Partial<Dialect> = {}): Promise<Record<string, unknown>> {
  const box = boxOf();
  await openaiCompatible({ ...plain, ...rules })(box).chat(callOf(request));
  return box.asked[0]?.body as Record<string, unknown>;
}
const sentOf = async (message: ChatMessage, rules: Partial<Dialect> = {}): Promise<unknown> =>
  ((await bodyOf({ messages: [message] }, rules))['messages'] as unknown[])[0];

const embedElsewhere: Dialect['embed'] = async (_http, { request }, { provider }) => ({
  object: 'list',
  data: [],
  model: `${provider} ${String(request.input)}`,
});

const refuse = (): never => {
  throw new RouterError('unsupported', 'no');
};

test.each(['none', 'low'] as const)('a server that has no word for efforts is sent none: %s', async (effort) => {
  expect(JSON.parse(JSON.stringify(await bodyOf({ messages: [], reasoning_effort: effort })))).not.toHaveProperty('reasoning_effort');
  const capabilities = { reasoningEffort: true };
  expect(await bodyOf({ messages: [], reasoning_effort: effort }, { capabilities })).toMatchObject({ reasoning_effort: effort });
});

describe('a conversation with the answers of other providers', () => {
  const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } } as const;
  const thought: ChatMessage = {
    role: 'assistant',
    content: 'Hi',
    reasoning_content: 'Well',
    thinking_blocks: [{ type: 'thinking', thinking: 'Well', signature: 's' }],
  };

  test('goes without signed thoughts and reasoning', async () => {
    expect(await sentOf(thought)).toEqual({ role: 'assistant', content: 'Hi' });
  });

  test('keeps the reasoning where the server takes it', async () => {
    expect(await sentOf(thought, { takesReasoning: true })).toEqual({ role: 'assistant', content: 'Hi', reasoning_content: 'Well' });
  });

  test('gives the developer the role that all servers know', async () => {
    expect(await sentOf({ role: 'developer', content: 'Be brief.', name: 'n' })).toEqual({
      role: 'system',
      content: 'Be brief.',
      name: 'n',
    });
    expect(await sentOf({ role: 'developer', content: 'Be brief.' }, { takesDeveloper: true })).toMatchObject({ role: 'developer' });
  });

  test.each([undefined, null])('says null for the text of a call whose text is %j', async (content) => {
    expect(await sentOf({ role: 'assistant', content, tool_calls: [call] })).toEqual({
      role: 'assistant',
      content: null,
      tool_calls: [call],
    });
  });

  test('has ids that OpenAI takes, the same for a call and its result', async () => {
    const [first, second] = ['0', '1'].map((last) => `chatcmpl-tool-0123456789abcdef0123456789abcde${last}`) as [string, string];
    const calls = [first, second, 'c'].map((id) => ({ ...call, id }));
    const messages: ChatMessage[] = [
      { role: 'assistant', content: null, tool_calls: calls },
      { role: 'tool', tool_call_id: first, content: '1' },
      { role: 'tool', tool_call_id: second, content: '2' },
      { role: 'tool', tool_call_id: 'c', content: '3' },
    ];
    const { messages: sent } = await bodyOf({ messages });
    const [{ tool_calls: made = [] } = {}, ...results] = sent as Partial<ChatMessage>[];
    const ids = made.map(({ id }) => id);
    expect(results.map(({ tool_call_id: id }) => id)).toEqual(ids);
    expect(new Set(ids).size).toBe(3);
    expect(ids.map(({ length }) => length)).toEqual([40, 40, 1]);
  });

  test('goes without fields that say nothing, which strict servers refuse', async () => {
    const empty = { refusal: null, annotations: [], audio: null, function_call: null, tool_calls: [], reasoning_content: null };
    const message = { role: 'assistant', content: 'Hi', ...empty } as const;
    expect(await sentOf(message)).toEqual({ role: 'assistant', content: 'Hi' });
    expect(await sentOf(message, { takesReasoning: true })).toEqual({ role: 'assistant', content: 'Hi' });
  });

  test('is not changed itself, and passes as it is where nothing is foreign', async () => {
    const messages: ChatMessage[] = [thought, { role: 'tool', tool_call_id: 'c', content: '1' }];
    const before = structuredClone(messages);
    const { messages: sent } = await bodyOf({ messages });
    expect(messages).toEqual(before);
    expect((sent as unknown[])[1]).toEqual(messages[1]);
  });
});

describe('parameters that a server has no place for', () => {
  const rules: Partial<Dialect> = { ignores: ['seed', 'user'] };

  test('do not reach it, whatever their name', async () => {
    const body = await bodyOf({ messages: [], seed: 1, user: 'u', top_p: 0.5 }, rules);
    expect(body).toEqual({ model: 'm', messages: [], top_p: 0.5, stream: false });
  });

  test('do not reach it with embeddings', async () => {
    const box = boxOf();
    await openaiCompatible({ ...plain, ...rules })(box).embed!(callOf({ input: 'a', user: 'u' }));
    expect(box.asked[0]?.body).toEqual({ model: 'm', input: 'a' });
  });

  test('are declared', () => {
    expect(openaiCompatible({ ...plain, ...rules })(boxOf()).ignores).toEqual(['seed', 'user']);
    expect(openaiCompatible(plain)(boxOf()).ignores).toEqual([]);
  });
});

describe('embeddings', () => {
  const embed = (adapter: Adapter, request: EmbedRequest): Promise<unknown> => adapter.embed!(callOf(request));

  test('get the extra fields of their own type, in every part, and never another input', async () => {
    const box = boxOf();
    const extra = { vllm: { truncate_prompt_tokens: 8, input: 'x' }, nvidia: { input_type: 'query' } };
    await embed(openaiCompatible({ ...plain, maxInputs: 1 })(box), { input: ['a', 'b'], extra });
    expect(box.asked.map(({ body }) => body)).toEqual([
      { model: 'm', input: ['a'], truncate_prompt_tokens: 8 },
      { model: 'm', input: ['b'], truncate_prompt_tokens: 8 },
    ]);
  });

  test('are no verb of a server that has none', () => {
    expect(openaiCompatible({ ...plain, embed: false })(boxOf()).embed).toBeUndefined();
  });

  test('go the way of a dialect of its own', async () => {
    expect(await embed(openaiCompatible({ ...plain, embed: embedElsewhere })(boxOf()), { input: 'a' })).toMatchObject({ model: 'box a' });
  });
});

test('the models of a dialect stand in the place of the list', async () => {
  const box = boxOf();
  expect(await openaiCompatible({ ...plain, models: async () => [{ id: 'own' }] })(box).models!(signal)).toEqual([{ id: 'own' }]);
  expect(box.asked).toEqual([]);
});

test('what a dialect refuses to ask is refused before anything is sent', async () => {
  const box = boxOf();
  const adapter = openaiCompatible({ ...plain, body: refuse })(box);
  await expect(adapter.chat(callOf({ messages: [] }))).rejects.toMatchObject({ code: 'unsupported' });
  await expect(adapter.stream(callOf({ messages: [] }))).rejects.toMatchObject({ code: 'unsupported' });
  expect(box.asked).toEqual([]);
});
