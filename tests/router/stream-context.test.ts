import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from 'vitest';
import { createRouter, ofetchTransport } from '../../src/index.ts';
import { nodeHttpTransport } from '../../src/lib/node-http.ts';
import { undiciTransport } from '../../src/lib/undici-transport.ts';
import { serving } from '../lib/transport-rig.ts';

const event = (delta: object, finish: string | null): string =>
  `data: ${JSON.stringify({ id: 'a', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;

test.each([
  ['ofetch', ofetchTransport],
  ['node:http', nodeHttpTransport],
  ['undici', undiciTransport],
])('what a stream over %s tells at its end is told in the context of whoever reads it', async (_name, transport) => {
  let finish: (() => void) | undefined;
  const server = await serving((_, response) => {
    response.setHeader('content-type', 'text/event-stream').write(event({ content: 'one' }, 'stop'));
    finish = () => void response.end('data: [DONE]\n\n');
  });
  const router = createRouter({
    providers: { box: { type: 'vllm', url: server.url } },
    transport: transport(),
    health: false,
    checkModels: false,
    pollMs: false,
  });
  const context = new AsyncLocalStorage<string>();
  const seen: unknown[] = [];
  router.on('request:end', () => seen.push(context.getStore()));
  const stream = await context.run('who opened it', () => router.stream({ model: 'm', messages: [{ role: 'user', content: 'hello' }] }));
  let chunks = 0;
  await context.run('who reads it', async () => {
    for await (const _ of stream) {
      chunks += 1;
      // The end comes while somebody waits for it.
      setTimeout(() => finish?.(), 20);
    }
  });
  expect([chunks, seen]).toEqual([1, ['who reads it']]);
  await router.close();
});
