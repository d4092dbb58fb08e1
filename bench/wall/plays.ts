import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { answer, answerOf, doneEvent, errorEvent, head, isStream, lastEvents, lastPiece, piece, roleEvent, type Speaker } from './bytes.ts';
import { sendTokens, streamHead, tokenEvent, whole } from './bytes.ts';

/** One request at a server. */
export interface Visit {
  readonly socket: Socket;
  readonly speaker: Speaker;
  /** Head and body as they came. */
  readonly request: string;
  /** How many requests this server had before. */
  readonly turn: number;
  /** Where redirects point: another host, never configured. */
  readonly strangerUrl: string;
}

export type Play = (visit: Visit) => void | Promise<void>;

export interface Fault {
  readonly first: Play | 'refused';
  /** @default a good answer */
  readonly second?: Play | 'refused';
  /** Work that takes long, done before anybody is waiting. */
  readonly prepare?: () => void;
}

const healthy: Play = ({ socket, speaker, request }) => answer(socket, speaker, request);

const errorBody = (message: string, type: string, code: string | null): string =>
  JSON.stringify({ error: { message, type, param: null, code } });
const says =
  (
    status: number,
    message: string,
    type = 'server_error',
    code: string | null = null,
    headers: Readonly<Record<string, string>> = {},
  ): Play =>
  ({ socket }) =>
    whole(socket, status, errorBody(message, type, code), headers);

const page = (title: string): string => `<!DOCTYPE html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`;
const html = { 'content-type': 'text/html; charset=utf-8' };

const rightHead = (visit: Visit): void => {
  if (isStream(visit.request)) return streamHead(visit.socket);
  head(visit.socket, 200, { 'content-type': 'application/json', 'content-length': '4000' });
};

/** A good answer, one byte at a time. */
const dribble: Play = async (visit) => {
  const { socket, request } = visit;
  rightHead(visit);
  const text = isStream(request) ? `: one moment\n\n${roleEvent}${tokenEvent('first', 0)}` : answerOf('first');
  for (const letter of text) {
    if (socket.destroyed) return;
    if (isStream(request)) piece(socket, letter);
    else socket.write(letter);
    await sleep(300);
  }
};

const redirect =
  (status: number): Play =>
  ({ socket, strangerUrl, request }) =>
    // The stranger may be asked without a body, and should know all the same in which form to answer.
    whole(socket, status, '', { location: `${strangerUrl}/v1/chat/completions${isStream(request) ? '?stream' : ''}` });

/** A body that grows a thousandfold when it is unpacked: an answer that never stops, or an event that never ends. */
const bombs = new Map<boolean, Buffer>();
const bombOf = (stream: boolean): Buffer => {
  const filling = 'a'.repeat(128 * 1024 * 1024);
  const text = stream ? tokenEvent('first', 0) : answerOf('first');
  const packed = bombs.get(stream) ?? gzipSync(text.replace('first-0;', () => filling));
  bombs.set(stream, packed);
  return packed;
};
const bomb: Play = ({ socket, request }) => {
  const stream = isStream(request);
  const type = stream ? 'text/event-stream' : 'application/json';
  whole(socket, 200, bombOf(stream), { 'content-type': type, 'content-encoding': 'gzip' });
};

/** A stream that is good up to its sixth token; then `then` happens. */
const middle =
  (then: (socket: Socket) => void | Promise<void>): Play =>
  async ({ socket }) => {
    streamHead(socket);
    piece(socket, roleEvent);
    await sendTokens(socket, 'first', 0, 6);
    // Whoever reads must have read so far: what follows may throw away what is on its way.
    await sleep(100);
    if (!socket.destroyed) await then(socket);
  };

/** A stream of which nothing but the role has come; then `then` happens. */
const early =
  (then: (socket: Socket) => void | Promise<void>): Play =>
  async ({ socket }) => {
    streamHead(socket);
    piece(socket, roleEvent);
    await sleep(50);
    if (!socket.destroyed) await then(socket);
  };

const pings: Play = async ({ socket }) => {
  streamHead(socket);
  while (!socket.destroyed) {
    piece(socket, ': ping\n\n');
    await sleep(100);
  }
};

const forEver: Play = async ({ socket }) => {
  streamHead(socket);
  piece(socket, roleEvent);
  await sendTokens(socket, 'first', 0, 10_000);
};

const keyOf = (request: string): string => /authorization: Bearer (\S+)/i.exec(request)?.[1] ?? 'none';
const promptOf = (request: string): string => /canary-prompt-[\w-]+/.exec(request)?.[0] ?? 'none';
const keyEcho: Play = ({ socket, request }) =>
  whole(
    socket,
    401,
    errorBody(`Incorrect API key provided: ${keyOf(request)}. Check your key.`, 'invalid_request_error', 'invalid_api_key'),
  );
const promptEcho: Play = ({ socket, request }) =>
  whole(socket, 500, errorBody(`the worker failed on the input: ${promptOf(request)}`, 'server_error', null));

const wrongKey = says(401, 'Incorrect API key provided.', 'invalid_request_error', 'invalid_api_key');
const limited = (seconds: number): Play =>
  says(429, 'Rate limit reached.', 'requests', 'rate_limit_exceeded', { 'retry-after': String(seconds) });
const outOfMemory = says(500, 'CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.69 GiB.');
const mistake = says(400, "'temperature' must be at most 2.", 'invalid_request_error');
const hang: Play = () => undefined;
const reset: Play = ({ socket }) => void socket.resetAndDestroy();

/** The bytes behind each case, by its id. */
export const faults: Readonly<Record<string, Fault>> = {
  healthy: { first: healthy },
  refused: { first: 'refused' },
  reset: { first: reset },
  closed: { first: ({ socket }) => void socket.end() },
  'not-http': { first: ({ socket }) => void socket.end('SSH-2.0-OpenSSH_9.6\r\n') },
  'hang-before-headers': { first: hang },
  'hang-after-headers': { first: rightHead },
  dribble: { first: dribble },
  'header-1mb': { first: ({ socket }) => whole(socket, 200, answerOf('first'), { 'x-padding': 'p'.repeat(1024 * 1024) }) },
  '500': { first: says(500, 'Internal server error.') },
  '502-page': { first: ({ socket }) => whole(socket, 502, page('502 Bad Gateway'), html) },
  '503': { first: says(503, 'Service unavailable.') },
  '503-loading': { first: says(503, 'Loading model', 'unavailable_error') },
  '529': { first: says(529, 'Overloaded', 'overloaded_error') },
  '429-2': { first: limited(2) },
  '429-30': { first: limited(30) },
  '401': { first: wrongKey },
  '404-model': { first: says(404, 'The model `wall` does not exist.', 'invalid_request_error', 'model_not_found') },
  oom: { first: outOfMemory },
  '302': { first: redirect(302) },
  '307': { first: redirect(307) },
  html: { first: ({ socket }) => whole(socket, 200, page('Sign in'), html) },
  empty: { first: ({ socket }) => whole(socket, 200, '') },
  'error-object': { first: says(200, 'The engine is dead.') },
  'json-cut': { first: ({ socket }) => whole(socket, 200, answerOf('first').slice(0, 150)) },
  'json-reset': {
    first({ socket }) {
      head(socket, 200, { 'content-type': 'application/json', 'content-length': '4000' });
      socket.end(answerOf('first').slice(0, 150));
    },
  },
  'no-choices': {
    first: ({ socket }) => whole(socket, 200, JSON.stringify({ ...(JSON.parse(answerOf('first')) as object), choices: [] })),
  },
  bomb: { first: bomb, prepare: () => [true, false].forEach(bombOf) },
  'first-event-error': { first: ({ socket }) => sendAll(socket, errorEvent('The engine is dead.') + doneEvent) },
  'early-reset': { first: early((socket) => void socket.resetAndDestroy()) },
  'early-end': { first: early(lastPiece) },
  'early-done': { first: ({ socket }) => sendAll(socket, doneEvent) },
  preamble: { first: pings },
  'middle-reset': { first: middle((socket) => void socket.resetAndDestroy()) },
  'middle-closed': { first: middle((socket) => void socket.end()) },
  'middle-end': { first: middle(lastPiece) },
  'middle-stall': { first: middle(() => undefined) },
  'middle-malformed': { first: middle((socket) => goOn(socket, 'data: {"choices": [{"delta": {"cont\n\n')) },
  'middle-error': { first: middle((socket) => goOn(socket, errorEvent('The engine is dead.'))) },
  'middle-half-event': { first: middle((socket) => void socket.end('ff\r\ndata: {"choices": [{"delta"')) },
  mistake: { first: mistake, second: mistake },
  'abort-waiting': { first: hang },
  'abort-reading': { first: forEver },
  leave: { first: forEver },
  'both-refused': { first: 'refused', second: 'refused' },
  'both-500': { first: says(500, 'Internal server error.'), second: says(500, 'Internal server error.') },
  'key-echo': { first: keyEcho, second: keyEcho },
  'prompt-echo': { first: promptEcho, second: promptEcho },
  'dead-20': { first: (visit) => (visit.turn < 2 ? healthy(visit) : reset(visit)) },
  'limited-5': { first: limited(30) },
  'key-5': { first: wrongKey },
  'oom-2': { first: outOfMemory },
};

export const goodAnswer: Play = healthy;

function sendAll(socket: Socket, text: string): void {
  streamHead(socket);
  piece(socket, text);
  lastPiece(socket);
}

/** Something wrong in place of the seventh token, and then the rest of the answer as if nothing had been. */
async function goOn(socket: Socket, wrong: string): Promise<void> {
  piece(socket, wrong);
  await sendTokens(socket, 'first', 7, 12);
  piece(socket, lastEvents(false));
  lastPiece(socket);
}
