import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Who speaks; the letter is in each of its tokens, so that a mixture shows. */
export type Speaker = 'first' | 'second' | 'stranger';

const count = 12;
const tokensOf = (speaker: Speaker): string[] => Array.from({ length: count }, (_, index) => `${speaker}-${index};`);

/** The whole answer of a server. */
export const wholeText = (speaker: Speaker): string => tokensOf(speaker).join('');

const common = { id: 'chatcmpl-wall', created: 1_760_000_000, model: 'wall' };
const usage = { prompt_tokens: 9, completion_tokens: count, total_tokens: 9 + count };

export function answerOf(speaker: Speaker): string {
  const message = { role: 'assistant', content: wholeText(speaker) };
  return JSON.stringify({ ...common, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }], usage });
}

const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const chunk = (delta: object, finish: string | null = null): string =>
  event({ ...common, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] });

export const roleEvent: string = chunk({ role: 'assistant', content: '' });
export const tokenEvent = (speaker: Speaker, index: number): string => chunk({ content: `${speaker}-${index};` });
export const errorEvent = (message: string): string => event({ error: { message, type: 'server_error', code: null } });
const finishEvent = chunk({}, 'stop');
const usageEvent = event({ ...common, object: 'chat.completion.chunk', choices: [], usage });
export const doneEvent = 'data: [DONE]\n\n';

/** What a stream sends after its last token. */
export const lastEvents = (withUsage: boolean): string => `${finishEvent}${withUsage ? usageEvent : ''}${doneEvent}`;

/** A whole response with its length. */
export function whole(socket: Socket, status: number, body: string | Buffer, headers: Readonly<Record<string, string>> = {}): void {
  const bytes = Buffer.from(body);
  head(socket, status, { 'content-type': 'application/json', ...headers, 'content-length': String(bytes.length) });
  socket.write(bytes);
}

export function head(socket: Socket, status: number, headers: Readonly<Record<string, string>>): void {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${status} Wall\r\n${lines.join('')}\r\n`);
}

/** The head of a chunked event stream. */
export const streamHead = (socket: Socket): void =>
  head(socket, 200, { 'content-type': 'text/event-stream', 'transfer-encoding': 'chunked' });

/** One piece of a chunked body. */
export function piece(socket: Socket, text: string): void {
  const bytes = Buffer.from(text);
  socket.write(Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]));
}

export const lastPiece = (socket: Socket): void => void socket.write('0\r\n\r\n');

/** Tokens `from` (inclusive) to `to` (exclusive), one every few milliseconds, as they come from a model. */
export async function sendTokens(socket: Socket, speaker: Speaker, from: number, to: number): Promise<void> {
  for (let index = from; index < to && !socket.destroyed; index++) {
    piece(socket, tokenEvent(speaker, index));
    await sleep(3);
  }
}

/** A good answer, whole or as a stream. */
export async function answer(socket: Socket, speaker: Speaker, request: string): Promise<void> {
  if (!isStream(request)) return whole(socket, 200, answerOf(speaker));
  streamHead(socket);
  piece(socket, roleEvent);
  await sendTokens(socket, speaker, 0, count);
  piece(socket, lastEvents(/"include_usage"\s*:\s*true/.test(request)));
  lastPiece(socket);
}

export const isStream = (request: string): boolean => /"stream"\s*:\s*true|^\w+ \S+\?stream/.test(request);
