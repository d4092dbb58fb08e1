import { expect } from 'vitest';
import { allCapabilities } from '../../src/core/capabilities.ts';
import { defineAdapter } from '../../src/core/adapter.ts';
import type { ChatAnswer, ChatChunk, ChatRequest, ChunkBatches, EmbedAnswer, EmbedRequest } from '../../src/core/types.ts';
import { createRouter } from '../../src/router/create-router.ts';
import type { Router } from '../../src/router/router.ts';
import { createHandler, type Handler } from '../../src/http/handler.ts';
import type { AccessEntry } from '../../src/http/handler-options.ts';
import { createJudge } from '../specs/official.ts';
import { testClock } from '../_kit/test-clock.ts';

/** What the one provider behind a handler gives. */
export interface Given {
  readonly chat?: Partial<ChatAnswer>;
  readonly chunks?: readonly ChatChunk[];
  readonly embed?: EmbedAnswer;
}

export interface Served {
  readonly handler: Handler;
  readonly router: Router;
  /** What reached the provider. */
  readonly asked: (ChatRequest | EmbedRequest)[];
  readonly log: AccessEntry[];
}

export function serve({ chat, chunks = [], embed }: Given): Served {
  const asked: (ChatRequest | EmbedRequest)[] = [];
  const clock = testClock();
  const adapter = defineAdapter({
    name: 'given',
    modelName: 'optional',
    capabilities: allCapabilities,
    async chat({ request }) {
      asked.push(request);
      return { ...answerOf('Hello.'), ...chat };
    },
    async stream({ request }) {
      asked.push(request);
      return batchesOf(chunks);
    },
    async embed({ request }) {
      asked.push(request);
      return embed ?? vectorsOf(typeof request.input === 'string' ? 1 : request.input.length);
    },
  });
  const router = createRouter({ clock, random: () => 0.5, health: false, providers: { gpu: { type: 'custom', adapter } } });
  const log: AccessEntry[] = [];
  return { ...handle(router, log), router, asked, log };
}

export function handle(router: Router, log: AccessEntry[] = []): { readonly handler: Handler } {
  return { handler: createHandler(router, { clock: testClock(), onAccess: (entry) => log.push(entry) }) };
}

async function* batchesOf(chunks: readonly ChatChunk[]): ChunkBatches {
  for (const chunk of chunks) yield [chunk];
}

export function answerOf(content: string): ChatAnswer {
  const message = { role: 'assistant' as const, content };
  return { id: 'a', object: 'chat.completion', created: 5, model: 'm', choices: [{ index: 0, message, finish_reason: 'stop' }] };
}

function vectorsOf(count: number): EmbedAnswer {
  const data = Array.from({ length: count }, (_, index) => ({ object: 'embedding' as const, index, embedding: [0.5, -1.25, index] }));
  return { object: 'list', data, model: 'e' };
}

type ChunkParts = Partial<Omit<ChatChunk, 'choices'>> & { readonly choices?: readonly Partial<ChatChunk['choices'][number]>[] };

/** A chunk of a stream, with what a test is about. */
export function chunk({ choices = [], ...more }: ChunkParts): ChatChunk {
  const whole = choices.map((choice) => ({ index: 0, delta: {}, ...choice }));
  return { id: 'a', object: 'chat.completion.chunk', created: 5, model: 'm', ...more, choices: whole };
}

export const said = (content: string): ChatChunk => chunk({ choices: [{ delta: { content } }] });

/** With fields that the types do not know, as servers send them. */
export const withMore = <Type extends object>(value: Type, more: object): Type => ({ ...value, ...more });

const base = 'http://localhost';

export async function ask(
  handler: Handler,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly headers: Headers; readonly json: unknown }> {
  const response = await send(handler, path, body, headers);
  return { status: response.status, headers: response.headers, json: await response.json() };
}

export function send(handler: Handler, path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  const init = { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } };
  return handler(new Request(`${base}${path}`, body === undefined ? {} : init));
}

export async function look(handler: Handler, path: string): Promise<{ readonly status: number; readonly json: unknown }> {
  const { status, json } = await ask(handler, path, undefined);
  return { status, json };
}

/** The frames of a stream as JSON, and whether the terminator stood behind the last of them. */
export async function askStream(
  handler: Handler,
  path: string,
  body: object,
): Promise<{ readonly frames: readonly Record<string, unknown>[]; readonly isDone: boolean; readonly headers: Headers }> {
  const response = await send(handler, path, { stream: true, ...body });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const events = (await response.text()).split('\n\n');
  expect(events.pop()).toBe('');
  const isDone = events.at(-1) === 'data: [DONE]';
  const frames = (isDone ? events.slice(0, -1) : events).map((event) => {
    expect(event).toMatch(/^data: [^\n]*$/);
    return JSON.parse(event.slice('data: '.length)) as Record<string, unknown>;
  });
  return { frames, isDone, headers: response.headers };
}

const judge = createJudge();

/** What OpenAI's own document has against an answer. */
export function faultsIn(schema: string, value: unknown): readonly string[] {
  return judge({ spec: 'openai', schema, what: 'an answer', value }, 'answer');
}

/** A refusal in OpenAI's shape that shows nothing of what was sent. */
export async function expectRefusal(
  served: Served,
  path: string,
  body: unknown,
  expected: { readonly code: string; readonly param: string | null; readonly message?: string },
): Promise<void> {
  const { status, json } = await ask(served.handler, path, body);
  const { error } = json as { readonly error: { readonly message: string } };
  expect({ status, error }).toMatchObject({ status: 400, error: { type: 'invalid_request_error', ...expected } });
  expect(faultsIn('ErrorResponse', json)).toEqual([]);
  expect(JSON.stringify(json)).not.toContain(secret);
  expect(served.asked).toEqual([]);
}

/** Stands for whatever a caller sends. */
export const secret = 'SECRET-7f3a';
