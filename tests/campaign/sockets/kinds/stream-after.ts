import { beginStream, errorValue, type Exchange } from '../exchange.ts';
import { type Kind, kindsOf } from '../kind.ts';
import type { Protocol } from '../wire-texts.ts';

const after = kindsOf('stream after content');
const stream = { verbs: ['stream'] } as const;
const only = (protocol: Protocol) => ({ ...stream, protocols: [protocol] }) as const;
const broken: Kind['outcomes'] = ['unavailable'];

/** A token or two, in reads of their own, then `rest`. */
const afterContent =
  (rest: (exchange: Exchange) => void | Promise<void>, tokens = 1) =>
  async (exchange: Exchange): Promise<void> => {
    await beginStream(exchange, tokens);
    await rest(exchange);
  };

/** The second token up to the byte that `cut` finds in it, then a reset. */
const resetsIn = (cut: (bytes: Buffer) => number) =>
  afterContent(async (exchange) => {
    const bytes = Buffer.from(exchange.texts.pieces[1] ?? '');
    exchange.chunk(bytes.subarray(0, cut(bytes)));
    await exchange.pause(4);
    exchange.reset();
  });

/** Writes these items after the first token, and ends the body as it should. */
const says = (...items: readonly ((exchange: Exchange) => string)[]) =>
  afterContent(async (exchange) => {
    for (const item of items) {
      exchange.chunk(item(exchange));
      await exchange.pause();
    }
    exchange.lastChunk();
  });

const failure =
  (message: string, type?: string) =>
  ({ protocol, texts, echo }: Exchange): string =>
    texts.item(errorValue(protocol, `${message}: ${echo}`, type));

/** Content is with the caller, so no other provider may take over: the stream breaks, and says so. */
export const streamsAfterContent: readonly Kind[] = [
  after(
    'silence-after-content',
    ['timeout'],
    afterContent((exchange) => exchange.left()),
    { ...stream, hangs: true },
  ),
  after(
    'silence-after-all-content',
    ['timeout'],
    afterContent((exchange) => exchange.left(), 5),
    { ...stream, hangs: true },
  ),
  after(
    'reset-after-content',
    broken,
    afterContent((exchange) => exchange.reset()),
    stream,
  ),
  after(
    'close-after-content',
    broken,
    afterContent((exchange) => exchange.close()),
    stream,
  ),
  after(
    'reset-after-all-content',
    broken,
    afterContent((exchange) => exchange.reset(), 5),
    stream,
  ),
  after('end-without-terminator', ['bad_response'], says(), stream),
  after(
    'end-after-all-content',
    ['bad_response'],
    afterContent((exchange) => exchange.lastChunk(), 5),
    stream,
  ),
  after(
    'reset-in-an-item',
    broken,
    resetsIn((bytes) => bytes.length - 6),
    stream,
  ),
  after(
    'reset-in-the-first-word',
    broken,
    resetsIn(() => 3),
    stream,
  ),
  after(
    'reset-in-a-character',
    broken,
    resetsIn((bytes) => bytes.indexOf(Buffer.from('😀')) + 2),
    stream,
  ),
  after(
    'reset-before-the-blank-line',
    broken,
    resetsIn((bytes) => bytes.length - 1),
    only('openai'),
  ),
  after(
    'half-an-item-at-the-end',
    ['bad_response'],
    says(({ texts }) => texts.pieces[1]?.slice(0, 40) ?? ''),
    stream,
  ),
  after(
    'half-of-the-last-item',
    ['bad_response'],
    says(({ texts }) => texts.ending.slice(0, 30)),
    stream,
  ),
  after('error-after-content', ['unavailable'], says(failure('The engine stopped')), stream),
  after(
    'error-event-after-content',
    ['unavailable'],
    says((exchange) => `event: error\n${failure('The engine stopped')(exchange)}`),
    only('openai'),
  ),
  after(
    'error-after-content-and-terminator',
    ['unavailable'],
    says(failure('It stopped'), ({ texts }) => texts.terminator),
    only('openai'),
  ),
  after('out-of-memory-after-content', ['out_of_memory'], says(failure('CUDA out of memory')), stream),
  after('overloaded-after-content', ['overloaded'], says(failure('Overloaded', 'overloaded_error')), only('openai')),
  after(
    'malformed-item-after-content',
    ['bad_response'],
    says(({ protocol }) => (protocol === 'openai' ? 'data: {"cho\n\n' : '{"mess\n')),
    stream,
  ),
  after(
    'item-without-choices-after-content',
    ['bad_response'],
    says(({ texts }) => texts.item({ hello: 'world' })),
    stream,
  ),
  after(
    'abort-as-finish-reason',
    ['overloaded'],
    says(({ texts }) => texts.finish.replace('"stop"', '"abort"')),
    only('openai'),
  ),
  after(
    'bad-chunk-after-content',
    ['bad_response'],
    afterContent(({ write }) => write('zz\r\nabc\r\n')),
    stream,
  ),
  after(
    'comments-for-ever-after-content',
    ['timeout'],
    afterContent(async (exchange) => {
      for (let comments = 0; comments < 500 && exchange.isOpen(); comments++) {
        exchange.chunk(': ping\n\n');
        await exchange.pause(20);
      }
    }),
    { ...only('openai'), hangs: true },
  ),
  after(
    'item-over-the-limit-after-content',
    ['limit_exceeded'],
    afterContent((exchange) => {
      exchange.chunk(exchange.protocol === 'openai' ? 'data: "' : '"');
      exchange.chunk('x'.repeat(1_100_000));
      return exchange.left();
    }),
    { ...stream, hangs: true },
  ),
];
