import { anthropic } from '../../src/adapters/anthropic.ts';
import type { Adapter, Call } from '../../src/core/adapter.ts';
import type { ChatAnswer, ChatRequest } from '../../src/core/types.ts';
import { adapterContext } from '../_kit/adapter-context.ts';
import { loopback, type LoopbackRequest, type Script } from '../_kit/loopback.ts';

/** A model of before 4.6, which takes sampling and a thinking budget. */
export const olderModel = 'claude-haiku-4-5';

export const hello: ChatRequest = { messages: [{ role: 'user', content: 'hi' }] };

export function callOf(request: Partial<ChatRequest> = {}, model: string | undefined = olderModel): Call<ChatRequest> {
  return { request: { ...hello, ...request }, model, signal: new AbortController().signal, requestId: 'r1' };
}

export const connect = (url: string): Adapter => anthropic(adapterContext(url, 'anthropic'));

/** An answer of the API; `changes` replace its fields. */
export function message(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-haiku-4-5-20251001',
    content: [{ type: 'text', text: 'Hello' }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 12, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 30 },
    ...changes,
  };
}

export const json = (value: unknown, status: number = 200): Script => ({ status, pieces: [JSON.stringify(value)] });

/** What the server was asked when a chat was made of the request. */
export async function sent(request: Partial<ChatRequest>, model?: string): Promise<LoopbackRequest> {
  await using box = await loopback(() => json(message()));
  await connect(box.url).chat(callOf(request, model));
  const [first] = box.requests;
  if (first === undefined) throw new Error('nothing was sent');
  return first;
}

export async function bodyOf(request: Partial<ChatRequest>, model?: string): Promise<Record<string, unknown>> {
  return (await sent(request, model)).body as Record<string, unknown>;
}

/** What a chat makes of an answer. */
export async function answerOf(changes: Record<string, unknown>): Promise<ChatAnswer> {
  await using box = await loopback(() => json(message(changes)));
  return await connect(box.url).chat(callOf());
}
