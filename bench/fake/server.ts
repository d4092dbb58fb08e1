import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import {
  busy,
  chatAnswer,
  healthy,
  modelList,
  streamEnd,
  streamEndWithUsage,
  streamHead,
  unknownPath,
  vectorsAsBase64,
  vectorsAsFloats,
  writesOf,
} from './answers.ts';
import { type StreamName, streamShapes } from './sizes.ts';

// The server that everybody is measured against, in a process of its own. HTTP/1.1 by hand, so that it takes less CPU time than the
// fastest of its clients and is not what is measured.

/** Addresses without `/v1`. */
export interface Places {
  readonly good: string;
  /** Answers everything with 503. */
  readonly busy: string;
  /** Nobody listens there. */
  readonly refused: string;
  /** Accepts connections and never answers. */
  readonly silent: string;
}

interface Asked {
  readonly path: string;
  readonly body: string;
}

const names = Object.keys(streamShapes) as readonly StreamName[];
const writes = new Map(names.map((name) => [name, writesOf(name)]));

function answer(socket: Socket, { path, body }: Asked): void {
  if (path.endsWith('/chat/completions')) {
    if (/"stream": ?true/.test(body)) new Stream(socket, body).begin();
    else socket.write(chatAnswer);
  } else if (path.endsWith('/embeddings')) socket.write(body.includes('"base64"') ? vectorsAsBase64 : vectorsAsFloats);
  else if (path.endsWith('/models')) socket.write(modelList);
  else socket.write(path.endsWith('/health') ? healthy : unknownPath);
}

class Stream {
  readonly #socket: Socket;
  readonly #name: StreamName;
  readonly #pieces: readonly Buffer[];
  readonly #end: Buffer;
  #sent = 0;

  constructor(socket: Socket, body: string) {
    this.#socket = socket;
    const model = /"model": ?"(\w+)"/.exec(body)?.[1] as StreamName;
    this.#name = model in streamShapes ? model : 'quick';
    this.#pieces = writes.get(this.#name) ?? [];
    this.#end = /"include_usage": ?true/.test(body) ? streamEndWithUsage : streamEnd;
  }

  begin(): void {
    const { everyMs, holds } = streamShapes[this.#name];
    const first = Buffer.concat([streamHead, this.#pieces[this.#sent++] as Buffer]);
    this.#socket.write(first);
    if (holds) return;
    if (everyMs === undefined) setImmediate(this.#onAndOn);
    else this.#inTime(everyMs);
  }

  #inTime(everyMs: number): void {
    const timer = setInterval(() => {
      if (this.#write()) return;
      clearInterval(timer);
    }, everyMs);
  }

  /** One write per turn of the loop, and none that the client is not ready to read. */
  readonly #onAndOn = (): void => {
    if (!this.#write()) return;
    if (this.#socket.writableNeedDrain) this.#socket.once('drain', this.#onAndOn);
    else setImmediate(this.#onAndOn);
  };

  /** False when that was the end. */
  #write(): boolean {
    const piece = this.#pieces[this.#sent++];
    if (this.#socket.destroyed) return false;
    this.#socket.write(piece ?? this.#end);
    return piece !== undefined;
  }
}

function serve(socket: Socket, reply: (socket: Socket, asked: Asked) => void): void {
  let received = '';
  socket.setNoDelay(true);
  socket.setEncoding('latin1');
  socket.on('error', () => socket.destroy());
  socket.on('data', (piece: string) => {
    received += piece;
    const headEnd = received.indexOf('\r\n\r\n');
    if (headEnd === -1) return;
    const bodyStart = headEnd + 4;
    const end = bodyEnd(received, bodyStart);
    if (end === undefined) return;
    const asked = { path: received.slice(0, received.indexOf('\r\n')).split(' ')[1] ?? '', body: received.slice(bodyStart, end) };
    // No client here asks before it has its answer.
    received = '';
    reply(socket, asked);
  });
}

/** Undefined as long as not all of the body is there. */
function bodyEnd(received: string, bodyStart: number): number | undefined {
  const head = received.slice(0, bodyStart);
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) return received.endsWith('0\r\n\r\n') ? received.length : undefined;
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  return received.length >= bodyStart + length ? bodyStart + length : undefined;
}

async function listen(onConnection: (socket: Socket) => void): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer(onConnection);
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 2_048 }, resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const good = await listen((socket) => serve(socket, answer));
const full = await listen((socket) => serve(socket, (to) => to.write(busy)));
const silent = await listen((socket) => socket.on('error', () => socket.destroy()));
const gone = await listen((socket) => socket.destroy());
gone.server.close();
const places: Places = { good: good.url, busy: full.url, refused: gone.url, silent: silent.url };
// Never asleep while time counts: waking the process on the other side of a write costs a client some 20 µs on a virtual machine, and only
// those that are slower than the server would pay that.
let again: NodeJS.Immediate | undefined;
const stayAwake = (): void => void (again = setImmediate(stayAwake));
stayAwake();
process.on('message', (isWanted: boolean) => {
  clearImmediate(again);
  if (isWanted) stayAwake();
});
process.send?.(places);
process.on('disconnect', () => process.exit(0));
