import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

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

export function sendText(response: ServerResponse, type: string, text: string, status = 200): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

export const jsonType = 'application/json';
export const sseType = 'text/event-stream';
