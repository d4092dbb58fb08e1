import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Socket } from 'node:net';
import type { CallVerb, Protocol, WireTexts } from './wire-texts.ts';

/** One request on one connection, and the means to answer it byte by byte. */
export interface Exchange {
  readonly protocol: Protocol;
  readonly verb: CallVerb;
  /** How often this backend has seen the request, this time included. */
  readonly visit: number;
  /** The connection has carried an answer before. */
  readonly isKept: boolean;
  readonly texts: WireTexts;
  /** What a server would repeat of the request in its errors: the prompt, and the header with the credentials. */
  readonly echo: string;
  /** Another server, which nobody may be sent to. */
  readonly elsewhere: string;
  isOpen(): boolean;
  /** One write of its own, unless the connection is gone. */
  write(bytes: string | Uint8Array): void;
  /** One turn of the loop, or so many milliseconds, so that two writes reach the client as two reads. */
  pause(delayMs?: number): Promise<void>;
  /** The status line and the headers. */
  head(status: number | string, headers?: Headers): void;
  /** A whole response with its right length. */
  answer(status: number | string, body: string | Uint8Array, headers?: Headers): void;
  /** The head of an answer in chunks: a stream in the words of the protocol, or JSON. */
  open(headers?: Headers): void;
  /** One chunk of such an answer. */
  chunk(bytes: string | Uint8Array): void;
  /** The chunk that ends it. */
  lastChunk(): void;
  /** FIN, RST, and nothing until the client leaves. */
  close(): void;
  reset(): void;
  left(): Promise<void>;
}

/** Several values of one name become several lines. */
export type Headers = Readonly<Record<string, string | readonly string[]>>;

export type ExchangeFacts = Pick<Exchange, 'protocol' | 'verb' | 'visit' | 'isKept' | 'texts' | 'echo' | 'elsewhere'>;

export function createExchange(socket: Socket, facts: ExchangeFacts): Exchange {
  const { verb, texts } = facts;
  const isOpen = (): boolean => socket.writable;
  const write = (bytes: string | Uint8Array): void => {
    if (isOpen()) socket.write(bytes);
  };
  const head = (status: number | string, headers: Headers = {}): void => {
    const lines = Object.entries(headers).flatMap(([name, value]) =>
      (typeof value === 'string' ? [value] : value).map((each) => `${name}: ${each}\r\n`),
    );
    write(`HTTP/1.1 ${status}${typeof status === 'number' ? ' Scripted' : ''}\r\n${lines.join('')}\r\n`);
  };
  return {
    ...facts,
    isOpen,
    write,
    pause: (delayMs) => (delayMs === undefined ? nextTurn() : sleep(delayMs)),
    head,
    answer(status, body, headers = {}) {
      const length = String(Buffer.byteLength(body));
      head(status, { 'content-type': 'application/json', 'content-length': length, ...headers });
      write(body);
    },
    open(headers = {}) {
      const contentType = verb === 'chat' ? 'application/json' : texts.contentType;
      head(200, { 'content-type': contentType, 'transfer-encoding': 'chunked', ...headers });
    },
    chunk(bytes) {
      const body = Buffer.from(bytes as string);
      write(Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n')]));
    },
    lastChunk: () => write('0\r\n\r\n'),
    close: () => void socket.end(),
    reset: () => void socket.resetAndDestroy(),
    left: () => (socket.destroyed ? Promise.resolve() : new Promise((resolve) => socket.once('close', () => resolve()))),
  };
}

/** The good answer, as plainly as it can be given. */
export async function answerWell(exchange: Exchange): Promise<void> {
  const { texts, verb } = exchange;
  if (verb === 'chat') return exchange.answer(200, texts.whole);
  exchange.open();
  exchange.chunk(texts.preamble);
  for (const piece of texts.pieces) {
    await exchange.pause();
    exchange.chunk(piece);
  }
  exchange.chunk(texts.ending);
  exchange.lastChunk();
}

/** A stream up to its first tokens, each in a read of its own, and time enough for the client to have read them. */
export async function beginStream(exchange: Exchange, tokens = 1): Promise<void> {
  const { texts } = exchange;
  exchange.open();
  exchange.chunk(texts.preamble);
  for (const piece of texts.pieces.slice(0, tokens)) {
    await exchange.pause();
    exchange.chunk(piece);
  }
  await exchange.pause(tokens === 0 ? undefined : 25);
}

/** A body with an error in the words of the protocol. */
export function errorBody({ protocol }: Pick<Exchange, 'protocol'>, message: string, type = 'server_error'): string {
  return JSON.stringify(errorValue(protocol, message, type));
}

export function errorValue(protocol: Protocol, message: string, type = 'server_error'): object {
  return protocol === 'openai' ? { error: { message, type, param: null, code: null } } : { error: message };
}
