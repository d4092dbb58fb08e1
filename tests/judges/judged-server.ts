import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Call, type ChatAnswer, type ChatChunk, type ChatRequest, createRouter, defineAdapter, RouterError } from '../../src/index.ts';
import { createHandler } from '../../src/http/handler.ts';
import { toNodeListener } from '../../src/http/node.ts';

export const judgedToken = 'q7Zt4nVb2KxP9sLd';

export interface JudgedServer {
  readonly url: string;
  /** Calls that the model left because their caller had gone. */
  readonly left: () => number;
  readonly close: () => Promise<void>;
}

export const sentence = 'The quick brown fox jumps over the lazy dog.';
export const weather: { type: 'object'; properties: { city: { type: 'string' } }; required: string[] } = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
};
export const person = {
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name', 'age'],
  additionalProperties: false,
} as const;

/**
 * A server as people run it, in front of a model that does as it is told: it calls a tool where it has one, answers in the shape that is
 * wanted, never ends where it is asked to wait, and fails by the name of the model.
 */
export async function startJudged(): Promise<JudgedServer> {
  let left = 0;
  const hang: Hang = (signal) =>
    new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => {
        left += 1;
        reject(signal.reason as Error);
      }),
    );
  const adapter = defineAdapter({
    name: 'judged',
    modelName: 'optional',
    listsAllModels: false,
    capabilities: { tools: true, toolChoice: true, vision: true, jsonObject: true, jsonSchema: true },
    chat: async (call) => {
      if (asksToWait(call.request)) await hang(call.signal);
      return answerOf(call);
    },
    stream: async (call) => {
      refuseByName(call.model);
      return chunksOf(call, hang);
    },
    embed: async ({ request, model = 'judged' }) => {
      refuseByName(model);
      const texts = typeof request.input === 'string' ? [request.input] : request.input;
      const data = texts.map((text, index) => ({ object: 'embedding' as const, index, embedding: [text.length, 0.5, -1.25] }));
      return { object: 'list', data, model, usage: { prompt_tokens: 4, total_tokens: 4 } };
    },
    models: async () => [{ id: 'judged' }],
  });
  const judged = { type: 'custom', adapter, defaultModel: 'judged', embeddingModel: 'judged' } as const;
  // A failure is told at once: its words are what is judged.
  const router = createRouter({ providers: { judged }, maxAttempts: 1 });
  const server = createServer(toNodeListener(createHandler(router, { tokens: [judgedToken] })));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    left: () => left,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await router.close();
    },
  };
}

type Hang = (signal: AbortSignal) => Promise<never>;

function refuseByName(model: string | undefined): void {
  if (model === 'limited') throw new RouterError('rate_limited', 'too many', { status: 429 });
  if (model === 'absent') throw new RouterError('model_not_found', 'there is no such model', { status: 404 });
  if (model === 'refusing') throw new RouterError('bad_request', 'temperature is too high', { status: 400 });
  // Each client has one of its own: three failures open the breaker of a model.
  if (model?.startsWith('broken') === true) throw new RouterError('unavailable', 'a server error', { status: 500 });
}

function lastOf({ messages }: ChatRequest): { role: string; text: string } {
  const { role = 'user', content } = messages.at(-1) ?? {};
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : (content ?? []);
  return { role, text: parts.map((part) => ('text' in part ? part.text : `<${part.type}>`)).join('') };
}

function asksToWait(request: ChatRequest): boolean {
  return lastOf(request).text.includes('never end');
}

type Said = { readonly text: string } | { readonly tool: string; readonly args: string };

function say(request: ChatRequest): Said {
  const { role, text } = lastOf(request);
  if (role === 'tool') return { text: `The tool says ${text}.` };
  const tool = request.tools?.[0]?.function.name;
  if (tool !== undefined && request.tool_choice !== 'none') return { tool, args: '{"city":"Vienna"}' };
  if (request.response_format?.type === 'json_schema') return { text: '{"name":"Ada","age":36}' };
  return { text: sentence };
}

const usage = { prompt_tokens: 7, completion_tokens: 9, total_tokens: 16 };

function answerOf({ request, model }: Call<ChatRequest>): ChatAnswer {
  refuseByName(model);
  const said = say(request);
  const calls =
    'tool' in said ? [{ id: 'call_1', type: 'function' as const, function: { name: said.tool, arguments: said.args } }] : undefined;
  const message = { role: 'assistant' as const, content: 'text' in said ? said.text : null, ...(calls && { tool_calls: calls }) };
  const choice = { index: 0, message, finish_reason: calls === undefined ? ('stop' as const) : ('tool_calls' as const) };
  return { id: 'chatcmpl-judged', object: 'chat.completion', created: 1_700_000_000, model: model ?? 'judged', choices: [choice], usage };
}

type Choice = ChatChunk['choices'][number];

async function* chunksOf({ request, model = 'judged', signal }: Call<ChatRequest>, hang: Hang): AsyncGenerator<readonly ChatChunk[]> {
  const base = { id: 'chatcmpl-judged', object: 'chat.completion.chunk', created: 1_700_000_000, model } as const;
  for (const choice of choicesOf(say(request))) yield [{ ...base, choices: [choice] }];
  if (asksToWait(request)) await hang(signal);
  const finish = 'tool' in say(request) ? 'tool_calls' : 'stop';
  yield [{ ...base, choices: [{ index: 0, delta: {}, finish_reason: finish }] }];
  yield [{ ...base, choices: [], usage }];
}

const choice = (delta: Choice['delta']): Choice => ({ index: 0, delta, finish_reason: null });

function* choicesOf(said: Said): Generator<Choice> {
  yield choice({ role: 'assistant' });
  if ('text' in said) {
    for (const word of said.text.split(/(?<= )/)) yield choice({ content: word });
    return;
  }
  yield choice({ tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: said.tool, arguments: '' } }] });
  for (const part of said.args.match(/.{1,6}/g) ?? []) yield choice({ tool_calls: [{ index: 0, function: { arguments: part } }] });
}
