import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** One request, as the bytes that are sent, and what its answer must hold. */
export interface Question {
  readonly port: number;
  readonly bytes: Buffer;
  /** Stands in the answer once for each piece of it. */
  readonly mark: string;
  readonly pieces: number;
}

/** Of all the answers of one stretch of time, in milliseconds from the request. */
export interface Load {
  readonly wallMs: number;
  readonly wholeMs: readonly number[];
  readonly firstPieceMs: readonly number[];
}

interface Asking {
  readonly socket: Socket;
  onData: (text: string) => void;
  onClose: (error: Error) => void;
}

const silenceMs = 20_000;

/**
 * So many connections, each asking again as soon as it has its answer. Written on bare sockets, because it shares its core with the
 * backend: a client of HTTP would take more of that core than either.
 * @throws an answer that is not 200, or not whole.
 */
export async function putLoad(question: Question, atOnce: number, durationMs: number): Promise<Load> {
  const connections = await Promise.all(Array.from({ length: atOnce }, () => open(question.port)));
  const wholeMs: number[] = [];
  const firstPieceMs: number[] = [];
  const startMs = performance.now();
  const askOnAndOn = async (asking: Asking): Promise<void> => {
    for (let nowMs = startMs; nowMs - startMs < durationMs;) {
      const firstMs = await ask(asking, question);
      firstPieceMs.push(firstMs - nowMs);
      const beganMs = nowMs;
      nowMs = performance.now();
      wholeMs.push(nowMs - beganMs);
    }
  };
  try {
    await Promise.all(connections.map(askOnAndOn));
    return { wallMs: performance.now() - startMs, wholeMs, firstPieceMs };
  } finally {
    for (const { socket } of connections) socket.destroy();
  }
}

async function open(port: number): Promise<Asking> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const asking: Asking = { socket, onData: () => undefined, onClose: () => undefined };
  // Every byte of these answers is ASCII.
  socket.setEncoding('latin1');
  socket.setTimeout(silenceMs, () => socket.destroy(new Error(`Nothing came for ${silenceMs} ms.`)));
  socket.on('data', (text: string) => asking.onData(text));
  socket.on('error', (error) => asking.onClose(error));
  socket.on('close', () => asking.onClose(new Error('The connection was closed within an answer.')));
  return asking;
}

/** Resolves with the time of the first piece. */
function ask(asking: Asking, { bytes, mark, pieces }: Question): Promise<number> {
  return new Promise((resolve, reject) => {
    let answer = '';
    let firstMs: number | undefined;
    asking.onClose = reject;
    asking.onData = (text) => {
      answer += text;
      if (firstMs === undefined && answer.includes(mark)) firstMs = performance.now();
      if (!isWhole(answer)) return;
      const given = answer.split(mark).length - 1;
      if (firstMs !== undefined && given === pieces && answer.startsWith('HTTP/1.1 200 ')) resolve(firstMs);
      else reject(new Error(`${given} of ${pieces} pieces in this answer:\n${answer.slice(0, 1_000)}`));
    };
    asking.socket.write(bytes);
  });
}

/** Nothing is asked before the last answer has ended, so that the end of what came is the end of one answer. */
function isWhole(answer: string): boolean {
  const headEnd = answer.indexOf('\r\n\r\n');
  if (headEnd < 0) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(answer.slice(0, headEnd))?.[1];
  return length === undefined ? answer.endsWith('0\r\n\r\n') : answer.length >= headEnd + 4 + Number(length);
}
