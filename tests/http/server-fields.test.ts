import { describe, expect, test } from 'vitest';
import { createHandler } from '../../src/http/handler.ts';
import { toExtra } from '../../src/http/server-fields.ts';
import { createRouter, type ProviderType, type Transport } from '../../src/index.ts';

const user = { role: 'user', content: 'Hi.' };
const openai = { model: 'm', messages: [user] };

interface Sent {
  readonly status: number;
  readonly ignored: string | null;
  /** What reached the server. */
  readonly body: Record<string, unknown>;
}

/** One call through a handler to a server of a type, which answers in its own words. */
async function sent(type: ProviderType, path: string, asked: object, isStream = false): Promise<Sent> {
  let body: Record<string, unknown> = {};
  const transport: Transport = {
    async send({ method, body: text }) {
      if (method === 'POST') body = JSON.parse(text ?? '{}') as Record<string, unknown>;
      return answerOf(answers[type] ?? completion, isStream && method === 'POST');
    },
  };
  const provider = { type, url: 'http://box:9001', defaultModel: 'm', cost: 'free' as const };
  const router = createRouter({ providers: { box: provider }, health: false, checkModels: false, transport });
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(asked) };
  const response = await createHandler(router)(new Request(`http://localhost${path}`, init));
  await response.text();
  await router.close();
  return { status: response.status, ignored: response.headers.get('x-inferlane-ignored'), body };
}

const message = { role: 'assistant', content: 'Hello.' };
const completion = { id: 'a', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message, finish_reason: 'stop' }] };
const answers: Partial<Record<ProviderType, object>> = {
  ollama: { model: 'm', created_at: '2026-01-01T00:00:00Z', message, done: true, done_reason: 'stop' },
  anthropic: {
    id: 'a',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [{ type: 'text', text: 'Hello.' }],
    stop_reason: 'end_turn',
  },
};
const chunk = { ...completion, object: 'chat.completion.chunk', choices: [{ index: 0, delta: message, finish_reason: 'stop' }] };

function answerOf(value: object, isStream: boolean): Awaited<ReturnType<Transport['send']>> {
  const text = isStream ? `data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n` : JSON.stringify(value);
  const type = isStream ? 'text/event-stream' : 'application/json';
  const response = new Response(text, { headers: { 'content-type': type } });
  return { status: 200, header: (name) => response.headers.get(name), body: response.body, text: () => response.text() };
}

const all = { top_k: 40, min_p: 0.05, repetition_penalty: 1.1, chat_template_kwargs: { enable_thinking: false }, verbosity: 'low' };

describe('a field that not every server knows', () => {
  test.each<[ProviderType, object, string]>([
    ['vllm', { top_k: 40, min_p: 0.05, repetition_penalty: 1.1, chat_template_kwargs: { enable_thinking: false } }, 'verbosity'],
    ['sglang', { top_k: 40, min_p: 0.05, repetition_penalty: 1.1, chat_template_kwargs: { enable_thinking: false } }, 'verbosity'],
    ['together', { top_k: 40, min_p: 0.05, repetition_penalty: 1.1, chat_template_kwargs: { enable_thinking: false } }, 'verbosity'],
    ['llamacpp', { top_k: 40, min_p: 0.05, repeat_penalty: 1.1, chat_template_kwargs: { enable_thinking: false } }, 'verbosity'],
    ['lmstudio', { top_k: 40, repeat_penalty: 1.1 }, 'min_p, chat_template_kwargs, verbosity'],
    ['textgen', { top_k: 40, min_p: 0.05, repetition_penalty: 1.1 }, 'chat_template_kwargs, verbosity'],
    ['tgi', { presence_penalty: 1.1 - 2 }, 'top_k, min_p, chat_template_kwargs, verbosity'],
    ['openai', { verbosity: 'low' }, 'top_k, min_p, repetition_penalty, chat_template_kwargs'],
    ['openai-compatible', {}, 'top_k, min_p, repetition_penalty, chat_template_kwargs, verbosity'],
    ['nvidia', {}, 'top_k, min_p, repetition_penalty, chat_template_kwargs, verbosity'],
    ['anthropic', {}, 'top_k, min_p, repetition_penalty, chat_template_kwargs, verbosity'],
  ])('reaches %s in its own words, and a header says what does not', async (type, expected, ignored) => {
    const told = await sent(type, '/v1/chat/completions', { ...openai, ...all });
    const { status, body } = told;
    expect(status).toBe(200);
    const names = [...Object.keys(all), 'repeat_penalty', 'presence_penalty'];
    expect(Object.fromEntries(Object.entries(body).filter(([name]) => names.includes(name)))).toEqual(expected);
    expect(told.ignored).toBe(ignored);
  });

  test('is an option of Ollama', async () => {
    const { body, ignored } = await sent('ollama', '/v1/chat/completions', { ...openai, ...all });
    expect(body['options']).toMatchObject({ top_k: 40, min_p: 0.05, repeat_penalty: 1.1 });
    expect(ignored).toBe('chat_template_kwargs, verbosity');
  });

  test.each<[string, object]>([
    ['/v1/chat/completions', { ...openai, top_k: 40 }],
    ['/v1/completions', { model: 'm', prompt: 'Hi.', top_k: 40 }],
    ['/v1/messages', { ...openai, max_tokens: 9, top_k: 40 }],
    ['/api/chat', { ...openai, stream: false, options: { top_k: 40 } }],
    ['/api/generate', { model: 'm', prompt: 'Hi.', stream: false, options: { top_k: 40 } }],
  ])('is told by every API: %s', async (path, asked) => {
    const [known, unknown] = [await sent('vllm', path, asked), await sent('openai', path, asked)];
    expect([known.body['top_k'], known.ignored]).toEqual([40, null]);
    expect([unknown.body['top_k'], unknown.ignored]).toEqual([undefined, 'top_k']);
    const streamed = await sent('openai', path, { ...asked, stream: true }, true);
    expect([streamed.body['stream'], streamed.ignored]).toEqual([true, 'top_k']);
  });

  test('is told of a penalty by the proxy route as well', async () => {
    const asked = { model_id: 'm', prompt: 'Hi.', repetition_penalty: 1.2 };
    expect((await sent('openai', '/generate', asked)).ignored).toBe('repetition_penalty');
    expect((await sent('vllm', '/generate', asked)).ignored).toBeNull();
  });

  test('goes to Anthropic from callers of its own API alone: its newer models refuse it, and only they know', async () => {
    const own = await sent('anthropic', '/v1/messages', { ...openai, max_tokens: 9, top_k: 40 });
    expect([own.body['top_k'], own.ignored]).toEqual([40, null]);
    expect((await sent('anthropic', '/v1/chat/completions', { ...openai, top_k: 40 })).body).not.toHaveProperty('top_k');
  });

  test('that asks for nothing is neither sent nor told of', async () => {
    const { body, ignored } = await sent('vllm', '/v1/chat/completions', { ...openai, top_k: null, repetition_penalty: 1 });
    expect(body).not.toHaveProperty('repetition_penalty');
    expect(body).not.toHaveProperty('top_k');
    expect(ignored).toBeNull();
  });
});

describe('what the caller writes for a type of its own', () => {
  test('stands for ours', () => {
    const given = { vllm: { top_k: 5, best_of: 2 }, nvidia: { input_type: 'query' } };
    const extra = toExtra({ top_k: 40 }, given);
    expect(extra).toMatchObject({ vllm: { top_k: 5, best_of: 2 }, nvidia: { input_type: 'query' }, sglang: { top_k: 40 } });
  });

  test('is joined with ours where Ollama has its options', () => {
    const extra = toExtra({ top_k: 40, min_p: 0.1 }, { ollama: { keep_alive: 0, options: { top_k: 5, num_ctx: 1 } } });
    expect(extra?.['ollama']).toEqual({ keep_alive: 0, options: { top_k: 5, min_p: 0.1, num_ctx: 1 } });
  });

  test('is the very same where no field is set', () => {
    const given = { vllm: { best_of: 2 } };
    expect(toExtra({ top_k: undefined }, given)).toBe(given);
    expect(toExtra({}, undefined)).toBeUndefined();
  });
});
