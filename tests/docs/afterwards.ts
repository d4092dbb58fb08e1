import { once } from 'node:events';
import { request } from 'node:http';
import type { Express } from 'express';
import { expect } from 'vitest';
import type { Logger } from '../../src/index.ts';
import { defaultText } from '../../src/testing/index.ts';
import { urlOf } from './listening.ts';
import { someKey, type Ran } from './run-block.ts';
import type { Winston } from './given/metrics-and-logs.ts';

// What must be so when a block has run, beside that all its routers answer.

const body = JSON.stringify({ model: 'llama3.1', messages: [{ role: 'user', content: 'Hello!' }] });

/** The handler answers on the port of its server, under the name that it was told. */
export async function chatOverHttp({ listening }: Ran): Promise<void> {
  const headers = { host: 'llm.example.com', authorization: `Bearer ${someKey}`, 'content-type': 'application/json' };
  // `fetch` lets nobody choose the name.
  const asking = request(`${listening[0]}/v1/chat/completions`, { method: 'POST', headers, agent: false }).end(body);
  const [response] = (await once(asking, 'response')) as [NodeJS.ReadableStream & { statusCode: number }];
  let text = '';
  for await (const piece of response) text += String(piece);
  expect([response.statusCode, text]).toEqual([200, expect.stringContaining(defaultText)]);
}

/** The route answers as `useChat()` reads it. */
export async function useChatAnswers({ made }: Ran): Promise<void> {
  const post = made['POST'] as (request: Request) => Promise<Response>;
  const messages = [{ id: 'm-1', role: 'user', parts: [{ type: 'text', text: 'Hi' }] }];
  const response = await post(new Request('http://app.test/', { method: 'POST', body: JSON.stringify({ id: 'chat-1', messages }) }));
  expect(await response.text()).toContain('"type":"text-delta"');
}

/** The library's line comes to winston in the order that it wants. */
export async function loggerWrites({ made, given }: Ran): Promise<void> {
  (made['logger'] as Logger).warn({ provider: 'gpu' }, 'It failed.');
  expect((given['winston'] as Winston).lines).toEqual(['warn: It failed. {"provider":"gpu"}']);
}

/** The route of the application answers with the answer of a router. */
export async function expressAnswers({ given }: Ran): Promise<void> {
  const server = (given['app'] as Express).listen(0);
  await once(server, 'listening');
  const response = await fetch(`${urlOf(server)}/chat`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  server.close();
  expect(await response.json()).toMatchObject({ choices: [{ message: { content: defaultText } }] });
}
