import { chatBody, event, finish, roleEvent } from '../../_kit/openai-bytes.ts';
import { createRandom } from '../_kit/numbers.ts';
import { type Heard, jsonType, kindsHeard, sendText, serveParts, sseType } from '../_kit/node-server.ts';
import { answerQuestions } from '../_kit/program.ts';

// Answers well seven times out of ten, and breaks something the other times.

/** `port` comes first, and brings the seed of the faults. */
export type Question = { readonly ask: 'port'; readonly seed: number } | { readonly ask: 'seen' | 'drop' };

export interface Seen {
  readonly requests: number;
  /** How often each fault was played. */
  readonly faults: Readonly<Record<string, number>>;
  readonly kinds: readonly string[];
}

const faultShare = 0.3;
let random = createRandom(1);
const counts: Record<string, number> = {};
const kinds = new Set<string>();
let requests = 0;

type Fault = (heard: Heard) => void;

const cutStream =
  (text: string): Fault =>
  ({ response }) => {
    response.writeHead(200, { 'content-type': sseType });
    response.write(text);
    setImmediate(() => response.destroy());
  };

const forBoth: Readonly<Record<string, Fault>> = {
  'status 500': ({ response }) => sendText(response, jsonType, '{"error":{"message":"something broke"}}', 500),
  'status 502': ({ response }) => sendText(response, 'text/html', '<html>bad gateway</html>', 502),
  'reset before headers': ({ request }) => void request.socket.resetAndDestroy(),
  'closed before headers': ({ request }) => void request.socket.destroy(),
  'a web page': ({ response }) => sendText(response, 'text/html', '<!doctype html><html></html>'),
  'an error with status 200': ({ response }) => sendText(response, jsonType, '{"error":{"message":"something broke"}}'),
  'too short a body': ({ response }) => {
    response.writeHead(200, { 'content-type': jsonType, 'content-length': 1_000 });
    response.write('{"id":');
    setImmediate(() => response.destroy());
  },
};
const forChats: Readonly<Record<string, Fault>> = {
  'half of an answer': ({ response }) => sendText(response, jsonType, chatBody('whole').slice(0, 40)),
  'no choices': ({ response }) => sendText(response, jsonType, '{"choices":[]}'),
};
const forStreams: Readonly<Record<string, Fault>> = {
  'cut before content': cutStream(roleEvent),
  'cut after content': cutStream(roleEvent + event('some')),
  'an error event': ({ response }) => sendText(response, sseType, `${roleEvent}data: {"error":{"message":"something broke"}}\n\n`),
  'an event that is no JSON': ({ response }) => sendText(response, sseType, `${event('some')}data: {"choices\n\n`),
  'no terminator': ({ response }) => sendText(response, sseType, event('some')),
};

const { server, port } = await serveParts((heard) => {
  requests += 1;
  const { response, isStream } = heard;
  if (requests < 100) {
    for (const kind of kindsHeard(heard)) kinds.add(kind);
  }
  if (random() < faultShare) {
    const faults = Object.entries({ ...forBoth, ...(isStream ? forStreams : forChats) });
    const [name, fault] = faults[Math.floor(random() * faults.length)] as [string, Fault];
    counts[name] = (counts[name] ?? 0) + 1;
    return fault(heard);
  }
  if (isStream) sendText(response, sseType, roleEvent + event('some ') + event('text') + finish);
  else sendText(response, jsonType, chatBody('some text'));
});

answerQuestions<Question, unknown>((question) => {
  const { ask } = question;
  if (ask === 'port') {
    random = createRandom(question.seed);
    return port;
  }
  if (ask === 'drop') server.closeAllConnections();
  const seen: Seen = { requests, faults: counts, kinds: [...kinds] };
  return seen;
});
