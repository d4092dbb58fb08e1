import { readFile } from 'node:fs/promises';

/** Bytes that the system keeps of the connections to one port of the loopback, by the port of the client's end. */
export interface KernelQueues {
  /** Sent by the server and not yet taken by the client's process: in the buffers of both ends. */
  of(clientPort: number): number;
}

/** Undefined where the system does not tell. The queues of both ends together: what was acknowledged has left the first. */
export async function readKernelQueues(serverPort: number): Promise<KernelQueues | undefined> {
  const tables = await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((file) => readFile(file, 'utf8').catch(() => '')));
  if (tables[0] === '') return undefined;
  const bytes = new Map<number, number>();
  const add = (port: number, count: number): void => void bytes.set(port, (bytes.get(port) ?? 0) + count);
  for (const line of tables.join('\n').split('\n')) {
    const [, local = '', remote = '', , queues = ''] = line.trim().split(/\s+/);
    const [localPort, remotePort] = [local, remote].map((address) => Number.parseInt(address.split(':')[1] ?? '', 16));
    const [unsent = 0, unread = 0] = queues.split(':').map((count) => Number.parseInt(count, 16));
    if (localPort === serverPort && remotePort !== undefined) add(remotePort, unsent);
    if (remotePort === serverPort && localPort !== undefined) add(localPort, unread);
  }
  return { of: (clientPort) => bytes.get(clientPort) ?? 0 };
}
