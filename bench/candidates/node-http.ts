import { Agent, type IncomingMessage, request } from 'node:http';
import {
  type Answer,
  chatBody,
  chatPath,
  contentOf,
  embedBody,
  type Embedded,
  embedPath,
  eventReader,
  firstThatAnswers,
  jsonHeaders,
  mustBeOk,
  streamBody,
  vectorsOf,
} from './by-hand.ts';
import type { Candidate } from './candidate.ts';

const agent = new Agent({ keepAlive: true });

function send(url: string, body: string, signal?: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { ...jsonHeaders, 'content-length': Buffer.byteLength(body) };
    const sent = request(url, { method: 'POST', agent, headers, ...(signal && { signal }) }, (response) => {
      response.setEncoding('utf8');
      resolve(response);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function textOf(response: IncomingMessage, onText: (text: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    response.on('data', onText);
    response.on('end', resolve);
    response.on('error', reject);
  });
}

async function whole<Value>(url: string, body: string): Promise<Value> {
  const response = await send(url, body);
  let text = '';
  await textOf(response, (part) => (text += part));
  mustBeOk(response.statusCode ?? 0);
  return JSON.parse(text) as Value;
}

const chat = async (url: string): Promise<string> => contentOf(await whole<Answer>(url + chatPath, chatBody()));

export async function nodeHttp(): Promise<Candidate> {
  return {
    packages: [],
    given: '`http.request` with `new Agent({ keepAlive: true })`, events split by hand; for failover a loop over the two addresses',
    open: (url) => ({
      chat: () => chat(url),
      async stream(name, onText, signal) {
        await textOf(await send(url + chatPath, streamBody(name), signal), eventReader(onText));
      },
      embed: async (inputs) => vectorsOf(await whole<Embedded>(url + embedPath, embedBody(inputs))),
    }),
    failover: (first, second) => () => () => firstThatAnswers([first, second], chat),
  };
}
