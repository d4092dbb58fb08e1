import { pick } from '../_kit/numbers.ts';
import type { Format } from './documents.ts';
import { referenceEvents, referenceLines } from './reference.ts';

/** What a stream should give: the text that came before its end, and whether it was a whole answer. */
export interface Expected {
  readonly text: string;
  readonly isWhole: boolean;
}

type Random = () => number;

/** Parts of texts that a careless reader would take for the protocol's own. No `<`: thoughts are not what is looked at here. */
const words = [
  'a',
  ' Grüße',
  '世界',
  '👋🏽',
  '[DONE]',
  '\n\ndata: [DONE]\n\n',
  'event: error',
  ' {"a":1}',
  '\u2028',
  '\uFEFF',
  '\r\n',
  '"',
  '\\',
  '\0',
];

const head = { id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'tiny' };
const delta = (content: string): unknown => ({ ...head, choices: [{ index: 0, delta: { content }, finish_reason: null }] });
const finish = { ...head, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] };
const usage = { ...head, choices: [], usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } };
const line = (content: string): unknown => ({
  model: 'tiny',
  created_at: '2026-01-01T00:00:00Z',
  message: { role: 'assistant', content },
  done: false,
});
const lastLine = { ...(line('') as object), done: true, done_reason: 'stop', prompt_eval_count: 1, eval_count: 2 };

const asData = (value: unknown, random: Random): string => {
  // JSON over several lines, which are joined by line feeds again.
  const text = random() < 0.1 ? JSON.stringify(value, null, 1) : JSON.stringify(value);
  return text
    .split('\n')
    .map((each) => `data:${random() < 0.8 ? ' ' : ''}${each}\n`)
    .join('');
};

/** What a server may repeat where it must not be seen. */
export interface Echoes {
  /** Of the answer, in JSON that is broken. */
  readonly answer: string;
  /** Of the request, in a message of an error. */
  readonly request: string;
}

/** The first text begins with a letter: blanks before the first other character are held back, because thoughts might follow. */
const contentOf = (each: number, random: Random): string => (each === 0 ? 'x' : '') + pick(words, random) + pick(words, random);

function eventsOf(echoes: Echoes, random: Random): string[] {
  const events = [asData({ ...head, choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] }, random)];
  const count = Math.floor(random() * 6);
  for (let each = 0; each < count; each++) {
    if (random() < 0.15)
      events.push(pick([':\n', ': ping\n', 'event: ping\n', 'retry: 5\n', 'id: 1\n', 'data:\n', 'colour: red\n'], random));
    events.push(asData(delta(contentOf(each, random)), random));
  }
  const trouble = random();
  if (trouble < 0.05) events.push(`data: {"choices": [${echoes.answer}\n`);
  else if (trouble < 0.1) events.push(`data: ${JSON.stringify({ error: { message: echoes.request } })}\n`);
  else if (trouble < 0.13) events.push(`event: error\ndata: ${JSON.stringify({ message: echoes.request })}\n`);
  if (random() < 0.85) events.push(asData(finish, random));
  if (random() < 0.4) events.push(asData(usage, random));
  if (random() < 0.85) events.push('data: [DONE]\n');
  if (random() < 0.15) events.push(asData(delta('after the end'), random));
  return events.map((event) => `${event}\n`);
}

function linesOf(echoes: Echoes, random: Random): string[] {
  const lines: string[] = [];
  const count = Math.floor(random() * 6);
  for (let each = 0; each < count; each++) {
    if (random() < 0.1) lines.push(pick(['\n', ' \n', '\t\n'], random));
    lines.push(`${JSON.stringify(line(contentOf(each, random)))}\n`);
  }
  const trouble = random();
  if (trouble < 0.04) lines.push(`{"message": ${echoes.answer}\n`);
  else if (trouble < 0.08) lines.push(`${JSON.stringify({ error: echoes.request })}\n`);
  else if (trouble < 0.12) lines.push(`${JSON.stringify(line('a'))}${JSON.stringify(line('b'))}\n`);
  if (random() < 0.85) lines.push(`${JSON.stringify(lastLine)}${random() < 0.8 ? '\n' : ''}`);
  if (random() < 0.15) lines.push(`${JSON.stringify(line('after the end'))}\n`);
  return lines;
}

/** A stream as a server sends it, mostly sound. */
export function createAnswer(format: Format, random: Random, echoes: Echoes): Uint8Array {
  if (random() < 0.03) return Buffer.from(`${random() < 0.5 ? '\n ' : ''}${JSON.stringify({ error: { message: echoes.request } })}`);
  const parts = format === 'sse' ? eventsOf(echoes, random) : linesOf(echoes, random);
  const end = pick(['\n', '\n', '\r\n', '\r'], random);
  const text = `${random() < 0.1 ? '\uFEFF' : ''}${parts.join('').replaceAll('\n', end)}`;
  const bytes = Buffer.from(text);
  if (random() < 0.1) spoil(bytes, random);
  return random() < 0.15 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : bytes;
}

/** Makes bytes of a multi-byte character into something that is none. */
function spoil(bytes: Buffer, random: Random): void {
  const at = bytes.findIndex((value, index) => value > 0x7f && index > 3);
  if (at !== -1) bytes[at] = pick([0x80, 0xc0, 0xff, 0xed, 0x61], random);
}

const maxChars = 1024 * 1024;

/** What the events or lines of the reference say, read as plainly as can be. */
export function expectedOf(format: Format, bytes: Uint8Array): Expected {
  return format === 'sse' ? ofEvents(bytes) : ofLines(bytes);
}

interface Chunk {
  readonly error?: unknown;
  readonly choices?: readonly { readonly delta?: { readonly content?: string }; readonly finish_reason?: string | null }[];
}

function ofEvents(bytes: Uint8Array): Expected {
  const reading = referenceEvents(bytes, maxChars);
  let [text, isFinished] = ['', false];
  for (const item of reading.items) {
    const [, length, rest = ''] = /^(\d*)[-:](.*)$/s.exec(item) ?? [];
    const [name, data] = [rest.slice(0, Number(length)), rest.slice(Number(length))];
    if (data === '[DONE]') return { text, isWhole: isFinished || text !== '' };
    if (data === '') continue;
    const chunk = parsed(data) as Chunk | undefined;
    if (name === 'error' || chunk?.error || chunk?.choices === undefined) return { text, isWhole: false };
    for (const { delta: { content = '' } = {}, finish_reason: reason } of chunk.choices) {
      text += content;
      isFinished ||= typeof reason === 'string';
    }
  }
  return { text, isWhole: isFinished && reading.end !== 'limit' };
}

interface Line {
  readonly error?: unknown;
  readonly message?: { readonly content?: string };
  readonly done?: boolean;
}

function ofLines(bytes: Uint8Array): Expected {
  let text = '';
  for (const item of referenceLines(bytes, maxChars).items) {
    const value = parsed(item) as Line | undefined;
    if (value?.message === undefined || value.error) return { text, isWhole: false };
    text += value.message.content ?? '';
    if (value.done) return { text, isWhole: true };
  }
  return { text, isWhole: false };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
