import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { kindsIn } from '../_kit/planted-chat.ts';
import { answerQuestions } from '../_kit/program.ts';
import { attacks } from './attacks.ts';
import type { Line } from './pieces.ts';

/** What the server saw of one attack. Times in milliseconds since the request came. */
export interface Record {
  readonly attack: string;
  /** Handed to the system; what it still holds counts. */
  readonly bytes: number;
  /** When the limit of the attack was passed: its bytes had been sent, or its time was over. */
  readonly passedMs: number;
  /** Undefined where the connection still stands. */
  readonly closedMs: number | undefined;
  /** The whole answer had been sent before the connection was closed. */
  readonly isSent: boolean;
}

export type Question = { readonly ask: 'port' } | { readonly ask: 'kinds' } | { readonly ask: 'record'; readonly attack: string };

interface Live {
  readonly socket: Socket;
  readonly startMs: number;
  passedMs: number | undefined;
  closedMs: number | undefined;
  isSent: boolean;
}

const kinds = new Set<string>();
const latest = new Map<string, Live>();
const server = createServer((socket) => {
  socket.setNoDelay(true).on('error', () => undefined);
  let received = Buffer.alloc(0);
  socket.on('data', (bytes) => {
    received = Buffer.concat([received, bytes]);
    const end = received.indexOf('\r\n\r\n');
    const head = received.toString('latin1', 0, Math.max(0, end));
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    if (end === -1 || received.length < end + 4 + length) return;
    const body = received.toString('utf8', end + 4);
    for (const kind of kindsIn(`${head}\r\n${body}`)) kinds.add(kind);
    received = Buffer.alloc(0);
    const name = decodeURIComponent(/^\w+ \/([^/ ]*)/.exec(head)?.[1] ?? '');
    if (name === 'healthy') answerWell(socket, body);
    else void play(name, socket);
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');

async function play(name: string, socket: Socket): Promise<void> {
  const attack = attacks[name];
  if (attack === undefined) return void socket.destroy();
  const live: Live = { socket, startMs: performance.now(), passedMs: undefined, closedMs: undefined, isSent: false };
  latest.set(name, live);
  const sinceMs = (): number => performance.now() - live.startMs;
  const { limit } = attack;
  if ('ms' in limit) live.passedMs = limit.ms;
  const look = (): void => {
    if ('bytes' in limit && live.passedMs === undefined && sentBy(socket) > limit.bytes) live.passedMs = sinceMs();
  };
  const gone = new Promise<void>((resolve) => {
    socket.once('close', () => {
      live.closedMs = sinceMs();
      resolve();
    });
  });
  const line: Line = {
    async write(bytes) {
      if (socket.destroyed) return false;
      if (!socket.write(bytes)) await Promise.race([once(socket, 'drain').catch(() => undefined), gone]);
      look();
      return !socket.destroyed;
    },
  };
  await attack.attack(line);
  live.isSent = !socket.destroyed;
}

/** Bytes that have left this process. */
function sentBy(socket: Socket): number {
  return socket.bytesWritten - socket.writableLength;
}

function answerWell(socket: Socket, body: string): void {
  const content = `healthy ${/canary-completion-[\w-]+/.exec(body)?.[0] ?? ''}`;
  if (/"stream":true/.test(body)) {
    const events = [
      { delta: { content }, finish_reason: null },
      { delta: {}, finish_reason: 'stop' },
    ].map((choice) => `data: ${JSON.stringify({ id: 'h', choices: [{ index: 0, ...choice }] })}\n\n`);
    const text = `${events.join('')}data: [DONE]\n\n`;
    socket.write(`HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
    return;
  }
  const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }];
  const text = JSON.stringify({ id: 'h', object: 'chat.completion', created: 1, model: 'tiny', choices });
  socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
}

/** Waits a moment for the end: the other side may just have closed the connection. */
async function recordOf(attack: string): Promise<Record | null> {
  const live = latest.get(attack);
  if (live === undefined) return null;
  for (let round = 0; round < 300 && live.closedMs === undefined && !live.isSent; round++) await sleep(10);
  const { closedMs, isSent, socket } = live;
  if (closedMs === undefined) socket.destroy();
  return { attack, bytes: sentBy(socket), passedMs: live.passedMs ?? Number.MAX_VALUE, closedMs, isSent };
}

answerQuestions<Question, unknown>((question) => {
  if (question.ask === 'port') return (server.address() as AddressInfo).port;
  return question.ask === 'kinds' ? [...kinds] : recordOf(question.attack);
});
