/** What a whole document says, read once more from the rules alone: byte by byte, line by line, with nothing of the library. */
export interface Reading {
  /** Events as `eventText` writes them, or lines. */
  readonly items: readonly string[];
  /** `limit`: a part above the limit ended it. */
  readonly end: 'end' | 'terminator' | 'limit';
}

/** One event as a text that no other event has. */
export function eventText(event: string | undefined, data: string): string {
  return event === undefined ? `-${data}` : `${event.length}:${event}${data}`;
}

/** How many bytes a character takes that begins with this byte, and from where to where its second byte may lie. */
function sequenceOf(lead: number): readonly [length: number, from: number, to: number] {
  if (lead <= 0x7f) return [1, 0, 0];
  if (lead >= 0xc2 && lead <= 0xdf) return [2, 0x80, 0xbf];
  if (lead === 0xe0) return [3, 0xa0, 0xbf];
  if (lead === 0xed) return [3, 0x80, 0x9f];
  if (lead >= 0xe1 && lead <= 0xef) return [3, 0x80, 0xbf];
  if (lead === 0xf0) return [4, 0x90, 0xbf];
  if (lead === 0xf4) return [4, 0x80, 0x8f];
  if (lead >= 0xf1 && lead <= 0xf3) return [4, 0x80, 0xbf];
  return [0, 0, 0];
}

/** UTF-8 as the encoding standard decodes it: one U+FFFD for each longest part of a character that ends too soon. */
export function decode(bytes: Uint8Array, isWhole: boolean): string {
  let text = '';
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  for (let at = hasMark ? 3 : 0; at < bytes.length;) {
    const lead = bytes[at] as number;
    const [length, from, to] = sequenceOf(lead);
    let point = length === 1 ? lead : lead & (0xff >> (length + 1));
    let taken = 1;
    for (; taken < length; taken++) {
      const next = bytes[at + taken];
      // Nobody knows yet what a character will be that a broken connection cut off.
      if (next === undefined && !isWhole) return text;
      if (next === undefined || next < (taken === 1 ? from : 0x80) || next > (taken === 1 ? to : 0xbf)) break;
      point = (point << 6) | (next & 0x3f);
    }
    text += length > 0 && taken === length ? String.fromCodePoint(point) : '\uFFFD';
    at += taken;
  }
  return text;
}

interface Line {
  readonly text: string;
  readonly start: number;
  readonly next: number;
  readonly hasEnd: boolean;
}

function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  for (let start = 0, at = 0; at <= text.length; at++) {
    const character = text[at];
    if (character !== '\n' && character !== '\r' && character !== undefined) continue;
    const next = character === '\r' && text[at + 1] === '\n' ? at + 2 : at + 1;
    lines.push({ text: text.slice(start, at), start, next, hasEnd: character !== undefined });
    [start, at] = [next, next - 1];
  }
  return lines;
}

const fieldOf = (line: string): readonly [name: string, value: string] => {
  const colon = line.indexOf(':');
  if (colon === -1) return [line, ''];
  const value = line.slice(colon + 1);
  return [line.slice(0, colon), value.startsWith(' ') ? value.slice(1) : value];
};

/** The rules of the event stream, and ours: a terminator, a limit for one event with all its lines, JSON in the place of events. */
export function referenceEvents(bytes: Uint8Array, maxChars: number, isWhole = true): Reading {
  const text = decode(bytes, isWhole);
  const blanks = text.length - text.trimStart().length;
  if (blanks > maxChars) return { items: [], end: 'limit' };
  if (text[blanks] === '{') {
    if (text.length > maxChars) return { items: [], end: 'limit' };
    return { items: isWhole ? [eventText(undefined, text)] : [], end: 'end' };
  }
  const items: string[] = [];
  let [name, data, start, end]: [string, string[], number, number] = ['', [], 0, 0];
  for (const line of linesOf(text)) {
    // Two characters of what has not ended may yet belong to its end.
    if (!line.hasEnd) return { items, end: text.length - start > maxChars + 2 ? 'limit' : 'end' };
    const [field, value] = fieldOf(line.text);
    if (field === 'event') name = value;
    if (field === 'data') data.push(value);
    if (line.text !== '') end = line.start + line.text.length;
    if (line.text !== '') continue;
    if (end - start > maxChars) return { items, end: 'limit' };
    if (data.length > 0) items.push(eventText(name === '' ? undefined : name, data.join('\n')));
    if (data.join('\n') === '[DONE]') return { items, end: 'terminator' };
    [name, data, start, end] = ['', [], line.next, line.next];
  }
  return { items, end: 'end' };
}

/** Lines that are not blank; a last one needs no end where the body ended as it should. */
export function referenceLines(bytes: Uint8Array, maxChars: number, isWhole = true): Reading {
  const items: string[] = [];
  for (const { text, hasEnd } of linesOf(decode(bytes, isWhole))) {
    if (text.length > maxChars) return { items, end: 'limit' };
    if (text.trim() !== '' && (hasEnd || isWhole)) items.push(text);
  }
  return { items, end: 'end' };
}
