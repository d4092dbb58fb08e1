import { createServer } from 'node:http';
import { createRouter } from 'inferlane';
import { createHandler, toNodeListener } from 'inferlane/http';

const router = createRouter();
const handler = createHandler(router, { tokens: process.env.INFERLANE_TOKENS?.split(',') });
const listener = toNodeListener(handler);

const server = createServer((incoming, outgoing) => {
  if (incoming.url === '/hello') outgoing.end('Hello!');
  else listener(incoming, outgoing);
});
server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => console.log('Listening on', server.address()));

// Answers under way come to their end; then nothing is left that keeps the process alive.
process.once('SIGTERM', () => server.close(() => void router.close()));
