import { describe, expect, test } from 'vitest';
import { type ChatAnswer, type ChatRequest, collect, createRouter, isRouterError, type Router, RouterError } from '../../src/index.ts';
import { failureOf } from '../_kit/fake-router.ts';
import { answer, chunk, counted, type Does, type Front, front, streams, usage } from './anthropic-kit.ts';
import { transportTo } from './transport-to.ts';

// The adapter for Anthropic's API asks our own handler: what comes out must be what the provider behind it gave.

const token = 'Zk3vQ8mW1xT6rB9nL2pY';

function routerTo({ handler }: Front): Router {
  const providers = { front: { type: 'anthropic', url: 'http://localhost', apiKey: token } } as const;
  return createRouter({ providers, transport: transportTo(handler), health: false, checkModels: false, allowPaid: true, maxAttempts: 1 });
}

interface Passed {
  readonly answer: ChatAnswer;
  readonly request: ChatRequest | undefined;
}

/** A request through the adapter, the handler and the provider, and back; as a whole or as a stream. */
async function pass(does: Does, request: Partial<ChatRequest> = {}, isStream = false): Promise<Passed> {
  await using served = front(does, { tokens: [token] });
  await using router = routerTo(served);
  const asked: ChatRequest = { model: 'm', messages: [{ role: 'user', content: 'Hello!' }], ...request };
  // The API tells no time, so the adapter has its own.
  const { route: _, created: _created, ...rest } = isStream ? await collect(await router.stream(asked)) : await router.chat(asked);
  return { answer: { ...rest, created: 0 }, request: served.requests[0] };
}

const call = (id: string, text: string) => ({ id, type: 'function' as const, function: { name: 'look', arguments: text } });
const signed = { type: 'thinking' as const, thinking: 'Hm.', signature: 'c2ln' };
const redacted = { type: 'redacted_thinking' as const, data: 'eA==' };

const answers: readonly [string, ChatAnswer][] = [
  ['text', answer({ content: 'Hi.' }, 'stop', usage)],
  ['nothing', answer({ content: '' }, 'stop', usage)],
  ['text that was cut off', answer({ content: 'Hi' }, 'length', usage)],
  ['text that was filtered', answer({ content: 'Hi' }, 'content_filter', usage)],
  ['a refusal', answer({ refusal: 'I must not.' }, 'content_filter', usage)],
  ['calls of tools', answer({ content: 'I look.', tool_calls: [call('a', '{"at":1}'), call('b', '{}')] }, 'tool_calls', usage)],
  ['a call alone', answer({ tool_calls: [call('a', '{"at":{"x":[1,null]}}')] }, 'tool_calls', usage)],
  ['thoughts that are signed', answer({ content: 'So.', reasoning_content: 'Hm.', thinking_blocks: [signed, redacted] }, 'stop', usage)],
  ['thoughts that nobody signed', answer({ content: 'So.', reasoning_content: 'Hm.' }, 'stop', usage)],
];

describe('through the adapter and back comes', () => {
  test.each(answers)('%s', async (_, given) => {
    expect((await pass(given)).answer).toEqual(given);
  });

  test.each(answers)('as a stream, %s', async (_, given) => {
    expect((await pass(given, {}, true)).answer).toEqual(given);
  });

  test('a stream piece by piece', async () => {
    const pieces = streams(
      chunk({ role: 'assistant', content: '' }),
      chunk({ reasoning_content: 'H' }),
      chunk({ reasoning_content: 'm.' }),
      chunk({ thinking_blocks: [signed] }),
      chunk({ content: 'I ' }),
      chunk({ content: 'look.' }),
      chunk({ tool_calls: [{ index: 0, ...call('a', '') }] }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: '{"at"' } }] }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: ':1}' } }] }),
      chunk({}, 'tool_calls'),
      counted,
    );
    const message = { content: 'I look.', reasoning_content: 'Hm.', thinking_blocks: [signed], tool_calls: [call('a', '{"at":1}')] };
    expect((await pass(pieces, {}, true)).answer).toEqual(answer(message, 'tool_calls', usage));
  });
});

test('a request reaches the provider as it was made', async () => {
  const request: ChatRequest = {
    model: 'm',
    messages: [
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is it?' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } },
          { type: 'image_url', image_url: { url: 'https://images.example/a.png' } },
        ],
      },
      {
        role: 'assistant',
        content: 'I look.',
        reasoning_content: 'Hm.',
        thinking_blocks: [signed, redacted],
        tool_calls: [call('a', '{"at":1}')],
      },
      { role: 'tool', tool_call_id: 'a', content: 'Sun.' },
      { role: 'user', content: 'And now?' },
    ],
    max_tokens: 4_096,
    temperature: 0.5,
    top_p: 0.9,
    stop: ['END'],
    tools: [{ type: 'function', function: { name: 'look', description: 'Looks.', parameters: { type: 'object', properties: {} } } }],
    tool_choice: { type: 'function', function: { name: 'look' } },
    parallel_tool_calls: false,
  };
  expect((await pass(answer({ content: 'Hi.' }), request)).request).toEqual(request);
});

test('an effort comes through as a budget for thoughts, and a format as it was', async () => {
  const schema = { type: 'object', properties: {}, additionalProperties: false };
  const response_format = { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } } as const;
  const ask = async (effort: ChatRequest['reasoning_effort']) =>
    (await pass(answer({ content: '{}' }), { max_tokens: 40_000, reasoning_effort: effort, response_format })).request;
  for (const effort of ['none', 'low', 'medium', 'high'] as const) expect((await ask(effort))?.reasoning_effort).toBe(effort);
  expect((await ask('low'))?.response_format).toEqual(response_format);
});

describe('failures come through', () => {
  test.each([
    ['bad_request', 'No.'],
    ['rate_limited', 'No.'],
    ['overloaded', 'No.'],
    ['timeout', 'No.'],
    ['model_not_found', 'The model "m" does not exist.'],
    ['content_filtered', 'Output blocked by content filtering policy.'],
    ['context_length', 'The prompt is too long: 9 tokens > 8 maximum.'],
  ] as const)('%s', async (code, message) => {
    for (const isStream of [false, true]) {
      const error = await failureOf(pass(new RouterError(code, message, { retryAfterMs: 2_000 }), {}, isStream));
      if (!isRouterError(error)) throw error;
      expect(error.attempts.at(-1)?.error.code ?? error.code).toBe(code);
    }
  });

  test('a wrong token as one', async () => {
    await using served = front(answer({ content: 'Hi.' }), { tokens: ['9nL2pYZk3vQ8mW1xT6rB'] });
    await using router = routerTo(served);
    const error = await failureOf(router.chat({ model: 'm', messages: [{ role: 'user', content: 'a' }] }));
    expect(error).toMatchObject({ attempts: [{ error: { code: 'auth' } }] });
  });

  test('in the middle of a stream, after what was said', async () => {
    await using served = front(streams(chunk({ content: 'Hi' }), new RouterError('overloaded', 'No.')), { tokens: [token] });
    await using router = routerTo(served);
    const stream = await router.stream({ model: 'm', messages: [{ role: 'user', content: 'a' }] });
    let said = '';
    const error = await failureOf(
      (async () => {
        for await (const { choices } of stream) said += choices[0]?.delta.content ?? '';
      })(),
    );
    expect(said).toBe('Hi');
    expect(error).toMatchObject({ code: 'stream_interrupted' });
  });
});
