import { answerWell } from '../exchange.ts';
import { type Kind, kindsOf } from '../kind.ts';

const before = kindsOf('before headers');

/** The platform replaces a dead connection by another kept one so often, and by a fresh one at last. */
const kept = 4;

/** The request was read, and nothing that a client could call an answer comes. */
export const beforeHeaders: readonly Kind[] = [
  before('reset-before-headers', ['unavailable'], (exchange) => exchange.reset(), { replays: kept }),
  before('close-before-headers', ['unavailable'], (exchange) => exchange.close(), { replays: kept }),
  before('silence', ['timeout'], (exchange) => exchange.left(), { hangs: true }),
  before(
    'half-status-line-then-close',
    ['unavailable', 'bad_response'],
    (exchange) => {
      exchange.write('HTTP/1.1 20');
      exchange.close();
    },
    { replays: kept },
  ),
  before(
    'half-headers-then-reset',
    ['unavailable'],
    async (exchange) => {
      exchange.write('HTTP/1.1 200 OK\r\ncontent-type: appli');
      await exchange.pause(2);
      exchange.reset();
    },
    { replays: kept },
  ),
  before(
    'half-headers-then-silence',
    ['timeout'],
    (exchange) => {
      exchange.write('HTTP/1.1 200 OK\r\ncontent-type: appli');
      return exchange.left();
    },
    { hangs: true },
  ),
  before('headers-too-large', ['limit_exceeded'], ({ texts, answer }) => answer(200, texts.whole, { 'x-padding': 'p'.repeat(40_000) })),
  before('banner-of-ssh', ['bad_response'], ({ write }) => write('SSH-2.0-OpenSSH_9.6\r\n')),
  before('error-of-redis', ['bad_response'], ({ write }) => write("-ERR unknown command 'POST', with args beginning with: \r\n")),
  before('bytes-of-tls', ['bad_response'], ({ write }) => write(Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28]))),
  before('body-without-status-line', ['bad_response'], ({ texts, write }) => write(`${texts.whole}\n`)),
  before('version-of-http-unknown', ['bad_response'], ({ texts, write }) =>
    write(`HTTP/7.3 200 OK\r\ncontent-length: ${Buffer.byteLength(texts.whole)}\r\n\r\n${texts.whole}`),
  ),
  before('line-feeds-alone', ['bad_response'], ({ texts, write }) =>
    write(`HTTP/1.1 200 OK\ncontent-type: application/json\ncontent-length: ${Buffer.byteLength(texts.whole)}\n\n${texts.whole}`),
  ),
  before('header-with-a-blank-in-its-name', ['bad_response'], ({ texts, answer }) => answer(200, texts.whole, { 'bad name': 'x' })),
  before('header-with-a-nul', ['bad_response'], ({ texts, answer }) => answer(200, texts.whole, { 'x-nul': 'a\0b' })),
  before(
    'hints-for-ever',
    ['timeout', 'limit_exceeded', 'bad_response', 'unavailable'],
    async (exchange) => {
      for (let hints = 0; hints < 400 && exchange.isOpen(); hints++) {
        exchange.write('HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n');
        await exchange.pause(10);
      }
      return exchange.left();
    },
    { hangs: true, replays: kept },
  ),
  before(
    'continue-unasked',
    ['unavailable', 'bad_response', 'answer'],
    async (exchange) => {
      exchange.write('HTTP/1.1 100 Continue\r\n\r\n');
      await exchange.pause();
      await answerWell(exchange);
    },
    { replays: kept },
  ),
];
