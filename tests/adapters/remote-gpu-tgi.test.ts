import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { remoteGpu } from '../../src/adapters/remote-gpu.ts';
import type { Adapter, Call } from '../../src/core/adapter.ts';
import { collectChunks } from '../../src/core/collect.ts';
import type { ChatChunk, ChatRequest } from '../../src/core/types.ts';
import { adapterContext, noOptions } from '../_kit/adapter-context.ts';
import { cutEvery, gather } from '../_kit/byte-stream.ts';
import { loopback, type Script } from '../_kit/loopback.ts';
import { scriptedHttp } from '../_kit/scripted-http.ts';

const { signal } = new AbortController();
const hello: ChatRequest = { messages: [{ role: 'user', content: 'Once' }] };
const call = (request: Partial<ChatRequest> = {}, own: AbortSignal = signal): Call<ChatRequest> => ({
  request: { ...hello, ...request },
  model: 'gpt2',
  signal: own,
  requestId: 'r1',
});

const data = (value: unknown): string => `data:${JSON.stringify(value)}\n\n`;
const token = (text: string, special = false): string =>
  data({ index: 1, token: { id: 5, text, logprob: -0.1, special }, generated_text: null, details: null });
const last = (text: string, details: unknown, special = false): string =>
  data({ index: 9, token: { id: 5, text, logprob: -0.1, special }, generated_text: 'all of it', details });
const details = { finish_reason: 'eos_token', generated_tokens: 2, seed: null, input_length: 3 };
const end = last('</s>', details, true);
const sse = (...pieces: (string | Uint8Array)[]): Script => ({ headers: { 'content-type': 'text/event-stream' }, pieces });

const connect = (url: string): Adapter => remoteGpu(adapterContext(url, 'remote-gpu', { dialect: 'tgi' }));

/** What a server that sends these pieces is read as: the chunks, and the failure where there was one. */
async function read(script: Script, request: Partial<ChatRequest> = {}): Promise<{ chunks: ChatChunk[]; text: string; failure: unknown }> {
  await using box = await loopback(() => script);
  const chunks: ChatChunk[] = [];
  let failure: unknown;
  try {
    for await (const batch of await connect(box.url).stream(call(request))) chunks.push(...batch);
  } catch (error) {
    failure = error;
  }
  return { chunks, text: chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join(''), failure };
}

/** The parameters that a request becomes. */
async function parametersOf(request: Partial<ChatRequest>): Promise<unknown> {
  const { provider, http, asked } = scriptedHttp({ '/generate_stream': end });
  await remoteGpu({ ...noOptions, provider, http, dialect: 'tgi' }).chat(call(request));
  return (asked[0]?.body as { parameters: unknown } | undefined)?.parameters;
}

describe('the body', () => {
  const always = { return_full_text: false, details: true };

  test('holds the prompt, and the wish for details', async () => {
    const { provider, http, asked } = scriptedHttp({ '/generate_stream': end });
    await remoteGpu({ ...noOptions, provider, http, dialect: 'tgi' }).chat(call());
    expect(asked).toEqual([{ path: '/generate_stream', body: { inputs: 'Once', parameters: always } }]);
  });

  test('puts the sampling into parameters', async () => {
    const sampling = { max_tokens: 9, temperature: 0.5, top_p: 0.9, seed: 1, frequency_penalty: 0.1, stop: ['a', 'b'] };
    const sent = { max_new_tokens: 9, temperature: 0.5, top_p: 0.9, seed: 1, frequency_penalty: 0.1, stop: ['a', 'b'], do_sample: true };
    expect(await parametersOf(sampling)).toEqual({ ...sent, ...always });
  });

  test.each<[Partial<ChatRequest>, Record<string, unknown>]>([
    [{ temperature: 0 }, { do_sample: false }],
    [{ temperature: 0, top_p: 0.5 }, { do_sample: false }],
    [{ top_p: 0 }, { do_sample: false }],
    [{ top_p: 1 }, {}],
    [
      { temperature: 1, top_p: 1 },
      { temperature: 1, do_sample: true },
    ],
    [{ top_p: 0.5 }, { top_p: 0.5, do_sample: true }],
    [{ max_tokens: 9, max_completion_tokens: 8 }, { max_new_tokens: 8 }],
    [{ stop: 'a' }, { stop: ['a'] }],
  ])('%j, which TGI would refuse or take otherwise, becomes %j', async (request, sent) => {
    expect(await parametersOf(request)).toEqual({ ...sent, ...always });
  });

  test('a schema is a grammar', async () => {
    const schema = { type: 'object', properties: { city: { type: 'string' } } };
    expect(await parametersOf({ response_format: { type: 'json_schema', json_schema: { name: 'place', schema } } })).toMatchObject({
      grammar: { type: 'json', value: schema },
    });
  });

  test('lets extra win, field by field, but keeps the details, which the reader needs', async () => {
    const extra = { 'remote-gpu': { parameters: { repetition_penalty: 1.1, seed: 2, details: false } } };
    expect(await parametersOf({ seed: 1, extra })).toEqual({ repetition_penalty: 1.1, seed: 2, ...always });
  });
});

describe('the stream', () => {
  test('becomes chunks of OpenAI; tokens that are markup are no text', async () => {
    const head = { id: 'chatcmpl-r1', object: 'chat.completion.chunk', created: 0, model: 'gpt2' };
    const { chunks, failure } = await read(sse(token('<s>', true), token(' Hi'), token(' there'), end));
    expect(failure).toBeUndefined();
    expect(chunks).toEqual([
      { ...head, choices: [{ index: 0, delta: { role: 'assistant', content: ' Hi' }, finish_reason: null }] },
      { ...head, choices: [{ index: 0, delta: { content: ' there' }, finish_reason: null }] },
      { ...head, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
      { ...head, choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } },
    ]);
  });

  test('is collected for a whole answer', async () => {
    await using box = await loopback(() => sse(token(' Hi'), last('!', { ...details, finish_reason: 'length' })));
    const { choices, usage } = await connect(box.url).chat(call());
    expect(choices).toEqual([{ index: 0, message: { role: 'assistant', content: ' Hi!' }, finish_reason: 'length' }]);
    expect(usage).toEqual({ prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 });
  });

  test.each([1, 7, 64])('in writes of %i bytes is what it is in one, with and without a blank after `data:`', async (size) => {
    const bytes = new TextEncoder().encode(token('Grüße') + token(' 日本').replace('data:', 'data: ') + end);
    const whole = await read(sse(bytes));
    expect([whole.text, whole.failure]).toEqual(['Grüße 日本', undefined]);
    const cut = await read(sse(...cutEvery(bytes, size)));
    expect([cut.chunks, cut.failure]).toEqual([whole.chunks, undefined]);
  });

  test.each([
    ['stop_sequence', 'stop'],
    ['eos_token', 'stop'],
    ['length', 'length'],
    [undefined, 'unknown'],
  ])('gives finish reason %s as %s', async (finish_reason, expected) => {
    const { chunks } = await read(sse(token('Hi'), last('', { ...details, finish_reason })));
    expect(chunks.map(({ choices }) => choices[0]?.finish_reason)).toContain(expected);
  });

  test.each([null, { generated_tokens: 2 }, { input_length: -1, generated_tokens: 2 }])('counts nothing with details %j', async (found) => {
    const { chunks, failure } = await read(sse(token('Hi'), last('', found)));
    expect([chunks.some(({ usage }) => usage), failure]).toEqual([false, undefined]);
  });

  test('leaves a stop sequence out, which TGI sends as text, also one in several tokens', async () => {
    const pieces = [token('one'), token(' t'), token('w'), last('o', { ...details, finish_reason: 'stop_sequence' })];
    expect((await read(sse(...pieces), { stop: [' two'] })).text).toBe('one');
    expect((await read(sse(token('one'), token(' t'), end), { stop: [' two'] })).text).toBe('one t');
  });

  test('gives thoughts apart', async () => {
    const { chunks, text } = await read(sse(token('<thi'), token('nk>Well</think>'), token('Hi'), end));
    expect([chunks.map(({ choices }) => choices[0]?.delta.reasoning_content ?? '').join(''), text]).toEqual(['Well', 'Hi']);
  });

  test('ends with its last event, although no [DONE] comes, and its connection is used again', async () => {
    await using box = await loopback(() => sse(token('Hi'), end, ':\n\n'));
    const adapter = connect(box.url);
    for (let count = 0; count < 5; count++) {
      await collectChunks(await adapter.stream(call()));
      for (let turns = 0; turns < 20; turns++) await turn();
    }
    expect([box.requests.length, box.connections()]).toEqual([5, 1]);
  });

  test('is not waited for past its last event', async () => {
    await using box = await loopback(() => ({ ...sse(token('Hi'), end), after: 'hang' }));
    expect(await gather(await connect(box.url).stream(call()))).toHaveLength(3);
  });

  test('is no longer read when the last event was claimed by a token', async () => {
    const trap = token('{"generated_text":"x"}');
    expect((await read(sse(trap, token(' more'), end))).text).toBe('{"generated_text":"x"} more');
  });
});

describe('a failure', () => {
  test.each([
    [{ error: 'Model is overloaded', error_type: 'overloaded' }, 'overloaded'],
    [
      {
        error: 'Request failed during generation: Server error: CUDA out of memory. Tried to allocate 16.00 MiB',
        error_type: 'generation',
      },
      'out_of_memory',
    ],
    [
      {
        error: 'Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` tokens',
        error_type: 'validation',
      },
      'context_length',
    ],
    [{ error: 'Incomplete generation', error_type: 'incomplete_generation_stream' }, 'unavailable'],
  ])('in the stream, %j, is classified, after what came before it', async (error, code) => {
    const { text, failure } = await read(sse(token('one'), data(error)));
    expect([text, failure]).toMatchObject(['one', { code, provider: 'box' }]);
    expect((await read(sse(token('one') + data(error)))).text).toBe('one');
  });

  test.each([
    ['an end without the last event', [token('one')]],
    ['no token', [token('one'), data({ text: 'my secret' })]],
    ['no JSON', [token('one'), 'data:my secret\n\n']],
  ])('%s is a bad response that quotes nothing', async (_what, pieces) => {
    const { text, failure } = await read(sse(...pieces));
    expect(text).toBe('one');
    expect(failure).toMatchObject({ code: 'bad_response', message: expect.not.stringContaining('my secret') });
  });

  test('a refused key rejects before a stream is given', async () => {
    await using box = await loopback(() => ({ status: 401, pieces: [] }));
    await expect(connect(box.url).stream(call())).rejects.toMatchObject({ code: 'auth' });
  });

  test('an abort in the middle rejects with its reason and closes the connection', async () => {
    await using box = await loopback(() => ({ ...sse(token('one')), after: 'hang' }));
    const abort = new AbortController();
    const reason = new Error('enough');
    const reading = (async () => {
      for await (const _ of await connect(box.url).stream(call({}, abort.signal))) abort.abort(reason);
    })();
    await expect(reading).rejects.toBe(reason);
    await box.idle();
  });
});

test('its load', async () => {
  const about = { model_id: 'gpt2', max_concurrent_requests: 128 };
  const box = scriptedHttp({ '/info': about, '/metrics': 'tgi_queue_size 3\ntgi_batch_current_size 2\n' });
  expect(await remoteGpu({ ...noOptions, ...box, dialect: 'tgi' }).load!(signal)).toEqual({ running: 2, waiting: 3, slots: 128 });
});

test('its model and its health', async () => {
  const box = scriptedHttp({ '/info': { model_id: 'gpt2', max_total_tokens: 2048 }, '/health': '' });
  const adapter = remoteGpu({ ...noOptions, ...box, dialect: 'tgi' });
  expect([await adapter.models!(signal), await adapter.health!(signal)]).toEqual([[{ id: 'gpt2', contextLength: 2048 }], { state: 'ok' }]);
  await expect(remoteGpu({ ...noOptions, ...scriptedHttp({ '/info': {} }), dialect: 'tgi' }).models!(signal)).rejects.toMatchObject({
    code: 'bad_response',
  });
});
