import { ollama } from '../../../src/adapters/ollama.ts';
import { openaiCompatible } from '../../../src/adapters/openai-compatible.ts';
import {
  type Adapter,
  type Call,
  type ChatChunk,
  type ChatRequest,
  type ErrorCode,
  errorCodes,
  isRouterError,
} from '../../../src/index.ts';
import { adapterContext } from '../../_kit/adapter-context.ts';
import type { Canaries } from '../_kit/canaries.ts';
import { createAnswer, expectedOf } from './answers.ts';
import { type Body, cutsOf, plainBody, stillHeld } from './bodies.ts';
import type { Format } from './documents.ts';
import { add } from './readers.ts';

export interface AdapterCounts {
  cases: Record<Format, number>;
  /** Cases whose chunks or error differ from those of the stream in one piece. */
  unlikeWhole: number;
  /** Streams whose text, or whose being whole, differs from what the reference says. */
  unlikeReference: number;
  undocumented: number;
  held: number;
  ends: Map<string, number>;
  samples: unknown[];
}

interface Told {
  /** The chunks as JSON, one after the other, whatever batches they came in. */
  readonly chunks: string;
  readonly text: string;
  /** `whole`, or the code and the message of the error. */
  readonly end: string;
}

interface Bench {
  readonly adapter: Adapter;
  readonly canaries: Canaries;
  /** The ends that were seen: an error is looked at once. */
  readonly seen: Set<string>;
  /** The body of the next call. */
  next: ReadableStream<Uint8Array>;
}

function createBench(format: Format, canaries: Canaries): Bench {
  const context = adapterContext('http://box.example', format === 'sse' ? 'openai-compatible' : 'ollama');
  const own = { ...context, http: { ...context.http, openStream: () => Promise.resolve(bench.next) } };
  const adapter = format === 'sse' ? openaiCompatible()(own) : ollama(own);
  const bench: Bench = { adapter, canaries, seen: new Set(), next: plainBody([]).stream };
  return bench;
}

export function textIn(chunks: readonly ChatChunk[]): string {
  return chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('');
}

async function tell(bench: Bench, body: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<Told> {
  const { canaries, seen } = bench;
  const request: ChatRequest = { model: 'tiny', messages: [{ role: 'user', content: canaries.of.prompt }] };
  const call: Call<ChatRequest> = { request, model: 'tiny', signal, requestId: 'r1' };
  let [chunks, text] = ['', ''];
  bench.next = body;
  try {
    for await (const batch of await bench.adapter.stream(call)) {
      for (const chunk of batch) chunks += JSON.stringify(chunk);
      text += textIn(batch);
    }
    return { chunks, text, end: 'whole' };
  } catch (error) {
    const end = isRouterError(error) ? `${error.code}: ${error.message}` : `undocumented: ${String(error)}`;
    if (!seen.has(end)) canaries.look('error', error);
    seen.add(end);
    return { chunks, text, end };
  }
}

function isDocumented(end: string): boolean {
  const [code = ''] = end.split(':');
  return code === 'whole' || (Object.hasOwn(errorCodes, code as ErrorCode) && code !== 'closed');
}

export async function tryAdapters(casesOfEach: number, random: () => number, canaries: Canaries): Promise<AdapterCounts> {
  const counts: AdapterCounts = {
    cases: { sse: 0, ndjson: 0 },
    unlikeWhole: 0,
    unlikeReference: 0,
    undocumented: 0,
    held: 0,
    ends: new Map(),
    samples: [],
  };
  for (const format of ['sse', 'ndjson'] as const) {
    const bench = createBench(format, canaries);
    while (counts.cases[format] < casesOfEach) await tryAnswer(format, bench, counts, random);
  }
  return counts;
}

async function tryAnswer(format: Format, bench: Bench, counts: AdapterCounts, random: () => number): Promise<void> {
  const { of } = bench.canaries;
  const bytes = createAnswer(format, random, { answer: of.completion, request: `cannot read ${of.prompt}` });
  const expected = expectedOf(format, bytes);
  const { signal } = new AbortController();
  let whole: Told | undefined;
  const bodies: Body[] = [];
  for (const pieces of cutsOf(bytes, random)) {
    const body = plainBody(pieces);
    const told = await tell(bench, body.stream, signal);
    counts.cases[format] += 1;
    if (!isDocumented(told.end)) counts.undocumented += 1;
    let unlike = '';
    if (whole === undefined) {
      whole = told;
      add(counts.ends, `${format}: ${told.end.split(':')[0] ?? ''}`);
      if (told.text !== expected.text || (told.end === 'whole') !== expected.isWhole) unlike = 'the reference';
      if (unlike !== '') counts.unlikeReference += 1;
    } else if (told.chunks !== whole.chunks || told.end !== whole.end) {
      counts.unlikeWhole += 1;
      unlike = 'the whole';
    }
    if (unlike !== '' && counts.samples.length < 5) {
      counts.samples.push({ unlike, format, pieces: pieces.map((piece) => Buffer.from(piece).toString('latin1')), told, whole, expected });
    }
    bodies.push(body);
  }
  counts.held += await stillHeld(bodies);
}
