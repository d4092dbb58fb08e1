import { createRouter, isRouterError, type Transport } from '../../../src/index.ts';
import { readLines } from '../../../src/lib/ndjson.ts';
import { readEvents } from '../../../src/lib/sse.ts';
import { platformBody } from './bodies.ts';
import type { Format } from './documents.ts';
import { collectGarbage } from '../../_kit/collect-garbage.ts';

const encoder = new TextEncoder();
const mebibyte = 1024 * 1024;

const piecesOf: Readonly<Record<Format, (content: string) => string>> = {
  sse: (content) =>
    `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'tiny', choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`,
  ndjson: (content) =>
    `${JSON.stringify({ model: 'tiny', created_at: '2026-01-01T00:00:00Z', message: { role: 'assistant', content }, done: false })}\n`,
};
const endOf: Readonly<Record<Format, string>> = {
  sse: `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\ndata: [DONE]\n\n`,
  ndjson: `${JSON.stringify({ model: 'tiny', created_at: '2026-01-01T00:00:00Z', message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop' })}\n`,
};

export interface Flood {
  /** Pieces of text that came, in their order. */
  readonly exact: number;
  /** The most processor time in which nothing else had its turn. */
  readonly lagMs: number;
  readonly ms: number;
}

function* eventsOf(format: Format, count: number): Generator<string> {
  for (let index = 0; index < count; index++) yield piecesOf[format](` ${index}`);
  yield endOf[format];
}

function* encoded(texts: Iterable<string>): Generator<Uint8Array> {
  for (const text of texts) yield encoder.encode(text);
}

/** A stream of `count` events through a whole router, all of them in one read or each in a read that never waits. */
export async function flood(format: Format, count: number, inOneRead: boolean): Promise<Flood> {
  const reads = inOneRead ? [encoder.encode([...eventsOf(format, count)].join(''))] : encoded(eventsOf(format, count));
  const transport: Transport = {
    send: async () => ({ status: 200, header: () => null, body: platformBody(reads), text: async () => '' }),
  };
  const type = format === 'sse' ? 'openai-compatible' : 'ollama';
  await using router = createRouter({ health: false, providers: { box: { type, url: 'http://box.example' } }, transport });
  const startMs = performance.now();
  const watch = watchLag();
  let exact = 0;
  for await (const chunk of await router.stream({ model: 'tiny', messages: [{ role: 'user', content: 'Hello!' }] })) {
    if (chunk.choices[0]?.delta.content === ` ${exact}`) exact += 1;
  }
  return { exact, lagMs: watch(), ms: performance.now() - startMs };
}

/**
 * The most work that this thread did between two turns of the event loop, until the result is called. Counted in processor time, so that
 * what else runs on the machine does not matter.
 */
function watchLag(): () => number {
  let lastMs = threadMs();
  let lagMs = 0;
  let isOver = false;
  const look = (): void => {
    const nowMs = threadMs();
    lagMs = Math.max(lagMs, nowMs - lastMs);
    lastMs = nowMs;
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  return () => {
    isOver = true;
    look();
    return lagMs;
  };
}

function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** What repeats without an end, and never makes an event or a line. */
const endless: Readonly<Record<string, string>> = {
  'one line': 'x'.repeat(65_536),
  'short data lines': 'data:a\n'.repeat(9_362),
  'empty data lines': 'data\n'.repeat(13_107),
  'long comments between short data lines': `: ${'c'.repeat(65_000)}\ndata: 0123456789abcdef\n`,
  comments: ': ping\n'.repeat(9_362),
  'names of events': `event: ${'e'.repeat(65_000)}\n`,
  'multi-byte characters': '世'.repeat(21_845),
  'small pieces': 'x'.repeat(16),
};

export interface Bounded {
  /** Endless streams that were refused for the size of one event or line. */
  readonly refused: number;
  readonly tried: number;
  /** The most that one of them was read beyond the limit and one piece, in bytes of ASCII. */
  readonly beyondBytes: number;
  /** The most that the heap and what hangs on it grew. */
  readonly growthMiB: number;
}

/** Bodies of eight times the limit without an end of an event, read with the limits as they are by default. */
export async function readEndless(): Promise<Bounded> {
  let [refused, tried, beyondBytes, growth] = [0, 0, -Infinity, 0];
  for (const [name, text] of Object.entries(endless)) {
    for (const read of [readEvents, readLines]) {
      // A line of NDJSON ends with the line; what ends lines makes blank or short ones without an end, and the whole stream is the limit.
      if (read === readLines && text.includes('\n')) continue;
      const { taken, grown, isRefused } = await readOne(text, read);
      tried += 1;
      refused += isRefused ? 1 : 0;
      growth = Math.max(growth, grown);
      if (name !== 'multi-byte characters') beyondBytes = Math.max(beyondBytes, taken - mebibyte - text.length);
    }
  }
  return { refused, tried, beyondBytes, growthMiB: growth / mebibyte };
}

async function readOne(text: string, read: typeof readEvents | typeof readLines) {
  collectGarbage();
  const startBytes = held();
  const piece = encoder.encode(text);
  let [taken, nextLook, grown] = [0, 0, 0];
  const pieces = (function* () {
    yield encoder.encode('data: x');
    for (; taken < 8 * mebibyte; taken += piece.length) {
      if (taken >= nextLook) {
        nextLook += mebibyte / 2;
        collectGarbage();
        grown = Math.max(grown, held() - startBytes);
      }
      yield piece.slice();
    }
  })();
  try {
    for await (const batch of read(platformBody(pieces))) if (batch.length < 0) break;
    return { taken, grown, isRefused: false };
  } catch (error) {
    return { taken, grown, isRefused: isRouterError(error, 'limit_exceeded') && !error.message.includes('stream is larger') };
  }
}

function held(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Megabytes a second through the readers alone, in reads of 64 KiB; the best of several runs. */
export async function throughput(format: Format, megabytes: number): Promise<number> {
  const one = encoder.encode(piecesOf[format](' word'));
  const count = Math.floor(65_536 / one.length);
  const piece = Buffer.concat(Array.from({ length: count }, () => one));
  const reads = Math.ceil((megabytes * 1e6) / piece.length);
  const limits = { maxEventBytes: mebibyte, maxStreamBytes: Number.MAX_SAFE_INTEGER };
  let bestMs = Infinity;
  for (let run = 0; run < 3; run++) {
    const body = platformBody(Array.from({ length: reads }, () => piece));
    const startMs = performance.now();
    let items = 0;
    for await (const batch of format === 'sse' ? readEvents(body, limits) : readLines(body, limits)) items += batch.length;
    if (items !== reads * count) return 0;
    bestMs = Math.min(bestMs, performance.now() - startMs);
  }
  return (reads * piece.length) / 1e3 / bestMs;
}
