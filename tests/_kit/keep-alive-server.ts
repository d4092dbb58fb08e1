import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { chatBody } from './openai-bytes.ts';

export interface KeepAliveServer extends AsyncDisposable {
  readonly url: string;
  connections(): number;
}

/**
 * A server that promises to keep its connections and closes each after its first answer: at once, or when the next request
 * comes over it. Both happen to clients that reuse a connection at the wrong moment.
 */
export async function keepAliveServer(closes: 'after the answer' | 'at the next request'): Promise<KeepAliveServer> {
  const body = chatBody('yes');
  const answer = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: keep-alive\r\n\r\n${body}`;
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket.setNoDelay(true));
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    let served = false;
    let received = '';
    socket.on('data', (bytes) => {
      if (served) return socket.destroy();
      received += bytes.toString('latin1');
      // The body of a request is one line of JSON with the list of messages at its end or before the model.
      if (!/\r\n\r\n\{.*\}$/s.test(received)) return;
      served = true;
      socket.write(answer);
      if (closes === 'after the answer') setImmediate(() => socket.end());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
