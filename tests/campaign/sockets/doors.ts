import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { selfSignedCertificate } from '../../_kit/certificate.ts';
import { addresses } from './kinds/index.ts';

/** Addresses where nobody answers a request; the keys are the names of their kinds. */
export async function openDoors(onVisit: (kind: string) => void): Promise<Readonly<Record<string, string>>> {
  const urls = await Promise.all(
    addresses.map(async ({ name, scheme }) => [name, `${scheme}://127.0.0.1:${await openDoor(name, () => onVisit(name))}`] as const),
  );
  return Object.fromEntries(urls);
}

/** A server that only counts who sends it anything. Resolves with its address. */
export async function openRecorder(onVisit: () => void): Promise<string> {
  const server = createServer((socket) => {
    onVisit();
    quiet(socket).end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
  });
  return `http://127.0.0.1:${await listen(server)}`;
}

async function openDoor(name: string, onVisit: () => void): Promise<number> {
  const server = serverOf(name, onVisit);
  const port = await listen(server);
  // Nobody else gets a port so soon after it was given back.
  if (name === 'port-that-refuses') server.close();
  return port;
}

/** What whoever connects gets to see. `resets` and `closes` do not even read. */
function serverOf(name: string, onVisit: () => void): Server {
  if (name === 'certificate-signed-by-itself') {
    const server = createTlsServer(selfSignedCertificate('127.0.0.1'), (socket) => void quiet(socket).end());
    // The client breaks the handshake off as soon as it has seen the certificate.
    return server.on('connection', onVisit).on('tlsClientError', () => undefined);
  }
  return createServer((socket) => {
    onVisit();
    quiet(socket);
    if (name === 'resets-whoever-connects') socket.resetAndDestroy();
    if (name === 'closes-whoever-connects') socket.end();
    socket.once('data', () => {
      if (name === 'close-in-the-handshake') socket.end();
      if (name === 'alert-in-the-handshake') socket.end(Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28]));
      if (name === 'plain-http-behind-https') socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    });
  });
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function quiet<Any extends Socket>(socket: Any): Any {
  return socket.on('error', () => undefined);
}
