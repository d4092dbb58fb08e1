import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import {
  type ChatAnswer,
  type ChatChunk,
  type ChatRequest,
  type ChunkBatches,
  type EmbedAnswer,
  type EmbedRequest,
  type FinishReason,
  type ErrorCode,
  isRouterError,
  type RouterError,
  type Usage,
} from '../../index.ts';
import { chatCall, embedCall, head } from './calls.ts';
import type { Bench } from './case.ts';

/** Turns of the event loop until something that must happen has happened. On a slow machine the turns are slower as well. */
const turns = 300_000;

/** Waits for what must come true soon. Never a matter of time: it fails after so many turns of the event loop. */
export async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (let turn = 0; turn < turns; turn++) {
    if (isTrue()) return;
    await setImmediate();
  }
  assert.fail(`This never came true: ${what}.`);
}

/** The promise, or a failure where it stays open: an adapter that waits for ever must not hold up the suite. */
export async function soon<Value>(promise: Promise<Value>, what: string): Promise<Value> {
  let settled = false;
  const settle = (): void => void (settled = true);
  promise.then(settle, settle);
  await until(() => settled, what);
  return promise;
}

/** What a call needs of a bench. */
export type Asked = Pick<Bench, 'adapter' | 'model'>;

export function chat(bench: Asked, request: ChatRequest, signal?: AbortSignal): Promise<ChatAnswer> {
  return soon(bench.adapter.chat(chatCall(bench, request, signal)), 'the chat ends');
}

export async function embed(bench: Bench, request: EmbedRequest, signal?: AbortSignal): Promise<EmbedAnswer> {
  assert.ok(bench.adapter.embed);
  return soon(bench.adapter.embed(embedCall(bench, request, signal)), 'the embedding ends');
}

/** A stream that was read until it ended or broke. */
export interface Reading {
  readonly chunks: readonly ChatChunk[];
  readonly text: string;
  readonly reasoning: string;
  readonly calls: readonly ReadCall[];
  readonly finishReasons: readonly FinishReason[];
  readonly usages: readonly Usage[];
  /** What broke it; undefined where it ended in order. */
  readonly failure: { readonly error: unknown } | undefined;
}

export interface ReadCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

/** Reads a stream to its end, whatever that is. A failure to open it counts as one of the stream: a router reads ahead. */
export async function read(bench: Asked, request: ChatRequest, signal?: AbortSignal): Promise<Reading> {
  const chunks: ChatChunk[] = [];
  try {
    await soon(readInto(chunks, bench.adapter.stream(chatCall(bench, request, signal))), 'the stream ends');
    return toReading(chunks, undefined);
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    return toReading(chunks, { error });
  }
}

/** Reads a stream that must end in order. */
export async function readWell(bench: Asked, request: ChatRequest): Promise<Reading> {
  const reading = await read(bench, request);
  if (reading.failure !== undefined) throw reading.failure.error;
  return reading;
}

export async function readAll(batches: ChunkBatches): Promise<readonly ChatChunk[]> {
  const chunks: ChatChunk[] = [];
  await readInto(chunks, Promise.resolve(batches));
  return chunks;
}

async function readInto(chunks: ChatChunk[], opening: Promise<ChunkBatches>): Promise<void> {
  for await (const batch of await opening) chunks.push(...batch);
}

function toReading(chunks: readonly ChatChunk[], failure: Reading['failure']): Reading {
  const first = chunks.flatMap(({ choices }) => choices.filter(({ index }) => index === 0));
  return {
    chunks,
    text: first.map(({ delta }) => delta.content ?? '').join(''),
    reasoning: first.map(({ delta }) => delta.reasoning_content ?? '').join(''),
    calls: joinCalls(first),
    finishReasons: first.flatMap(({ finish_reason: reason }) => (reason ? [reason] : [])),
    usages: chunks.flatMap(({ usage }) => (usage ? [usage] : [])),
    failure,
  };
}

function joinCalls(choices: readonly ChatChunk['choices'][number][]): readonly ReadCall[] {
  const calls: { id: string; name: string; arguments: string }[] = [];
  for (const { index, id, function: part } of choices.flatMap(({ delta }) => delta.tool_calls ?? [])) {
    const call = (calls[index] ??= { id: '', name: '', arguments: '' });
    call.id ||= id ?? '';
    call.name ||= part?.name ?? '';
    call.arguments += part?.arguments ?? '';
  }
  return calls;
}

/** The error that a call must end with. */
export async function failureOf(call: Promise<unknown>): Promise<RouterError> {
  const outcome = await call.then(
    (answer) => ({ answer }),
    (error: unknown) => ({ error }),
  );
  if ('answer' in outcome) assert.fail(`The call must fail, and it gave: ${head(JSON.stringify(outcome.answer) ?? 'nothing')}`);
  return asRouterError(outcome.error);
}

/** The error that a stream must break with. */
export function breakOf({ failure, text, finishReasons }: Reading): RouterError {
  const read = `${JSON.stringify(head(text))} and the finish reason ${finishReasons.join() || 'none'}`;
  assert.ok(failure, `The stream must break, and it ended in order, with the text ${read}.`);
  return asRouterError(failure.error);
}

function asRouterError(error: unknown): RouterError {
  if (error instanceof assert.AssertionError) throw error;
  assert.ok(isRouterError(error), `A RouterError must be thrown, and this was: ${String(error)}`);
  return error;
}

export function hasCode(error: RouterError, code: ErrorCode): void {
  assert.equal(error.code, code, `The code must be ${code}; the error says: ${error.message}`);
}
