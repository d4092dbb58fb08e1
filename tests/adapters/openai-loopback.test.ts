import { describe, expect, test } from 'vitest';
import { openaiCompatible } from '../../src/adapters/openai-compatible.ts';
import type { Call } from '../../src/core/adapter.ts';
import { collectChunks } from '../../src/core/collect.ts';
import type { ChatRequest } from '../../src/core/types.ts';
import { cutEvery } from '../_kit/byte-stream.ts';
import { adapterContext } from '../_kit/adapter-context.ts';
import { loopback, type Script } from '../_kit/loopback.ts';
import { recording } from '../_kit/recordings.ts';

const callWith = (signal: AbortSignal): Call<ChatRequest> => ({
  request: { messages: [{ role: 'user', content: 'Hello!' }] },
  model: 'tiny',
  signal,
  requestId: 'r1',
});
const call = callWith(new AbortController().signal);
const sse = { 'content-type': 'text/event-stream' };
const text = (content: string): string => `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`;

const settled = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 20));

/** Reads a stream of a scripted server to its end: the text, and the failure where there was one. */
async function read(script: Script): Promise<{ content: string; failure: unknown }> {
  await using box = await loopback(() => script);
  let content = '';
  try {
    const chunks = await openaiCompatible()(adapterContext(box.url)).stream(call);
    for await (const batch of chunks) for (const { choices } of batch) content += choices[0]?.delta.content ?? '';
    return { content, failure: undefined };
  } catch (failure) {
    return { content, failure };
  }
}

describe('over a real socket', () => {
  test.each([1, 5, 97])('a stream in writes of %i bytes is exact', async (size) => {
    const { body } = recording('llama-server/chat_stream_usage');
    expect(await read({ headers: sse, pieces: cutEvery(body, size) })).toEqual({ content: 'Hello from a tiny model.', failure: undefined });
  });

  test('characters of several bytes in writes of one byte are exact', async () => {
    const bytes = new TextEncoder().encode(`${text('Grüße, ')}${text('世界 👋')}data: [DONE]\n\n`);
    expect(await read({ headers: sse, pieces: cutEvery(bytes, 1) })).toEqual({ content: 'Grüße, 世界 👋', failure: undefined });
  });

  test.each(['cut', 'reset'] as const)('a connection that is %s in the middle is unavailable, after what came', async (after) => {
    const { content, failure } = await read({ headers: sse, pieces: [text('one'), text(' two').slice(0, 30)], after });
    expect(content).toBe('one');
    expect(failure).toMatchObject({ code: 'unavailable' });
  });

  test('a body that ends cleanly in the middle is a bad response, after what came', async () => {
    const { content, failure } = await read({ headers: sse, pieces: [text('one'), text(' two').slice(0, 30)] });
    expect(content).toBe('one');
    expect(failure).toMatchObject({ code: 'bad_response' });
  });

  test('a stream that is left closes its connection', async () => {
    await using box = await loopback(() => ({ headers: sse, pieces: [text('one')], after: 'hang' }));
    for await (const _ of await openaiCompatible()(adapterContext(box.url)).stream(call)) break;
    await expect(box.idle()).resolves.toBeUndefined();
  });

  test('an abort in the middle rejects with its own reason and closes the connection', async () => {
    await using box = await loopback(() => ({ headers: sse, pieces: [text('one')], after: 'hang' }));
    const controller = new AbortController();
    const reason = new Error('mine');
    const reading = (async () => {
      for await (const _ of await openaiCompatible()(adapterContext(box.url)).stream(callWith(controller.signal))) controller.abort(reason);
    })();
    await expect(reading).rejects.toBe(reason);
    await expect(box.idle()).resolves.toBeUndefined();
  });

  test('a stream is given once the server accepted it, not when it is read', async () => {
    await using box = await loopback(() => ({ headers: sse, pieces: [], after: 'hang' }));
    await openaiCompatible()(adapterContext(box.url)).stream(call);
    expect(box.requests).toMatchObject([{ method: 'POST', path: '/v1/chat/completions', body: { stream: true } }]);
  });

  test('streams use one connection, although the end of the body comes after the terminator', async () => {
    const { body } = recording('llama-server/chat_stream_nousage');
    await using box = await loopback(() => ({ headers: sse, pieces: [body, '\n', '\n', '\n'] }));
    const adapter = openaiCompatible()(adapterContext(box.url));
    for (let count = 0; count < 5; count++) {
      await collectChunks(await adapter.stream(call));
      await settled();
    }
    expect(box.connections()).toBeLessThan(5);
  });

  test('the answer of a stream and of a chat are the same', async () => {
    await using box = await loopback(({ body }) => {
      const { stream } = body as { stream: boolean };
      return { pieces: [recording(stream ? 'llama-server/chat_stream_usage' : 'llama-server/chat').body], headers: stream ? sse : {} };
    });
    const adapter = openaiCompatible()(adapterContext(box.url));
    const streamed = await collectChunks(await adapter.stream(call));
    expect(streamed.choices).toEqual((await adapter.chat(call)).choices);
  });
});
