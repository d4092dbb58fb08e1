import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { chatBody, event, finish } from '../../_kit/openai-bytes.ts';
import { jsonType, kindsHeard, sendText, serveParts, sseType } from '../_kit/node-server.ts';
import { answerQuestions } from '../_kit/program.ts';
import { locationsFor } from './locations.ts';

/** What the servers saw so far. */
export interface Seen {
  readonly front: number;
  readonly target: number;
  /** Connections to the recording server and bytes that it got. */
  readonly targetConnections: number;
  readonly targetBytes: number;
  readonly redirects: number;
  /** Requests to a path of the configured server that only a redirect names. */
  readonly followed: number;
  readonly kinds: readonly string[];
}

let targetConnections = 0;
let targetBytes = 0;
let redirects = 0;
let followed = 0;
const kinds = new Set<string>();

const recorder = createServer((socket) => {
  targetConnections += 1;
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    targetBytes += bytes.length;
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}');
  });
});
// Every address of the machine, so that each form of the loopback would reach it.
recorder.listen(0, '::');
await once(recorder, 'listening');
const target = (recorder.address() as AddressInfo).port;

const { port: front } = await serveParts(({ request, response, part, body, isStream }) => {
  for (const kind of kindsHeard({ request, body })) kinds.add(kind);
  const [, number, status] = /location:(\d+) status:(\d+)/.exec(body) ?? [];
  if (part === 'redirecting' && number !== undefined) {
    redirects += 1;
    // Written by hand, because the platform would refuse some of these locations; the connection ends with it.
    response.socket?.write(
      `HTTP/1.1 ${status ?? 302} Elsewhere\r\nlocation: ${locationsFor(front, target)[Number(number)] ?? ''}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
    );
    response.socket?.end();
    return;
  }
  if (part !== 'healthy' || request.url !== '/healthy/v1/chat/completions' || request.method !== 'POST') followed += 1;
  if (isStream) sendText(response, sseType, event('healthy') + finish);
  else sendText(response, jsonType, chatBody('healthy'));
});

answerQuestions<null, Seen>(() => ({ front, target, targetConnections, targetBytes, redirects, followed, kinds: [...kinds] }));
