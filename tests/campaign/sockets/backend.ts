import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { kindsIn } from '../_kit/planted-chat.ts';
import { answerWell, createExchange, type Exchange, type ExchangeFacts } from './exchange.ts';
import type { Kind } from './kind.ts';
import { kindOf } from './kinds/index.ts';
import { type Protocol, tokensOf, wireTexts } from './wire-texts.ts';

/** What a server of the campaign has to know of itself. */
export interface BackendFacts {
  /** From 0; also its place in the tag of a prompt. */
  readonly index: number;
  readonly protocol: Protocol;
  /** The one `authorization` header that it may see. */
  readonly authorization: string;
  /** Texts that belong to other servers. */
  readonly foreign: readonly string[];
  /** Part of each answer. */
  readonly completion: string;
}

/** What the servers saw and did, for the oracle. */
export interface Log {
  /** How often each request came to each server; the key is `request * 4 + server`. */
  readonly visits: Map<number, number>;
  readonly injected: Map<string, number>;
  wrongCredentials: number;
  /** Requests that nobody of the campaign sent, followed redirects to the same server among them. */
  strangers: number;
  /** Kinds of secrets that came with requests. */
  readonly planted: Set<string>;
}

/** The key of one request at one server. */
export const visitKey = (request: number, backend: number): number => request * 4 + backend;

/** A server on a free port of the loopback that behaves as each request tells it to. Resolves with its address. */
export async function openBackend(facts: BackendFacts, elsewhere: string, log: Log): Promise<string> {
  const server = createServer({ noDelay: true }, (socket) => serveConnection(socket, facts, elsewhere, log));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The requests of one connection, one after the other. */
function serveConnection(socket: Socket, facts: BackendFacts, elsewhere: string, log: Log): void {
  let received: Buffer = Buffer.alloc(0);
  let served = 0;
  let isBusy = false;
  const serveNext = async (): Promise<void> => {
    while (!isBusy && socket.writable) {
      const request = readRequest(received);
      if (request === undefined) return;
      received = received.subarray(request.length);
      isBusy = true;
      await serveRequest(socket, request, { facts, elsewhere, log, isKept: served > 0 });
      served += 1;
      isBusy = false;
    }
  };
  socket.on('data', (bytes) => {
    received = received.length === 0 ? bytes : Buffer.concat([received, bytes]);
    void serveNext();
  });
  // A client may leave as it likes.
  socket.on('error', () => undefined);
}

interface Request {
  readonly head: string;
  readonly body: string;
  readonly length: number;
}

function readRequest(received: Buffer): Request | undefined {
  const end = received.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const head = received.toString('latin1', 0, end);
  const length = end + 4 + Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
  return received.length < length ? undefined : { head, body: received.toString('utf8', end + 4, length), length };
}

interface Scene {
  readonly facts: BackendFacts;
  readonly elsewhere: string;
  readonly log: Log;
  readonly isKept: boolean;
}

/** `[r17 one two three four]` in the prompt: the number of the request, and what each server does with it. */
const tag = /\[r(\d+) ([a-z0-9.-]+) ([a-z0-9.-]+) ([a-z0-9.-]+) ([a-z0-9.-]+)\]/;

async function serveRequest(socket: Socket, { head, body }: Request, { facts, elsewhere, log, isKept }: Scene): Promise<void> {
  const path = facts.protocol === 'openai' ? 'POST /v1/chat/completions ' : 'POST /api/chat ';
  const found = head.startsWith(path) ? tag.exec(body) : null;
  const kind = kindOf.get(found?.[facts.index + 2] ?? '');
  if (found === null || kind === undefined) {
    // A router may ask how a server is. One that follows a redirect asks for something else.
    if (!/^GET \/(?:health|version|v1\/models|api\/version) /.test(head)) log.strangers += 1;
    return void socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
  }
  const request = Number(found[1]);
  // Enough to know, and no more: looking takes its time.
  if (request < 1_000) for (const name of kindsIn(`${head}\n${body}`)) log.planted.add(name);
  const authorization = /\r\nauthorization: ([^\r]*)/i.exec(head)?.[1];
  if (authorization !== facts.authorization || facts.foreign.some((text) => head.includes(text))) log.wrongCredentials += 1;
  const key = visitKey(request, facts.index);
  const visit = (log.visits.get(key) ?? 0) + 1;
  log.visits.set(key, visit);
  const texts = wireTexts(facts.protocol, request, tokensOf(facts.index, request, facts.completion));
  const verb = facts.protocol === 'openai' ? body.includes('"stream":true') : !body.includes('"stream":false');
  // Without the tag, whose words would be read as what the server says of itself.
  const prompt = /"content":"((?:[^"\\]|\\.)*\[r[^"]*)"/.exec(body)?.[1] ?? '';
  const echo = `${authorization} ${prompt.replace(tag, '')}`;
  const rest: ExchangeFacts = { protocol: facts.protocol, verb: verb ? 'stream' : 'chat', visit, isKept, texts, echo, elsewhere };
  await play(kind, createExchange(socket, rest), log);
}

async function play(kind: Kind, exchange: Exchange, { injected }: Log): Promise<void> {
  if (kind.serve === undefined || kind.applies?.(exchange) === false) return answerWell(exchange);
  injected.set(kind.name, (injected.get(kind.name) ?? 0) + 1);
  await kind.serve(exchange);
}
