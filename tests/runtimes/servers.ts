import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { gzipSync } from 'node:zlib';
import {
  cutAfter,
  fakeBackend,
  type ListeningBackend,
  models,
  outOfMemory,
  reply,
  slow,
  stallAfter,
  stallBeforeHeaders,
  status,
} from '../../src/testing/index.ts';
import { selfSignedCertificate } from '../_kit/certificate.ts';
import { keepAliveServer } from '../_kit/keep-alive-server.ts';
import { chatBody } from '../_kit/openai-bytes.ts';
import type { Given, Seen } from './smoke/ground.ts';

/** The servers of one run of the program, on the loopback, in this process. */
export interface Servers extends AsyncDisposable, Pick<Given, 'urls' | 'seenUrl'> {}

const story = reply('One two three');

export async function openServers(): Promise<Servers> {
  const fakes = {
    good: await fakeBackend('vllm', [models(['m']), reply('Hello from the good one.')]).listen(),
    full: await fakeBackend('ollama', [models(['m']), outOfMemory('cuda')]).listen(),
    busy: await fakeBackend('vllm', status(503)).listen(),
    endless: await fakeBackend('vllm', stallAfter(2, story)).listen(),
    silent: await fakeBackend('vllm', stallBeforeHeaders()).listen(),
    // Slowly, so that a client that loses what it has not read has read it.
    broken: await fakeBackend('vllm', slow(10, cutAfter(2, 'rst', story))).listen(),
  };
  const closing = await keepAliveServer('after the answer');
  const redirecting = await listening(
    createHttpServer((request, response) => response.writeHead(307, { location: fakes.good.url + (request.url ?? '') }).end()),
  );
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
  const packed = await listening(createHttpServer((_, response) => response.writeHead(200, headers).end(gzipSync(chatBody('Unpacked.')))));
  const untrusted = await listening(
    createHttpsServer(selfSignedCertificate('127.0.0.1'), (_, response) => response.end(chatBody('Nobody should read this.'))),
  );
  const seen = await listening(createHttpServer((_, response) => response.end(JSON.stringify(seenBy(fakes)))));
  return {
    urls: {
      ...urlsOf(fakes),
      refused: `http://127.0.0.1:${await closedPort()}`,
      closing: closing.url,
      redirecting: redirecting.url,
      packed: packed.url,
      untrusted: untrusted.url.replace('http:', 'https:'),
    },
    seenUrl: seen.url,
    async [Symbol.asyncDispose]() {
      await Promise.all(
        [...Object.values(fakes), closing, redirecting, packed, untrusted, seen].map((server) => server[Symbol.asyncDispose]()),
      );
    },
  };
}

type Fakes = Readonly<Record<'good' | 'full' | 'busy' | 'endless' | 'silent' | 'broken', ListeningBackend>>;

function urlsOf({ good, full, busy, endless, silent, broken }: Fakes): Record<keyof Fakes, string> {
  return { good: good.url, full: full.url, busy: busy.url, endless: endless.url, silent: silent.url, broken: broken.url };
}

function seenBy(fakes: Fakes): Record<string, Seen> {
  return Object.fromEntries(Object.entries(fakes).map(([place, { calls, aborted }]) => [place, { calls: calls.length, aborted }]));
}

async function listening(server: Server): Promise<AsyncDisposable & { readonly url: string }> {
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

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
