import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

export interface Connections {
  /** `host:port` of each connection that fetch was about to make. */
  readonly announced: readonly string[];
  /** Connections that this process opened in any way, and the ports that they reached. */
  readonly opened: readonly Socket[];
  stop(): void;
}

/** Watches every connection of this process, through the platform's own channels. */
export function watchConnections(): Connections {
  const announced: string[] = [];
  const opened: Socket[] = [];
  const onConnect = (message: unknown): void => {
    const { hostname, port } = (message as { connectParams: { hostname: string; port: string } }).connectParams;
    announced.push(`${hostname}:${port}`);
  };
  const onSocket = (message: unknown): void => void opened.push((message as { socket: Socket }).socket);
  subscribe('undici:client:beforeConnect', onConnect);
  subscribe('net.client.socket', onSocket);
  return {
    announced,
    opened,
    stop() {
      unsubscribe('undici:client:beforeConnect', onConnect);
      unsubscribe('net.client.socket', onSocket);
    },
  };
}
