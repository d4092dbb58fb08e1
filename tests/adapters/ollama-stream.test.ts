import { readFileSync } from 'node:fs';
import { setImmediate as settled } from 'node:timers/promises';
import { HttpResponse, http as route } from 'msw';
import { setupServer } from 'msw/node';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ollama } from '../../src/adapters/ollama.ts';
import type { Call } from '../../src/core/adapter.ts';
import { collectChunks } from '../../src/core/collect.ts';
import type { ChatChunk, ChatRequest, ChunkBatches } from '../../src/core/types.ts';
import { adapterContext, noOptions } from '../_kit/adapter-context.ts';

const url = 'http://ollama.test:11434';
const server = setupServer();
beforeAll(() => server.listen({ onUnhandledFrame: 'error' }));
afterEach(() => server.resetHandlers());
afterAll(() => server.close());

const fixture = (name: string): Uint8Array => readFileSync(new URL(`../fixtures/ollama/${name}`, import.meta.url));
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const { http } = adapterContext(url, 'ollama', { provider: 'gpu' });
const call: Call<ChatRequest> = {
  request: { messages: [{ role: 'user', content: 'hi' }] },
  model: 'm',
  signal: new AbortController().signal,
  requestId: 'r1',
};

interface Body {
  readonly stream: ReadableStream<Uint8Array>;
  readonly cancelled: () => boolean;
  /** Pieces that nobody has read yet. */
  readonly left: () => number;
}

/** A body of exactly these reads. `open` leaves it without an end, as a server that hangs would. */
function bodyOf(pieces: readonly Uint8Array[], end: 'close' | 'open' = 'close'): Body {
  let cancelled = false;
  const left = [...pieces];
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const piece = left.shift();
        if (piece) controller.enqueue(piece);
        else if (end === 'close') controller.close();
        else return new Promise(() => undefined);
        return undefined;
      },
      cancel: () => void (cancelled = true),
    },
    { highWaterMark: 0 },
  );
  return { stream, cancelled: () => cancelled, left: () => left.length };
}

function open(stream: ReadableStream<Uint8Array>): Promise<ChunkBatches> {
  return ollama({ provider: 'gpu', http: { ...http, openStream: async () => stream }, ...noOptions }).stream(call);
}

/** Every chunk that came, and what the stream ended with. */
async function read(...pieces: Uint8Array[]): Promise<{ chunks: ChatChunk[]; error: unknown }> {
  const chunks: ChatChunk[] = [];
  try {
    for await (const batch of await open(bodyOf(pieces).stream)) chunks.push(...batch);
    return { chunks, error: undefined };
  } catch (error) {
    return { chunks, error };
  }
}

const textOf = (chunks: readonly ChatChunk[]): string => chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('');

const cuts = (whole: Uint8Array): [Uint8Array, Uint8Array][] =>
  Array.from({ length: whole.length + 1 }, (_, at) => [whole.subarray(0, at), whole.subarray(at)]);
const singly = (whole: Uint8Array): Uint8Array[] => Array.from(whole, (_, at) => whole.subarray(at, at + 1));

describe('a stream over the network', () => {
  test('asks for a stream and gives chunks of OpenAI', async () => {
    let sent: unknown;
    server.use(
      route.post(`${url}/api/chat`, async ({ request }) => {
        sent = await request.json();
        return new HttpResponse(Buffer.from(fixture('stream.ndjson')), { headers: { 'content-type': 'application/x-ndjson' } });
      }),
    );
    const chunks: ChatChunk[] = [];
    for await (const batch of await ollama({ provider: 'gpu', http, ...noOptions }).stream(call)) chunks.push(...batch);
    const head = { id: 'chatcmpl-r1', object: 'chat.completion.chunk', created: Date.UTC(2026, 7, 21, 10) / 1000, model: 'm' };
    expect(sent).toMatchObject({ model: 'm', stream: true, truncate: false });
    expect(chunks).toEqual([
      { ...head, choices: [{ index: 0, delta: { role: 'assistant', reasoning_content: 'Let me' }, finish_reason: null }] },
      { ...head, choices: [{ index: 0, delta: { content: 'Hi' }, finish_reason: null }] },
      { ...head, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
      { ...head, choices: [], usage: { prompt_tokens: 11, completion_tokens: 2, total_tokens: 13 } },
    ]);
  });

  test('rejects before the first batch where the server refuses', async () => {
    server.use(route.post(`${url}/api/chat`, () => HttpResponse.json({ error: "model 'x' not found" }, { status: 404 })));
    await expect(ollama({ provider: 'gpu', http, ...noOptions }).stream(call)).rejects.toMatchObject({ code: 'model_not_found' });
  });

  test('refuses a request that cannot be sent before the stream opens', async () => {
    await expect(ollama({ provider: 'gpu', http, ...noOptions }).stream({ ...call, model: undefined })).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });

  test('collects to the answer that a chat would give', async () => {
    const answer = await collectChunks(await open(bodyOf([fixture('stream-multibyte.ndjson')]).stream));
    expect(answer.choices).toEqual([{ index: 0, message: { role: 'assistant', content: 'Grüße 日本 👩‍🚀 é.' }, finish_reason: 'length' }]);
    expect(answer.usage).toEqual({ prompt_tokens: 3, completion_tokens: 9, total_tokens: 12 });
  });
});

describe('however the network cuts it', () => {
  test.each(['stream.ndjson', 'stream-multibyte.ndjson', 'stream-tools-early.ndjson', 'stream-error.ndjson'])(
    '%s gives the same chunks in two pieces, cut at every byte',
    async (name) => {
      const whole = await read(fixture(name));
      for (const pieces of cuts(fixture(name))) expect(await read(...pieces)).toEqual(whole);
      expect(whole.chunks.length).toBeGreaterThan(2);
    },
  );

  test.each(['stream.ndjson', 'stream-multibyte.ndjson', 'stream-tools-on-done.ndjson', 'stream-error.ndjson'])(
    '%s gives the same chunks byte by byte',
    async (name) => {
      expect(await read(...singly(fixture(name)))).toEqual(await read(fixture(name)));
    },
  );

  test('gives one batch per read', async () => {
    const batches: number[] = [];
    const [first = '', ...rest] = new TextDecoder().decode(fixture('stream-multibyte.ndjson')).split(/(?<=\n)/);
    for await (const batch of await open(bodyOf([bytes(first), bytes(rest.join(''))]).stream)) batches.push(batch.length);
    expect(batches).toEqual([1, 4]);
  });

  test('needs no newline after the last line', async () => {
    const { chunks, error } = await read(bytes(new TextDecoder().decode(fixture('stream.ndjson')).trimEnd()));
    expect([textOf(chunks), error]).toEqual(['Hi', undefined]);
  });

  test('takes CR LF and blank lines', async () => {
    const { chunks, error } = await read(bytes(new TextDecoder().decode(fixture('stream.ndjson')).replaceAll('\n', '\r\n\r\n')));
    expect([textOf(chunks), error]).toEqual(['Hi', undefined]);
  });
});

const callsOf = (chunks: readonly ChatChunk[]) => chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []);

describe('tool calls', () => {
  test('are read on the last line', async () => {
    const { chunks } = await read(fixture('stream-tools-on-done.ndjson'));
    expect(callsOf(chunks)).toEqual([
      { index: 0, id: 'call_ab12cd34', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Tokyo"}' } },
    ]);
    expect(chunks.map(({ choices }) => choices[0]?.finish_reason)).toEqual([null, null, 'tool_calls', undefined]);
  });

  test('are read on earlier lines, each whole, with a rising index and an id of ours', async () => {
    const { chunks } = await read(fixture('stream-tools-early.ndjson'));
    expect(callsOf(chunks)).toEqual([
      { index: 0, id: 'call_r1_0', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Tokyo"}' } },
      { index: 1, id: 'call_r1_1', type: 'function', function: { name: 'get_time', arguments: '{}' } },
    ]);
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('tool_calls');
  });
});

const line = (fields: Record<string, unknown>): string => `${JSON.stringify({ model: 'm', ...fields })}\n`;
const said = (content: string): string => line({ message: { role: 'assistant', content }, done: false });
const end = line({ message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop', eval_count: 1 });

const partsOf = (chunks: readonly ChatChunk[]): unknown[] => {
  const joined = (name: 'content' | 'reasoning_content'): string => chunks.map(({ choices }) => choices[0]?.delta[name] ?? '').join('');
  return [joined('reasoning_content'), joined('content')];
};

describe('a block of thoughts in the content', () => {
  test('becomes reasoning, however it is cut', async () => {
    for (const size of [1, 2, 3, 5, 8, 40]) {
      const pieces = '<think>\nLet me</think>\n\nHi <think>'.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [];
      const { chunks } = await read(...pieces.map((piece) => bytes(said(piece))), bytes(end));
      expect(partsOf(chunks)).toEqual(['Let me', 'Hi <think>']);
    }
  });

  test('stays where the server told the thinking apart itself', async () => {
    const thought = line({ message: { content: '', thinking: 'Well' }, done: false });
    const { chunks } = await read(bytes(thought + said('<think>Hi</think>') + end));
    expect(partsOf(chunks)).toEqual(['Well', '<think>Hi</think>']);
  });

  test('is no block where thinking follows its beginning', async () => {
    const thought = line({ message: { content: '?', thinking: 'Well' }, done: false });
    const { chunks } = await read(bytes(said('<thi') + thought + end));
    expect(partsOf(chunks)).toEqual(['Well', '<thi?']);
  });

  test.each(['<thi', '<', ' '])(
    'text that only looked like one (%j) comes with the last line, also one without a message',
    async (text) => {
      const { chunks, error } = await read(bytes(said(text) + line({ done: true, done_reason: 'stop' })));
      expect([...partsOf(chunks), error]).toEqual(['', text, undefined]);
    },
  );
});

describe('the end', () => {
  test('gives no usage where the server counted nothing', async () => {
    const { chunks } = await read(bytes(said('Hi') + line({ done: true, done_reason: 'stop' })));
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop');
  });

  test('carries the last piece of text', async () => {
    const { chunks } = await read(bytes(said('H') + line({ message: { content: 'i' }, done: true, done_reason: 'stop' })));
    expect(textOf(chunks)).toBe('Hi');
  });

  test('is the first last line: whatever follows in the same read is ignored', async () => {
    const { chunks, error } = await read(bytes(said('Hi') + end + said(' there') + '{"error":"late"}\nnot json\n'));
    expect([textOf(chunks), error]).toEqual(['Hi', undefined]);
  });

  test('is not waited for past the last line', async () => {
    const body = bodyOf([bytes(said('Hi') + end)], 'open');
    for await (const batch of await open(body.stream)) void batch;
    expect(body.cancelled()).toBe(false);
  });

  test('lets the rest of the body run out, so that the connection can be used again', async () => {
    const body = bodyOf([bytes(said('Hi') + end), bytes('\n')]);
    for await (const batch of await open(body.stream)) if (batch.length > 1) break;
    await settled();
    expect([body.cancelled(), body.stream.locked, body.left()]).toEqual([false, false, 0]);
  });

  test('cancels the body when the reader leaves early', async () => {
    const body = bodyOf([bytes(said('Hi'))], 'open');
    for await (const batch of await open(body.stream)) if (batch.length > 0) break;
    expect(body.cancelled()).toBe(true);
  });

  test.each(['load', 'unload'])('with the reason %s is no completion', async (done_reason) => {
    const { error } = await read(bytes(line({ message: { content: '' }, done: true, done_reason })));
    expect(error).toMatchObject({ code: 'bad_response', message: expect.stringContaining('not a completion') });
  });
});

describe('a stream that breaks', () => {
  test('throws the error line, after everything that came before it', async () => {
    const { chunks, error } = await read(fixture('stream-error.ndjson'));
    expect(textOf(chunks)).toBe('one two three');
    expect(error).toMatchObject({ code: 'out_of_memory', provider: 'gpu' });
  });

  test('throws an error that is the first line', async () => {
    const { chunks, error } = await read(bytes('{"error":"server busy, please try again.  maximum pending requests exceeded"}\n'));
    expect([chunks, error]).toMatchObject([[], { code: 'overloaded' }]);
  });

  test.each(['', said('Hi')])('ends without its terminator after %j', async (text) => {
    const { error } = await read(bytes(text));
    expect(error).toMatchObject({ code: 'bad_response', message: expect.stringContaining('ended before its terminator') });
  });

  /** `Hi`, and then the fault that the platform throws where a connection is cut. */
  const brokenBody = (): ReadableStream<Uint8Array> => {
    const pieces = [bytes(said('Hi'))];
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
      const piece = pieces.shift();
      if (piece) controller.enqueue(piece);
      else controller.error(new TypeError('terminated'));
    };
    return new ReadableStream({ pull }, { highWaterMark: 0 });
  };

  test('tells that the connection broke, and not that the server ended early', async () => {
    await expect(collectChunks(await open(brokenBody()))).rejects.toMatchObject({ code: 'unavailable' });
  });

  test('rejects with the reason of the caller where the caller broke it', async () => {
    const reason = new Error('enough');
    const adapter = ollama({ provider: 'gpu', http: { ...http, openStream: async () => brokenBody() }, ...noOptions });
    const controller = new AbortController();
    const batches = (await adapter.stream({ ...call, signal: controller.signal }))[Symbol.asyncIterator]();
    await batches.next();
    controller.abort(reason);
    await expect(batches.next()).rejects.toBe(reason);
  });

  test('drops a line that was cut off', async () => {
    const { chunks, error } = await read(bytes(said('Hi') + said('lost').slice(0, -5)));
    expect([textOf(chunks), error]).toMatchObject(['Hi', { code: 'bad_response' }]);
  });

  test.each([
    ['no JSON', 'my secret\n'],
    ['two objects', '{"a":"my secret"}{}\n'],
    ['a list', '["my secret"]\n'],
    ['no message', '{"text":"my secret"}\n'],
    ['content that is no text', '{"message":{"content":{"my secret":1}},"done":false}\n'],
  ])('refuses a line with %s, and does not quote it', async (_what, text) => {
    const { chunks, error } = await read(bytes(said('Hi') + text + end));
    expect(textOf(chunks)).toBe('Hi');
    expect(error).toMatchObject({ code: 'bad_response', message: expect.not.stringContaining('my secret') });
  });

  test('cancels the body after a line that is refused', async () => {
    const body = bodyOf([bytes(`${said('Hi')}nonsense\n`)], 'open');
    await expect(collectChunks(await open(body.stream))).rejects.toMatchObject({ code: 'bad_response' });
    expect(body.cancelled()).toBe(true);
  });
});

test('log probabilities travel with their line, even where its text is held back', async () => {
  const logprobs = [{ token: 'Hi', logprob: -0.1 }];
  const { chunks } = await read(bytes(line({ message: { content: '' }, logprobs, done: false }) + said('Hi') + end));
  expect(chunks[0]?.choices[0]?.logprobs).toEqual({ content: logprobs });
});
