import type { AssistantMessage, ChatRequest, ChatStream, FinishReason, Usage } from '../index.ts';
import { errorBody, type Refusal } from './failure.ts';
import { contentOf, createCallJoiner, type Part, type Times, writeEnd, type WritePart } from './ollama-answer.ts';
import { jsonResponse, routeHeaders, streamResponse } from './respond.ts';
import type { Exchange } from './route.ts';
import type { Extras } from './server-fields.ts';
import { refuseReset } from './stream-failure.ts';
import { readCalls } from './tool-calls.ts';

/** A chat or a prompt, read and understood. */
export interface Generation extends Extras {
  /** As it was asked for, which is what this API repeats. */
  readonly model: string;
  readonly request: ChatRequest;
  readonly isStreamed: boolean;
  /** Thoughts were not asked for, and are left out where they came all the same. */
  readonly hidesThoughts: boolean;
  readonly write: WritePart;
}

export async function generate(generation: Generation, exchange: Exchange): Promise<Response> {
  const { router, call, config } = exchange;
  const startMs = config.clock.nowMs();
  if (!generation.isStreamed) return whole(generation, startMs, exchange);
  const stream = await router.stream(generation.request, call);
  const frames = lines(stream, generation, { startMs, firstMs: config.clock.nowMs() }, exchange);
  const failure = (refusal: Refusal): string => jsonLine(errorBody('ollama', refusal, exchange.requestId));
  return streamResponse(
    { type: 'application/x-ndjson', headers: routeHeaders(stream.route, exchange, generation), frames, failure },
    exchange,
  );
}

/** Nothing is asked for, which is how clients have a model loaded, or unloaded: nobody is asked, and servers load when they are. */
export function withoutPrompt({ model, write }: Generation, keepAlive: string | number | undefined, { config }: Exchange): Response {
  const done_reason = keepAlive === 0 || keepAlive === '0' ? 'unload' : 'load';
  return jsonResponse({ ...headOf(model, config.clock.wallMs()), ...write({ content: '' }), done: true, done_reason });
}

async function whole(generation: Generation, startMs: number, exchange: Exchange): Promise<Response> {
  const { router, call, config } = exchange;
  const { choices, usage, route } = await router.chat(generation.request, call);
  const { message, finish_reason, logprobs } = choices[0];
  const toolCalls = readCalls(message.tool_calls ?? [], finish_reason);
  const part = { content: contentOf(message), thinking: thoughtsOf(message, generation), toolCalls, logprobs };
  const times = { startMs, firstMs: undefined, endMs: config.clock.nowMs() };
  return jsonResponse(
    partJson(generation, part, config.clock.wallMs(), writeEnd(finish_reason, usage, times)),
    200,
    routeHeaders(route, exchange, generation),
  );
}

async function* lines(
  stream: ChatStream,
  generation: Generation,
  begun: Omit<Times, 'endMs'>,
  { config: { clock } }: Exchange,
): AsyncGenerator<string> {
  const joiner = createCallJoiner();
  let usage: Usage | undefined;
  let reason: FinishReason | undefined;
  const line = (part: Part, end: object = { done: false }): string => jsonLine(partJson(generation, part, clock.wallMs(), end));
  for await (const chunk of stream) {
    refuseReset(chunk);
    usage = chunk.usage ?? usage;
    const choice = chunk.choices.find(({ index }) => index === 0);
    if (choice === undefined) continue;
    const { delta, finish_reason, logprobs } = choice;
    reason ??= finish_reason ?? undefined;
    joiner.add(delta.tool_calls ?? []);
    const part = { content: contentOf(delta), thinking: thoughtsOf(delta, generation), logprobs };
    if (part.content !== '' || part.thinking || logprobs) yield line(part);
  }
  const toolCalls = readCalls(joiner.calls(), reason);
  if (toolCalls.length > 0) yield line({ content: '', toolCalls });
  yield line({ content: '' }, writeEnd(reason, usage, { ...begun, endMs: clock.nowMs() }));
}

function jsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

function partJson({ model, write }: Generation, part: Part, atMs: number, end: object): object {
  return { ...headOf(model, atMs), ...write(part), ...end };
}

function thoughtsOf({ reasoning_content }: Pick<AssistantMessage, 'reasoning_content'>, { hidesThoughts }: Generation): string {
  return hidesThoughts ? '' : (reasoning_content ?? '');
}

function headOf(model: string, atMs: number): object {
  return { model, created_at: new Date(atMs).toISOString() };
}
