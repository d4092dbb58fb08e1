import { fastify } from 'fastify';
import { createRouter } from 'inferlane';
import { createHandler, toNodeListener } from 'inferlane/http';

const router = createRouter();
const handler = createHandler(router, { basePath: '/llm', tokens: process.env.INFERLANE_TOKENS?.split(',') });
const listener = toNodeListener(handler);

const app = fastify();
app.get('/hello', () => 'Hello!');

// What is changed inside of a plugin holds for its own routes only.
app.register(
  async (scope) => {
    // The handler reads bodies itself: as they come, and within its own limit.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    scope.all('/*', (request, reply) => {
      reply.hijack();
      listener(request.raw, reply.raw);
    });
  },
  { prefix: '/llm' },
);

await app.listen({ port: Number(process.env.PORT ?? 8080), host: '127.0.0.1' });
console.log('Listening on', app.server.address());
