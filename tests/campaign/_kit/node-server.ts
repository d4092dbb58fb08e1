import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { kindsIn } from './planted-chat.ts';

export interface Heard {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The first part of the path: which of its parts a server plays. */
  readonly part: string;
  readonly body: string;
  readonly isStream: boolean;
}

/** A server on a free port of the loopback, for the programs of the rigs: it reads the whole request before it is asked to answer. */
export async function serveParts(answer: (heard: Heard) => void): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('error', () => undefined);
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const body = Buffer.concat(pieces).toString();
      const part = decodeURIComponent((request.url ?? '').split('/')[1] ?? '');
      answer({ request, response, part, body, isStream: body.includes('"stream":true') });
    });
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

/** The kinds of canaries that a request brought, in its headers or its body. */
export function kindsHeard({ request, body }: Pick<Heard, 'request' | 'body'>): Iterable<string> {
  const head = Object.entries(request.headers).map(([name, value]) => `${name}: ${String(value)}`);
  return kindsIn(`${head.join('\n')}\n\n${body}`);
}

export function sendText(response: ServerResponse, type: string, text: string, status = 200): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

export const jsonType = 'application/json';
export const sseType = 'text/event-stream';
