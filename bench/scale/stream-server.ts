import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerQuestions } from '../../tests/campaign/_kit/program.ts';
import { percentile, type Sent } from './figures.ts';
import { lastText, nowMs, tokenText } from './tokens.ts';

// Sends a token to each of many streams, one after the other and evenly over the period, in a process of its own.

export type ServerQuestion =
  | { readonly ask: 'listen'; readonly streams: number; readonly periodMs: number }
  | { readonly ask: 'pace'; readonly periodMs: number }
  | { readonly ask: 'stretch'; readonly seconds: number }
  /** Every stream ends when its next token would be due. Tells how many tokens it has sent. */
  | { readonly ask: 'end' };

export interface ServerReply {
  readonly url?: string;
  readonly stretch?: Sent;
  readonly sent?: number;
}

interface Sending {
  readonly response: ServerResponse;
  sent: number;
}

/** So many writes, and then whoever connects or leaves has a turn. */
const mostInTurn = 256;

const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_760_000_000, model: 'steady' };
const event = (delta: object, finish: string | null): string =>
  `data: ${JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const [before = '', after = ''] = event({ content: 'TOKEN' }, null).split('TOKEN');
const finish = `${event({}, 'stop')}data: [DONE]\n\n`;

/** By their turn; undefined before it is opened and after its end. */
let turns: (Sending | undefined)[] = [];
let turn = 0;
let opened = 0;
let periodMs = 0;
let dueAtMs = 0;
let isEnding = false;
let sent = 0;
let lateMs: number[] | undefined;
let onEmpty: (() => void) | undefined;

function send(one: Sending, atMs: number): void {
  one.response.write(before + tokenText(one.sent, atMs) + after);
  one.sent += 1;
  sent += 1;
}

function end(at: number, { response, sent: count }: Sending): void {
  turns[at] = undefined;
  opened -= 1;
  response.end(before + lastText(count) + after + finish);
  if (opened === 0) onEmpty?.();
}

function tick(): void {
  for (let written = 0; written < mostInTurn; turn = (turn + 1) % turns.length, dueAtMs += periodMs / turns.length) {
    const atMs = nowMs();
    if (dueAtMs > atMs) return void setTimeout(tick, 1);
    const one = turns[turn];
    if (one === undefined) continue;
    written += 1;
    if (isEnding) {
      end(turn, one);
      continue;
    }
    send(one, atMs);
    lateMs?.push(atMs - dueAtMs);
  }
  setImmediate(tick);
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const path = request.url ?? '';
  request.resume();
  if (path.endsWith('/chat/completions')) return begin(response);
  const body = path.endsWith('/models') ? { object: 'list', data: [{ id: 'steady', object: 'model', created: 0, owned_by: 'bench' }] } : {};
  response.writeHead(path.endsWith('/models') || path.endsWith('/health') ? 200 : 404, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** The first token comes at once, the others in turn. */
function begin(response: ServerResponse): void {
  const at = turns.indexOf(undefined);
  const one: Sending = { response, sent: 0 };
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.on('error', () => response.destroy());
  turns[at] = one;
  opened += 1;
  send(one, nowMs());
}

async function listen(streams: number, everyMs: number): Promise<ServerReply> {
  turns = Array.from({ length: streams }, () => undefined);
  periodMs = everyMs;
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, resolve));
  dueAtMs = nowMs();
  tick();
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function stretch(seconds: number): Promise<ServerReply> {
  const late: number[] = [];
  const [cpu, startMs, sentBefore] = [process.cpuUsage(), nowMs(), sent];
  lateMs = late;
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  lateMs = undefined;
  const { user, system } = process.cpuUsage(cpu);
  const cpuShare = (user + system) / 1_000 / (nowMs() - startMs);
  return {
    stretch: {
      sent: sent - sentBefore,
      lateP99Ms: percentile(
        late.sort((left, right) => left - right),
        0.99,
      ),
      cpuShare,
    },
  };
}

answerQuestions<ServerQuestion, ServerReply>(async (question) => {
  switch (question.ask) {
    case 'listen':
      return listen(question.streams, question.periodMs);
    case 'pace':
      periodMs = question.periodMs;
      return {};
    case 'stretch':
      return stretch(question.seconds);
    case 'end':
      isEnding = true;
      if (opened > 0) await new Promise<void>((resolve) => (onEmpty = resolve));
      return { sent };
  }
});
