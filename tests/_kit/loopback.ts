import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';

export interface LoopbackRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The parsed JSON body; undefined where there was none. */
  readonly body: unknown;
}

/** What the server answers, byte for byte; each piece is a write of its own. */
export interface Script {
  /** @default 200 */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly pieces: Iterable<string | Uint8Array>;
  /**
   * What follows the last piece: `end` closes the body as the protocol says, `cut` closes the connection in the middle of it,
   * `reset` resets it, `hang` leaves it open and silent.
   * @default 'end'
   */
  readonly after?: 'end' | 'cut' | 'reset' | 'hang';
}

export interface Loopback extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly LoopbackRequest[];
  /** Connections that were made so far. */
  connections(): number;
  /** Resolves when no connection stands any more. */
  idle(): Promise<void>;
}

/** A server on a free port of the loopback that speaks raw HTTP/1.1, chunked, kept alive. `await using` closes it. */
export async function loopback(answer: (request: LoopbackRequest) => Script): Promise<Loopback> {
  const requests: LoopbackRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket.setNoDelay(true));
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    let received = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes]);
      const request = parse(received);
      if (request === undefined) return;
      received = Buffer.alloc(0);
      requests.push(request);
      void send(socket, answer(request));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    connections: () => connections,
    async idle() {
      while (sockets.size > 0) await setImmediate();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function parse(received: Buffer): LoopbackRequest | undefined {
  const end = received.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [first = '', ...lines] = received.toString('latin1', 0, end).split('\r\n');
  const headers = Object.fromEntries(lines.map((line) => [line.split(':', 1)[0]?.toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  const body = received.subarray(end + 4);
  if (body.length < Number(headers['content-length'] ?? 0)) return undefined;
  const [method = '', path = ''] = first.split(' ');
  return { method, path, headers, body: body.length === 0 ? undefined : (JSON.parse(body.toString()) as unknown) };
}

async function send(socket: Socket, { status = 200, headers = {}, pieces, after = 'end' }: Script): Promise<void> {
  const head = Object.entries({ 'content-type': 'application/json', ...headers, 'transfer-encoding': 'chunked' });
  socket.write(`HTTP/1.1 ${status} Scripted\r\n${head.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
  for (const piece of pieces) {
    // One turn of the loop between two writes, or the system would join them.
    await setImmediate();
    if (socket.destroyed) return;
    const bytes = Buffer.from(piece);
    if (bytes.length === 0) continue;
    socket.write(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]));
  }
  await setImmediate();
  if (after === 'end') socket.write('0\r\n\r\n');
  if (after === 'cut') socket.end();
  if (after === 'reset') socket.resetAndDestroy();
}
