import { defaultText, jsonExchange, textExchange, type Exchange, type Failure, type Wire, type WireVerb } from 'inferlane/testing';

const verbs: Readonly<Record<string, WireVerb>> = { 'POST /complete': 'stream', 'GET /health': 'health' };

/** What the server writes, literally: the fake that tests play, and the conformance suite. */
export const completerWire: Wire = {
  name: 'completer',
  whileLoading: 'refuses',
  verbOf: (method, path) => verbs[`${method} ${path}`],
  answer({ text = defaultText, pieces = text.split(/(?<= )/), finishReason }) {
    return {
      status: 200,
      headers: { 'content-type': 'application/x-ndjson' },
      opening: '',
      pieces: pieces.map((piece) => `${JSON.stringify({ piece })}\n`),
      closing: `${JSON.stringify({ why: finishReason === 'length' ? 'limit' : 'end' })}\n`,
    };
  },
  fail,
  errorInStream: (failure) => `${JSON.stringify({ error: wordsOf(failure)?.[1] ?? 'broken' })}\n`,
  garbage: () => '{"pie\n',
  tell: ({ verb }) => (verb === 'health' ? textExchange('ok') : undefined),
  notFound: () => textExchange('no such path', 404),
};

function fail(failure: Failure): Exchange | undefined {
  if (failure.kind === 'empty') return textExchange('', 200, 'application/x-ndjson');
  if (failure.kind === 'html') return textExchange('<html><body>Bad Gateway</body></html>', failure.status ?? 502, 'text/html');
  const words = wordsOf(failure);
  const headers: Record<string, string> = failure.retryAfter === undefined ? {} : { 'retry-after': String(failure.retryAfter) };
  return words && jsonExchange({ error: words[1] }, words[0], headers);
}

/** Status and text. What the server has no words for is undefined, and its cases are skipped with that reason. */
function wordsOf({ kind, status = 500, message = 'It did not work.' }: Failure): readonly [number, string] | undefined {
  if (kind === 'status') return [status, message];
  if (kind === 'out-of-memory') return [500, 'CUDA error: out of memory'];
  if (kind === 'queue-full') return [503, 'server busy'];
  return kind === 'server' ? [500, 'unexpected failure'] : undefined;
}
