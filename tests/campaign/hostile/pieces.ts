import { bomb } from './bomb.ts';

/** A connection that a hostile answer is written to. `write` waits while the other side takes nothing; false when it is gone. */
export interface Line {
  write(bytes: string | Buffer): Promise<boolean>;
}

export interface Attack {
  readonly verb: 'chat' | 'stream';
  readonly type?: 'ollama';
  /** Asks for packed answers, as an application may. */
  readonly asksForPacking?: true;
  /**
   * What must come of it: the answer of the healthy provider after an error with one of these codes, an error after content had
   * been delivered, or an answer because it is harmless.
   */
  readonly ends: 'answer' | 'stream_interrupted' | readonly string[];
  /** What is too much of it: bytes on the wire, or milliseconds since the request where it is time that runs out. */
  readonly limit: { readonly bytes: number } | { readonly ms: number };
  attack(line: Line): Promise<void>;
}

/** How long a server may go on without content, or without an end, in these runs. */
export const patienceMs = 250;
export const kibibyte = 1024;
export const mebibyte: number = 1024 * kibibyte;
export const block: number = 64 * kibibyte;
export const answerBytes: number = 32 * mebibyte;
export const eventBytes: number = mebibyte;
export const streamBytes: number = 64 * mebibyte;

export type Headers = readonly string[];
/** Plays one attack on one connection. */
export type Play = (line: Line) => Promise<void>;

export const head = (headers: Headers, status: string = '200 OK'): string =>
  `HTTP/1.1 ${status}\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`;
export const json = 'content-type: application/json';
export const sse = 'content-type: text/event-stream';
export const lines = 'content-type: application/x-ndjson';
export const lengthOf = (body: string | Buffer): string => `content-length: ${Buffer.byteLength(body)}`;

export const asChunk = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);

/** Many of one piece in each chunk, as a server sends that has them ready. */
export async function repeat({ write }: Line, piece: string | Buffer, bytes: number): Promise<void> {
  const one = Buffer.from(piece);
  const many = Buffer.concat(Array.from({ length: Math.max(1, Math.floor(block / one.length)) }, () => one));
  const chunk = asChunk(many);
  for (let sent = 0; sent < bytes; sent += many.length) if (!(await write(chunk))) return;
}

export const whole =
  (body: () => string | Buffer, headers: Headers = [json]): Play =>
  async ({ write }) => {
    const bytes = Buffer.from(body());
    await write(head([...headers, lengthOf(bytes)]));
    await write(bytes);
  };

/** `first`, and then `piece` for ever or up to a number of bytes. */
export const chunked =
  (headers: Headers, first: () => string | Buffer, piece?: string | Buffer, bytes: number = Infinity): Play =>
  async (line) => {
    // Made before anything is sent: what it takes to make it is no time of whoever waits for it.
    const begin = Buffer.from(first());
    await line.write(head([...headers, 'transfer-encoding: chunked']));
    if (begin.length > 0) await line.write(asChunk(begin));
    if (piece !== undefined) await repeat(line, piece, bytes);
    await line.write('0\r\n\r\n');
  };

export const chat = (inside: string, extra: string = ''): string =>
  `{"id":"c","object":"chat.completion","created":1,"model":"tiny",${extra}"choices":[{"index":0,"message":{"role":"assistant","content":${inside}},"finish_reason":"stop"}]}`;
export const event = (delta: string, extra: string = ''): string =>
  `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"tiny",${extra}"choices":[{"index":0,"delta":${delta},"finish_reason":null}]}\n\n`;
export const role: string = event('{"role":"assistant"}');
export const done = 'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';
export const openText = '{"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"';
export const openEvent = 'data: {"id":"c","choices":[{"index":0,"delta":{"content":"';
export const openLine = '{"model":"tiny","message":{"role":"assistant","content":"';
export const deep = (levels: number = 100_000): string => '['.repeat(levels) + ']'.repeat(levels);
export const keys = (count: number): string => `{${Array.from({ length: count }, (_, at) => `"k${at}":${at}`).join(',')}}`;
export const polluting = '"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":"x","hasOwnProperty":1,';
export const long = (bytes: number): string => `"${'a'.repeat(bytes)}"`;

/** 300 KB that unpack to 300 MB. */
export const packed = (begin: string, filling: string = 'a'): Buffer => bomb(begin, filling, 300);
export const gzip = 'content-encoding: gzip';

export const limitExceeded: readonly string[] = ['limit_exceeded'];
export const badResponse: readonly string[] = ['bad_response'];
export const timedOut: readonly string[] = ['timeout'];
export const atOnce: { readonly bytes: number } = { bytes: 0 };

/** Many names, so that each is small and all of them are too much. */
export const manyHeaders: Headers = Array.from({ length: 5_000 }, (_, at) => `x-header-${at}: ${'v'.repeat(64)}`);

/** Answers before the answer, for ever. */
export const early =
  (status: string): Play =>
  async ({ write }) => {
    const flood = `HTTP/1.1 ${status}\r\nlink: </style.css>; rel=preload\r\n\r\n`.repeat(500);
    while (await write(flood));
  };
