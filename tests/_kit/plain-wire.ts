import { jsonExchange, textExchange, type Exchange, type Failure, type Wire, type WireVerb } from '../../src/testing/index.ts';

const verbs: Readonly<Record<string, WireVerb>> = {
  'POST /v1/chat/completions': 'chat',
  'POST /v1/embeddings': 'embed',
  'GET /v1/models': 'models',
  'GET /health': 'health',
  'GET /load': 'load',
};

const statuses: Partial<Record<Failure['kind'], number>> = { 'out-of-memory': 500, 'queue-full': 503, loading: 503, server: 500 };

/** The smallest wire that a router can speak to: OpenAI's shapes, and a server that knows four failures. */
export const plainWire: Wire = {
  name: 'plain',
  whileLoading: 'answers',
  verbOf(method, path, body) {
    const verb = verbs[`${method} ${path}`];
    return verb === 'chat' && (body as { stream?: unknown } | undefined)?.stream === true ? 'stream' : verb;
  },
  answer({ text = 'Hello from a fake backend.', pieces, dimensions = 2 }, { verb, model }) {
    if (verb === 'embed') return jsonExchange({ model, data: [{ index: 0, embedding: Array.from({ length: dimensions }, () => 0.5) }] });
    const message = { role: 'assistant', content: text };
    if (verb === 'chat') return jsonExchange({ id: 'a', model, choices: [{ index: 0, message, finish_reason: 'stop' }] });
    return {
      status: 200,
      headers: { 'Content-Type': 'text/event-stream', 'x-plain': 'yes' },
      opening: chunk({ role: 'assistant' }),
      pieces: (pieces ?? text.split(/(?<= )/)).map((content) => chunk({ content })),
      closing: `${chunk({}, 'stop')}data: [DONE]\n\n`,
    };
  },
  fail({ kind, status, retryAfter, message = kind }) {
    if (kind === 'empty') return textExchange('');
    if (kind === 'html') return textExchange('<html>Bad gateway</html>', status, 'text/html');
    const code = kind === 'status' ? status : statuses[kind];
    if (code === undefined) return undefined;
    return jsonExchange({ error: { message } }, code, retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) });
  },
  errorInStream: ({ kind }) => `data: ${JSON.stringify({ error: { message: kind } })}\n\n`,
  garbage: ({ verb }) => (verb === 'stream' ? 'data: {"garbage\n\n' : '{"garbage'),
  tell({ verb }, { models, running, waiting }): Exchange | undefined {
    if (verb === 'models') return jsonExchange({ data: models });
    if (verb === 'load') return jsonExchange({ running, waiting });
    return verb === 'health' ? textExchange('') : undefined;
  },
  notFound: ({ path }) => jsonExchange({ error: { message: `no ${path}` } }, 404),
};

function chunk(delta: object, finish: string | null = null): string {
  return `data: ${JSON.stringify({ id: 'a', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
}
