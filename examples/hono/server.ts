import { createServer } from 'node:http';
import { toNodeListener } from 'inferlane/http';
import { app } from './app.ts';

// A Hono application takes requests of the web, as the handler does, so the same listener brings it to Node.
const server = createServer(toNodeListener(async (request, connection) => app.fetch(request, connection)));
server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => console.log('Listening on', server.address()));
