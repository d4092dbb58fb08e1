import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createHandler } from '../../src/http/handler.ts';
import { mostPipelined } from '../../src/http/node.ts';
import { chatRequestOf } from '../../src/http/ollama-request.ts';
import { createRouter } from '../../src/index.ts';
import { hang } from '../_kit/fake-adapter.ts';
import { loopback } from '../_kit/loopback.ts';
import { ask, askChat, chatBody, chatPath, front, inner, listen, rawRequest, sendRaw, until } from './handler-kit.ts';

// What clients do that want to learn or to break something, beside what the tests of each part hold.

describe('requests that are sent without waiting for answers', () => {
  const keep = { connection: 'keep-alive' };

  test(`are all answered, in order, where there are no more than ${mostPipelined}`, async () => {
    await using served = await listen(front().handler);
    const all = Array.from({ length: mostPipelined - 1 }, () => rawRequest('GET', '/healthz', keep));
    const { text } = await sendRaw(served.port, ...all, rawRequest('GET', '/healthz'));
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(mostPipelined - 1);
  });

  test('may be thousands on one connection, as long as each waits for the one before', async () => {
    await using served = await listen(front().handler);
    const socket = connect(served.port, '127.0.0.1');
    for (let count = 0; count < mostPipelined * 3; count += 1) {
      socket.write(rawRequest('GET', '/healthz', keep));
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(answer.toString()).toContain('HTTP/1.1 200');
    }
    socket.destroy();
  });

  test('cost the connection where there are more, and the provider hears of no more than those', async () => {
    const gate = front({}, hang);
    await using served = await listen(gate.handler);
    const socket = connect(served.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(rawRequest('POST', chatPath, keep, chatBody).repeat(5_000));
    await until(() => socket.destroyed);
    expect(gate.behind.fakes[inner.provider].calls.length).toBeLessThanOrEqual(mostPipelined);
    expect(served.sockets.size).toBe(0);
  });
});

test('a body in two codings is not read, whatever it would say', async () => {
  const gate = front();
  await using served = await listen(gate.handler);
  const head = { 'content-type': 'application/json', 'transfer-encoding': 'gzip, chunked' };
  const body = `${chatBody.length.toString(16)}\r\n${chatBody}\r\n0\r\n\r\n`;
  const { status, text } = await sendRaw(served.port, rawRequest('POST', chatPath, head) + body);
  expect([status, text]).toEqual([400, expect.stringContaining('malformed_request') as string]);
  expect(gate.behind.fakes[inner.provider].calls).toHaveLength(0);
});

test.each([
  ['named', (index: number) => ({ tool_name: `tool ${index % 2}` })],
  ['of no call', () => ({ tool_name: 'other' })],
  ['in order', () => ({})],
])('twenty thousand results of tools are brought to their calls in no time: %s', (_, named) => {
  const tool_calls = Array.from({ length: 20_000 }, (__, index) => ({ function: { name: `tool ${index % 2}` } }));
  const results = tool_calls.map((__, index) => ({ role: 'tool' as const, content: 'x', ...named(index) }));
  const startMs = performance.now();
  const { messages } = chatRequestOf({ model: 'm', messages: [{ role: 'assistant', tool_calls }, ...results] });
  expect(performance.now() - startMs).toBeLessThan(1_000);
  expect(messages).toHaveLength(20_001);
});

/** The answer where a server refuses with this message. */
async function told(message: string, path = chatPath, body: object = {}): Promise<string> {
  await using upstream = await loopback(() => ({ status: 400, pieces: [JSON.stringify({ error: { message } })] }));
  const providers = { 'hidden-box': { type: 'openai-compatible', url: upstream.url, cost: 'free' } } as const;
  const router = createRouter({ health: false, providers });
  const asked = { ...(JSON.parse(chatBody) as object), ...body };
  const response = await ask(createHandler(router), { method: 'POST', path, body: JSON.stringify(asked) });
  const text = await response.text();
  await router.close();
  expect(response.status).toBe(400);
  expect(text).not.toContain('hidden-box');
  return text;
}

describe('what a server says of a request is told', () => {
  test.each([
    'http://hidden.example/secret',
    '10.1.2.3',
    '10.1.2.3:8000',
    'fd00::abcd:1234',
    'gpu-7:8000',
    'gpu.example:8000',
    'localhost:11434',
    'gpu-7.internal',
    'vllm.default.svc',
    'gpu.lan',
    '/home/someone/models/a.gguf',
    'C:\\models\\a.gguf',
  ])('without the place %s', async (place) => {
    const plain = { model: 'm', messages: [{ role: 'user', content: 'x' }] };
    for (const [path, body] of [
      [chatPath, {}],
      ['/v1/messages', { ...plain, max_tokens: 5 }],
      ['/api/chat', { ...plain, stream: false }],
    ] as const) {
      const text = await told(`top_k is wrong, see ${place} there`, path, body);
      expect(text).toContain('top_k is wrong, see … there');
    }
  });

  test.each([
    'Qwen/Qwen2.5-7B-Instruct does not take tools',
    'llama3.1:8b and gpt-oss:120b are too small',
    "This model's maximum context length is 8192 tokens (parameter=input_tokens, value=9000)",
    'messages[0].content must be text and/or a list',
  ])('as it is where there is none: %s', async (message) => {
    expect(await told(message)).toContain(message);
  });
});

test('who names a provider that there is not learns of no other', async () => {
  const response = await askChat(front().handler, { headers: { 'x-inferlane-provider': 'nobody' } });
  expect([response.status, await response.text()]).toEqual([400, expect.not.stringContaining(inner.provider) as string]);
});
