import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { chatBody, event, finish } from '../../_kit/openai-bytes.ts';
import { jsonType, kindsHeard, sendText, serveParts, sseType } from '../_kit/node-server.ts';
import { answerQuestions } from '../_kit/program.ts';

// Holds what it is asked until it is told to go on; then it answers after a while, whatever the clients are doing.

export type Question =
  | { readonly ask: 'port' }
  | { readonly ask: 'kinds' }
  /** Answers as soon as so many requests are held, and lets them go after `afterMs`. */
  | { readonly ask: 'release'; readonly count: number; readonly afterMs: number };

const kinds = new Set<string>();
let held: (() => void)[] = [];

const { port } = await serveParts(({ request, response, part, body, isStream }) => {
  for (const kind of kindsHeard({ request, body })) kinds.add(kind);
  const answer = answerOf(part, response, isStream);
  if (part === 'healthy') answer();
  else held.push(answer);
});

/** `slow` holds the whole answer back, `pausing` sends the first token of a stream at once. */
function answerOf(part: string, response: ServerResponse, isStream: boolean): () => void {
  if (!isStream) return () => sendText(response, jsonType, chatBody('in time'));
  if (part !== 'pausing') return () => sendText(response, sseType, event('in time') + finish);
  response.writeHead(200, { 'content-type': sseType });
  response.write(event('first'));
  return () => response.end(event('in time') + finish);
}

async function release(count: number, afterMs: number): Promise<number> {
  for (let round = 0; held.length < count && round < 1_000; round++) await sleep(1);
  const [ready, number] = [held, held.length];
  held = [];
  setTimeout(() => {
    for (const answer of ready) answer();
  }, afterMs);
  return number;
}

answerQuestions<Question, unknown>((question) => {
  if (question.ask === 'port') return port;
  return question.ask === 'kinds' ? [...kinds] : release(question.count, question.afterMs);
});
