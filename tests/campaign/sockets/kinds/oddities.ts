import { gzipSync } from 'node:zlib';
import { answerWell, type Exchange, type Headers } from '../exchange.ts';
import { type Kind, kindsOf } from '../kind.ts';
import { streamParts } from '../wire-texts.ts';

const odd = kindsOf('oddity');
const chat = { verbs: ['chat'] } as const;
const fine: Kind['outcomes'] = ['answer'];

const answers =
  (headers: Headers, status: number | string = 200) =>
  async (exchange: Exchange): Promise<void> => {
    if (exchange.verb === 'chat') return exchange.answer(status, exchange.texts.whole, headers);
    exchange.open(headers);
    for (const item of streamParts(exchange.texts)) exchange.chunk(item);
    exchange.lastChunk();
  };

/** Everything in as many reads as there are bytes, or as the system makes of them. */
async function byteByByte(exchange: Exchange): Promise<void> {
  exchange.open();
  const text = exchange.verb === 'chat' ? exchange.texts.whole : streamParts(exchange.texts).join('');
  for (const byte of Buffer.from(text)) {
    exchange.chunk(Uint8Array.of(byte));
    await exchange.pause();
  }
  exchange.lastChunk();
}

/** A response that must never be taken for the answer to anything. */
const evil = '{"choices":[{"index":0,"message":{"role":"assistant","content":"EVIL"},"finish_reason":"stop"}]}';
const evilResponse = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${evil.length}\r\n\r\n${evil}`;

/** How the connection, not the message, is odd. */
const connections: readonly Kind[] = [
  odd('well', fine, answerWell),
  odd('dead-kept-connection', fine, (exchange) => exchange.close(), { replays: 4, applies: ({ isKept, visit }) => isKept && visit === 1 }),
  odd('close-after-the-answer', fine, async (exchange) => {
    await answerWell(exchange);
    exchange.close();
  }),
  odd('reset-some-time-after-the-answer', fine, async (exchange) => {
    await answerWell(exchange);
    await exchange.pause(30);
    exchange.reset();
  }),
  odd('junk-after-the-answer', fine, async (exchange) => {
    await answerWell(exchange);
    exchange.write('junk');
  }),
  odd('second-answer-after-the-answer', fine, async (exchange) => {
    await answerWell(exchange);
    exchange.write(evilResponse);
  }),
  odd('connection-close', fine, async (exchange) => {
    await answers({ connection: 'close' })(exchange);
    exchange.close();
  }),
  odd('body-up-to-the-end-of-the-connection', fine, (exchange) => {
    const { texts, verb } = exchange;
    exchange.head(200, { 'content-type': verb === 'chat' ? 'application/json' : texts.contentType, connection: 'close' });
    exchange.write(verb === 'chat' ? texts.whole : streamParts(texts).join(''));
    exchange.close();
  }),
  odd('version-1.0-of-http', fine, (exchange) => {
    const { texts, verb } = exchange;
    const [type, text] = verb === 'chat' ? ['application/json', texts.whole] : [texts.contentType, streamParts(texts).join('')];
    exchange.write(`HTTP/1.0 200 OK\r\ncontent-type: ${type}\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
    exchange.close();
  }),
  odd('slow-and-steady', fine, async (exchange) => {
    await exchange.pause(60);
    exchange.open();
    const { texts, verb } = exchange;
    for (const item of verb === 'chat' ? [texts.whole] : streamParts(texts)) {
      exchange.chunk(item);
      await exchange.pause(25);
    }
    exchange.lastChunk();
  }),
];

/** Headers and framing that are rare and right. */
const framings: readonly Kind[] = [
  odd('byte-by-byte', fine, byteByByte),
  odd('gzip-unasked', fine, ({ answer, texts }) => answer(200, gzipSync(texts.whole), { 'content-encoding': 'gzip' }), chat),
  odd('content-type-of-plain-text', fine, answers({ 'content-type': 'text/plain' })),
  odd(
    'content-type-missing',
    fine,
    ({ head, write, texts }) => {
      head(200, { 'content-length': String(Buffer.byteLength(texts.whole)) });
      write(texts.whole);
    },
    chat,
  ),
  odd(
    'headers-for-browsers',
    fine,
    answers({
      'set-cookie': ['a=b; Path=/', 'c=d'],
      'alt-svc': 'h3=":443"; ma=86400',
      'strict-transport-security': 'max-age=31536000',
      'x-powered-by': 'curiosity',
    }),
  ),
  odd('150-headers', fine, answers(Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`x-header-${index}`, `${index}`])))),
  odd('status-without-words', fine, answers({}, '200')),
  odd('status-201', fine, answers({}, 201), chat),
  odd('hints-first', fine, async (exchange) => {
    exchange.write('HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n');
    await exchange.pause();
    await answerWell(exchange);
  }),
  odd('chunks-with-extensions-and-trailers', fine, ({ open, write, texts, verb }) => {
    open({ trailer: 'x-sum' });
    const bytes = Buffer.from(verb === 'chat' ? texts.whole : streamParts(texts).join(''));
    write(`${bytes.length.toString(16)};part="1"\r\n${bytes.toString()}\r\n0\r\nx-sum: 1\r\n\r\n`);
  }),
];

/** Whoever reads HTTP as it is written gets the answer. */
export const oddities: readonly Kind[] = [...connections, ...framings];
