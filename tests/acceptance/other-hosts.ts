import { ofetchTransport, type Transport } from '../../src/index.ts';

/**
 * The hosts of an environment, as it stands in its document, on real sockets of this machine: `{ 'ollama:11434': ollama.url }`. Any other
 * host refuses the connection, so that no test leaves the machine.
 */
export function hostsAt(servers: Readonly<Record<string, string>>): Transport {
  const real = ofetchTransport();
  return {
    send(request) {
      const { host, pathname, search } = new URL(request.url);
      const server = servers[host];
      if (server !== undefined) return real.send({ ...request, url: `${server}${pathname}${search}` });
      const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
      return Promise.reject(new TypeError('fetch failed', { cause }));
    },
  };
}
