import type * as Http from 'node:http';
import type * as Https from 'node:https';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { builtin } from './node-builtin.ts';
import { noteReuse } from './node-faults.ts';
import type { NodeHttpOptions } from './node-http.ts';
import { hasProxyAgents, usualProxy } from './node-proxy.ts';
import { unpackerOf } from './node-unpack.ts';

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
  const getName = (): string => name;
  const reuse = agent.reuseSocket.bind(agent);
  const reuseSocket: typeof reuse = (socket, request) => {
    noteReuse(request, (socket as Socket).bytesRead);
    reuse(socket, request);
  };
  return Object.assign(agent, { getName, reuseSocket });
}

/** The body of a response as the server made it. */
export function unpackedBody(response: Http.IncomingMessage): Readable {
  const whole = unpackerOf(response.headers['content-encoding'] ?? null);
  if (whole === undefined) return response;
  response.on('error', (error) => whole.destroy(error));
  // Of what is damaged nobody needs the rest.
  whole.on('error', () => response.destroy());
  return response.pipe(whole);
}
