import { beginStream, errorValue, type Exchange } from '../exchange.ts';
import { type Kind, kindsOf } from '../kind.ts';
import type { Protocol } from '../wire-texts.ts';

const before = kindsOf('stream before content');
const stream = { verbs: ['stream'] } as const;
const only = (protocol: Protocol) => ({ ...stream, protocols: [protocol] }) as const;

/** Opens the stream and writes these items instead of content; the body ends as it should. */
const says =
  (...items: readonly ((exchange: Exchange) => string)[]) =>
  async (exchange: Exchange): Promise<void> => {
    exchange.open();
    for (const item of items) {
      exchange.chunk(item(exchange));
      await exchange.pause();
    }
    exchange.lastChunk();
  };

/** Writes one thing again and again, at most for ten seconds. */
async function repeats(exchange: Exchange, text: string, pauseMs: number): Promise<void> {
  exchange.open();
  for (let waitedMs = 0; waitedMs < 10_000 && exchange.isOpen(); waitedMs += pauseMs) {
    exchange.chunk(text);
    await exchange.pause(pauseMs);
  }
}

const failure =
  (message: string, type?: string) =>
  ({ protocol, texts }: Exchange) =>
    texts.item(errorValue(protocol, message, type));
const named = ({ protocol, texts }: Exchange): string => `event: error\n${texts.item(errorValue(protocol, 'The engine stopped.'))}`;
const preamble = ({ texts }: Exchange): string => texts.preamble;

/** A longer event or line than a router keeps, without its end. */
const oversize = 'x'.repeat(1_100_000);

/** The head of the stream was good; its first content never comes. */
export const streamsBeforeContent: readonly Kind[] = [
  before('silence-after-the-head', ['timeout'], (exchange) => (exchange.open(), exchange.left()), { ...stream, hangs: true }),
  before(
    'silence-after-the-preamble',
    ['timeout'],
    async (exchange) => {
      await beginStream(exchange, 0);
      return exchange.left();
    },
    { ...stream, hangs: true },
  ),
  before(
    'reset-before-content',
    ['unavailable'],
    async (exchange) => {
      await beginStream(exchange, 0);
      exchange.reset();
    },
    stream,
  ),
  before(
    'close-before-content',
    ['unavailable'],
    async (exchange) => {
      await beginStream(exchange, 0);
      exchange.close();
    },
    stream,
  ),
  before('end-without-content', ['bad_response'], says(preamble), stream),
  before('end-of-nothing', ['bad_response'], says(), stream),
  before(
    'terminator-without-content',
    ['bad_response'],
    says(preamble, ({ texts }) => texts.terminator),
    only('openai'),
  ),
  before('error-first', ['unavailable'], says(failure('The engine stopped.')), stream),
  before('error-after-the-preamble', ['unavailable'], says(preamble, failure('The engine stopped.')), stream),
  before('error-event-first', ['unavailable'], says(named), only('openai')),
  before(
    'error-event-without-json',
    ['unavailable', 'bad_response'],
    says(() => 'event: error\ndata: broken\n\n'),
    only('openai'),
  ),
  before(
    'error-first-and-terminator',
    ['unavailable'],
    says(failure('The engine stopped.'), ({ texts }) => texts.terminator),
    only('openai'),
  ),
  before('out-of-memory-first', ['out_of_memory'], says(failure('CUDA out of memory.')), stream),
  before('overloaded-first', ['overloaded'], says(failure('The server is overloaded', 'overloaded_error')), stream),
  before('comments-for-ever', ['timeout'], (exchange) => repeats(exchange, ': ping\n\n', 20), { ...only('openai'), hangs: true }),
  before('blank-lines-for-ever', ['timeout'], (exchange) => repeats(exchange, '\n', 20), { ...only('ollama'), hangs: true }),
  before('preambles-for-ever', ['bad_response', 'timeout'], (exchange) => repeats(exchange, exchange.texts.preamble, 2), {
    ...only('openai'),
    hangs: true,
  }),
  before(
    'malformed-item-first',
    ['bad_response'],
    says(({ protocol }) => (protocol === 'openai' ? 'data: {"cho\n\n' : '{"mess\n')),
    stream,
  ),
  before(
    'item-of-another-protocol',
    ['bad_response'],
    says(({ texts }) => texts.item({ hello: 'world' })),
    stream,
  ),
  before(
    'item-that-is-a-list',
    ['bad_response'],
    says(({ texts }) => texts.item([1])),
    stream,
  ),
  before(
    'half-an-item',
    ['bad_response'],
    says(({ texts }) => texts.pieces[0]?.slice(0, 30) ?? ''),
    stream,
  ),
  before(
    'item-over-the-limit',
    ['limit_exceeded'],
    (exchange) => {
      exchange.open();
      exchange.chunk(exchange.protocol === 'openai' ? 'data: "' : '"');
      exchange.chunk(oversize);
      return exchange.left();
    },
    { ...stream, hangs: true },
  ),
];
