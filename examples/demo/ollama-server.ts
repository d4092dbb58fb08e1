import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface OllamaMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** Who thinks up the answers of a server. */
export interface Backend {
  readonly models: readonly { readonly name: string; readonly sizeBytes: number }[];
  /** The answer in pieces. An `OllamaError` before the first one becomes the status and body of the response. */
  chat(messages: readonly OllamaMessage[]): AsyncIterable<string>;
}

/** What the server says in place of an answer. */
export class OllamaError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface OllamaServer extends AsyncDisposable {
  readonly url: string;
}

/** A server on a free port of the loopback that speaks Ollama's native protocol. */
export async function startOllamaServer(backend: Backend): Promise<OllamaServer> {
  const server = createServer((request, response) => {
    respond(backend, request, response).catch((error: unknown) => refuse(response, error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function respond({ models, chat }: Backend, request: IncomingMessage, response: ServerResponse): Promise<void> {
  switch (`${request.method} ${request.url}`) {
    case 'GET /api/version':
      return send(response, 200, { version: '0.33.0' });
    case 'GET /api/tags':
      return send(response, 200, { models: models.map(({ name, sizeBytes }) => ({ name, model: name, size: sizeBytes })) });
    // Ollama lists its models in OpenAI's way too.
    case 'GET /v1/models':
      return send(response, 200, { object: 'list', data: models.map(({ name }) => ({ id: name, object: 'model' })) });
    case 'GET /api/ps':
      return send(response, 200, { models: [] });
    case 'POST /api/embed':
      throw new OllamaError(501, 'This server does not support embeddings. Start it with `--embeddings`');
    case 'POST /api/chat': {
      const { model, messages, stream } = (await bodyOf(request)) as { model: string; messages: OllamaMessage[]; stream: boolean };
      return stream ? streamAnswer(response, model, chat(messages)) : wholeAnswer(response, model, chat(messages));
    }
    default:
      throw new OllamaError(404, 'page not found');
  }
}

/** One JSON object a line; the status goes out with the first piece, so that an error before it has one of its own. */
async function streamAnswer(response: ServerResponse, model: string, pieces: AsyncIterable<string>): Promise<void> {
  for await (const content of pieces) {
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.write(`${JSON.stringify(lineOf(model, content, false))}\n`);
  }
  response.end(`${JSON.stringify(lineOf(model, '', true))}\n`);
}

async function wholeAnswer(response: ServerResponse, model: string, pieces: AsyncIterable<string>): Promise<void> {
  let content = '';
  for await (const piece of pieces) content += piece;
  send(response, 200, lineOf(model, content, true));
}

function lineOf(model: string, content: string, done: boolean): object {
  const end = done ? { done, done_reason: 'stop' } : { done };
  return { model, created_at: new Date().toISOString(), message: { role: 'assistant', content }, ...end };
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return JSON.parse(Buffer.concat(pieces).toString());
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** Once a status is out, all that is left is to break the connection. */
function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) response.destroy();
  else if (error instanceof OllamaError) send(response, error.status, { error: error.message });
  else send(response, 500, { error: 'internal server error' });
}
