import { createHandler, type Handler } from '../../src/http/handler.ts';
import type { HandlerOptions } from '../../src/http/handler-options.ts';
import { type ChatAnswer, type ChatChunk, type ChatRequest, createRouter, defineAdapter, type Router } from '../../src/index.ts';
import type { AssistantMessage, Call, ChunkBatches, FinishReason, Usage } from '../../src/index.ts';
import { allCapabilities } from '../../src/core/capabilities.ts';
import { errorShape, eventShape, type MessageEvent } from './anthropic-shape.ts';

/** What the provider behind the handler does: an answer, a failure, or the batches of a stream. */
export type Does = ChatAnswer | Error | ((call: Call<ChatRequest>) => ChunkBatches);

export interface Front extends AsyncDisposable {
  readonly handler: Handler;
  readonly router: Router;
  /** What reached the provider. */
  readonly requests: readonly ChatRequest[];
  post(body: unknown, path?: string, signal?: AbortSignal): Promise<Response>;
}

/** Our handler over a router with one provider, which can do everything. */
export function front(does: Does, options: HandlerOptions = {}): Front {
  const requests: ChatRequest[] = [];
  const common = { name: 'fake', modelName: 'optional', capabilities: allCapabilities } as const;
  const adapter =
    typeof does === 'function'
      ? defineAdapter({ ...common, stream: async (call) => (requests.push(call.request), does(call)) })
      : defineAdapter({
          ...common,
          chat: async ({ request }) => {
            requests.push(request);
            if (does instanceof Error) throw does;
            return does;
          },
        });
  const router = createRouter({ health: false, maxAttempts: 1, providers: { fake: { type: 'custom', adapter } } });
  const handler = createHandler(router, options);
  return {
    handler,
    router,
    requests,
    post: (body, path = '/v1/messages', signal = new AbortController().signal) =>
      handler(
        new Request(`http://localhost${path}`, {
          method: 'POST',
          signal,
          headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
          body: JSON.stringify(body),
        }),
      ),
    [Symbol.asyncDispose]: () => router.close({ drainMs: 0 }),
  };
}

export const hello: { model: string; max_tokens: number; messages: { role: 'user'; content: string }[] } = {
  model: 'm',
  max_tokens: 64,
  messages: [{ role: 'user', content: 'Hello!' }],
};

export function answer(message: Partial<AssistantMessage>, finish_reason: FinishReason = 'stop', usage?: Usage): ChatAnswer {
  const choice = { index: 0, message: { role: 'assistant' as const, content: null, ...message }, finish_reason };
  return { id: 'msg_1', object: 'chat.completion', created: 0, model: 'tiny', choices: [choice], ...(usage && { usage }) };
}

export const usage: Usage = {
  prompt_tokens: 12,
  completion_tokens: 7,
  total_tokens: 19,
  prompt_tokens_details: { cached_tokens: 5 },
  completion_tokens_details: { reasoning_tokens: 3 },
};

export function chunk(delta: ChatChunk['choices'][number]['delta'], finish_reason: FinishReason | null = null): ChatChunk {
  return { id: 'msg_1', object: 'chat.completion.chunk', created: 0, model: 'tiny', choices: [{ index: 0, delta, finish_reason }] };
}

export const counted: ChatChunk = { ...chunk({}), choices: [], usage };

/** A provider that streams these, one batch each; an error breaks the stream. */
export function streams(...steps: readonly (ChatChunk | Error)[]): (call: Call<ChatRequest>) => ChunkBatches {
  return async function* () {
    for (const step of steps) {
      if (step instanceof Error) throw step;
      yield [step];
    }
  };
}

/** The events of a stream, each of them checked: its name is its type, and its shape is the API's. */
export async function eventsOf(response: Response): Promise<readonly MessageEvent[]> {
  const frames = (await response.text()).split('\n\n').slice(0, -1);
  return frames.map((frame) => {
    const [, name, data = ''] = /^event: (\w+)\ndata: (.+)$/.exec(frame) ?? [];
    const event = eventShape.parse(JSON.parse(data));
    if (event.type !== name) throw new Error(`${name} holds ${event.type}`);
    return event;
  });
}

export interface Refused {
  readonly status: number;
  readonly type: string;
  readonly message: string;
}

/** A refusal, whose shape is checked, and which shows nothing of what was sent. */
export async function refusalOf(response: Response, secret = 'never-to-be-shown'): Promise<Refused> {
  const text = await response.text();
  if (text.includes(secret)) throw new Error('The refusal shows what was sent.');
  const { error, request_id } = errorShape.parse(JSON.parse(text));
  for (const name of ['x-inferlane-request-id', 'request-id']) {
    if (request_id !== response.headers.get(name)) throw new Error(`The refusal has another id than its header ${name}.`);
  }
  return { status: response.status, type: error.type, message: error.message };
}
