import { APICallError, type LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { RouterError } from 'inferlane';
import { createInferlane } from 'inferlane/ai-sdk';
import { describe, expect, test } from 'vitest';
import { failureOf, fakeRouter } from '../_kit/fake-router.ts';
import { delta, finish, partsIn, question, type Says, scripted } from './scripted.ts';

// What the AI SDK gets of an answer.

const signed = { type: 'thinking', thinking: 'Hm.', signature: 's-1' } as const;
const hidden = { type: 'redacted_thinking', data: 'd-1' } as const;
const usage = {
  prompt_tokens: 10,
  completion_tokens: 7,
  total_tokens: 17,
  prompt_tokens_details: { cached_tokens: 4 },
  completion_tokens_details: { reasoning_tokens: 2 },
};
const call = { id: 'c-1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } } as const;

const resultOf = (says: Says) => createInferlane(scripted(says).router)().doGenerate(question());

async function streamed(says: Says, more: { readonly includeRawChunks?: boolean } = {}): Promise<LanguageModelV4StreamPart[]> {
  const { router } = scripted(says, { onStreamFailure: 'restart' });
  return partsIn((await createInferlane(router)().doStream(question(more))).stream);
}

const rawIn = (parts: readonly LanguageModelV4StreamPart[]) => parts.filter(({ type }) => type === 'raw');

const twice = () =>
  fakeRouter(
    { gpu: { pieces: ['One ', new RouterError('unavailable', 'gone')] }, cpu: { pieces: ['Two.'] } },
    { onStreamFailure: 'restart' },
  );
const textIn = (parts: readonly LanguageModelV4StreamPart[]) =>
  parts.flatMap((part) => (part.type === 'text-delta' ? part.delta : [])).join('');

describe('a whole answer', () => {
  test('thoughts, text and calls in this order, with all counts', async () => {
    const message = { content: 'Yes.', reasoning_content: 'Hm.', thinking_blocks: [signed], tool_calls: [call] };
    expect(await resultOf({ message, finish: 'tool_calls', usage, created: 1_700_000_000 })).toMatchObject({
      content: [
        { type: 'reasoning', text: 'Hm.', providerMetadata: { inferlane: { thinkingBlocks: [signed] } } },
        { type: 'text', text: 'Yes.' },
        { type: 'tool-call', toolCallId: 'c-1', toolName: 'add', input: '{"a":1}' },
      ],
      finishReason: { unified: 'tool-calls', raw: 'tool_calls' },
      usage: {
        inputTokens: { total: 10, noCache: 6, cacheRead: 4, cacheWrite: undefined },
        outputTokens: { total: 7, text: 5, reasoning: 2 },
        raw: usage,
      },
      response: { id: 'answer-1', modelId: 'its-own-name', timestamp: new Date(1_700_000_000_000) },
      warnings: [],
    });
  });

  test('what no server counted is undefined, never 0', async () => {
    const { usage: counts } = await resultOf({});
    expect(counts).toEqual({
      inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
      outputTokens: { total: undefined, text: undefined, reasoning: undefined },
    });
  });

  test.each([
    ['stop', 'stop', 'stop'],
    ['length', 'length', 'length'],
    ['content_filter', 'content-filter', 'content_filter'],
    ['unknown', 'other', undefined],
  ] as const)('the finish reason %s becomes %s', async (given, unified, raw) => {
    expect((await resultOf({ finish: given })).finishReason).toEqual({ unified, raw });
  });

  test('a refusal is text that ends for the filter', async () => {
    const { content, finishReason } = await resultOf({ message: { content: null, refusal: 'I will not.' } });
    expect({ content, finishReason }).toEqual({
      content: [{ type: 'text', text: 'I will not.' }],
      finishReason: { unified: 'content-filter', raw: 'stop' },
    });
  });

  test('a stand-in is told of in a warning, and so is it in a stream', async () => {
    const { router } = fakeRouter({ gpu: new RouterError('out_of_memory', 'full') }, {});
    router.update({ providers: { last: { type: 'stub', reply: 'Later.' } }, health: false });
    const model = createInferlane(router)();
    const { warnings, providerMetadata } = await model.doGenerate(question());
    expect(warnings).toEqual([{ type: 'other', message: expect.stringContaining('stand-in') as string }]);
    expect(providerMetadata?.['inferlane']).toMatchObject({ route: { degraded: true } });
    const [first] = await partsIn((await model.doStream(question())).stream);
    expect(first).toEqual({ type: 'stream-start', warnings });
  });

  test('the route names who was tried, and not everybody that there is', async () => {
    const { router } = fakeRouter({ gpu: 'Yes.', secret: { does: 'No.', enabled: true, cost: 'paid' } as never });
    const { providerMetadata } = await createInferlane(router)('m').doGenerate(question());
    expect(JSON.stringify(providerMetadata)).not.toContain('secret');
  });
});

describe('a stream', () => {
  test('begins with warnings, ends every part before the next, and closes with counts and route', async () => {
    const chunks = [
      delta({ role: 'assistant', content: '' }),
      delta({ reasoning_content: 'H' }),
      delta({ reasoning_content: 'm.' }),
      delta({ thinking_blocks: [signed, hidden] }),
      delta({ content: 'Yes' }),
      delta({ content: '.' }),
      delta({ tool_calls: [{ index: 0, id: 'c-1', type: 'function', function: { name: 'add', arguments: '' } }] }),
      delta({ tool_calls: [{ index: 0, id: 'c-1', function: { name: 'add', arguments: '{"a"' } }] }),
      delta({ tool_calls: [{ index: 1, id: 'c-2', function: { name: 'sub', arguments: '{}' } }] }),
      delta({ tool_calls: [{ index: 0, function: { arguments: ':1}' } }] }),
      finish('tool_calls'),
      { usage },
    ];
    expect(await streamed({ chunks })).toMatchObject([
      { type: 'stream-start', warnings: [] },
      { type: 'response-metadata', id: 'answer-1', modelId: 'its-own-name' },
      { type: 'reasoning-start', id: '0' },
      { type: 'reasoning-delta', id: '0', delta: 'H' },
      { type: 'reasoning-delta', id: '0', delta: 'm.' },
      { type: 'reasoning-end', id: '0', providerMetadata: { inferlane: { thinkingBlocks: [signed, hidden] } } },
      { type: 'text-start', id: '1' },
      { type: 'text-delta', id: '1', delta: 'Yes' },
      { type: 'text-delta', id: '1', delta: '.' },
      { type: 'text-end', id: '1' },
      { type: 'tool-input-start', id: 'c-1', toolName: 'add' },
      { type: 'tool-input-delta', id: 'c-1', delta: '{"a"' },
      { type: 'tool-input-start', id: 'c-2', toolName: 'sub' },
      { type: 'tool-input-delta', id: 'c-2', delta: '{}' },
      { type: 'tool-input-delta', id: 'c-1', delta: ':1}' },
      { type: 'tool-input-end', id: 'c-1' },
      { type: 'tool-call', toolCallId: 'c-1', toolName: 'add', input: '{"a":1}' },
      { type: 'tool-input-end', id: 'c-2' },
      { type: 'tool-call', toolCallId: 'c-2', toolName: 'sub', input: '{}' },
      {
        type: 'finish',
        finishReason: { unified: 'tool-calls', raw: 'tool_calls' },
        usage: { inputTokens: { total: 10 }, outputTokens: { total: 7 } },
        providerMetadata: { inferlane: { route: { provider: 'only' } } },
      },
    ]);
  });

  test('thoughts that cannot be read have a part of their own, for their signature', async () => {
    const parts = await streamed({ chunks: [delta({ thinking_blocks: [hidden] }), delta({ content: 'Yes.' }), finish('stop')] });
    expect(parts.slice(2, 5)).toEqual([
      { type: 'reasoning-start', id: '0' },
      { type: 'reasoning-end', id: '0', providerMetadata: { inferlane: { thinkingBlocks: [hidden] } } },
      { type: 'text-start', id: '1' },
    ]);
  });

  test('gives our chunks beside the parts where they are asked for', async () => {
    const chunks = [delta({ content: 'Yes.' }), finish('stop')];
    expect(rawIn(await streamed({ chunks }))).toEqual([]);
    expect(rawIn(await streamed({ chunks }, { includeRawChunks: true }))).toMatchObject([
      { rawValue: { object: 'chat.completion.chunk', choices: [{ delta: { content: 'Yes.' } }] } },
      { rawValue: { choices: [{ finish_reason: 'stop' }] } },
    ]);
  });

  test('one that breaks is not begun anew, whatever the router does by default, and tells of no call that it had not ended', async () => {
    const half = delta({ tool_calls: [{ index: 0, id: 'c-1', function: { name: 'add', arguments: '{"a"' } }] });
    const parts = await streamed({ chunks: [delta({ content: 'Yes' }), half, new RouterError('unavailable', 'gone')] });
    expect(parts.map(({ type }) => type)).toEqual([
      'stream-start',
      'response-metadata',
      'text-start',
      'text-delta',
      'text-end',
      'tool-input-start',
      'tool-input-delta',
      'error',
      'finish',
    ]);
    expect(parts.at(-1)).toMatchObject({ finishReason: { unified: 'error' } });
    const told = parts.at(-2);
    expect(told?.type === 'error' && APICallError.isInstance(told.error) && told.error.cause).toMatchObject({ code: 'stream_interrupted' });
  });

  test('nobody is asked to begin an answer anew, although the router would', async () => {
    const { router, fakes } = twice();
    const { stream } = await createInferlane(router)('m').doStream(question());
    expect(textIn(await partsIn(stream))).toBe('One ');
    expect(fakes.cpu.calls).toEqual([]);
  });

  test('an answer that begins anew all the same is an error, and the second one is left', async () => {
    const { router, fakes } = twice();
    const wrapped: typeof router = {
      ...router,
      stream: (request, options) => router.stream(request, { ...options, onStreamFailure: 'restart' }),
    };
    const parts = await partsIn((await createInferlane(wrapped)('m').doStream(question())).stream);
    expect(textIn(parts)).toBe('One ');
    expect(parts.map(({ type }) => type).slice(-3)).toEqual(['error', 'text-end', 'finish']);
    expect(fakes.cpu.openStreams()).toBe(0);
  });

  test('one that goes on elsewhere where that was asked for', async () => {
    const breaks = { pieces: ['One ', 'two ', new RouterError('unavailable', 'gone')] };
    const can = { capabilities: { prefill: true } };
    const { router } = fakeRouter({ gpu: { does: breaks, fake: can }, cpu: { does: { pieces: ['three.'] }, fake: can } });
    const { stream } = await createInferlane(router, { onStreamFailure: 'continue' })('m').doStream(question());
    const parts = await partsIn(stream);
    expect(textIn(parts)).toBe('One two three.');
    expect(parts.filter(({ type }) => type === 'text-start')).toHaveLength(1);
  });

  test('nothing is read before it is asked for, and a reader who leaves closes the source', async () => {
    const { router, fakes } = fakeRouter({ gpu: { pieces: ['a', 'b', 'c', 'hang'] } });
    const { stream } = await createInferlane(router)('m').doStream(question());
    await new Promise((resolve) => void setTimeout(resolve, 20));
    // The first one is what the router itself waits for.
    expect(fakes.gpu.piecesRead()).toBe(1);
    const reader = stream.getReader();
    await reader.read();
    await reader.read();
    await reader.cancel();
    expect(fakes.gpu.openStreams()).toBe(0);
  });

  test("an abort rejects with the caller's own reason", async () => {
    const { router } = fakeRouter({ gpu: { pieces: ['a', 'hang'] } });
    const controller = new AbortController();
    const reason = new Error('enough');
    const { stream } = await createInferlane(router)('m').doStream(question({ abortSignal: controller.signal }));
    const failed = failureOf(partsIn(stream));
    controller.abort(reason);
    expect(await failed).toBe(reason);
  });

  test('a reader who leaves while nothing comes is not kept waiting', async () => {
    const { router, fakes } = fakeRouter({ gpu: { pieces: ['a', 'hang'] } });
    const reader = (await createInferlane(router)('m').doStream(question())).stream.getReader();
    for (let count = 0; count < 4; count++) await reader.read();
    const waiting = reader.read();
    await reader.cancel();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(fakes.gpu.openStreams()).toBe(0);
  });
});

describe('a failure', () => {
  test.each([
    ['rate_limited', 429],
    ['auth', 502],
    ['out_of_memory', 503],
    ['context_length', 400],
    ['timeout', 504],
  ] as const)('%s has the status %s, is never to be retried, and holds no prompt', async (code, statusCode) => {
    const { router } = fakeRouter(
      { gpu: new RouterError(code, 'gpu: no.', { provider: 'gpu', retryAfterMs: 1_500.2 }) },
      { maxAttempts: 1 },
    );
    const error = await failureOf(Promise.resolve(createInferlane(router)('m').doGenerate(question())));
    expect(APICallError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ statusCode, isRetryable: false });
    expect((error as APICallError).requestBodyValues).toEqual({});
    expect(JSON.stringify(error)).not.toContain('Well?');
  });

  test('how long to wait is told as servers tell it', async () => {
    const limited = new RouterError('bad_request', 'gpu: no.', { provider: 'gpu', retryAfterMs: 1_500.2 });
    const { router } = fakeRouter({ gpu: limited });
    const error = await failureOf(Promise.resolve(createInferlane(router)('m').doGenerate(question())));
    expect(error).toMatchObject({ responseHeaders: { 'retry-after-ms': '1501' }, cause: { code: 'bad_request' } });
  });

  test('a model that nobody serves is not found', async () => {
    const { router } = fakeRouter({ gpu: new RouterError('model_not_found', 'gpu: no such model.', { provider: 'gpu' }) });
    const ask = () => failureOf(Promise.resolve(createInferlane(router)('absent').doGenerate(question())));
    expect(await ask()).toMatchObject({ statusCode: 404 });
    // From then on it is known, and nobody is asked.
    expect(await ask()).toMatchObject({ statusCode: 404, cause: { code: 'no_provider' } });
  });
});
