import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Speaker } from './bytes.ts';
import { faults, goodAnswer, type Play } from './plays.ts';

// The servers of the wall, in a process of their own: HTTP/1.1 by hand, because no real server lets anyone break its answers.
// Each case gets a stage: two servers and a stranger that no candidate was told of, on ports of their own.

export interface Asked {
  /** Milliseconds on the machine's clock, as the other process reads it. */
  readonly atMs: number;
  /** When the client closed the connection, if it did. */
  closedMs?: number;
  readonly request: string;
}

export interface StageReport {
  readonly connections: Readonly<Record<Speaker, number>>;
  readonly asked: Readonly<Record<Speaker, readonly Asked[]>>;
}

export type Order = { readonly id: number } & (
  | { readonly do: 'open'; readonly fault: string }
  | { readonly do: 'report' | 'close'; readonly stage: number }
);

const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;
const speakers: readonly Speaker[] = ['first', 'second', 'stranger'];

interface Stage {
  readonly urls: Record<Speaker, string>;
  readonly report: StageReport;
  readonly servers: Server[];
  readonly sockets: Set<Socket>;
}

const stages = new Map<number, Stage>();
/** Given out once. A port that should refuse must not belong to another stage later, nor one that a late client may still ask. */
const usedPorts = new Set<number>();

async function openStage(faultId: string): Promise<Stage> {
  const fault = faults[faultId];
  if (fault === undefined) throw new Error(`there is no fault ${faultId}`);
  fault.prepare?.();
  const urls = { first: '', second: '', stranger: '' };
  const report: StageReport = { connections: { first: 0, second: 0, stranger: 0 }, asked: { first: [], second: [], stranger: [] } };
  const stage: Stage = { urls, report, servers: [], sockets: new Set() };
  const plays = { first: fault.first, second: fault.second ?? goodAnswer, stranger: goodAnswer };
  for (const speaker of speakers) {
    const play = plays[speaker];
    const { server, port } = await listen((socket) => serve(stage, speaker, play as Play, socket));
    // The stranger is another host by name as well as by port.
    urls[speaker] = `http://${speaker === 'stranger' ? 'localhost' : '127.0.0.1'}:${port}`;
    stage.servers.push(server);
    if (play === 'refused') server.close();
  }
  return stage;
}

async function listen(onConnection: (socket: Socket) => void): Promise<{ server: Server; port: number }> {
  for (;;) {
    const server = createServer({ noDelay: true }, onConnection);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    if (!usedPorts.has(port)) {
      usedPorts.add(port);
      return { server, port };
    }
    server.close();
  }
}

function serve(stage: Stage, speaker: Speaker, play: Play, socket: Socket): void {
  const asked = stage.report.asked[speaker] as Asked[];
  (stage.report.connections as Record<Speaker, number>)[speaker] += 1;
  stage.sockets.add(socket);
  let received = '';
  let last: Asked | undefined;
  const gone = (): void => {
    if (last !== undefined) last.closedMs ??= nowMs();
  };
  socket.on('error', () => undefined);
  socket.on('end', gone);
  socket.on('close', () => {
    gone();
    stage.sockets.delete(socket);
  });
  socket.on('data', (bytes: Buffer) => {
    received += bytes.toString('latin1');
    if (!isComplete(received)) return;
    const request = received;
    received = '';
    const turn = asked.length;
    last = { atMs: nowMs(), request: request.slice(0, 8_000) };
    asked.push(last);
    void play({ socket, speaker, request, turn, strangerUrl: stage.urls.stranger });
  });
}

function isComplete(received: string): boolean {
  const end = received.indexOf('\r\n\r\n');
  if (end === -1) return false;
  const length = Number(/^content-length: *(\d+)/im.exec(received.slice(0, end))?.[1] ?? 0);
  if (/^transfer-encoding: *chunked/im.test(received.slice(0, end))) return received.endsWith('0\r\n\r\n');
  return received.length >= end + 4 + length;
}

function closeStage(id: number): void {
  const stage = stages.get(id);
  stages.delete(id);
  for (const server of stage?.servers ?? []) server.close();
  for (const socket of stage?.sockets ?? []) socket.destroy();
}

process.on('message', async (order: Order) => {
  if (order.do === 'open') {
    const stage = await openStage(order.fault);
    stages.set(order.id, stage);
    process.send?.({ id: order.id, value: stage.urls });
    return;
  }
  if (order.do === 'close') closeStage(order.stage);
  process.send?.({ id: order.id, value: stages.get(order.stage)?.report });
});
process.on('disconnect', () => process.exit(0));
