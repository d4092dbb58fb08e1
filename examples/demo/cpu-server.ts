// A process of its own that infers from a GGUF with the library and answers in Ollama's protocol. The demo starts and kills it.
//
// When an answer has begun and nothing of it has left, it tells its parent and waits for leave to go on: that is how the demo
// hits the moment between an accepted request and its first content.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHandler, toNodeListener } from '../../src/http/index.ts';
import { createRouter } from '../../src/index.ts';

const [modelPath = ''] = process.argv.slice(2);
await using router = createRouter({ providers: { cpu: { type: 'cpu', modelPath } } });
const handler = createHandler(router);

const listener = toNodeListener(async (request, connection) => {
  const response = await handler(request, connection);
  if (request.url.endsWith('/api/chat')) {
    process.send?.({ at: 'first-token' });
    await once(process, 'message');
  }
  return response;
});

const server = createServer(listener).listen(0, '127.0.0.1');
await once(server, 'listening');
process.send?.({ at: 'listening', url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
await once(process, 'disconnect');
server.close();
