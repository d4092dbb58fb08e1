import { gzipSync } from 'node:zlib';
import { errorBody, type Exchange } from '../exchange.ts';
import { type Kind, kindsOf } from '../kind.ts';

const body = kindsOf('body');
const chat = { verbs: ['chat'] } as const;
const json = { 'content-type': 'application/json' };

const halfOf = (text: string): Buffer => Buffer.from(text).subarray(0, Buffer.byteLength(text) >> 1);

/** A whole answer that is JSON and no answer. */
const hollow = (name: string, openai: unknown, ollama: unknown): Kind =>
  body(name, ['bad_response'], (exchange) => exchange.answer(200, JSON.stringify(exchange.protocol === 'openai' ? openai : ollama)), chat);

const choices = (message: unknown): unknown => ({ id: 'c', object: 'chat.completion', choices: [{ index: 0, message }] });

/** The head was good, and what follows is not. */
const cuts: readonly Kind[] = [
  body(
    'length-longer-than-the-body',
    ['bad_response', 'unavailable'],
    (exchange) => {
      exchange.head(200, { ...json, 'content-length': String(Buffer.byteLength(exchange.texts.whole)) });
      exchange.write(halfOf(exchange.texts.whole));
      exchange.close();
    },
    chat,
  ),
  body('truncated-with-its-right-length', ['bad_response'], ({ answer, texts }) => answer(200, halfOf(texts.whole)), chat),
  body(
    'length-shorter-than-the-body',
    ['bad_response'],
    (exchange) => {
      const half = halfOf(exchange.texts.whole).length;
      exchange.head(200, { ...json, 'content-length': String(half) });
      exchange.write(exchange.texts.whole);
    },
    chat,
  ),
  body(
    'cut-at-the-end-of-the-connection',
    ['bad_response'],
    (exchange) => {
      exchange.head(200, { ...json, connection: 'close' });
      exchange.write(halfOf(exchange.texts.whole));
      exchange.close();
    },
    chat,
  ),
  body(
    'reset-in-the-body',
    ['unavailable'],
    async (exchange) => {
      exchange.open();
      exchange.chunk(halfOf(exchange.texts.whole));
      await exchange.pause(2);
      exchange.reset();
    },
    chat,
  ),
  body(
    'close-between-chunks',
    ['unavailable'],
    (exchange) => {
      exchange.open();
      exchange.chunk(exchange.texts.whole);
      exchange.close();
    },
    chat,
  ),
  body(
    'stall-in-the-body',
    ['timeout'],
    (exchange) => {
      exchange.open();
      exchange.chunk(halfOf(exchange.texts.whole));
      return exchange.left();
    },
    { ...chat, hangs: true },
  ),
  body('dribble', ['timeout'], dribble, { ...chat, hangs: true }),
];

/** One byte at a time, each in good time, and the whole far too late. */
async function dribble(exchange: Exchange): Promise<void> {
  const bytes = Buffer.from(exchange.texts.whole);
  exchange.head(200, { ...json, 'content-length': String(bytes.length) });
  for (let at = 0; at < bytes.length && exchange.isOpen(); at++) {
    exchange.write(bytes.subarray(at, at + 1));
    await exchange.pause(40);
  }
}

/** The framing contradicts itself. */
const framings: readonly Kind[] = [
  body('two-lengths', ['bad_response'], ({ answer, texts }) => answer(200, texts.whole, { 'content-length': ['5', '6'] })),
  body('length-and-chunks', ['bad_response'], (exchange) => {
    exchange.open({ 'content-length': '5' });
    exchange.chunk(exchange.texts.whole);
    exchange.lastChunk();
  }),
  body('length-that-is-no-number', ['bad_response'], ({ answer, texts }) => answer(200, texts.whole, { 'content-length': 'many' })),
  body('chunk-size-that-is-no-number', ['bad_response'], (exchange) => {
    exchange.open();
    exchange.write(`zz\r\n${exchange.texts.whole}\r\n0\r\n\r\n`);
  }),
  body('chunk-longer-than-told', ['bad_response'], (exchange) => {
    exchange.open();
    exchange.write(`5\r\n${exchange.texts.whole}\r\n0\r\n\r\n`);
  }),
  body('chunks-with-line-feeds-alone', ['bad_response'], ({ open, write, texts }) => {
    open();
    write(`${Buffer.byteLength(texts.whole).toString(16)}\n${texts.whole}\n0\n\n`);
  }),
  body('said-to-be-gzip-and-is-not', ['bad_response'], ({ answer, texts }) => answer(200, texts.whole, { 'content-encoding': 'gzip' })),
  body(
    'gzip-that-ends-early',
    ['bad_response', 'unavailable'],
    ({ answer, texts }) => {
      const packed = gzipSync(texts.whole);
      answer(200, packed.subarray(0, packed.length >> 1), { 'content-encoding': 'gzip' });
    },
    chat,
  ),
];

/** Good HTTP, and no answer in it. */
const contents: readonly Kind[] = [
  body('empty-body', ['bad_response'], ({ answer }) => answer(200, '')),
  body('empty-chunks', ['bad_response'], (exchange) => {
    exchange.open();
    exchange.lastChunk();
  }),
  body('text-instead-of-json', ['bad_response'], ({ answer }) => answer(200, 'I am a teapot.'), chat),
  body('error-with-status-200', ['unavailable'], (exchange) => exchange.answer(200, errorBody(exchange, 'The engine stopped.'))),
  body('out-of-memory-with-status-200', ['out_of_memory'], (exchange) =>
    exchange.answer(200, errorBody(exchange, `CUDA out of memory: ${exchange.echo}`)),
  ),
  body('error-without-words', ['bad_response', 'unavailable'], ({ answer }) => answer(200, '{"error":{}}')),
  hollow('choices-missing', { id: 'c', object: 'chat.completion' }, { model: 'campaign', done: true }),
  hollow('choices-empty', { id: 'c', choices: [] }, { model: 'campaign', message: [], done: true }),
  hollow('content-null', choices({ role: 'assistant', content: null }), { message: { content: null }, done: true }),
  hollow('content-a-number', choices({ role: 'assistant', content: 7 }), { message: { content: 7 }, done: true }),
  hollow('message-missing', choices(undefined), { message: null, done: true }),
  hollow('list-instead-of-object', [1, 2, 3], ['a']),
  hollow('not-yet-done', { choices: [null] }, { message: { content: 'half' }, done: false }),
  hollow('text-as-json', 'an answer', 'an answer'),
];

export const bodies: readonly Kind[] = [...cuts, ...framings, ...contents];
