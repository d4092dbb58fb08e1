import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock, Router } from '../index.ts';
import { CommandFailure } from './exit-codes.ts';
import { inUrl, type ServeSettings } from './serve-settings.ts';

/** A server that listens. */
export interface Serving {
  /** The one that was taken, where any would do. */
  readonly port: number;
  /** Answers that are not over. */
  readonly open: number;
  /** Takes no more calls, and resolves when nothing is left: true where every answer came to its end. */
  stop(router: Router, drainMs: number): Promise<boolean>;
}

/** No answer is bound by these: a stream may last for hours. */
export const serverLimits = {
  /** From the first byte of a request, or from the beginning of its connection, to the end of its headers. */
  headersTimeout: 10_000,
  /** To the end of its body. The handler's own limit for bodies is shorter. */
  requestTimeout: 30_000,
  /** Proxies keep silent connections for a minute: who closes first must not be the one that the next request comes to. */
  keepAliveTimeout: 65_000,
  /** How late the first two may be noticed. */
  connectionsCheckingInterval: 2_000,
} as const;

/** Four for each call that the handler takes at once; who comes after that is not heard. */
export const mostConnections = 1_024;

/** Calls that were cut tell their callers so, within this. */
const lastWordsMs = 1_000;

/** A stream of events, which only ends when its reader leaves. */
const endless = '/admin/api/events';

type Listener = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

/** @throws {CommandFailure} where the port cannot be had. */
export async function startServer(
  listener: Listener,
  { host, port }: Pick<ServeSettings, 'host' | 'port'>,
  clock: Clock,
  onTrouble: (code: string) => void,
): Promise<Serving> {
  const open = new Map<ServerResponse, IncomingMessage>();
  let isStopping = false;
  let onQuiet: (() => void) | undefined;
  const server = createServer(serverLimits, (incoming, outgoing) => {
    open.set(outgoing, incoming);
    if (isStopping) outgoing.setHeader('connection', 'close');
    outgoing.on('close', () => {
      open.delete(outgoing);
      if (open.size === 0) onQuiet?.();
    });
    listener(incoming, outgoing);
  });
  server.maxConnections = mostConnections;
  await listen(server, host, port);
  server.on('error', ({ code = 'unknown' }: NodeJS.ErrnoException) => onTrouble(code));
  const quiet = (withinMs: number): Promise<boolean> =>
    new Promise((resolve) => {
      if (open.size === 0) return resolve(true);
      const cancel = clock.schedule(withinMs, () => resolve(false));
      onQuiet = () => {
        cancel();
        resolve(true);
      };
    });
  return {
    port: (server.address() as AddressInfo).port,
    get open() {
      return open.size;
    },
    async stop(router, drainMs) {
      isStopping = true;
      // Silent connections are closed by this as well.
      server.close();
      for (const [outgoing, incoming] of open) letGo(outgoing, incoming);
      const isClean = await quiet(drainMs);
      await router.close({ drainMs: 0 });
      if (!isClean) await quiet(lastWordsMs);
      server.closeAllConnections();
      return isClean;
    },
  };
}

function letGo(outgoing: ServerResponse, { url }: IncomingMessage): void {
  if (url === endless) outgoing.destroy();
  else if (!outgoing.headersSent) outgoing.setHeader('connection', 'close');
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw cannotListen(code, host, port);
  }
}

function cannotListen(code: string, host: string, port: number): CommandFailure {
  const at = `${inUrl(host)}:${port}`;
  if (code === 'EADDRINUSE')
    return new CommandFailure(1, `Something else listens on ${at}.`, ['--port names another port; 0 takes one that is free.']);
  if (code === 'EACCES')
    return new CommandFailure(1, `This user may not listen on ${at}.`, ['--port names another port; those from 1024 on are free to all.']);
  const isNobody = code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN';
  if (isNobody) return new CommandFailure(1, `This machine has no address ${inUrl(host)}.`, ['--host names one that it has.']);
  return new CommandFailure(1, `The server cannot listen on ${at}: ${code}.`);
}
