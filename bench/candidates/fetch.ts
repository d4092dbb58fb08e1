import {
  type Answer,
  base64Body,
  chatBody,
  chatPath,
  contentOf,
  embedBody,
  type Embedded,
  embedPath,
  firstThatAnswers,
  jsonHeaders,
  mustBeOk,
  readBody,
  streamBody,
  vectorsOf,
  vectorsOfBase64,
} from './by-hand.ts';
import { type Candidate, type Client, versionsOf } from './candidate.ts';

type Headers = Readonly<Record<string, string>>;

async function post(url: string, headers: Headers, body: string, signal?: AbortSignal): Promise<Response> {
  const response = await fetch(url, { method: 'POST', headers, body, ...(signal && { signal }) });
  if (response.status !== 200) await response.arrayBuffer();
  mustBeOk(response.status);
  return response;
}

async function chat(url: string, headers: Headers = jsonHeaders): Promise<string> {
  const response = await post(url + chatPath, headers, chatBody());
  return contentOf((await response.json()) as Answer);
}

export function fetchClient(url: string, headers: Headers = jsonHeaders): Client {
  return {
    chat: () => chat(url, headers),
    async stream(name, onText, signal) {
      const { body } = await post(url + chatPath, headers, streamBody(name), signal);
      if (body !== null) await readBody(body, onText);
    },
    async embed(inputs) {
      const response = await post(url + embedPath, headers, embedBody(inputs));
      return vectorsOf((await response.json()) as Embedded);
    },
  };
}

/** For vectors alone: what they cost where somebody knows that there is another form. */
export async function fetchAsBase64(): Promise<Candidate> {
  return {
    packages: [],
    only: ['embed'],
    given: "Node's own `fetch`, vectors asked for as base64, for the embeddings alone",
    open: (url) => ({
      ...fetchClient(url),
      embed: async (inputs) => vectorsOfBase64(await (await post(url + embedPath, jsonHeaders, base64Body(inputs))).json()),
    }),
  };
}

export async function bareFetch(): Promise<Candidate> {
  return {
    packages: [],
    given: "Node's own `fetch`, events split by hand, vectors as numbers; for failover a loop over the two addresses",
    open: (url) => fetchClient(url),
    failover: (first, second) => () => () => firstThatAnswers([first, second], chat),
  };
}

const target = (url: string): object => ({ provider: 'openai', custom_host: `${url}/v1`, api_key: 'none' });

/** The gateway is a process that the run starts; what asks it is bare `fetch`. */
export async function portkey(): Promise<Candidate> {
  const gateway = process.env['BENCH_GATEWAY'] ?? '';
  return {
    hasGateway: true,
    packages: versionsOf('@portkey-ai/gateway', '@hono/node-server'),
    given:
      'the gateway as its README starts it, `--headless`, `NODE_ENV=production`, asked by bare `fetch`; its CPU time counts as well, and it is on the core of the clients; for failover its configuration `{ strategy: { mode: "fallback" }, targets }`',
    open: (url) =>
      fetchClient(gateway, {
        ...jsonHeaders,
        authorization: 'Bearer none',
        'x-portkey-provider': 'openai',
        'x-portkey-custom-host': `${url}/v1`,
      }),
    failover(first, second) {
      const config = { strategy: { mode: 'fallback' }, targets: [target(first), target(second)] };
      const headers = { ...jsonHeaders, 'x-portkey-config': JSON.stringify(config) };
      return () => () => chat(gateway, headers);
    },
  };
}
