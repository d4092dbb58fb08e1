import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { systemClock } from '../index.ts';
import { createFrameSource, type FrameSource } from './frame-source.ts';
import { type Handler, type HandlerInnards, innardsOf } from './handler.ts';
import { type HandlerConfig, handlerDefaults } from './handler-options.ts';
import { toRequest } from './node-request.ts';
import { contentOf, refusalResponse } from './respond.ts';

/** For `createServer()` of `node:http`, and for whatever hands on its two objects: Express, Connect, Fastify's `raw`. */
export type NodeListener = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

type Settings = Pick<HandlerConfig, 'clock' | 'writeTimeoutMs'>;

interface Listening extends Pick<HandlerInnards, 'refuse'> {
  readonly handler: Handler;
  readonly settings: Settings;
}

/** How long a client may go on sending what nobody reads, when it has had its answer. */
const lingerMs = 2_000;

/**
 * Requests of one connection that wait for their answers, one behind the other. Hardly a client sends a second one before it has the first
 * answer; hundreds of thousands of short ones, whose answers nobody reads, would fill the memory.
 */
export const mostPipelined = 16;

/** What is longer goes out piece by piece, so that a reader that stops shows. */
const longestWrite = 65_536;

/**
 * A handler behind Node's own server. It goes by the target that the client sent, whatever a framework made of it: below a path, give the
 * handler that path as `basePath`. Mount it before what reads bodies; a body that `express.json()` has parsed is taken as it is.
 */
export function toNodeListener(handler: Handler): NodeListener {
  const innards = innardsOf(handler);
  const listening: Listening = {
    handler,
    refuse: innards?.refuse ?? ((_method, refusal) => refusalResponse('plain', refusal, crypto.randomUUID())),
    settings: innards?.config ?? { clock: systemClock, writeTimeoutMs: handlerDefaults.writeTimeoutMs },
  };
  const waiting = new WeakMap<Socket, number>();
  return (incoming, outgoing) => {
    const { socket } = incoming;
    const count = (waiting.get(socket) ?? 0) + 1;
    if (count > mostPipelined) return void socket.destroy();
    waiting.set(socket, count);
    outgoing.on('close', () => waiting.set(socket, (waiting.get(socket) ?? 1) - 1));
    void serve(listening, incoming, outgoing);
  };
}

/** Never rejects. */
async function serve({ handler, refuse, settings }: Listening, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const left = new AbortController();
  const onClose = (): void => {
    if (!outgoing.writableFinished) left.abort(new DOMException('The caller has gone.', 'AbortError'));
  };
  if (outgoing.destroyed) onClose();
  outgoing.on('close', onClose);
  // A socket that breaks is told by its closing.
  outgoing.on('error', () => undefined);
  try {
    const read = toRequest(incoming, left.signal);
    const isRequest = read instanceof Request;
    const response = isRequest
      ? await handler(read, { remoteAddress: incoming.socket.remoteAddress ?? '' })
      : refuse(incoming.method ?? '', read);
    await send(response, outgoing, settings);
    if (!outgoing.closed) bound(incoming, outgoing, settings);
  } catch {
    // Half an answer must not look like a whole one.
    if (outgoing.headersSent) outgoing.destroy();
    else outgoing.writeHead(500).end();
  }
}

async function send(response: Response, outgoing: ServerResponse, settings: Settings): Promise<void> {
  const content = contentOf(response);
  outgoing.statusCode = response.status;
  for (const [name, value] of response.headers) outgoing.setHeader(name, value);
  if (typeof content === 'object') return pump(content, outgoing);
  if (content !== undefined && content.length > longestWrite) return pump(ownPace(slices(content), settings), outgoing);
  if (content === undefined && response.body !== null) return pump(ownPace(chunks(response.body), settings), outgoing);
  outgoing.end(content);
}

async function pump(source: FrameSource<string | Uint8Array>, outgoing: ServerResponse): Promise<void> {
  outgoing.on('close', () => source.leave());
  source.onCut(() => outgoing.destroy());
  if (outgoing.destroyed) return source.leave();
  // The head goes with the first piece where that is there already, and does not wait for it where it is not.
  const { socket } = outgoing;
  socket?.cork();
  outgoing.flushHeaders();
  process.nextTick(() => socket?.uncork());
  for (;;) {
    const piece = await source.next();
    if (outgoing.destroyed) return;
    if (piece === undefined) return void outgoing.end();
    if (!outgoing.write(piece)) await drained(outgoing);
  }
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      outgoing.off('drain', go);
      outgoing.off('close', go);
      resolve();
    };
    outgoing.on('drain', go);
    outgoing.on('close', go);
  });
}

/** Of an answer that counts as ended already, or that is not ours to count. */
function ownPace<Piece>(pieces: AsyncIterable<Piece>, settings: Settings): FrameSource<Piece> {
  return createFrameSource(pieces, { end: () => undefined }, settings);
}

async function* slices(text: string): AsyncGenerator<string> {
  for (let start = 0; start < text.length;) {
    let end = start + longestWrite;
    // The halves of one character stay together, or each would be sent as a replacement for it.
    if (/[\ud800-\udbff]/.test(text[end - 1] ?? '')) end += 1;
    yield text.slice(start, end);
    start = end;
  }
}

/** The stream's own iterator waits for a read under way before it lets go. */
function chunks(body: ReadableStream<Uint8Array>): AsyncIterable<Uint8Array> {
  const reader = body.getReader();
  return {
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        const { done, value } = await reader.read();
        return done ? { done, value: undefined } : { done, value };
      },
      return: async () => {
        await reader.cancel();
        return { done: true, value: undefined };
      },
    }),
  };
}

/** After the last word: neither who does not fetch it nor who goes on sending is waited for for ever. */
function bound(incoming: IncomingMessage, outgoing: ServerResponse, { clock, writeTimeoutMs }: Settings): void {
  const stopWaiting = clock.schedule(writeTimeoutMs, () => outgoing.destroy(), true);
  outgoing.on('close', () => {
    stopWaiting();
    if (incoming.complete) return;
    // What was begun and left unread would hold the connection up.
    incoming.resume();
    const stopDiscarding = clock.schedule(lingerMs, () => incoming.socket.destroy(), true);
    incoming.on('close', stopDiscarding);
    incoming.on('end', stopDiscarding);
  });
}
