import { chatText, type StreamName, streamShapes, valueAt, vectorCount, vectorLength, wordAt } from './sizes.ts';

// All answers of the fake server as bytes, made once: what it does per request is to find the right ones.

const created = 1_760_000_000;
const usage = { prompt_tokens: 12, completion_tokens: 8, total_tokens: 20 };

function whole(status: string, body: string): Buffer {
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  return Buffer.from(head + body);
}

export const chatAnswer: Buffer = whole(
  '200 OK',
  JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created,
    model: 'quick',
    choices: [{ index: 0, message: { role: 'assistant', content: chatText }, finish_reason: 'stop' }],
    usage,
  }),
);

const models = Object.keys(streamShapes).map((id) => ({ id, object: 'model', created, owned_by: 'bench' }));
export const modelList: Buffer = whole('200 OK', JSON.stringify({ object: 'list', data: models }));
export const healthy: Buffer = whole('200 OK', '{"status":"ok"}');
export const unknownPath: Buffer = whole('404 Not Found', '{"detail":"Not Found"}');
export const busy: Buffer = whole(
  '503 Service Unavailable',
  JSON.stringify({ error: { message: 'The server is overloaded.', type: 'server_error', param: null, code: 503 } }),
);

function vectorsAs(encode: (values: Float32Array) => unknown): Buffer {
  const data = Array.from({ length: vectorCount }, (_, index) => {
    const values = Float32Array.from({ length: vectorLength }, (_, at) => valueAt(index, at));
    return { object: 'embedding', index, embedding: encode(values) };
  });
  return whole('200 OK', JSON.stringify({ object: 'list', data, model: 'quick', usage: { prompt_tokens: 640, total_tokens: 640 } }));
}

export const vectorsAsFloats: Buffer = vectorsAs((values) => [...values]);
export const vectorsAsBase64: Buffer = vectorsAs((values) => Buffer.from(values.buffer).toString('base64'));

export const streamHead: Buffer = Buffer.from('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n');

const httpChunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const event = (choices: readonly object[], more: object = {}): string =>
  httpChunk(
    `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created, model: 'quick', choices, ...more })}\n\n`,
  );

/** The events of a stream as they are written: so many in one piece, each in an HTTP chunk of its own. */
export function writesOf(name: StreamName): readonly Buffer[] {
  const { events, burst } = streamShapes[name];
  const texts = Array.from({ length: events }, (_, index) =>
    event([{ index: 0, delta: index === 0 ? { role: 'assistant', content: wordAt(0) } : { content: wordAt(index) }, finish_reason: null }]),
  );
  return Array.from({ length: Math.ceil(events / burst) }, (_, index) =>
    Buffer.from(texts.slice(index * burst, (index + 1) * burst).join('')),
  );
}

const finish = event([{ index: 0, delta: {}, finish_reason: 'stop' }]);
const end = `${httpChunk('data: [DONE]\n\n')}0\r\n\r\n`;
export const streamEnd: Buffer = Buffer.from(finish + end);
export const streamEndWithUsage: Buffer = Buffer.from(finish + event([], { usage }) + end);
