import { isJsonObject, type JsonObject } from './json.ts';

/** Finds pieces of a request in what a server says about it, and masks them. */

/** The strings of a request that must not be repeated, in the forms in which servers print them. */
export interface RequestTexts {
  /** Those too short to be found by a window. */
  readonly short: readonly string[];
  /** All of them. */
  readonly joined: string;
  /** Stays readable. */
  readonly model: string;
}

const maxRequestChars = 1024 * 1024;
/** One letter escaped is six, and few servers escape. */
const maxEscapedChars = 64 * 1024;
const maxNodes = 20_000;
const maxDepth = 32;
/** Shorter texts are words that any message may hold. */
const minWhole = 6;
const windowChars = 16;
const stepChars = 8;
const mask = '[…]';
/** Whatever has this form is masked for that, wherever it stands. */
export const dataUrlSource: string = /data:[\w.+-]{1,40}\/[\w.+-]{1,80}[;,][^\s"'<>]*/.source;
/** As a whole; what merely begins like one is text. */
const dataUrl: RegExp = new RegExp(`^${dataUrlSource}$`, 'i');

/**
 * Fields of the servers that are known which hold words of the protocol; errors need them. Every other field is content, so that an
 * adapter that nobody here has seen keeps its prompts too.
 */
const plainKeys = new Set(
  [
    'model model_id stream stream_options stop stop_sequences seed options parameters keep_alive truncate ttl',
    'tool_choice reasoning reasoning_effort think thinking encoding_format input_type',
  ].flatMap((line) => line.split(' ')),
);
/** Fields with schemas, whose names and types errors need. */
const formKeys = new Set(['tools', 'response_format', 'format', 'output_config']);
/** The protocol's own words beside the content; errors need them. */
const protocolKeys = new Set(['role', 'type', 'id', 'name', 'tool_call_id', 'tool_use_id', 'media_type', 'detail']);

/** `messages`: all but the protocol's words; `forms`: only descriptions; `arguments`: everything. */
type Within = 'messages' | 'forms' | 'arguments';

interface Collected {
  readonly strings: Set<string>;
  roomChars: number;
  escapedRoomChars: number;
  nodes: number;
}

/** What a server says is compared with the request twice: to understand it, and to show it. */
const known = new WeakMap<object, RequestTexts>();

/** Reads at most 1 MiB of a request body, which must not change any more. */
export function requestTexts(request: unknown): RequestTexts {
  if (!isJsonObject(request)) return noTexts;
  const before = known.get(request);
  if (before !== undefined) return before;
  const texts = textsOf(request);
  known.set(request, texts);
  return texts;
}

const noTexts: RequestTexts = { short: [], joined: '', model: '' };

function textsOf(fields: JsonObject): RequestTexts {
  const collected: Collected = { strings: new Set(), roomChars: maxRequestChars, escapedRoomChars: maxEscapedChars, nodes: maxNodes };
  for (const key of Object.keys(fields)) {
    if (!plainKeys.has(key)) collect(fields[key], formKeys.has(key) ? 'forms' : 'messages', 0, collected);
  }
  const strings = [...collected.strings];
  const { model } = fields;
  return {
    short: strings.filter(({ length }) => length < windowChars + stepChars),
    joined: strings.join('\n'),
    model: typeof model === 'string' ? model : '',
  };
}

function collect(value: unknown, within: Within, depth: number, collected: Collected): void {
  if (collected.nodes-- <= 0 || collected.roomChars <= 0 || depth > maxDepth) return;
  if (typeof value === 'string') {
    if (within !== 'forms') addForms(value, collected);
  } else if (Array.isArray(value)) {
    for (const item of value) collect(item, within, depth + 1, collected);
  } else if (isJsonObject(value)) {
    for (const key of Object.keys(value)) collectField(key, value[key], within, depth, collected);
  }
}

function collectField(key: string, value: unknown, within: Within, depth: number, collected: Collected): void {
  if (key === 'description' && typeof value === 'string') return addForms(value, collected);
  if (within === 'messages' && protocolKeys.has(key) && typeof value === 'string') return;
  const inside = within === 'messages' && (key === 'arguments' || key === 'input') ? 'arguments' : within;
  collect(value, inside, depth + 1, collected);
}

/** As it is, quoted as JSON, and quoted with every other letter escaped. A data URL is masked by its form. */
function addForms(value: string, collected: Collected): void {
  if (dataUrl.test(value)) return;
  const raw = value.slice(0, collected.roomChars);
  if (sameInJson.test(raw)) return addForm(oneLine(raw), collected);
  const quoted = JSON.stringify(raw).slice(1, -1);
  for (const form of new Set([oneLine(raw), oneLine(quoted), escaped(quoted, collected)])) addForm(form, collected);
}

/** Nothing in it is escaped. */
const sameInJson = /^[ !#-[\]-~]*$/;

function addForm(form: string, collected: Collected): void {
  if (form.length < minWhole) return;
  collected.strings.add(form);
  collected.roomChars -= form.length;
}

function escaped(quoted: string, collected: Collected): string {
  const head = quoted.slice(0, collected.escapedRoomChars);
  if (!/[^ -~]/.test(head)) return '';
  collected.escapedRoomChars -= head.length;
  return head.replaceAll(/[^ -~]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** No control, format or half characters; every run of blanks one space. */
export function oneLine(text: string): string {
  if (isOneLine(text)) return text;
  return text
    .replaceAll(/[^\P{C}\s]/gu, '')
    .replaceAll(/[^\S ]\s*| \s+/g, ' ')
    .trim();
}

/** Is it as `oneLine` leaves it, words of ASCII with one space between them? */
export function isOneLine(text: string): boolean {
  return asciiWords.test(text);
}

const asciiWords = /^[!-~]+(?: [!-~]+)*$/;

/**
 * `text` with everything that repeats the request as […]: whole strings of 6 characters and more, and pieces of 24 and
 * more (most of 16).
 */
export function echoesMasked(text: string, { short, joined, model }: RequestTexts): string {
  const echoes = [...wholeEchoes(text, short), ...windowEchoes(text, joined)];
  // As nearly always.
  if (echoes.length === 0) return mergedMasks(text);
  const echoed = new Uint8Array(text.length);
  for (const { start, end } of echoes) echoed.fill(1, start, end);
  // A prompt may name the model, and so must the error.
  for (const { start, end } of wholeEchoes(text, [model])) if (isWord(text, start, end)) echoed.fill(0, start, end);
  let masked = '';
  for (let at = 0, end = 0; at < text.length; at = end) {
    while (echoed[end] === echoed[at]) end++;
    const piece = text.slice(at, end);
    masked += echoed[at] === 1 && piece.trim() !== '' ? mask : piece;
  }
  return mergedMasks(masked);
}

/** Several masks in a row are one. */
function mergedMasks(text: string): string {
  return text.includes(mask) ? text.replaceAll(/(?:\[…\] ?)+\[…\]/g, mask) : text;
}

/** `text` without the longer pieces of the request that it repeats. Single words are the server's own as much as the caller's. */
export function withoutQuotes(text: string, request: unknown): string {
  return text.length < windowChars ? text : echoesMasked(text, { ...requestTexts(request), short: [] });
}

function isWord(text: string, start: number, end: number): boolean {
  return !/\w/.test(text.charAt(start - 1) + text.charAt(end));
}

interface Region {
  readonly start: number;
  readonly end: number;
}

function wholeEchoes(text: string, strings: readonly string[]): Region[] {
  const found: Region[] = [];
  for (const string of strings) {
    if (string === '') continue;
    for (let start = text.indexOf(string); start !== -1; start = text.indexOf(string, start + string.length)) {
      found.push({ start, end: start + string.length });
    }
  }
  return found;
}

/** Looks every window of the text up in the request, and widens what it finds to both sides. */
function windowEchoes(text: string, request: string): Region[] {
  const found: Region[] = [];
  for (let start = 0; start + windowChars <= text.length; start += stepChars) {
    const place = request.indexOf(text.slice(start, start + windowChars));
    if (place !== -1) found.push(widened(text, start, request, place));
  }
  return found;
}

function widened(text: string, start: number, request: string, place: number): Region {
  let before = 0;
  while (before < start && text[start - before - 1] === request[place - before - 1]) before++;
  let after = windowChars;
  while (start + after < text.length && text[start + after] === request[place + after]) after++;
  return { start: start - before, end: start + after };
}
