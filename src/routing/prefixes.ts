import type { ChatMessage } from '../core/types.ts';
import { createLine, type InLine } from './line.ts';
import { scramble } from './rendezvous.ts';

/** A prompt up to the end of one message. */
export interface PrefixKey {
  readonly hash: number;
  /** Estimated tokens up to there. */
  readonly tokens: number;
}

/** Of a long conversation: the ends of the first messages, which many conversations share, and of the last, where one branches. */
const firstBoundaries = 2;
const lastBoundaries = 16;

/**
 * Of the last ones, so many are remembered: where the next turn goes on, and where another last message was asked about the same. Those
 * before were remembered with the turns before, and to keep all of them would leave room for a few hundred conversations.
 */
const lastRemembered = 2;

const bytesPerToken = 4;
/** What models make of a picture lies between 85 and some 2,000 tokens, whatever the length of its URL. */
const tokensPerImage = 1_000;

/** Texts up to this length count whole; of longer ones, the ends and 4 pieces between, the same number of characters in all. */
const sampledLength = 128;
const endLength = 32;
const pieceLength = 16;

/** Values within `tools` that are looked at. */
const mostToolValues = 512;

/** Keys of the prompt at the ends of its messages, from short to long. Prompts that begin alike have the same first keys. */
export function prefixKeys(messages: readonly ChatMessage[], tools?: unknown): readonly PrefixKey[] {
  const digest: Digest = { high: 0x811c9dc5, low: 0x2f0b4c47, bytes: 0 };
  if (tools !== undefined) addValue(digest, tools, { left: mostToolValues });
  const keys: PrefixKey[] = [];
  const lastFrom = lastBoundariesFrom(messages);
  for (let index = 0; index < messages.length; index += 1) {
    addMessage(digest, messages[index]!);
    if ((index < firstBoundaries || index >= lastFrom) && mayEndAt(messages, index)) keys.push(toKey(digest));
  }
  return keys;
}

/** No prompt ends before the result of a tool that was called: however many there are, they are one turn. */
function mayEndAt(messages: readonly ChatMessage[], index: number): boolean {
  return messages[index + 1]?.role !== 'tool';
}

function lastBoundariesFrom(messages: readonly ChatMessage[]): number {
  let from = messages.length;
  for (let left = lastBoundaries; from > 0 && left > 0;) {
    from -= 1;
    if (mayEndAt(messages, from)) left -= 1;
  }
  return from;
}

/** What was read so far: two hashes of 32 bits and the estimated length in bytes of UTF-8. */
interface Digest {
  high: number;
  low: number;
  bytes: number;
}

/** Numbers that stand before a text and say what it is, so that the same text elsewhere makes another hash. */
const marks = {
  role: 1,
  name: 2,
  text: 3,
  image: 4,
  call: 5,
  answers: 6,
  thoughts: 7,
  key: 8,
  end: 9,
} as const;

function addMessage(digest: Digest, message: ChatMessage): void {
  addText(digest, marks.role, message.role);
  addText(digest, marks.name, message.name);
  addText(digest, marks.answers, message.tool_call_id);
  addText(digest, marks.thoughts, message.reasoning_content);
  for (const block of message.thinking_blocks ?? []) {
    addText(digest, marks.thoughts, block.type === 'thinking' ? block.thinking : block.data);
  }
  addContent(digest, message.content);
  for (const { id, function: called } of message.tool_calls ?? []) {
    addText(digest, marks.call, id);
    addText(digest, marks.call, called.name);
    addText(digest, marks.call, called.arguments);
  }
}

/** A text alone and a list with one text are the same prompt. */
function addContent(digest: Digest, content: ChatMessage['content']): void {
  if (typeof content === 'string') return addText(digest, marks.text, content);
  for (const part of content ?? []) {
    if (part.type === 'text') {
      addText(digest, marks.text, part.text);
      continue;
    }
    const { bytes } = digest;
    addText(digest, marks.image, part.image_url.url);
    digest.bytes = bytes + tokensPerImage * bytesPerToken;
  }
}

/** A value as JSON has them, in the order of its keys, which is the order in which servers see them. */
function addValue(digest: Digest, value: unknown, values: { left: number }): void {
  values.left -= 1;
  if (values.left < 0) return;
  if (typeof value !== 'object' || value === null) return addText(digest, marks.text, String(value));
  for (const key of Object.keys(value)) {
    const inner = (value as Readonly<Record<string, unknown>>)[key];
    if (inner === undefined) continue;
    addText(digest, marks.key, key);
    addValue(digest, inner, values);
  }
  mix(digest, marks.end);
}

function addText(digest: Digest, mark: number, text: string | null | undefined): void {
  if (text === undefined || text === null || text === '') return;
  mix(digest, mark);
  mix(digest, text.length);
  const { length } = text;
  if (length <= sampledLength) {
    digest.bytes += addPiece(digest, text, 0, length);
    return;
  }
  let bytes = addPiece(digest, text, 0, endLength);
  const pieces = (sampledLength - 2 * endLength) / pieceLength;
  const step = (length - 2 * endLength - pieceLength) / (pieces - 1);
  for (let piece = 0; piece < pieces; piece += 1) {
    const start = endLength + Math.floor(piece * step);
    bytes += addPiece(digest, text, start, start + pieceLength);
  }
  bytes += addPiece(digest, text, length - endLength, length);
  digest.bytes += (bytes / sampledLength) * length;
}

/** Adds these characters to the hash and returns their length in bytes. */
function addPiece(digest: Digest, text: string, start: number, end: number): number {
  let { high, low } = digest;
  let bytes = 0;
  for (let index = start; index < end; index += 1) {
    const unit = text.charCodeAt(index);
    high = Math.imul(high ^ unit, 0x01000193);
    low = Math.imul(low ^ unit, 0x5bd1e995);
    // Each half of a surrogate pair is two of the four bytes.
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 2 : 3;
  }
  digest.high = high;
  digest.low = low;
  return bytes;
}

function mix(digest: Digest, number: number): void {
  digest.high = scramble(digest.high ^ number);
  digest.low = Math.imul(digest.low ^ number, 0x5bd1e995);
}

function toKey({ high, low, bytes }: Digest): PrefixKey {
  return { hash: (scramble(high) >>> 11) * 2 ** 32 + (scramble(low) >>> 0), tokens: Math.round(bytes / bytesPerToken) };
}

/** Which providers have read how much of a prompt of late, and so may have it in their cache: a guess, never a promise. */
export interface PrefixMemory {
  /** Estimated tokens of the prompt that each provider has read with this model. One that has read none of it is not listed. */
  holders(keys: readonly PrefixKey[], model: string | undefined, nowMs: number): ReadonlyMap<string, number>;
  remember(keys: readonly PrefixKey[], provider: string, model: string | undefined, nowMs: number): void;
  /** Entries: one for each beginning of a prompt, provider and model. */
  readonly size: number;
}

interface Holder {
  readonly provider: string;
  readonly model: string | undefined;
  seenMs: number;
}

/** The beginning of a prompt in the line from the least recently to the most recently used. */
interface Beginning extends InLine<Beginning> {
  readonly hash: number;
  holders: Holder[];
  usedMs: number;
}

/** @param limits `mostEntries` defaults to 10,000; `keepMs`, after which a provider is thought to have forgotten, to 30 minutes. */
export function createPrefixMemory(limits: { readonly mostEntries?: number; readonly keepMs?: number } = {}): PrefixMemory {
  const { mostEntries = 10_000, keepMs = 1_800_000 } = limits;
  const beginnings = new Map<number, Beginning>();
  const line = createLine<Beginning>();
  let size = 0;

  const use = (hash: number, nowMs: number): Beginning => {
    const known = beginnings.get(hash);
    const beginning: Beginning = known ?? { hash, holders: [], usedMs: nowMs, older: undefined, newer: undefined };
    if (known === undefined) beginnings.set(hash, beginning);
    else line.leave(known);
    line.join(beginning);
    beginning.usedMs = nowMs;
    return beginning;
  };

  return {
    holders(keys, model, nowMs) {
      const tokens = new Map<string, number>();
      for (const key of keys.toReversed()) {
        for (const holder of beginnings.get(key.hash)?.holders ?? []) {
          if (holder.model !== model || nowMs - holder.seenMs >= keepMs || tokens.has(holder.provider)) continue;
          tokens.set(holder.provider, key.tokens);
        }
      }
      return tokens;
    },

    remember(keys, provider, model, nowMs) {
      // From long to short, so that what more prompts share is forgotten last.
      const kept = keys.filter((_, index) => index < firstBoundaries || index >= keys.length - lastRemembered);
      for (const { hash } of kept.toReversed()) size += hold(use(hash, nowMs), { provider, model, seenMs: nowMs }, keepMs);
      for (let first = line.first(); first && (size > mostEntries || nowMs - first.usedMs >= keepMs); first = line.first()) {
        size -= first.holders.length;
        beginnings.delete(first.hash);
        line.leave(first);
      }
    },

    get size() {
      return size;
    },
  };
}

/** Puts the holder in place of what is known of it, and returns by how many the holders have become more. */
function hold(beginning: Beginning, holder: Holder, keepMs: number): number {
  const { provider, model, seenMs: nowMs } = holder;
  const known = beginning.holders.find((each) => each.provider === provider && each.model === model);
  if (known !== undefined) {
    known.seenMs = nowMs;
    return 0;
  }
  const before = beginning.holders.length;
  beginning.holders = [...beginning.holders.filter(({ seenMs }) => nowMs - seenMs < keepMs), holder];
  return beginning.holders.length - before;
}
