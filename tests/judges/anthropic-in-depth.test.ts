import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Anthropic, {
  APIError,
  APIUserAbortError,
  AuthenticationError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from '@anthropic-ai/sdk';
import { describe, expect, test } from 'vitest';
import { toNodeListener } from '../../src/http/node.ts';
import { type ErrorCode, RouterError } from '../../src/index.ts';
import { answer, chunk, counted, type Does, type Front, front, streams, usage } from '../http/anthropic-kit.ts';

// Anthropic's own client, against our handler behind a server of node:http on the loopback.

const token = 'Zk3vQ8mW1xT6rB9nL2pY';
const question = { model: 'm', max_tokens: 64, messages: [{ role: 'user' as const, content: 'Hello!' }] };
const call = { id: 'call_1', type: 'function' as const, function: { name: 'look', arguments: '{"at":1}' } };
const signed = { type: 'thinking' as const, thinking: 'Hm.', signature: 'c2ln' };

interface Serving extends AsyncDisposable {
  readonly client: Anthropic;
  readonly served: Front;
}

async function serving(does: Does, key: ConstructorParameters<typeof Anthropic>[0] = { apiKey: token }): Promise<Serving> {
  const served = front(does, { tokens: [token] });
  const server = createServer(toNodeListener(served.handler));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    client: new Anthropic({ apiKey: null, authToken: null, ...key, baseURL, maxRetries: 0 }),
    served,
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      server.closeAllConnections();
      server.close();
    },
  };
}

async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("Anthropic's client", () => {
  test('gets an answer, with its key in either header', async () => {
    for (const key of [{ apiKey: token }, { authToken: token }]) {
      await using at = await serving(answer({ content: 'Hi.' }, 'stop', usage), key);
      const message = await at.client.messages.create(question);
      expect(message.content).toEqual([{ type: 'text', text: 'Hi.', citations: null }]);
      expect(message.stop_reason).toBe('end_turn');
      expect(message.usage).toMatchObject({ input_tokens: 7, cache_read_input_tokens: 5, output_tokens: 7 });
      expect(message._request_id).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  test('reads a stream, as events and as the message that they make', async () => {
    const does = streams(
      chunk({ reasoning_content: 'Hm.' }),
      chunk({ thinking_blocks: [signed] }),
      chunk({ content: 'Hi ' }),
      chunk({ content: 'you.' }),
      chunk({}, 'stop'),
      counted,
    );
    await using at = await serving(does);
    const pieces: string[] = [];
    const stream = at.client.messages.stream(question).on('text', (piece) => void pieces.push(piece));
    const message = await stream.finalMessage();
    expect(pieces).toEqual(['Hi ', 'you.']);
    expect(message.content).toEqual([signed, { type: 'text', text: 'Hi you.', citations: null }]);
    expect(message.usage).toMatchObject({ input_tokens: 7, cache_read_input_tokens: 5, output_tokens: 7 });
    let said = '';
    for await (const event of await at.client.messages.create({ ...question, stream: true })) {
      if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') said += event.delta.text;
    }
    expect(said).toBe('Hi you.');
  });

  test.each([false, true])('runs a loop of tools (as a stream: %s)', async (isStream) => {
    const calls = [
      answer({ reasoning_content: 'Hm.', thinking_blocks: [signed], tool_calls: [call] }, 'tool_calls'),
      answer({ content: 'Sun.' }),
    ];
    await using at = await serving(async function* ({ request }) {
      const { choices } = calls[request.messages.some(({ role }) => role === 'tool') ? 1 : 0] ?? answer({});
      const { message, finish_reason } = choices[0] ?? {};
      yield [chunk({ ...message, tool_calls: message?.tool_calls?.map((each, index) => ({ index, ...each })) ?? [] }, finish_reason)];
    });
    const tools: Anthropic.Tool[] = [{ name: 'look', input_schema: { type: 'object', properties: { at: { type: 'number' } } } }];
    const messages: Anthropic.MessageParam[] = [...question.messages];
    const ask = async (): Promise<Anthropic.Message> => {
      const params = { ...question, messages, tools };
      return isStream ? at.client.messages.stream(params).finalMessage() : at.client.messages.create(params);
    };
    const first = await ask();
    expect(first.stop_reason).toBe('tool_use');
    const asked = first.content.find((block) => block.type === 'tool_use');
    expect(asked).toMatchObject({ id: 'call_1', name: 'look', input: { at: 1 } });
    messages.push(
      { role: 'assistant', content: first.content },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: asked?.id ?? '', content: 'It shines.' }] },
    );
    expect((await ask()).content).toMatchObject([{ type: 'text', text: 'Sun.' }]);
    expect(at.served.requests[1]?.messages.slice(1)).toEqual([
      { role: 'assistant', content: null, reasoning_content: 'Hm.', thinking_blocks: [signed], tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_1', content: 'It shines.' },
    ]);
  });

  test('counts tokens', async () => {
    await using at = await serving(answer({ content: 'Hi.' }));
    const { max_tokens: _, ...counted } = question;
    expect((await at.client.messages.countTokens(counted)).input_tokens).toBeGreaterThan(0);
    expect(at.served.requests).toEqual([]);
  });

  test.each([false, true])('that aborts ends the call of the provider (as a stream: %s)', async (isStream) => {
    const aborted = new AbortController();
    await using at = await serving(async function* ({ signal }) {
      signal.addEventListener('abort', () => aborted.abort());
      if (isStream) yield [chunk({ content: 'Hi' })];
      await once(signal, 'abort');
      signal.throwIfAborted();
    });
    const leaving = new AbortController();
    const options = { signal: leaving.signal };
    if (isStream) {
      for await (const event of await at.client.messages.create({ ...question, stream: true }, options)) {
        if (event.type === 'content_block_delta') leaving.abort();
      }
    } else {
      const pending = failure(at.client.messages.create(question, options));
      while (at.served.requests.length === 0) await new Promise(setImmediate);
      leaving.abort();
      expect(await pending).toBeInstanceOf(APIUserAbortError);
    }
    if (!aborted.signal.aborted) await once(aborted.signal, 'abort');
    while (at.served.router.snapshot().inFlight > 0) await new Promise(setImmediate);
  });

  test.each<[ErrorCode, new (...args: never[]) => Error, string]>([
    ['bad_request', BadRequestError, 'invalid_request_error'],
    ['model_not_found', NotFoundError, 'not_found_error'],
    ['rate_limited', RateLimitError, 'rate_limit_error'],
    ['unavailable', InternalServerError, 'api_error'],
  ])('throws its own class for %s', async (code, kind, type) => {
    for (const stream of [false, true]) {
      await using at = await serving(new RouterError(code, 'No.'));
      const error = await failure(at.client.messages.create({ ...question, stream }));
      expect(error).toBeInstanceOf(kind);
      expect(error).toMatchObject({ type });
    }
  });

  test('throws its own classes for a wrong key, a wrong body and a failure in the middle of a stream', async () => {
    await using strange = await serving(answer({ content: 'Hi.' }), { apiKey: 'another' });
    expect(await failure(strange.client.messages.create(question))).toBeInstanceOf(AuthenticationError);
    await using at = await serving(streams(chunk({ content: 'Hi' }), new RouterError('overloaded', 'No.')));
    const wrong = await failure(at.client.messages.create({ ...question, max_tokens: 0 }));
    expect(wrong).toBeInstanceOf(BadRequestError);
    expect(wrong).toMatchObject({ apiMessage: 'max_tokens must be a whole number, 1 at least.' });
    const broken = await failure(at.client.messages.stream(question).finalMessage());
    expect(broken).toBeInstanceOf(APIError);
    expect(broken).toMatchObject({ type: 'api_error', apiMessage: expect.stringContaining('stream') });
  });
});
