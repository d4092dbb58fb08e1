import { createHandler, type Handler } from '../../src/http/handler.ts';
import type { HandlerOptions } from '../../src/http/handler-options.ts';
import {
  type AssistantMessage,
  type ChatChunk,
  type ChatRequest,
  type ChunkDelta,
  createRouter,
  defineAdapter,
  type EmbedRequest,
  type FinishReason,
  type ModelInfo,
  type Router,
  type RouterOptions,
  type Usage,
} from '../../src/index.ts';
import { allCapabilities } from '../../src/core/capabilities.ts';
import { sleep } from '../../src/lib/clock.ts';
import { testClock, type TestClock } from '../_kit/test-clock.ts';
import { transportTo } from './transport-to.ts';

/** What the one provider behind the handler says. An error is thrown. */
export interface Says {
  readonly message?: Omit<AssistantMessage, 'role'> | Error;
  readonly finish?: FinishReason;
  readonly usage?: Usage;
  readonly logprobs?: unknown;
  /** Of a stream: numbers are pauses in ms, errors are thrown. Left out: the message, whole. */
  readonly deltas?: readonly (ChunkDelta | number | Error)[];
  readonly vectors?: readonly (readonly number[])[];
  readonly models?: readonly ModelInfo[];
}

export interface Scene {
  readonly router: Router;
  readonly handler: Handler;
  readonly clock: TestClock;
  /** The requests that the provider got. */
  readonly requests: readonly (ChatRequest | EmbedRequest)[];
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Response>;
}

/** A handler in front of a router with one provider, `box`, on a clock of the test's. */
export function scene(says: Says = {}, options: HandlerOptions = {}, router: Partial<RouterOptions> = {}): Scene {
  const clock = testClock();
  const requests: (ChatRequest | EmbedRequest)[] = [];
  const { message = { content: 'Hello.' }, finish = 'stop', usage, logprobs, vectors = [[1, 0]], models } = says;
  const head = { id: 'c', created: 1, model: 'the-box-model' };
  const adapter = defineAdapter({
    name: 'ollama',
    modelName: 'optional',
    capabilities: allCapabilities,
    async chat({ request }) {
      requests.push(request);
      if (message instanceof Error) throw message;
      const choice = { index: 0, message: { role: 'assistant' as const, ...message }, finish_reason: finish };
      return {
        ...head,
        object: 'chat.completion',
        choices: [{ ...choice, ...(logprobs !== undefined && { logprobs }) }],
        ...(usage && { usage }),
      };
    },
    ...(says.deltas && {
      async stream({ request, signal }) {
        requests.push(request);
        return chunks(says, head, (ms) => sleep(clock, ms, signal));
      },
    }),
    async embed({ request }) {
      requests.push(request);
      const data = vectors.map((embedding, index) => ({ object: 'embedding' as const, index, embedding: [...embedding] }));
      return { object: 'list', data, model: 'the-box-model', ...(usage && { usage }) };
    },
    ...(models && { models: async () => models }),
  });
  const made = createRouter({ providers: { box: { type: 'custom', adapter } }, health: false, clock, random: () => 0.5, ...router });
  const handler = createHandler(made, { clock, ...options });
  return { router: made, handler, clock, requests, ...callersOf(handler) };
}

async function* chunks(
  { deltas = [], finish = 'stop', usage, logprobs }: Says,
  head: { id: string; created: number; model: string },
  pause: (ms: number) => Promise<void>,
): AsyncGenerator<ChatChunk[]> {
  const chunk = (choices: ChatChunk['choices'], more: Partial<ChatChunk> = {}): ChatChunk[] => [
    { ...head, object: 'chat.completion.chunk', choices, ...more },
  ];
  for (const delta of deltas) {
    if (delta instanceof Error) throw delta;
    if (typeof delta === 'number') await pause(delta);
    else yield chunk([{ index: 0, delta, finish_reason: null, ...(logprobs !== undefined && { logprobs }) }]);
  }
  yield chunk([{ index: 0, delta: {}, finish_reason: finish }]);
  if (usage) yield chunk([], { usage });
}

const urlOf = (path: string): string => `http://127.0.0.1:8000${path}`;

export function callersOf(handler: Handler): Pick<Scene, 'post' | 'get'> {
  return {
    post: (path, body, headers = {}) =>
      handler(
        new Request(urlOf(path), {
          method: 'POST',
          body: typeof body === 'string' ? body : JSON.stringify(body),
          headers: { 'content-type': 'application/json', ...headers },
        }),
      ),
    get: (path, headers = {}) => handler(new Request(urlOf(path), { headers })),
  };
}

/** The lines of a stream, each of which must be JSON. */
export async function linesOf(response: Response): Promise<Record<string, unknown>[]> {
  const text = await response.text();
  if (!text.endsWith('\n')) throw new Error('The last line has no end.');
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Calls through a chain of two routers. */
export const through = (handler: Handler, provider: RouterOptions['providers'][string], options: Partial<RouterOptions> = {}): Router =>
  createRouter({ providers: { front: provider }, health: false, checkModels: false, transport: transportTo(handler), ...options });
