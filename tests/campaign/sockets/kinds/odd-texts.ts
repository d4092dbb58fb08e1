import type { Exchange } from '../exchange.ts';
import { type Kind, kindsOf } from '../kind.ts';
import { type Protocol, streamParts } from '../wire-texts.ts';

const odd = kindsOf('oddity');
const chat = { verbs: ['chat'] } as const;
const stream = { verbs: ['stream'] } as const;
const only = (protocol: Protocol) => ({ ...stream, protocols: [protocol] }) as const;
const fine: Kind['outcomes'] = ['answer'];

/** The good stream with something done to its text; each item is a write of its own. */
const streams =
  (change: (item: string, index: number) => string, isSeveral = true) =>
  async (exchange: Exchange): Promise<void> => {
    exchange.open();
    const items = streamParts(exchange.texts).map((item, index) => change(item, index));
    for (const item of isSeveral ? items : [items.join('')]) {
      exchange.chunk(item);
      await exchange.pause();
    }
    exchange.lastChunk();
  };

/** Three characters of four bytes each come in two halves, with time enough between them for two reads. */
async function inHalves(exchange: Exchange): Promise<void> {
  const { texts, verb } = exchange;
  const bytes = Buffer.from(verb === 'chat' ? texts.whole : streamParts(texts).join(''));
  exchange.open();
  let from = 0;
  for (let at = bytes.indexOf('😀'), cuts = 0; at !== -1 && cuts < 3; at = bytes.indexOf('😀', from), cuts++) {
    exchange.chunk(bytes.subarray(from, at + 2));
    from = at + 2;
    await exchange.pause(60);
  }
  exchange.chunk(bytes.subarray(from));
  exchange.lastChunk();
}

/** Text that is rare and right: whoever reads events, lines and JSON as they are written gets the answer. */
export const oddTexts: readonly Kind[] = [
  odd('halves-of-characters', fine, inHalves),
  odd(
    'everything-in-one-write',
    fine,
    streams((item) => item, false),
    stream,
  ),
  odd(
    'two-items-in-one-write',
    fine,
    streams((item, index) => (index === 0 ? '' : item), false),
    stream,
  ),
  odd('whole-answer-instead-of-a-stream', fine, ({ answer, texts: { whole } }) => answer(200, whole), stream),
  odd(
    'byte-order-mark',
    fine,
    streams((item, index) => (index === 0 ? `\uFEFF${item}` : item)),
    stream,
  ),
  odd(
    'carriage-returns-too',
    fine,
    streams((item) => item.replaceAll('\n', '\r\n')),
    stream,
  ),
  odd(
    'carriage-returns-alone',
    fine,
    streams((item) => item.replaceAll('\n', '\r')),
    stream,
  ),
  odd(
    'carriage-return-and-line-feed-apart',
    fine,
    async (exchange) => {
      exchange.open();
      for (const half of streamParts(exchange.texts)
        .join('')
        .replaceAll('\n', '\r\n')
        .split(/(?<=\r)/)) {
        exchange.chunk(half);
        await exchange.pause();
      }
      exchange.lastChunk();
    },
    stream,
  ),
  odd(
    'comments-between',
    fine,
    streams((item) => `: ping\nid: 7\nretry: 1\nunknown\n${item}`),
    only('openai'),
  ),
  odd(
    'no-blank-after-the-colon',
    fine,
    streams((item) => item.replaceAll('data: ', 'data:')),
    only('openai'),
  ),
  odd(
    'data-on-two-lines',
    fine,
    streams((item) => item.replace('data: {', 'data: {\ndata: ')),
    only('openai'),
  ),
  odd(
    'blank-lines-between',
    fine,
    streams((item) => `\n \n${item}\n`),
    only('ollama'),
  ),
  odd(
    'last-line-without-its-end',
    fine,
    streams((item, index) => (index === 0 ? item : item.replace(/("done":true[^\n]*)\n/, '$1'))),
    only('ollama'),
  ),
  odd(
    'finish-without-terminator',
    fine,
    streams((item) => item.replace('data: [DONE]\n\n', '')),
    only('openai'),
  ),
  odd(
    'terminator-without-finish',
    fine,
    streams((item) => (item.includes('"stop"') ? 'data: [DONE]\n\n' : item)),
    only('openai'),
  ),
  odd(
    'data-after-the-terminator',
    fine,
    async (exchange) => {
      await streams((item) =>
        item.replace('data: [DONE]\n\n', 'data: [DONE]\n\ndata: {"choices":[{"index":0,"delta":{"content":"EVIL"}}]}\n\n'),
      )(exchange);
    },
    only('openai'),
  ),
  odd(
    'lines-after-the-last',
    fine,
    streams((item) => item.replace(/("done":true[^\n]*\n)/, '$1{"message":{"content":"EVIL"},"done":false}\n')),
    only('ollama'),
  ),
  odd(
    'keys-of-prototypes',
    fine,
    (exchange) => {
      const spoilt = exchange.texts.whole.replace('{', '{"__proto__":{"spoilt":true},"constructor":{"prototype":{"spoilt":true}},');
      return exchange.answer(200, spoilt);
    },
    chat,
  ),
  odd(
    'usage-of-nonsense',
    fine,
    ({ answer, texts: { whole } }) => answer(200, whole.replaceAll(/"(prompt_tokens|eval_count)":\d+/g, '"$1":"many"')),
    chat,
  ),
  odd(
    'thoughts-first',
    fine,
    async (exchange) => {
      const {
        protocol,
        texts: { part },
      } = exchange;
      exchange.open();
      exchange.chunk(part({ [protocol === 'openai' ? 'reasoning_content' : 'thinking']: 'so be it' }));
      for (const item of streamParts(exchange.texts).slice(1)) {
        await exchange.pause();
        exchange.chunk(item);
      }
      exchange.lastChunk();
    },
    stream,
  ),
];
