import type * as Http from 'node:http';
import type * as Https from 'node:https';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type * as Zlib from 'node:zlib';
import { noteReuse } from './node-faults.ts';
import type { NodeHttpOptions } from './node-http.ts';
import { hasProxyAgents, usualProxy } from './node-proxy.ts';
import { packingsOf } from './unpacked.ts';

/** Where requests of one scheme, host and port go. */
export interface Origin {
  readonly options: Http.RequestOptions;
  request(options: Http.RequestOptions): Http.ClientRequest;
}

interface Address {
  readonly protocol: string;
  readonly hostname: string;
  readonly port: string;
}

/** @throws {TypeError} for another scheme, and where there is no `node:http` */
export function openOrigin({ protocol, hostname, port }: Address, options: NodeHttpOptions): Origin {
  if (protocol !== 'http:' && protocol !== 'https:') throw new TypeError('unknown scheme');
  const http: typeof Http | typeof Https = protocol === 'http:' ? builtin<typeof Http>('node:http') : builtin<typeof Https>('node:https');
  return {
    // An address of IPv6 stands in brackets in a URL alone.
    options: { protocol, hostname: hostname.replace(/^\[|\]$/g, ''), port, agent: createAgent(http, options) },
    // Looked up each time: tests and instrumentations put theirs in its place.
    request: (each) => http.request(each),
  };
}

/** Asked for when it is needed, and not imported: whatever bundles the package for other platforms finds nothing of Node in it. */
function builtin<Module>(name: string): Module {
  const found: unknown = globalThis.process?.getBuiltinModule?.(name);
  if (found === undefined) throw new TypeError(`There is no ${name} here; use ofetchTransport() instead.`);
  return found as Module;
}

function createAgent(http: typeof Http | typeof Https, options: NodeHttpOptions): Http.Agent {
  const { idleMs = 4_000, maxIdle = 256, ca, proxy = usualProxy() } = options;
  if (proxy && !hasProxyAgents()) throw new TypeError('Proxies need Node 22.21 or 24.5; use ofetchTransport() instead.');
  const agent = new http.Agent({
    keepAlive: true,
    timeout: idleMs,
    maxFreeSockets: maxIdle,
    rejectUnauthorized: true,
    ...(ca !== undefined && { ca: [ca].flat() as string[] }),
    ...(proxy && { proxyEnv: proxy }),
  } as Https.AgentOptions);
  // There is one for each origin, so nothing has to be told apart within it.
  const name = 'origin';
  agent.getName = () => name;
  const reuse = agent.reuseSocket.bind(agent);
  agent.reuseSocket = (socket, request) => {
    noteReuse(request, (socket as Socket).bytesRead);
    reuse(socket, request);
  };
  return agent;
}

/** Every one that platforms unpack by themselves and servers still use. */
const unpackers: Readonly<Record<string, (zlib: typeof Zlib) => Readable & NodeJS.WritableStream>> = {
  gzip: (zlib) => zlib.createGunzip(flushing(zlib)),
  'x-gzip': (zlib) => zlib.createGunzip(flushing(zlib)),
  deflate: (zlib) => zlib.createInflate(flushing(zlib)),
  br: (zlib) => zlib.createBrotliDecompress(),
};

/** What has come is handed out before the rest is there. */
function flushing({ constants: { Z_SYNC_FLUSH } }: typeof Zlib): Zlib.ZlibOptions {
  return { flush: Z_SYNC_FLUSH, finishFlush: Z_SYNC_FLUSH };
}

/** The body of a response as the server made it. */
export function unpackedBody(response: Http.IncomingMessage): Readable {
  const [packing, ...others] = packingsOf({ header: () => response.headers['content-encoding'] ?? null });
  const unpacker = packing === undefined || others.length > 0 ? undefined : unpackers[packing];
  if (unpacker === undefined) return response;
  const whole = unpacker(builtin<typeof Zlib>('node:zlib'));
  response.on('error', (error) => whole.destroy(error));
  return response.pipe(whole);
}
