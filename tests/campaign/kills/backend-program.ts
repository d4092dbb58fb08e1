import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

// A backend in a process of its own: node backend-program.ts holds|answers COMPLETION REASONING
// One that holds leaves every call where its text says, and one that answers does so at once. Every piece of text names its
// backend, the call and its place, so that what a caller read can be told apart.

const [behaviour = '', completion = '', reasoning = ''] = process.argv.slice(2);
const holds = behaviour === 'holds';

interface Held {
  readonly response: ServerResponse;
  readonly kind: 'chat' | 'stream';
}

const held = new Set<Held>();
/** What the first calls brought. */
const received: string[] = [];
const piece = (id: string, place: number): string => `${holds ? 'first' : 'second'}:${id}:${place}|${completion} `;
const wholeText = (id: string): string => Array.from({ length: 5 }, (_, place) => piece(id, place)).join('');

const server = createServer((request, response) => {
  let body = '';
  request.on('data', (bytes: Buffer) => (body += bytes.toString()));
  request.on('end', () => {
    if (received.length < 3)
      received.push(
        `${Object.entries(request.headers)
          .map(([name, value]) => `${name}: ${String(value)}`)
          .join('\n')}\n\n${body}`,
      );
    // The last message says `where:id`.
    const [, where = '', id = ''] = / (silent|head|half|role|flow):(\d+)"/.exec(body) ?? [];
    const kind = body.includes('"stream":true') ? 'stream' : 'chat';
    if (!holds) return answer(response, kind, id);
    const entry = { response, kind } as const;
    held.add(entry);
    response.on('close', () => held.delete(entry));
    void hold(response, kind, where, id);
  });
});

async function hold(response: ServerResponse, kind: Held['kind'], where: string, id: string): Promise<void> {
  if (where === 'silent') return;
  begin(response, kind);
  if (where === 'half') response.write(whole(id).slice(0, 150));
  if (where === 'role') response.write(`: wait\n\n${event({ role: 'assistant', content: '' }, null)}`);
  if (where !== 'flow') return;
  for (let place = 0; !response.destroyed && !response.writableEnded; place++) {
    response.write(event({ content: piece(id, place) }, null));
    await sleep(10);
  }
}

function answer(response: ServerResponse, kind: Held['kind'], id: string): void {
  begin(response, kind);
  if (kind === 'chat') return void response.end(whole(id));
  response.write(event({ role: 'assistant', reasoning_content: reasoning }, null));
  for (let place = 0; place < 5; place++) response.write(event({ content: piece(id, place) }, null));
  response.end(`${event({}, 'stop')}data: [DONE]\n\n`);
}

function begin(response: ServerResponse, kind: Held['kind']): void {
  response.writeHead(200, { 'content-type': kind === 'chat' ? 'application/json' : 'text/event-stream' });
  response.flushHeaders();
}

function whole(id: string): string {
  const message = { role: 'assistant', content: wholeText(id), reasoning_content: reasoning };
  return JSON.stringify({
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message, finish_reason: 'stop' }],
  });
}

function event(delta: unknown, finish: string | null): string {
  const choices = [{ index: 0, delta, finish_reason: finish }];
  return `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices })}\n\n`;
}

// Frameworks that are told to stop end the bodies they had begun as if nothing were missing, and close the rest.
process.on('SIGTERM', () => {
  for (const { response } of held) {
    if (response.headersSent) response.end();
    else response.destroy();
  }
  setTimeout(() => process.exit(0), 50);
});
process.on('message', () => {
  const chats = [...held].filter(({ kind }) => kind === 'chat').length;
  process.send?.({ chats, streams: held.size - chats, received });
});
process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', 1_024, () => process.send?.({ port: (server.address() as AddressInfo).port }));
