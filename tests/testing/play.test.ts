import { expect, test } from 'vitest';
import {
  after,
  cutAfter,
  errorInStream,
  garbageAt,
  inWrites,
  modelMissing,
  outOfMemory,
  reply,
  serverError,
  slow,
  stallAfter,
  stallBeforeHeaders,
  status,
  type Step,
  type WireCall,
} from '../../src/testing/index.ts';
import { type Action, play, playLoading } from '../../src/testing/play.ts';
import { plainWire } from '../_kit/plain-wire.ts';

const chat: WireCall = { verb: 'chat', method: 'POST', path: '/v1/chat/completions', headers: {}, body: {}, model: 'm' };
const stream: WireCall = { ...chat, verb: 'stream', body: { stream: true } };

/** Three pieces: `one`, `two`, `three`. */
const three = reply('', { pieces: ['one', 'two', 'three'] });

/** Each action in a word; a write as the pieces of content in it. */
function outline(actions: readonly Action[]): string[] {
  return actions.map((action) => {
    if (action.act === 'wait') return `wait ${action.ms}`;
    if (action.act === 'head') return `head ${action.status}`;
    if (action.act === 'close') return `close ${action.how}`;
    if (action.act !== 'bytes') return action.act;
    const text = new TextDecoder().decode(action.bytes);
    return text.includes('[DONE]') ? 'done' : (/"content":"(.*?)"/.exec(text)?.[1] ?? /garbage|error|role/.exec(text)?.[0] ?? text);
  });
}

function textOf(actions: readonly Action[]): string {
  return Buffer.concat(actions.flatMap((action) => (action.act === 'bytes' ? [action.bytes] : []))).toString();
}

function headersOf(actions: readonly Action[]): Readonly<Record<string, string>> {
  for (const action of actions) if (action.act === 'head') return action.headers;
  throw new Error('no head');
}

test.each<[string, Step, string[]]>([
  ['an answer', three, ['head 200', 'role', 'one', 'two', 'three', 'done', 'close end']],
  ['delayMs', after(70, three), ['wait 70', 'head 200', 'role', 'one', 'two', 'three', 'done', 'close end']],
  ['stallBeforeHeaders', stallBeforeHeaders(three), ['stall']],
  ['stallAfter', stallAfter(2, three), ['head 200', 'role', 'one', 'two', 'stall']],
  ['stallAfter 0', stallAfter(0, three), ['head 200', 'role', 'stall']],
  ['stallAfter behind the end', stallAfter(9, three), ['head 200', 'role', 'one', 'two', 'three', 'stall']],
  ['cutAfter with fin', cutAfter(1, 'fin', three), ['head 200', 'role', 'one', 'close fin']],
  ['cutAfter with rst', cutAfter(1, 'rst', three), ['head 200', 'role', 'one', 'close rst']],
  ['cutAfter behind the end', cutAfter(9, 'fin', three), ['head 200', 'role', 'one', 'two', 'three', 'close fin']],
  ['a stall before a cut', stallAfter(1, cutAfter(2, 'fin', three)), ['head 200', 'role', 'one', 'stall']],
  ['a cut before a stall', cutAfter(1, 'fin', stallAfter(2, three)), ['head 200', 'role', 'one', 'close fin']],
  ['garbageAt', garbageAt(1, three), ['head 200', 'role', 'one', 'garbage', 'three', 'done', 'close end']],
  ['garbageAt behind the end', garbageAt(9, three), ['head 200', 'role', 'one', 'two', 'garbage', 'done', 'close end']],
  ['errorAt', { ...three, faults: { errorAt: 2 } }, ['head 200', 'role', 'one', 'two', 'error', 'close end']],
  ['tokensPerSecond', slow(4, three), ['head 200', 'role', 'one', 'wait 250', 'two', 'wait 250', 'three', 'done', 'close end']],
])('a stream with %s', (_name, step, expected) => {
  expect(outline(play(step, plainWire, stream))).toEqual(expected);
});

test('a stream tells the failure of the step in the middle, else that it ran out of memory', () => {
  expect(textOf(play(errorInStream(1, serverError()), plainWire, stream))).toContain('{"error":{"message":"server"}}');
  expect(textOf(play(errorInStream(1, reply()), plainWire, stream))).toContain('{"error":{"message":"out-of-memory"}}');
});

test('a whole answer tells the failure that a stream tells in the middle as its own', () => {
  expect(outline(play(errorInStream(1, serverError()), plainWire, chat))[0]).toBe('head 500');
  expect(textOf(play(errorInStream(1, reply()), plainWire, chat))).toBe('{"error":{"message":"out-of-memory"}}');
});

test('a whole answer has its length, a stream is chunked, and a failure of a stream has its length again', () => {
  const whole = play(reply('Grüße'), plainWire, chat);
  expect(headersOf(whole)).toEqual({ 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(textOf(whole))) });
  expect(headersOf(play(reply(), plainWire, stream))).toEqual({
    'content-type': 'text/event-stream',
    'x-plain': 'yes',
    'transfer-encoding': 'chunked',
  });
  expect(headersOf(play(outOfMemory(), plainWire, stream))).toHaveProperty('content-length');
});

test('a failure that a server tells as a stream is chunked as well', () => {
  const wire = {
    ...plainWire,
    fail: () => ({
      status: 200,
      headers: { 'content-type': 'text/event-stream' },
      opening: '',
      pieces: ['data: overloaded\n\n'],
      closing: '',
    }),
  };
  expect(headersOf(play(serverError(), wire, chat))).toHaveProperty('transfer-encoding', 'chunked');
});

test('a wire that frames its answers itself is left alone', () => {
  const own = { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' };
  const wire = { ...plainWire, answer: () => ({ status: 200, headers: own, opening: '', pieces: ['{}'], closing: '' }) };
  expect(headersOf(play(reply(), wire, chat))).toEqual({ 'content-type': 'application/json', 'transfer-encoding': 'chunked' });
});

test('a cut behind the last piece of a whole answer still is a cut', () => {
  const actions = play(cutAfter(99), plainWire, chat);
  expect(Buffer.byteLength(textOf(actions))).toBeLessThan(Number(headersOf(actions)['content-length']));
});

test.each(['bytes', 'one'] as const)('the bytes are the same in writes of %s', (writes) => {
  const plain = play(reply('Grüße 👋 an alle'), plainWire, stream);
  const cut = play(inWrites(writes, reply('Grüße 👋 an alle')), plainWire, stream);
  expect(textOf(cut)).toBe(textOf(plain));
  const sizes = cut.flatMap((action) => (action.act === 'bytes' ? [action.bytes.length] : []));
  expect(sizes.length).toBe(writes === 'one' ? 1 : Buffer.byteLength(textOf(plain)));
});

test('writes are joined up to a pause, and not over it', () => {
  expect(outline(play(inWrites('one', slow(4, three)), plainWire, stream)).filter((word) => word.startsWith('wait'))).toHaveLength(2);
});

test('a long answer in one write is joined without trouble', () => {
  expect(play(inWrites('one', reply('word '.repeat(50_000))), plainWire, stream)).toHaveLength(3);
});

test('garbage takes the place of a body that is empty', () => {
  expect(textOf(play({ answer: {}, failure: { kind: 'empty' }, faults: { garbageAt: 0 } }, plainWire, chat))).toBe('{"garbage');
});

test('a retry time and a status go to the wire', () => {
  const actions = play(status(429, { retryAfter: 7, message: 'slow down' }), plainWire, chat);
  expect(headersOf(actions)).toHaveProperty('retry-after', '7');
  expect(textOf(actions)).toContain('slow down');
});

test('a failure that the server does not know is refused by name', () => {
  expect(() => play(modelMissing(), plainWire, chat)).toThrow(
    "Fake backend 'plain': this server knows no failure 'model-missing' in an answer to chat.",
  );
});

test.each([
  ['answers', ['head 503']],
  ['refuses', ['close refuse']],
  ['waits', ['wait 30', 'again']],
] as const)('a server that %s while it loads does so', (whileLoading, expected) => {
  expect(outline(playLoading(30, { ...plainWire, whileLoading }, chat)).slice(0, expected.length)).toEqual(expected);
});
