import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a TCP server that can be made bad at run time. All of it holds for connections that stand and for those that come. */
export interface ToxicProxy {
  readonly port: number;
  /** Bytes arrive that much later; each way has its own. */
  delay(toServerMs: number, toClientMs?: number): void;
  /** Accepts, and forwards nothing; what was held back goes on its way when it heals. */
  hang(): void;
  /** Ends the connections that stand. */
  cut(): void;
  /** Ends them, and takes no new ones. */
  refuse(): void;
  /** As a good way again, for those that stand too. */
  heal(): void;
  connections(): number;
  /** Forwarded so far. */
  bytesToClient(): number;
  close(): Promise<void>;
}

interface Way {
  isHanging: boolean;
  isRefusing: boolean;
  readonly delayMs: { toServer: number; toClient: number };
  /** Let go on when the way heals. */
  readonly held: Set<() => void>;
  bytesToClient: number;
}

export async function toxicProxy(targetPort: number): Promise<ToxicProxy> {
  const way: Way = { isHanging: false, isRefusing: false, delayMs: { toServer: 0, toClient: 0 }, held: new Set(), bytesToClient: 0 };
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (near) => {
    if (way.isRefusing) return void near.resetAndDestroy();
    const far = connect({ host: '127.0.0.1', port: targetPort, noDelay: true });
    sockets.add(near);
    const end = (): void => {
      sockets.delete(near);
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) socket.on('error', end).on('close', end);
    forward(near, far, way, 'toServer');
    forward(far, near, way, 'toClient');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const letGo = (): void => {
    const waiting = [...way.held];
    way.held.clear();
    for (const go of waiting) go();
  };
  return {
    port: (server.address() as AddressInfo).port,
    delay: (toServer, toClient = 0) => void Object.assign(way.delayMs, { toServer, toClient }),
    hang: () => void (way.isHanging = true),
    cut,
    refuse() {
      way.isRefusing = true;
      cut();
    },
    heal() {
      Object.assign(way, { isHanging: false, isRefusing: false });
      Object.assign(way.delayMs, { toServer: 0, toClient: 0 });
      letGo();
    },
    connections: () => sockets.size,
    bytesToClient: () => way.bytesToClient,
    async close() {
      cut();
      letGo();
      server.close();
      await once(server, 'close');
    },
  };
}

/** In order, whatever the delay was when a piece came. */
function forward(from: Socket, to: Socket, way: Way, direction: 'toServer' | 'toClient'): void {
  let last = Promise.resolve();
  from.on('data', (bytes) => {
    const dueMs = performance.now() + way.delayMs[direction];
    last = last.then(async () => {
      await wait(dueMs - performance.now());
      while (way.isHanging && !to.destroyed) await new Promise<void>((resolve) => void way.held.add(resolve));
      if (to.destroyed) return;
      if (direction === 'toClient') way.bytesToClient += bytes.length;
      to.write(bytes);
    });
  });
}

function wait(ms: number): Promise<void> | undefined {
  return ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : undefined;
}
