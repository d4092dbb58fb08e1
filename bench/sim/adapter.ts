import {
  type Adapter,
  type Call,
  type ChatChunk,
  type ChatRequest,
  type ChunkBatches,
  defineAdapter,
  RouterError,
} from '../../src/index.ts';
import type { SimClock } from './clock.ts';
import type { FaultKind, Machine } from './machine.ts';
import type { SimRequest } from './request.ts';

/** A long answer moves at least so often, as every server's does. */
const pieceMs = 5_000;

/** What the router gets of a machine: answers as streams, and the truth about its load. `find` gives the request a call is about. */
export function adapterOf(machine: Machine, clock: SimClock, find: (request: ChatRequest) => SimRequest): Adapter {
  return defineAdapter({
    name: 'simulated',
    modelName: 'required',
    loadsOnDemand: machine.spec.memoryModels < Infinity,
    stream: (call) => open(machine, clock, call, find(call.request)),
    load: () => Promise.resolve(machine.load()),
    models: () => Promise.resolve(machine.models().map((id) => ({ id }))),
    // What is not in memory can be loaded, so no list speaks against a model.
    listsAllModels: false,
  });
}

/** Resolves with the first token, as servers do that send their headers with it. */
function open(machine: Machine, clock: SimClock, { model = '', signal }: Call<ChatRequest>, request: SimRequest): Promise<ChunkBatches> {
  return new Promise((resolve, reject) => {
    const outbox = createOutbox(() => stop());
    const id = String(request.id);
    let cancelPiece = nothing;
    const moveOn = (restMs: number): void => {
      if (restMs <= pieceMs) return;
      cancelPiece = clock.at(pieceMs, () => {
        outbox.push([contentChunk(id, model)]);
        moveOn(restMs - pieceMs);
      });
    };
    const release = machine.submit({
      request,
      first(restMs) {
        outbox.push([contentChunk(id, model)]);
        moveOn(restMs);
        resolve(outbox.batches);
      },
      done() {
        cancelPiece();
        outbox.push([lastChunk(id, model, request)]);
        outbox.end(undefined);
      },
      failed(kind) {
        cancelPiece();
        const error = errorOf(kind);
        reject(error);
        outbox.end(error);
      },
    });
    const stop = (): void => {
      cancelPiece();
      release();
    };
    signal.addEventListener(
      'abort',
      () => {
        stop();
        reject(signal.reason as Error);
        outbox.end(signal.reason as Error);
      },
      { once: true },
    );
  });
}

function nothing(): void {}

interface Outbox {
  readonly batches: ChunkBatches;
  push(batch: readonly ChatChunk[]): void;
  end(error: Error | undefined): void;
}

/** Batches that wait for a reader, or a reader that waits for batches. */
function createOutbox(onLeave: () => void): Outbox {
  const batches: (readonly ChatChunk[])[] = [];
  let ended: { readonly error: Error | undefined } | undefined;
  let wake: (() => void) | undefined;
  const news = (): void => {
    wake?.();
    wake = undefined;
  };
  const next = async (): Promise<IteratorResult<readonly ChatChunk[]>> => {
    for (;;) {
      const batch = batches.shift();
      if (batch !== undefined) return { done: false, value: batch };
      if (ended?.error !== undefined) throw ended.error;
      if (ended !== undefined) return { done: true, value: undefined };
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  const leave = (): Promise<IteratorResult<readonly ChatChunk[]>> => {
    onLeave();
    return Promise.resolve({ done: true, value: undefined });
  };
  return {
    batches: { [Symbol.asyncIterator]: () => ({ next, return: leave }) },
    push(batch) {
      batches.push(batch);
      news();
    },
    end(error) {
      ended ??= { error };
      news();
    },
  };
}

function contentChunk(id: string, model: string): ChatChunk {
  return { id, object: 'chat.completion.chunk', created: 0, model, choices: [{ index: 0, delta: { content: 'tokens' } }] };
}

function lastChunk(id: string, model: string, { promptTokens, answerTokens, foundTokens }: SimRequest): ChatChunk {
  return {
    id,
    object: 'chat.completion.chunk',
    created: 0,
    model,
    choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: answerTokens,
      total_tokens: promptTokens + answerTokens,
      prompt_tokens_details: { cached_tokens: foundTokens },
    },
  };
}

function errorOf(kind: FaultKind): RouterError {
  if (kind === 'busy') return new RouterError('overloaded', 'it has no room.', { status: 503 });
  if (kind === 'error') return new RouterError('unavailable', 'it failed.', { status: 500 });
  if (kind === 'refused') return new RouterError('unavailable', 'no connection.', { phase: 'connect', reason: 'ECONNREFUSED' });
  return new RouterError('unavailable', 'the connection was reset.', { reason: 'ECONNRESET' });
}
