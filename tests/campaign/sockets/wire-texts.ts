/** What a server of the campaign speaks: OpenAI's chat completions with events, or Ollama's lines of JSON. */
export type Protocol = 'openai' | 'ollama';
export type CallVerb = 'chat' | 'stream';

/** One good answer in the words of one protocol. A stream is `preamble`, `pieces` and `ending`, each as a server writes it. */
export interface WireTexts {
  readonly contentType: string;
  /** The whole answer in one JSON text. */
  readonly whole: string;
  /** Without content: the role, or an empty text. */
  readonly preamble: string;
  /** One for each token. */
  readonly pieces: readonly string[];
  /** The last word of the server: finish reason and terminator, or the line that says it is done. */
  readonly ending: string;
  /** The finish reason without a terminator, which only OpenAI's protocol has apart. */
  readonly finish: string;
  readonly terminator: string;
  /** One event or line that carries `value`. */
  item(value: unknown): string;
  /** A chunk that carries `delta` (or Ollama's message). */
  part(delta: Readonly<Record<string, unknown>>): string;
}

/** The items of a whole stream, each as a server writes it. */
export const streamParts = ({ preamble, pieces, ending }: WireTexts): readonly string[] => [preamble, ...pieces, ending];

/** The tokens of one answer: who wrote it, for which request, in which place. They hold characters of one to four bytes. */
export function tokensOf(backend: number, request: number, completion: string): readonly string[] {
  const count = 2 + (request % 4);
  return Array.from({ length: count }, (_, index) => `b${backend}:r${request}:t${index} é€😀${index === 1 ? completion : ''} `);
}

export function wireTexts(protocol: Protocol, request: number, tokens: readonly string[]): WireTexts {
  return protocol === 'openai' ? openaiTexts(request, tokens) : ollamaTexts(tokens);
}

const toEvent = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const toLine = (value: unknown): string => `${JSON.stringify(value)}\n`;

function openaiTexts(request: number, tokens: readonly string[]): WireTexts {
  const head = { id: `c${request}`, created: 1, model: 'campaign' };
  const chunk = (delta: object, finish: string | null): string =>
    toEvent({ ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finish }] });
  const message = { role: 'assistant', content: tokens.join('') };
  const usage = { prompt_tokens: 3, completion_tokens: tokens.length, total_tokens: tokens.length + 3 };
  const finish = chunk({}, 'stop');
  const terminator = 'data: [DONE]\n\n';
  return {
    contentType: 'text/event-stream',
    whole: JSON.stringify({ ...head, object: 'chat.completion', choices: [{ index: 0, message, finish_reason: 'stop' }], usage }),
    preamble: chunk({ role: 'assistant' }, null),
    pieces: tokens.map((content) => chunk({ content }, null)),
    ending: finish + terminator,
    finish,
    terminator,
    item: toEvent,
    part: (delta) => chunk(delta, null),
  };
}

function ollamaTexts(tokens: readonly string[]): WireTexts {
  const head = { model: 'campaign', created_at: '2026-01-01T00:00:00Z' };
  const part = (message: object): string => toLine({ ...head, message: { role: 'assistant', content: '', ...message }, done: false });
  const done = { done: true, done_reason: 'stop', prompt_eval_count: 3, eval_count: tokens.length };
  const ending = toLine({ ...head, message: { role: 'assistant', content: '' }, ...done });
  return {
    contentType: 'application/x-ndjson',
    whole: JSON.stringify({ ...head, message: { role: 'assistant', content: tokens.join('') }, ...done }),
    preamble: part({}),
    pieces: tokens.map((content) => part({ content })),
    ending,
    finish: ending,
    terminator: '',
    item: toLine,
    part,
  };
}
