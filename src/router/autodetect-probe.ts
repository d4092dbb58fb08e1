import { orAborted } from '../lib/abort.ts';
import { sourceOf } from '../lib/byte-source.ts';
import { type Classified, classifyFault } from '../lib/classify.ts';
import type { HeaderSource } from '../lib/http-headers.ts';
import type { Transport, TransportResponse } from '../lib/transport.ts';

/** What a server said to one question, whatever its status. */
export interface Answer {
  readonly status: number;
  header(name: string): string | null;
  readonly text: string;
  /** The body as JSON, where the status is a good one and it is JSON. */
  readonly value: unknown;
}

/** Asks for a path, the first time it is called with it. Undefined where no answer came. */
export type Ask = (path: string) => Promise<Answer | undefined>;

export interface Probes {
  readonly ask: Ask;
  /** What came so far, in the order in which it was asked. */
  answers(): readonly { readonly path: string; readonly answer: Answer }[];
  /** Why the first question that got none has no answer. */
  fault(): Classified | undefined;
  /** Everything that was asked. */
  asked(): readonly string[];
}

export interface ProbeOptions {
  /** Without trailing slash. */
  readonly url: string;
  readonly transport: Transport;
  readonly headers: HeaderSource;
  readonly signal: AbortSignal;
}

/** Lists of models of large gateways are hundreds of kilobytes long, and one that was cut can no longer be read. */
const bodyBytes = 1024 * 1024;

/** Asks each path at most once. Never rejects: a path without an answer is a fact as well. */
export function createProbes(options: ProbeOptions): Probes {
  const asked = new Map<string, Promise<Answer | undefined>>();
  const answers = new Map<string, Answer>();
  const faults = new Map<string, Classified>();
  const begin = async (path: string): Promise<Answer | undefined> => {
    try {
      const answer = await orAborted(getAnswer(options, path), options.signal);
      answers.set(path, answer);
      return answer;
    } catch (error) {
      faults.set(path, classifyFault(error));
      return undefined;
    }
  };
  const inOrder = <Value>(found: ReadonlyMap<string, Value>) =>
    [...asked.keys()].flatMap((path) => {
      const value = found.get(path);
      return value === undefined ? [] : [{ path, value }];
    });
  return {
    ask(path) {
      const running = asked.get(path) ?? begin(path);
      asked.set(path, running);
      return running;
    },
    answers: () => inOrder(answers).map(({ path, value }) => ({ path, answer: value })),
    fault: () => inOrder(faults)[0]?.value,
    asked: () => [...asked.keys()],
  };
}

async function getAnswer({ url, transport, headers, signal }: ProbeOptions, path: string): Promise<Answer> {
  const response = await transport.send({ method: 'GET', url: url + path, headers: await headers.of('*/*', false), signal });
  const text = await readText(response);
  const { status } = response;
  return { status, header: (name) => response.header(name), text, value: status >= 200 && status < 300 ? parse(text) : undefined };
}

/** Up to the limit; then the connection is closed. */
async function readText({ body }: TransportResponse): Promise<string> {
  if (body === null) return '';
  const source = sourceOf(body);
  const decoder = new TextDecoder();
  let text = '';
  for (let bytes = 0; bytes <= bodyBytes;) {
    const read = await source.read();
    if (read === undefined) return text + decoder.decode();
    bytes += read.byteLength;
    text += decoder.decode(read, { stream: true });
  }
  source.cancel();
  return text;
}

/** Undefined where the text is no JSON; the parser's own message would quote it. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
