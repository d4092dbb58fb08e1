import { once } from 'node:events';
import { STATUS_CODES } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Sink } from './perform.ts';
import { parseRequest, type ParseFailure } from './request-parser.ts';
import type { Arrival, Visit } from './visit.ts';

/** HTTP/1.1 by hand over `node:net`, because a real HTTP server does not let anyone break its answers. */
export interface RawServer {
  readonly url: string;
  readonly sockets: ReadonlySet<Socket>;
  close(): Promise<void>;
}

type Open = (arrival: Arrival) => Visit;

/** Listens on a free port of the loopback. */
export async function openRawServer(open: Open): Promise<RawServer> {
  const sockets = new Set<Socket>();
  const visits = new Set<Visit>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serveConnection(socket, (arrival) => {
      const visit = open(arrival);
      visits.add(visit);
      return { ...visit, serve: (sink) => visit.serve(sink).finally(() => visits.delete(visit)) };
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  let closed: Promise<unknown> | undefined;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    async close() {
      closed ??= once(server, 'close');
      server.close();
      for (const visit of visits) visit.stop();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** The requests of one connection, one after the other. */
function serveConnection(socket: Socket, open: Open): void {
  let received: Buffer = Buffer.alloc(0);
  let visit: Visit | undefined;
  const serveNext = async (): Promise<void> => {
    while (visit === undefined && socket.writable) {
      const request = parseRequest(received);
      if (request === undefined) return;
      if (typeof request === 'number') return refuse(socket, request);
      received = received.subarray(request.length);
      visit = open(request);
      await visit.serve(sinkOf(socket));
      visit = undefined;
      if (request.closes) socket.end();
    }
  };
  socket.on('data', (bytes) => {
    received = Buffer.concat([received, bytes]);
    void serveNext();
  });
  // A reset is a way to leave like any other, and `close` follows it.
  socket.on('error', () => undefined);
  socket.on('end', () => visit?.leave());
  socket.on('close', () => visit?.leave());
}

function refuse(socket: Socket, status: ParseFailure): void {
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

function sinkOf(socket: Socket): Sink {
  let isChunked = false;
  return {
    head({ status, headers }) {
      isChunked = headers['transfer-encoding'] === 'chunked';
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n`);
    },
    write(bytes) {
      if (!isChunked) return void socket.write(bytes);
      socket.write(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]));
    },
    end(how) {
      if (how === 'end' && isChunked) socket.write('0\r\n\r\n');
      if (how === 'fin') socket.end();
      if (how === 'rst') socket.resetAndDestroy();
      if (how === 'refuse') socket.destroy();
    },
  };
}
