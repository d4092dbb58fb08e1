import { convertToModelMessages, streamText, type UIMessage } from 'ai';
import { createRouter, type Router } from 'inferlane';
import { createInferlane } from 'inferlane/ai-sdk';
import { fakeBackend, reply, serverError } from 'inferlane/testing';
import { expect, test } from 'vitest';

/** The route that `useChat()` in a browser posts to, in any framework with `Request` and `Response`. */
function chatRoute(router: Router): (request: Request) => Promise<Response> {
  const inferlane = createInferlane(router);
  return async (request) => {
    const { id, messages } = (await request.json()) as { id: string; messages: UIMessage[] };
    const result = streamText({
      model: inferlane('llama3.1'),
      messages: await convertToModelMessages(messages),
      // A browser that goes away ends the call, and with it the work of the GPU.
      abortSignal: request.signal,
      // One conversation stays with one server, whose cache knows its beginning.
      providerOptions: { inferlane: { session: id } },
    });
    return result.toUIMessageStreamResponse();
  };
}

test('useChat gets an answer although the first server is broken', async () => {
  await using first = await fakeBackend('vllm', serverError()).listen();
  await using second = await fakeBackend('ollama', reply('Hello!')).listen();
  await using router = createRouter({
    providers: { first: { type: 'vllm', url: first.url, priority: 1 }, second: { type: 'ollama', url: second.url, priority: 2 } },
  });
  const messages = [{ id: 'm-1', role: 'user', parts: [{ type: 'text', text: 'Hi' }] }];
  const body = JSON.stringify({ id: 'chat-1', messages });

  const response = await chatRoute(router)(new Request('http://app.test/api/chat', { method: 'POST', body }));

  expect(await response.text()).toContain('{"type":"text-delta","id":"0","delta":"Hello!"}');
});
