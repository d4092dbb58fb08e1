import type { Verb } from '../../../src/index.ts';

/** A part of a stream's body. `tokens`: how many are complete with it; `isTerminal`: with it the answer is whole. */
export interface Frame {
  readonly text: string;
  readonly tokens: number;
  readonly isTerminal: boolean;
}

/** The bytes of one protocol, as much of it as these simulations speak. */
export interface WireFormat {
  verbOf(path: string, body: string): Verb;
  answer(text: string): string;
  /** `inputs` vectors. */
  vectors(inputs: number): string;
  /** Before the content. */
  preamble: readonly string[];
  /** Says nothing. */
  ping: string;
  token(text: string): string;
  /** The last one is the terminator; with the one before it the answer may be whole already. */
  finish: readonly string[];
  /** From which part of `finish` on the answer is whole. */
  wholeFrom: number;
  errorEvent(message: string): string;
  badEvent: string;
  error(status: number, message: string, type: string): string;
}

const usage = { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 };
const sse = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const chunk = (delta: unknown, finish: string | null = null): string =>
  sse({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] });
const vector = [0.5, 0.25];

const openai: WireFormat = {
  verbOf: (path, body) => (path.endsWith('/embeddings') ? 'embed' : body.includes('"stream":true') ? 'stream' : 'chat'),
  answer: (content) =>
    JSON.stringify({
      id: 'c1',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
      usage,
    }),
  vectors: (inputs) =>
    JSON.stringify({
      object: 'list',
      model: 'e',
      data: Array.from({ length: inputs }, (_, index) => ({ object: 'embedding', index, embedding: vector })),
    }),
  preamble: [chunk({ role: 'assistant', content: '' })],
  ping: ': ping\n\n',
  token: (content) => chunk({ content }),
  finish: [chunk({}, 'stop'), 'data: [DONE]\n\n'],
  wholeFrom: 0,
  errorEvent: (message) => sse({ error: { message, type: 'server_error' } }),
  badEvent: 'data: {"choices": [{"delta": {"con\n\n',
  error: (status, message, type) => JSON.stringify({ error: { message, type, code: status } }),
};

const line = (value: unknown): string => `${JSON.stringify(value)}\n`;
const said = (content: string): string => line({ model: 'm', message: { role: 'assistant', content }, done: false });
const done = { model: 'm', message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop', eval_count: 5 };

const ollama: WireFormat = {
  verbOf: (path, body) => (path.endsWith('/embed') ? 'embed' : body.includes('"stream":false') ? 'chat' : 'stream'),
  answer: (content) => JSON.stringify({ ...done, message: { role: 'assistant', content } }),
  vectors: (inputs) => JSON.stringify({ model: 'e', embeddings: Array.from({ length: inputs }, () => vector) }),
  preamble: [said('')],
  ping: '\n',
  token: said,
  finish: [line(done)],
  wholeFrom: 0,
  errorEvent: (message) => line({ error: message }),
  badEvent: '{"model": "m", "mess\n',
  error: (_, message) => JSON.stringify({ error: message }),
};

const named = (type: string, value: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...value })}\n\n`;
const counts = { input_tokens: 7, output_tokens: 5 };
const message = { id: 'm1', type: 'message', role: 'assistant', model: 'm' };

const anthropic: WireFormat = {
  verbOf: (_, body) => (body.includes('"stream":true') ? 'stream' : 'chat'),
  answer: (text) => JSON.stringify({ ...message, content: [{ type: 'text', text }], stop_reason: 'end_turn', usage: counts }),
  vectors: () => '{}',
  preamble: [
    named('message_start', { message: { ...message, content: [], stop_reason: null, usage: counts } }),
    named('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
  ],
  ping: named('ping', {}),
  token: (text) => named('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }),
  finish: [
    named('content_block_stop', { index: 0 }),
    named('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 5 } }),
    named('message_stop', {}),
  ],
  wholeFrom: 2,
  errorEvent: (text) => named('error', { error: { type: 'api_error', message: text } }),
  badEvent: 'event: content_block_delta\ndata: {"type": "content_block_de\n\n',
  error: (_, text, type) => JSON.stringify({ type: 'error', error: { type, message: text } }),
};

export type WireName = 'openai' | 'ollama' | 'anthropic';
export const wireFormats: Readonly<Record<WireName, WireFormat>> = { openai, ollama, anthropic };

const plain = (text: string, tokens: number, isTerminal = false): Frame => ({ text, tokens, isTerminal });

/** A whole stream, part by part. */
export function framesOf(format: WireFormat, tokens: readonly string[]): Frame[] {
  return [
    ...format.preamble.map((text) => plain(text, 0)),
    ...tokens.map((token, index) => plain(format.token(token), index + 1)),
    ...format.finish.map((text, index) => plain(text, tokens.length, index >= format.wholeFrom)),
  ];
}
