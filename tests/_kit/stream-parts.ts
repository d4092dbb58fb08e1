import type { Call } from '../../src/core/adapter.ts';
import type { ChatChunk, ChatRequest, ChunkBatches, ChunkDelta } from '../../src/core/types.ts';
import { toChunk } from './fake-adapter.ts';
import type { FakeProvider } from './fake-router.ts';

/** What a reader sees of a chunk: its text, or who took over from whom, and why. */
export function partOf({ inferlane, choices }: ChatChunk): string {
  if (inferlane === undefined) return choices[0]?.delta.content ?? '';
  return `<${inferlane.type}: ${inferlane.from} to ${inferlane.provider}, ${inferlane.reason}>`;
}

/** The parts of a stream, in order, up to its end or its failure. */
export async function readParts(stream: AsyncIterable<ChatChunk>): Promise<{ parts: string[]; failure: unknown }> {
  const parts: string[] = [];
  try {
    for await (const chunk of stream) parts.push(partOf(chunk));
    return { parts, failure: undefined };
  } catch (failure) {
    return { parts, failure };
  }
}

/** The text of a stream; what came before a reset is void. */
export async function readText(stream: AsyncIterable<ChatChunk>): Promise<{ text: string; failure: unknown }> {
  const { parts, failure } = await readParts(stream);
  const from = parts.findLastIndex((part) => part.startsWith('<reset')) + 1;
  return {
    text: parts
      .slice(from)
      .filter((part) => !part.startsWith('<'))
      .join(''),
    failure,
  };
}

/** A piece of a stream: a delta or a whole chunk is a batch of its own, an error is thrown. */
export type Piece = ChunkDelta | Partial<ChatChunk> | Error;

/** A provider that streams chunks of any shape. `prefill`: it may be asked for the rest of an answer. */
export function sending(pieces: Iterable<Piece> | ((call: Call<ChatRequest>) => Iterable<Piece>), prefill: boolean = false): FakeProvider {
  const stream = async (call: Call<ChatRequest>): Promise<ChunkBatches> => batchesOf(typeof pieces === 'function' ? pieces(call) : pieces);
  return { does: 'unused', fake: { capabilities: { prefill }, stream } as never };
}

async function* batchesOf(pieces: Iterable<Piece>): ChunkBatches {
  for (const piece of pieces) {
    if (piece instanceof Error) throw piece;
    yield ['choices' in piece ? { ...toChunk({}, 'm'), ...piece } : toChunk(piece as ChunkDelta, 'm')];
  }
}

/** Waits for so many promise jobs. */
export async function promiseJobs(count: number): Promise<void> {
  for (let job = 0; job < count; job++) await Promise.resolve();
}
