import { isNode } from './node-builtin.ts';
import { nodeHttpTransport } from './node-http.ts';
import { hasProxyAgents, usualProxy } from './node-proxy.ts';
import { ofetchTransport, type Transport } from './transport.ts';

let shared: Transport | undefined;

/**
 * What routers use that are given none: Node's own `http` in Node, and `fetch` elsewhere, and where a proxy is wanted that this Node's
 * `http` cannot use. One for all of them, so that they share connections; those that nobody uses are closed after 4 s, and keep no
 * process alive.
 */
export function defaultTransport(): Transport {
  shared ??= isNode() && (usualProxy() === undefined || hasProxyAgents()) ? nodeHttpTransport() : ofetchTransport();
  return shared;
}
