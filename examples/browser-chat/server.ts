import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRouter } from 'inferlane';
import { createHandler, toNodeListener } from 'inferlane/http';

const router = createRouter();
const listener = toNodeListener(createHandler(router, { tokens: process.env.INFERLANE_TOKENS?.split(',') }));

// Nothing of another server, nothing inline, in nobody's frame.
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
  "form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

function file(name: string, type: string): { readonly body: Buffer; readonly headers: Readonly<Record<string, string>> } {
  const headers = {
    'content-type': `${type}; charset=utf-8`,
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
  };
  return { body: readFileSync(new URL(name, import.meta.url)), headers };
}

const files = new Map([
  ['/chat', file('chat.html', 'text/html')],
  ['/chat.css', file('chat.css', 'text/css')],
  ['/chat.js', file('chat.js', 'text/javascript')],
]);

const server = createServer((incoming, outgoing) => {
  const found = incoming.method === 'GET' ? files.get(incoming.url ?? '') : undefined;
  if (found === undefined) listener(incoming, outgoing);
  else outgoing.writeHead(200, found.headers).end(found.body);
});
server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => console.log('Listening on', server.address(), '- the page is /chat'));
