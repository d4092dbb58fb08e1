import { connect, type Socket } from 'node:net';
import {
  type Answer,
  chatBody,
  chatPath,
  contentOf,
  embedBody,
  type Embedded,
  embedPath,
  eventReader,
  mustBeOk,
  streamBody,
  vectorsOf,
} from './by-hand.ts';
import type { Candidate } from './candidate.ts';

// The floor: connections that are kept, requests and answers as text. It knows of HTTP what the fake server says, and no more.

interface Reading {
  /** A part of the body, in order. */
  onBody(text: string): void;
  onEnd(): void;
  onError(error: Error): void;
}

class Connection {
  readonly #socket: Socket;
  readonly #idle: Connection[];
  #reading: Reading | undefined;
  #rest = '';
  /** Of a body whose length was told, what is still to come; undefined for one in chunks. */
  #left: number | undefined;
  #isInBody = false;

  constructor(port: number, idle: Connection[]) {
    this.#idle = idle;
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    // Every byte of these answers is ASCII.
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (text: string) => this.#take(text));
    this.#socket.on('error', (error) => this.#reading?.onError(error));
  }

  ask(bytes: string, reading: Reading, signal: AbortSignal | undefined): void {
    this.#reading = reading;
    this.#socket.write(bytes, 'latin1');
    signal?.addEventListener('abort', () => this.#socket.destroy());
  }

  #take(text: string): void {
    this.#rest += text;
    if (!this.#isInBody && !this.#takeHead()) return;
    const isWhole = this.#left === undefined ? this.#takeChunks() : this.#takeLength(this.#left);
    if (!isWhole) return;
    const reading = this.#reading;
    this.#isInBody = false;
    this.#reading = undefined;
    this.#idle.push(this);
    reading?.onEnd();
  }

  #takeHead(): boolean {
    const end = this.#rest.indexOf('\r\n\r\n');
    if (end === -1) return false;
    const head = this.#rest.slice(0, end);
    mustBeOk(Number(head.slice(9, 12)));
    const length = /content-length: (\d+)/.exec(head)?.[1];
    this.#left = length === undefined ? undefined : Number(length);
    this.#rest = this.#rest.slice(end + 4);
    this.#isInBody = true;
    return true;
  }

  #takeLength(left: number): boolean {
    const text = this.#rest;
    this.#rest = '';
    this.#left = left - text.length;
    this.#reading?.onBody(text);
    return this.#left === 0;
  }

  #takeChunks(): boolean {
    let at = 0;
    try {
      for (;;) {
        const sizeEnd = this.#rest.indexOf('\r\n', at);
        if (sizeEnd === -1) return false;
        const size = Number.parseInt(this.#rest.slice(at, sizeEnd), 16);
        const next = sizeEnd + 2 + size + 2;
        if (this.#rest.length < next) return false;
        at = next;
        if (size === 0) return true;
        this.#reading?.onBody(this.#rest.slice(sizeEnd + 2, next - 2));
      }
    } finally {
      this.#rest = this.#rest.slice(at);
    }
  }
}

export async function socket(): Promise<Candidate> {
  return {
    packages: [],
    given: 'raw `node:net`, connections kept, HTTP/1.1 written and read by hand for this one server: the floor, not a client to use',
    open(url) {
      const { host, port } = new URL(url);
      const idle: Connection[] = [];
      const send = (path: string, body: string, onBody: (text: string) => void, signal?: AbortSignal): Promise<void> =>
        new Promise((resolve, reject) => {
          const head = `POST ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
          const connection = idle.pop() ?? new Connection(Number(port), idle);
          connection.ask(head + body, { onBody, onEnd: resolve, onError: reject }, signal);
        });
      const whole = async <Value>(path: string, body: string): Promise<Value> => {
        let text = '';
        await send(path, body, (part) => (text += part));
        return JSON.parse(text) as Value;
      };
      return {
        chat: async () => contentOf(await whole<Answer>(chatPath, chatBody())),
        stream: (name, onText, signal) => send(chatPath, streamBody(name), eventReader(onText), signal),
        embed: async (inputs) => vectorsOf(await whole<Embedded>(embedPath, embedBody(inputs))),
      };
    },
  };
}
