import {
  type Adapter,
  type Call,
  type ChatAnswer,
  type ChatChunk,
  type ChatRequest,
  type ChunkBatches,
  isRouterError,
  RouterError,
} from '../../src/index.ts';

/** What an adapter does in another way than the one it is given. */
export type Break = (adapter: Adapter) => Partial<Adapter>;

/** Both verbs of a chat, each with another call. */
export function calling(adapter: Adapter, change: (call: Call<ChatRequest>) => Call<ChatRequest>): Partial<Adapter> {
  return { chat: (call) => adapter.chat(change(call)), stream: (call) => adapter.stream(change(call)) };
}

export function asking(adapter: Adapter, change: (request: ChatRequest) => ChatRequest): Partial<Adapter> {
  return calling(adapter, (call) => ({ ...call, request: change(call.request) }));
}

export function answering(adapter: Adapter, change: (answer: ChatAnswer) => ChatAnswer): Partial<Adapter> {
  return { chat: async (call) => change(await adapter.chat(call)) };
}

export function streaming(adapter: Adapter, change: (batches: ChunkBatches) => ChunkBatches): Partial<Adapter> {
  return { stream: async (call) => change(await adapter.stream(call)) };
}

/** Chats and streams, with what `change` makes of their failures. */
export function failing(adapter: Adapter, change: (error: unknown, call: Call<ChatRequest>) => unknown): Partial<Adapter> {
  const around = <Value>(work: Promise<Value>, call: Call<ChatRequest>): Promise<Value> =>
    work.catch((error: unknown) => {
      throw change(error, call);
    });
  return {
    chat: (call) => around(adapter.chat(call), call),
    async stream(call) {
      const batches = (await around(adapter.stream(call), call))[Symbol.asyncIterator]();
      const leave = async (): Promise<IteratorResult<readonly ChatChunk[]>> =>
        (await batches.return?.()) ?? { done: true, value: undefined };
      return { [Symbol.asyncIterator]: () => ({ next: () => around(batches.next(), call), return: leave }) };
    },
  };
}

export async function* eachChunk(batches: ChunkBatches, change: (chunk: ChatChunk) => ChatChunk): ChunkBatches {
  for await (const batch of batches) yield batch.map(change);
}

/** The same error with another text, or without the wait. */
export function altered(error: unknown, text: string, keepsWait: boolean): unknown {
  if (!isRouterError(error)) return error;
  const { code, provider, phase, status, retryAfterMs } = error;
  return new RouterError(code, `${error.message}${text}`, { provider, phase, status, ...(keepsWait && { retryAfterMs }) });
}
