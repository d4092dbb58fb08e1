import { createServer } from 'node:http';
import { createHandler, toNodeListener } from '../../src/http/index.ts';
import { createRouter } from '../../src/index.ts';

// The handler on Node's own server: node our-server.ts <address of the backend> <key of the backend> <token of the callers>

const [, , url = '', apiKey = '', token = ''] = process.argv;
const router = createRouter({ providers: { box: { type: 'openai-compatible', url, apiKey } } });
const server = createServer(toNodeListener(createHandler(router, { tokens: [token] })));

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.(typeof address === 'object' && address !== null ? address.port : 0);
});
