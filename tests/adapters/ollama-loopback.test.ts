import { readFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ollama } from '../../src/adapters/ollama.ts';
import type { Call } from '../../src/core/adapter.ts';
import { collectChunks } from '../../src/core/collect.ts';
import type { ChatRequest } from '../../src/core/types.ts';
import { cutEvery } from '../_kit/byte-stream.ts';
import { loopback, type Script } from '../_kit/loopback.ts';
import { adapterContext, noOptions } from '../_kit/adapter-context.ts';

const fixture = (name: string): Uint8Array => readFileSync(new URL(`../fixtures/ollama/${name}`, import.meta.url));
const ndjson = { 'content-type': 'application/x-ndjson' };
const line = (content: string): string =>
  `${JSON.stringify({ model: 'm', created_at: '2026-08-21T10:00:00Z', message: { role: 'assistant', content }, done: false })}\n`;

const callWith = (signal: AbortSignal): Call<ChatRequest> => ({
  request: { messages: [{ role: 'user', content: 'Hello!' }] },
  model: 'm',
  signal,
  requestId: 'r1',
});

/** Reads a stream of a scripted server to its end: the text, and the failure where there was one. */
async function read(script: Script): Promise<{ content: string; failure: unknown }> {
  await using box = await loopback(() => script);
  let content = '';
  try {
    const chunks = await ollama({ ...adapterContext(box.url), ...noOptions }).stream(callWith(new AbortController().signal));
    for await (const batch of chunks) for (const { choices } of batch) content += choices[0]?.delta.content ?? '';
    return { content, failure: undefined };
  } catch (failure) {
    return { content, failure };
  }
}

describe('Ollama over a real socket', () => {
  test.each([1, 7, 64])('a stream in writes of %i bytes is what it is in one', async (size) => {
    const whole = await read({ headers: ndjson, pieces: [fixture('stream-multibyte.ndjson')] });
    expect(whole).toMatchObject({ content: expect.stringMatching(/[^\p{ASCII}]/u), failure: undefined });
    expect(await read({ headers: ndjson, pieces: cutEvery(fixture('stream-multibyte.ndjson'), size) })).toEqual(whole);
  });

  test.each(['cut', 'reset'] as const)('a connection that is %s in the middle is unavailable, after what came', async (after) => {
    const { content, failure } = await read({ headers: ndjson, pieces: [line('one'), line(' two').slice(0, 30)], after });
    expect(content).toBe('one');
    expect(failure).toMatchObject({ code: 'unavailable' });
  });

  test('a body that ends cleanly without its last line is a bad response, after what came', async () => {
    const { content, failure } = await read({ headers: ndjson, pieces: [line('one')] });
    expect(content).toBe('one');
    expect(failure).toMatchObject({ code: 'bad_response' });
  });

  test('memory that runs out in the middle is told as that, after what came', async () => {
    const error = '{"error":"an error was encountered while running the model: CUDA error: out of memory"}\n';
    const { content, failure } = await read({ headers: ndjson, pieces: [line('one'), error] });
    expect(content).toBe('one');
    expect(failure).toMatchObject({ code: 'out_of_memory', provider: 'box' });
  });

  test('a model that does not fit is told before a stream begins', async () => {
    const body = '{"error":"llama runner process has terminated: cudaMalloc failed: out of memory"}';
    expect(await read({ status: 500, pieces: [body] })).toMatchObject({ content: '', failure: { code: 'out_of_memory', status: 500 } });
  });

  test('a stream that is left closes its connection', async () => {
    await using box = await loopback(() => ({ headers: ndjson, pieces: [line('one')], after: 'hang' }));
    const chunks = await ollama({ ...adapterContext(box.url), ...noOptions }).stream(callWith(new AbortController().signal));
    for await (const _ of chunks) break;
    await box.idle();
    expect(box.requests).toHaveLength(1);
  });

  test('20 streams, one after the other, use one connection, although the end of the body comes after the last line', async () => {
    const last = `${JSON.stringify({ model: 'm', message: { content: '' }, done: true, done_reason: 'stop' })}\n`;
    await using box = await loopback(() => ({ headers: ndjson, pieces: [line('one'), last, '\n'] }));
    const adapter = ollama({ ...adapterContext(box.url), ...noOptions });
    for (let count = 0; count < 20; count++) {
      await collectChunks(await adapter.stream(callWith(new AbortController().signal)));
      for (let turn = 0; turn < 20; turn++) await setImmediate();
    }
    expect([box.requests.length, box.connections()]).toEqual([20, 1]);
  });

  test('an abort in the middle rejects with the reason as it is', async () => {
    await using box = await loopback(() => ({ headers: ndjson, pieces: [line('one')], after: 'hang' }));
    const abort = new AbortController();
    const reason = new Error('enough');
    const chunks = await ollama({ ...adapterContext(box.url), ...noOptions }).stream(callWith(abort.signal));
    const reading = (async () => {
      for await (const _ of chunks) abort.abort(reason);
    })();
    await expect(reading).rejects.toBe(reason);
    await box.idle();
  });
});
