import {
  type Answer,
  chatBody,
  chatPath,
  contentOf,
  embedBody,
  type Embedded,
  embedPath,
  eventReader,
  jsonHeaders,
  mustBeOk,
  streamBody,
  vectorsOf,
} from './by-hand.ts';
import { type Candidate, load, versionsOf } from './candidate.ts';

// The client under Node's `fetch`, by itself. Types of what is used, and no more.

interface Body extends AsyncIterable<string> {
  json(): Promise<unknown>;
  setEncoding(encoding: 'utf8'): void;
}
interface Options {
  readonly method: 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal?: AbortSignal;
}
interface Handler {
  onRequestStart(controller: { abort(reason: Error): void }): void;
  onResponseStart(controller: unknown, statusCode: number): void;
  onResponseData(controller: unknown, bytes: Buffer): void;
  onResponseEnd(): void;
  onResponseError(controller: unknown, error: Error): void;
}
interface Agent {
  dispatch(options: Options & { readonly origin: string; readonly path: string }, handler: Handler): boolean;
}
interface Undici {
  readonly Agent: new () => Agent;
  request(url: string, options: Options): Promise<{ readonly statusCode: number; readonly body: Body }>;
}

const optionsOf = (body: string, signal?: AbortSignal): Options => ({
  method: 'POST',
  headers: jsonHeaders,
  body,
  ...(signal && { signal }),
});

export async function undiciRequest(): Promise<Candidate> {
  const { request } = await load<Undici>('undici');
  const send = async (url: string, text: string, signal?: AbortSignal): Promise<Body> => {
    const { statusCode, body } = await request(url, optionsOf(text, signal));
    mustBeOk(statusCode);
    return body;
  };
  return {
    packages: versionsOf('undici'),
    given: '`request` of undici from npm',
    open: (url) => ({
      chat: async () => contentOf((await (await send(url + chatPath, chatBody())).json()) as Answer),
      async stream(name, onText, signal) {
        const body = await send(url + chatPath, streamBody(name), signal);
        const read = eventReader(onText);
        body.setEncoding('utf8');
        for await (const piece of body) read(piece);
      },
      embed: async (inputs) => vectorsOf((await (await send(url + embedPath, embedBody(inputs))).json()) as Embedded),
    }),
  };
}

export async function undiciDispatch(): Promise<Candidate> {
  const { Agent } = await load<Undici>('undici');
  const agent = new Agent();
  const send = (origin: string, path: string, body: string, onText: (text: string) => void, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      agent.dispatch(
        { ...optionsOf(body), origin, path },
        {
          onRequestStart: (controller) => signal?.addEventListener('abort', () => controller.abort(new Error('left'))),
          onResponseStart: (_, statusCode) => mustBeOk(statusCode),
          // Every byte of these answers is ASCII.
          onResponseData: (_, bytes) => onText(bytes.toString('latin1')),
          onResponseEnd: resolve,
          onResponseError: (_, error) => reject(error),
        },
      );
    });
  const whole = async <Value>(origin: string, path: string, body: string): Promise<Value> => {
    let text = '';
    await send(origin, path, body, (part) => (text += part));
    return JSON.parse(text) as Value;
  };
  return {
    packages: versionsOf('undici'),
    given: '`Agent.dispatch` of undici from npm, with a handler by hand and no stream between',
    open: (url) => ({
      chat: async () => contentOf(await whole<Answer>(url, chatPath, chatBody())),
      stream: (name, onText, signal) => send(url, chatPath, streamBody(name), eventReader(onText), signal),
      embed: async (inputs) => vectorsOf(await whole<Embedded>(url, embedPath, embedBody(inputs))),
    }),
  };
}
