import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { chatBody, event, finish } from '../../_kit/openai-bytes.ts';
import { jsonType, kindsHeard, sendText, serveParts, sseType } from '../_kit/node-server.ts';
import { answerQuestions } from '../_kit/program.ts';

// Streams numbered tokens as fast as the system takes them.

export type Question = { readonly ask: 'port' | 'kinds' | 'writers' };

/** One stream that is being written. */
export interface Writer {
  /** The port of the client's end of the connection. */
  readonly clientPort: number;
  /** Bytes that the system took, of bodies and heads. */
  readonly bytes: number;
  /** The system takes no more. */
  readonly isStopped: boolean;
}

/** More than any system keeps in the buffers of one connection: a client that reads on by itself would get all of it. */
const mostBytes = 32 * 1024 * 1024;
const tokensPerWrite = 64;

const kinds = new Set<string>();
const writing = new Set<Socket>();

const { port } = await serveParts(({ request, response, part, body, isStream }) => {
  for (const kind of kindsHeard({ request, body })) kinds.add(kind);
  if (!isStream) return sendText(response, jsonType, chatBody('beside'));
  response.writeHead(200, { 'content-type': sseType });
  void write(response, part === 'endless' ? Infinity : Number(/tokens:(\d+)/.exec(body)?.[1] ?? 100));
});

async function write(response: ServerResponse, tokens: number): Promise<void> {
  const { socket } = response;
  if (socket === null) return;
  const gone = new Promise<void>((resolve) => response.once('close', resolve));
  if (tokens === Infinity && !writing.has(socket)) {
    writing.add(socket);
    socket.once('close', () => writing.delete(socket));
  }
  for (let from = 0, bytes = 0; from < tokens && bytes < mostBytes; from += tokensPerWrite) {
    const count = Math.min(tokensPerWrite, tokens - from);
    const text = Array.from({ length: count }, (_, at) => event(`${from + at} `)).join('');
    bytes += text.length;
    if (!response.write(text)) await Promise.race([new Promise<void>((resolve) => response.once('drain', resolve)), gone]);
    if (response.destroyed) break;
  }
  response.end(finish);
}

function writers(): Writer[] {
  return [...writing].map((socket) => ({
    clientPort: socket.remotePort ?? 0,
    bytes: socket.bytesWritten - socket.writableLength,
    isStopped: socket.writableNeedDrain,
  }));
}

answerQuestions<Question, unknown>(({ ask }) => {
  if (ask === 'port') return port;
  return ask === 'kinds' ? [...kinds] : writers();
});
