import { type AddressInfo, Server } from 'node:net';

/** Where a server of this process listens. */
export function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Lets each server that is opened meanwhile listen on a free port, whichever one it asks for. */
export function listenAnywhere(onListening: (url: string) => void): { readonly servers: readonly Server[]; stop(): void } {
  const servers: Server[] = [];
  const { listen } = Server.prototype;
  Server.prototype.listen = function onAnyPort(this: Server, ...given: readonly unknown[]): Server {
    servers.push(this.on('listening', () => onListening(urlOf(this))));
    return Reflect.apply(listen, this, given.map(anyPort)) as Server;
  };
  return { servers, stop: () => void (Server.prototype.listen = listen) };
}

function anyPort(given: unknown): unknown {
  if (typeof given === 'number') return 0;
  return typeof given === 'object' && given !== null && 'port' in given ? { ...given, port: 0 } : given;
}
