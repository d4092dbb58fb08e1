import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname } from 'node:path';
import { createRouter } from 'inferlane';
import { createHandler, toNodeListener } from 'inferlane/http';

const router = createRouter();
const listener = toNodeListener(createHandler(router, { tokens: process.env.INFERLANE_TOKENS?.split(',') }));

// Nothing of another server, nothing inline, in nobody's frame.
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
  "form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

const types: Readonly<Record<string, string>> = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript' };

function file(name: string): { readonly body: Buffer; readonly headers: Readonly<Record<string, string>> } {
  const headers = {
    'content-type': `${types[extname(name)]}; charset=utf-8`,
    'content-security-policy': policy,
    'x-content-type-options': 'nosniff',
  };
  return { body: readFileSync(new URL(`page/${name}`, import.meta.url)), headers };
}

// What lies in `page/`, and nothing else; the page itself is /chat.
const names = readdirSync(new URL('page/', import.meta.url));
const files = new Map(names.map((name) => [`/${name.replace('.html', '')}`, file(name)]));

const server = createServer((incoming, outgoing) => {
  const found = incoming.method === 'GET' ? files.get(incoming.url ?? '') : undefined;
  if (found === undefined) listener(incoming, outgoing);
  else outgoing.writeHead(200, found.headers).end(found.body);
});
server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => console.log('Listening on', server.address(), '- the page is /chat'));
