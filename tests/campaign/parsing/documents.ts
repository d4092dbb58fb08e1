import { pick } from '../_kit/numbers.ts';

export type Format = 'sse' | 'ndjson';

export interface Document {
  readonly format: Format;
  readonly bytes: Uint8Array;
  /** Above this a part is refused. */
  readonly maxChars: number;
  /** What is hostile about it. */
  readonly kinds: readonly string[];
}

type Random = () => number;
type Text = string | Uint8Array;
/** Makes one line without its end; the list is its bytes. */
type Make = (random: Random) => readonly Text[];

const encoder = new TextEncoder();
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

/** Bytes that are no UTF-8, or not yet. */
const broken: Readonly<Record<string, readonly Uint8Array[]>> = {
  'lone continuation': [bytes(0x80), bytes(0xbf, 0xbf), bytes(0x61, 0x80)],
  overlong: [bytes(0xc0, 0xaf), bytes(0xe0, 0x80, 0xaf), bytes(0xf0, 0x80, 0x80, 0x8a), bytes(0xc1, 0x8a)],
  surrogate: [bytes(0xed, 0xa0, 0x80), bytes(0xed, 0xbf, 0xbf), bytes(0xed, 0xa0, 0xbd, 0xed, 0xb1, 0x8b)],
  'cut character': [bytes(0xe4, 0xb8), bytes(0xf0, 0x9f, 0x91), bytes(0xc3), bytes(0xf4, 0x8f)],
  'impossible byte': [bytes(0xff), bytes(0xfe, 0xff), bytes(0xf5, 0x80, 0x80, 0x80), bytes(0xf4, 0x90, 0x80, 0x80)],
};
const invalid: Readonly<Record<string, Make>> = Object.fromEntries(
  Object.entries(broken).map(([name, forms]) => [name, (random: Random) => ['data: x', pick(forms, random), 'y']]),
);

const one =
  (...texts: readonly string[]): Make =>
  (random) => [pick(texts, random)];

const eventLines: Readonly<Record<string, Make>> = {
  plain: one('data: a', 'data: bc', 'data: {"a":1}', 'event: e', 'event: ping'),
  'multi-byte characters': one('data: é', 'data:世界', 'data: 👋🏽', 'data: \u2028x\u2029', 'event: é'),
  'data without a space': one('data:a', 'data:  a', 'data:\ta'),
  'empty data': one('data', 'data:', 'data: '),
  'several data lines': one('data: a\ndata: b', 'data: {\ndata: "a": 1}', 'data:\ndata:'),
  comment: one(':', ': ping', ':data: a', ': é'),
  'unknown field': one('colour: red', 'x', ' data: a', 'DATA: a', 'dat', 'datax: 1', 'eventful: 1', 'da\uFEFFta: a'),
  'id with NUL': one('id: a\0b', 'id: 1', 'id', 'id:'),
  'time to retry': one('retry: 1', 'retry: x', 'retry', 'retry: 99999999999'),
  'name taken back': one('event: a\nevent:', 'event', 'event: a\nevent: b'),
  'mark in the middle': one('\uFEFFdata: a', 'data: \uFEFFa', 'data\uFEFF: a'),
  'terminator in text': one('data: say [DONE]', 'data: [DONE] ', 'data:  [DONE]', 'event: [DONE]', 'data: "[DONE]"'),
  terminator: one('data: [DONE]\n\ndata: after', 'data:[DONE]\n', 'event: x\ndata: [DONE]\n'),
  'broken JSON': one('data: {"a":', 'data: }', '{"error": {}}'),
  ...invalid,
};

const jsonLines: Readonly<Record<string, Make>> = {
  plain: one('{"a":1}', '{"done":true}', '[1]', 'null'),
  'multi-byte characters': one('{"é":"世界"}', '"👋🏽"', '"\u2028\u2029"', '{"a":"\\ud83d"}'),
  'blank line': one('', ' ', '\t ', '\u00A0', '\uFEFF'),
  'two objects on a line': one('{"a":1}{"b":2}', '1 2', '{"a":1} {"b":2}'),
  'half line': one('{"a":', '"abc', '{"a":1'),
  'mark in the middle': one('\uFEFF{"a":1}', '{"\uFEFF":1}'),
  'broken JSON': one('}', 'data: {"a":1}', '<html>'),
  ...invalid,
};

const starts: Readonly<Record<string, Readonly<Record<string, readonly Text[]>>>> = {
  sse: {
    'mark at the start': ['\uFEFF', '\uFEFF\n', bytes(0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf), bytes(0xef, 0xbb), '\u00EF\u00BB\u00BF'],
    'JSON in the place of events': ['{"error":{"message":"no"}}', ' \n{', '\r\n\t{"a":1}\n\n', '\uFEFF {'],
    'blanks at the start': ['\n', ' \n', '\r\n\r\n', '\t', '\r'],
  },
  ndjson: {
    'mark at the start': ['\uFEFF', bytes(0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf), bytes(0xef, 0xbb)],
    'blanks at the start': ['\n', ' ', '\r\n'],
  },
};

const lineEnds: Readonly<Record<string, readonly string[]>> = {
  LF: ['\n'],
  'CR LF': ['\r\n'],
  CR: ['\r'],
  'mixed line ends': ['\n', '\r\n', '\r', '\n\r'],
};

/** Every kind that there is, by format: one that never came would be a case that nobody tried. */
export const kindsOf: Readonly<Record<Format, readonly string[]>> = {
  sse: [...Object.keys(eventLines), ...Object.keys(starts['sse'] ?? {}), ...Object.keys(lineEnds), 'above the limit', 'cut at the end'],
  ndjson: [
    ...Object.keys(jsonLines),
    ...Object.keys(starts['ndjson'] ?? {}),
    ...Object.keys(lineEnds),
    'above the limit',
    'cut at the end',
  ],
};

export function createDocument(format: Format, random: Random): Document {
  const lines = format === 'sse' ? eventLines : jsonLines;
  const kinds: string[] = [];
  const parts: Text[] = [];
  const take = <Value>(table: Readonly<Record<string, Value>>): Value => {
    const kind = pick(Object.keys(table), random);
    kinds.push(kind);
    return table[kind] as Value;
  };
  const ends = take(lineEnds);
  if (random() < 0.25) parts.push(pick(take(starts[format] ?? {}), random));
  const count = random() < 0.01 ? 150 : 1 + Math.floor(random() * 6);
  for (let line = 0; line < count; line++) {
    const make = random() < 0.3 ? lines['plain'] : take(lines);
    for (const part of make?.(random) ?? []) parts.push(typeof part === 'string' ? part.replaceAll('\n', () => pick(ends, random)) : part);
    parts.push(pick(ends, random));
    if (format === 'sse' && random() < 0.6) parts.push(pick(ends, random));
  }
  const isTight = random() < 0.2;
  if (isTight) kinds.push('above the limit');
  const whole = joined(parts);
  const isCut = random() < 0.3;
  if (isCut) kinds.push('cut at the end');
  const size = isCut ? 1 + Math.floor(random() * whole.length) : whole.length;
  return { format, bytes: whole.subarray(0, size), maxChars: isTight ? 1 + Math.floor(random() * 30) : 1_000_000, kinds };
}

function joined(parts: readonly Text[]): Uint8Array {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? encoder.encode(part) : part)));
}
