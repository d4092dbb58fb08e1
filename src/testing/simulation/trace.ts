import type { RecordLine } from '../../index.ts';

export type TracedCall = Extract<RecordLine, { type: 'call' }>;
export type TracedAttempt = TracedCall['attempts'][number];
export type TracedProvider = Extract<RecordLine, { type: 'header' }>['providers'][number];

/** What `router.record()` wrote: the whole text, or its lines, as `FileHandle.readLines()` and arrays give them. */
export type Trace = string | Iterable<string> | AsyncIterable<string>;

export interface ReadTrace {
  /** By their beginning. */
  readonly calls: readonly TracedCall[];
  /** Those that there were at any time; what was said last counts. */
  readonly providers: ReadonlyMap<string, TracedProvider>;
  /** Lines that the recorder could not write. */
  readonly lost: number;
}

const longestLine = 1_000_000;
const mostCalls = 2_000_000;

/**
 * Reads a record. Several, one after the other, are one: each process began with a header.
 * @throws {Error} with the number of the line that is none of a record.
 */
export async function readTrace(trace: Trace): Promise<ReadTrace> {
  const calls: TracedCall[] = [];
  const providers = new Map<string, TracedProvider>();
  let number = 0;
  let lost = 0;
  for await (const given of typeof trace === 'string' ? [trace] : trace) {
    for (const text of linesOf(given)) {
      number += 1;
      if (text === '' && number > 1) continue;
      const line = parseLine(text, number);
      if (line.type === 'call') calls.push(line);
      else if (line.type === 'header' || line.type === 'config') for (const each of line.providers) providers.set(each.id, each);
      else if (line.type === 'lost') lost += line.lines;
      if (calls.length > mostCalls) throw wrong(number, `is the call number ${mostCalls + 1}; a replay takes ${mostCalls}`);
    }
  }
  if (number === 0 || calls.length === 0) throw new Error('The record holds no call.');
  return { calls: calls.toSorted((left, right) => left.at - right.at), providers, lost };
}

function* linesOf(text: string): Generator<string> {
  let start = 0;
  for (;;) {
    const end = text.indexOf('\n', start);
    if (end < 0) break;
    yield text.slice(start, end);
    start = end + 1;
  }
  // A line break at the end ends the last line and begins no other.
  if (start < text.length || text === '') yield text.slice(start);
}

function wrong(number: number, what: string): Error {
  return new Error(`Line ${number} of the record ${what}.`);
}

function parseLine(text: string, number: number): RecordLine {
  if (text.length > longestLine) throw wrong(number, `has ${text.length} characters; none that a recorder writes is as long`);
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    throw wrong(number, 'is no JSON; where it is the last one, the record was cut off there, and can be read without it');
  }
  const type = isObject(line) ? line['type'] : undefined;
  if (!isObject(line) || !isKnown(type)) throw wrong(number, 'is none of a record');
  if (number === 1 && type !== 'header') throw wrong(number, 'is not the header, with which a record begins');
  if (type === 'header' && (line['format'] !== 'inferlane-record' || line['version'] !== 1)) {
    throw wrong(number, 'is the header of another format or version; this one reads "inferlane-record", version 1');
  }
  const odd = checks[type](line);
  if (odd !== undefined) throw wrong(number, `has no valid ${odd}`);
  return line as unknown as RecordLine;
}

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isKnown(type: unknown): type is RecordLine['type'] {
  return typeof type === 'string' && Object.hasOwn(checks, type);
}

type Test = (value: unknown) => boolean;

const upTo =
  (most: number): Test =>
  (value) =>
    typeof value === 'number' && value >= 0 && value <= most;
const text: Test = (value) => typeof value === 'string' && value.length <= 1_024;
const list =
  (most: number, each: Test): Test =>
  (value) =>
    Array.isArray(value) && value.length <= most && value.every(each);
const oneOf =
  (...values: readonly string[]): Test =>
  (value) =>
    values.includes(value as string);
const perhaps =
  (test: Test): Test =>
  (value) =>
    value === undefined || test(value);
const fields =
  (tests: Readonly<Record<string, Test>>): Test =>
  (value) =>
    isObject(value) && oddField(value, tests) === undefined;

function oddField(line: Fields, tests: Readonly<Record<string, Test>>): string | undefined {
  return Object.keys(tests).find((name) => tests[name]?.(line[name]) !== true);
}

/** The last moment that a `Date` can show. */
const time = upTo(8.64e15);
/** Longer than any deadline. */
const span = upTo(7 * 24 * 60 * 60 * 1_000);
const tokens = upTo(4_000_000);
const aboveZero: Test = (value) => typeof value === 'number' && value > 0;

const attempt = fields({
  provider: text,
  model: perhaps(text),
  startMs: span,
  ms: span,
  firstContentMs: perhaps(span),
  error: perhaps(text),
  retryAfterMs: perhaps(span),
});

const provider = fields({
  id: text,
  type: text,
  cost: text,
  features: list(64, text),
  loadsOnDemand: (value) => typeof value === 'boolean',
});

/** Each gives the name of a field that is wrong. */
const checks: Readonly<Record<RecordLine['type'], (line: Fields) => string | undefined>> = {
  header: (line) => oddField(line, { at: time, providers: list(10_000, provider) }),
  config: (line) => oddField(line, { at: time, providers: list(10_000, provider) }),
  call: (line) =>
    oddField(line, {
      at: time,
      verb: oneOf('chat', 'stream', 'embed'),
      intent: text,
      model: perhaps(text),
      only: perhaps(text),
      without: perhaps(list(10_000, text)),
      session: perhaps(text),
      needs: list(64, text),
      promptTokens: tokens,
      maxAnswerTokens: perhaps(upTo(Number.MAX_SAFE_INTEGER)),
      deadlineMs: perhaps(span),
      maxAttempts: perhaps(upTo(100)),
      maxLocality: perhaps(text),
      maxCostUsd: perhaps(aboveZero),
      attempts: list(64, attempt),
      usage: perhaps(fields({ promptTokens: upTo(1e9), answerTokens: upTo(1e9) })),
      queuedMs: span,
      ms: span,
      outcome: oneOf('answered', 'abandoned', 'aborted', 'failed'),
    }),
  state: (line) => oddField(line, { at: time, event: text }),
  lost: (line) => oddField(line, { at: time, lines: upTo(Number.MAX_SAFE_INTEGER) }),
};
