import { describe, expect, test, vi } from 'vitest';
import { fault, pieces, role } from '../_kit/fake-adapter.ts';
import { fakeRouter } from '../_kit/fake-router.ts';
import { ask, askStream, chunk, faultsIn, handle, said, send, serve, withMore } from './openai-asked.ts';

const path = '/v1/chat/completions';
const body = { model: 'm', messages: [{ role: 'user', content: 'Hi.' }] };
const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
const end = chunk({ choices: [{ finish_reason: 'stop' }] });

const textOf = (frames: readonly unknown[]): string =>
  (frames as readonly { readonly choices?: readonly { readonly delta: { readonly content?: string } }[] }[])
    .map(({ choices }) => choices?.[0]?.delta.content ?? '')
    .join('');

const faults = (frames: readonly unknown[]): readonly string[] =>
  frames.flatMap((frame) => faultsIn('CreateChatCompletionStreamResponse', frame));

describe('a stream', () => {
  test("is OpenAI's chunks and its terminator, whatever else the provider told", async () => {
    const odd = withMore({ system_fingerprint: 'fp' }, { timings: {}, obfuscation: 'x', provider: 'p' });
    const { handler, asked } = serve({
      chunks: [
        chunk({ ...odd, choices: [{ delta: withMore({ role: 'assistant' as const, content: 'Hel' }, { token_id: 7 }) }] }),
        chunk({
          system_fingerprint: null,
          choices: [withMore({ delta: { role: 'assistant' as const, content: 'lo.' } }, { stop_reason: null })],
        }),
        end,
        chunk({ usage }),
      ],
    });
    const { frames, isDone, headers } = await askStream(handler, path, body);
    const head = { id: 'a', object: 'chat.completion.chunk', created: 5, model: 'm' };
    const choice = { index: 0, logprobs: null };
    expect(frames).toEqual([
      { ...head, system_fingerprint: 'fp', choices: [{ ...choice, delta: { role: 'assistant', content: 'Hel' }, finish_reason: null }] },
      { ...head, choices: [{ ...choice, delta: { content: 'lo.' }, finish_reason: null }] },
      { ...head, choices: [{ ...choice, delta: {}, finish_reason: 'stop' }] },
    ]);
    expect([isDone, faults(frames)]).toEqual([true, []]);
    expect([headers.get('x-inferlane-provider'), headers.get('x-inferlane-attempts')]).toEqual(['gpu', '1']);
    expect(JSON.parse(JSON.stringify(asked))).toEqual([body]);
  });

  test('tells the counts in a last chunk without choices where they are asked for, wherever the provider told them', async () => {
    const { handler } = serve({
      chunks: [
        { ...said('Hello.'), usage },
        { ...end, usage: null },
      ],
    });
    const { frames, isDone } = await askStream(handler, path, { ...body, stream_options: { include_usage: true } });
    expect(frames.map((frame) => [frame['usage'], (frame['choices'] as unknown[]).length])).toEqual([
      [null, 1],
      [null, 1],
      [usage, 0],
    ]);
    expect([isDone, faults(frames)]).toEqual([true, []]);
  });

  test('makes up no counts', async () => {
    const { handler } = serve({ chunks: [said('Hello.'), end] });
    const { frames } = await askStream(handler, path, { ...body, stream_options: { include_usage: true } });
    expect(frames.map(({ usage: told }) => told)).toEqual([null, null]);
  });

  test('keeps tool calls, thoughts and log probabilities of every choice, each with its role once and its reason once', async () => {
    const token = { token: 'a', logprob: -1, bytes: [97], top_logprobs: [] };
    const { handler } = serve({
      chunks: [
        chunk({ choices: [{ delta: { reasoning_content: 'Hm.', content: null } }] }),
        chunk({
          choices: [
            { delta: { tool_calls: [withMore({ index: 0, function: { arguments: '' } }, { id: 'c1', type: 'function', extra: 1 })] } },
          ],
        }),
        chunk({ choices: [{ delta: { tool_calls: [{ index: 0, function: { arguments: '{}' } }] } }] }),
        chunk({ choices: [{ index: 1, delta: { refusal: 'No.' }, logprobs: { content: [token] } }] }),
        chunk({ choices: [{ finish_reason: 'unknown' }] }),
        chunk({ choices: [{ finish_reason: 'stop' }] }),
        chunk({ choices: [{ index: 1, finish_reason: 'unknown' }] }),
      ],
    });
    const { frames } = await askStream(handler, path, { ...body, n: 2 });
    expect(frames.flatMap(({ choices }) => choices)).toEqual(
      [
        { delta: { role: 'assistant', content: null, reasoning_content: 'Hm.' } },
        { delta: { tool_calls: [{ index: 0, id: 'c1', type: 'function', function: { arguments: '' } }] } },
        { delta: { tool_calls: [{ index: 0, function: { arguments: '{}' } }] } },
        { index: 1, delta: { role: 'assistant', refusal: 'No.' }, logprobs: { content: [token], refusal: null } },
        { finish_reason: 'tool_calls' },
        {},
        { index: 1, finish_reason: 'stop' },
      ].map((choice) => ({ index: 0, delta: {}, logprobs: null, finish_reason: null, ...choice })),
    );
    expect(faults(frames)).toEqual([]);
  });

  test('gives every choice a reason, also where the provider ends without a word', async () => {
    const calls = [{ index: 0, id: 'c', type: 'function' as const, function: { name: 'f', arguments: '{}' } }];
    const { handler } = serve({ chunks: [said('Hello.'), chunk({ choices: [{ index: 1, delta: { tool_calls: calls } }] })] });
    const { frames, isDone } = await askStream(handler, path, body);
    expect(isDone).toBe(true);
    expect(frames.at(-1)).toMatchObject({
      choices: [
        { index: 0, finish_reason: 'stop' },
        { index: 1, finish_reason: 'tool_calls' },
      ],
    });
    expect(faults(frames)).toEqual([]);
  });

  test('holds nothing that could begin another event', async () => {
    const odd = 'a\n\ndata: [DONE]\n\r\r\u2028event: x\u0085';
    const { handler } = serve({ chunks: [said(odd), end] });
    const { frames, isDone } = await askStream(handler, path, body);
    expect([textOf(frames), isDone]).toEqual([odd, true]);
  });

  test('that nobody can begin is refused with a status', async () => {
    const { router } = fakeRouter({ gpu: fault('overloaded') }, { maxAttempts: 1 });
    const { status, json } = await ask(handle(router).handler, path, { ...body, stream: true });
    expect(status).toBe(503);
    expect(faultsIn('ErrorResponse', json)).toEqual([]);
  });

  test('ends for the provider where the reader leaves', async () => {
    const { router, fakes } = fakeRouter({ gpu: pieces(role, 'Hel', 'hang') });
    const reader = (await send(handle(router).handler, path, { ...body, stream: true })).body?.getReader();
    await reader?.read();
    expect(fakes.gpu.openStreams()).toBe(1);
    await reader?.cancel();
    await vi.waitFor(() => expect(fakes.gpu.openStreams()).toBe(0));
  });
});

describe('a stream that breaks', () => {
  const broken = pieces(role, 'Hel', fault('unavailable'));

  test('ends with a frame that says so, and without its terminator', async () => {
    const { router } = fakeRouter({ gpu: broken });
    const { frames, isDone } = await askStream(handle(router).handler, path, body);
    expect([textOf(frames.slice(0, -1)), isDone]).toEqual(['Hel', false]);
    expect(frames.at(-1)).toEqual({
      error: { message: expect.any(String) as string, type: 'server_error', param: null, code: 'stream_interrupted' },
    });
    expect(faultsIn('ErrorResponse', frames.at(-1))).toEqual([]);
  });

  test('and would begin anew ends the same way: what was sent cannot be taken back', async () => {
    const { router, fakes } = fakeRouter({ gpu: broken, cpu: pieces(role, 'Hello again.', 'hang') }, { onStreamFailure: 'restart' });
    const { frames, isDone } = await askStream(handle(router).handler, path, body);
    expect([textOf(frames.slice(0, -1)), isDone]).toEqual(['Hel', false]);
    expect(frames.at(-1)).toMatchObject({ error: { code: 'stream_interrupted' } });
    await vi.waitFor(() => expect(fakes.cpu.openStreams()).toBe(0));
  });

  test('and is continued goes on, with one id and one time, and no word of it', async () => {
    const capabilities = { prefill: true };
    const text = 'lo, and this is the rest of what was begun.';
    const { router, events } = fakeRouter(
      { gpu: broken, cpu: { does: pieces(role, text), fake: { capabilities } } },
      { onStreamFailure: 'continue' },
    );
    const { frames, isDone } = await askStream(handle(router).handler, path, body);
    expect([textOf(frames), isDone]).toEqual([`Hel${text}`, true]);
    expect(events.all.map(({ name }) => name)).toContain('stream:resumed');
    expect(frames.flatMap((frame) => Object.keys(frame)).filter((name) => name === 'inferlane')).toEqual([]);
    expect(faults(frames)).toEqual([]);
  });

  test('keeps the id and the time of its first chunk, whoever goes on', async () => {
    const { handler } = serve({ chunks: [said('a'), { ...said('b'), id: 'other', created: 9 }, { ...end, id: 'third', created: 10 }] });
    const { frames } = await askStream(handler, path, body);
    expect(new Set(frames.map(({ id, created }) => `${String(id)} ${String(created)}`))).toEqual(new Set(['a 5']));
  });
});
