import { isRouterError } from '../../../src/index.ts';
import { readLines } from '../../../src/lib/ndjson.ts';
import { readEvents } from '../../../src/lib/sse.ts';
import { type Body, cutsOf, plainBody, platformBody, stillHeld } from './bodies.ts';
import { createDocument, type Document, type Format } from './documents.ts';
import { eventText, type Reading, referenceEvents, referenceLines } from './reference.ts';

export interface Counts {
  cases: Record<Format, number>;
  documents: number;
  /** Cases that read otherwise than the document in one piece. */
  unlikeWhole: number;
  /** Documents in one piece, or broken off, that read otherwise than the reference. */
  unlikeReference: number;
  /** Rejections that no document of ours may cause. */
  undocumented: number;
  /** Bodies that were neither read to their end nor cancelled. */
  held: number;
  broken: number;
  kinds: Map<string, number>;
  ends: Map<string, number>;
  /** The first few, to be looked at. */
  samples: unknown[];
}

export function createCounts(): Counts {
  return {
    cases: { sse: 0, ndjson: 0 },
    documents: 0,
    unlikeWhole: 0,
    unlikeReference: 0,
    undocumented: 0,
    held: 0,
    broken: 0,
    kinds: new Map(),
    ends: new Map(),
    samples: [],
  };
}

export function add(counts: Map<string, number>, word: string): void {
  counts.set(word, (counts.get(word) ?? 0) + 1);
}

/** What the library reads: the items, then the code of what ended it. */
interface Found {
  readonly items: readonly string[];
  readonly end: string;
}

const maxStreamBytes = 64 * 1024 * 1024;

async function read({ format, maxChars }: Document, stream: ReadableStream<Uint8Array>): Promise<Found> {
  const limits = { maxEventBytes: maxChars, maxStreamBytes };
  const items: string[] = [];
  try {
    if (format === 'ndjson') for await (const batch of readLines(stream, limits)) for (const line of batch) items.push(line);
    else {
      for await (const batch of readEvents(stream, limits, '[DONE]')) {
        for (const { event, data } of batch) items.push(eventText(event, data));
      }
    }
    return { items, end: 'end' };
  } catch (error) {
    return { items, end: isRouterError(error) ? error.code : `undocumented: ${String(error)}` };
  }
}

const documented = new Set(['end', 'limit_exceeded', 'unavailable']);

function isSame(left: Found, right: Found): boolean {
  return left.end === right.end && left.items.length === right.items.length && left.items.every((item, at) => item === right.items[at]);
}

function expected(reading: Reading): Found {
  return { items: reading.items, end: reading.end === 'limit' ? 'limit_exceeded' : 'end' };
}

/** One document, whole, cut in every way, and broken off; the reference reads it as well. */
export async function tryDocument(document: Document, counts: Counts, random: () => number): Promise<void> {
  const { format, bytes, maxChars } = document;
  const reference = format === 'sse' ? referenceEvents : referenceLines;
  const reading = reference(bytes, maxChars);
  let whole: Found | undefined;
  const bodies: Body[] = [];
  counts.documents += 1;
  for (const kind of document.kinds) add(counts.kinds, `${format}: ${kind}`);
  add(counts.ends, `${format}: ${reading.end}`);
  const note = (what: string, found: Found, pieces: readonly Uint8Array[]): void => {
    if (!documented.has(found.end)) counts.undocumented += 1;
    if (counts.samples.length < 5 && what !== '') {
      counts.samples.push({ what, format, maxChars, pieces: pieces.map((piece) => Buffer.from(piece).toString('latin1')), found, reading });
    }
  };
  for (const pieces of cutsOf(bytes, random)) {
    const body = plainBody(pieces);
    const isReal = counts.cases[format] % 50 === 0;
    const found = await read(document, isReal ? platformBody(pieces) : body.stream);
    counts.cases[format] += 1;
    if (!isReal) bodies.push(body);
    const isUnlike = whole !== undefined && !isSame(found, whole);
    if (whole === undefined && !isSame(found, expected(reading))) {
      counts.unlikeReference += 1;
      note('unlike the reference', found, pieces);
    }
    whole ??= found;
    if (isUnlike) counts.unlikeWhole += 1;
    note(isUnlike ? 'unlike the whole' : '', found, pieces);
  }
  await breakOff(document, counts, random, note);
  counts.held += await stillHeld(bodies);
}

/** The connection breaks somewhere: what had ended before is told, what had not is not. */
async function breakOff(
  document: Document,
  counts: Counts,
  random: () => number,
  note: (what: string, found: Found, pieces: readonly Uint8Array[]) => void,
): Promise<void> {
  const { format, maxChars } = document;
  const bytes = document.bytes.subarray(0, Math.floor(random() * document.bytes.length));
  const reading = (format === 'sse' ? referenceEvents : referenceLines)(bytes, maxChars, false);
  const at = Math.floor(random() * bytes.length);
  const pieces = [bytes.subarray(0, at), bytes.subarray(at)];
  const fault = Object.assign(new TypeError('terminated'), { cause: { code: 'ECONNRESET' } });
  const found = await read(document, plainBody(pieces, fault).stream);
  counts.broken += 1;
  const { items, end } = expected(reading);
  const isSound = isSame(found, { items, end: end === 'end' && reading.end !== 'terminator' ? 'unavailable' : end });
  if (!isSound) counts.unlikeReference += 1;
  note(isSound ? '' : 'unlike the reference, broken off', found, pieces);
}

/** Documents of both formats in turn, until each has its cases. */
export async function tryDocuments(casesOfEach: number, random: () => number): Promise<Counts> {
  const counts = createCounts();
  for (const format of ['sse', 'ndjson'] as const) {
    while (counts.cases[format] < casesOfEach) await tryDocument(createDocument(format, random), counts, random);
  }
  return counts;
}
