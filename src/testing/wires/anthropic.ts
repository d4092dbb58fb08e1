import { type BackendState, type Exchange, type FakeModel, jsonExchange, type Wire, type WireCall } from '../wire.ts';
import { anthropicFailures } from './anthropic-failures.ts';
import { failureExchange, failureInStream, unreadable } from './failures.ts';
import { type Fields, fieldsOf } from './fields.ts';
import { pathOf } from './routes.ts';
import { countWords, createdAt, piecesOf, type Scene, sceneOf } from './scene.ts';

const headers = { 'request-id': 'req_fake', 'anthropic-organization-id': 'org-fake' };

/** Anthropic's Messages API (`2023-06-01`), after the types of its TypeScript SDK. There are no embeddings. */
export const anthropicWire: Wire = {
  name: 'anthropic',
  // Nothing is loaded here that a caller could see.
  whileLoading: 'waits',
  verbOf(method, path, body) {
    if (method === 'GET') return path === '/v1/models' ? 'models' : path.startsWith('/v1/models/') ? 'about' : undefined;
    if (method !== 'POST') return undefined;
    if (path === '/v1/messages/count_tokens') return 'about';
    if (path !== '/v1/messages') return undefined;
    return fieldsOf(body)['stream'] === true ? 'stream' : 'chat';
  },
  answer(answer, call) {
    const scene = sceneOf(answer, call);
    return call.verb === 'stream' ? stream(scene) : jsonExchange(wholeAnswer(scene), 200, headers);
  },
  fail: (failure, call) => failureExchange(anthropicFailures, headers, failure, call),
  errorInStream: (failure, call) => failureInStream(anthropicFailures, failure, call),
  garbage: (call) => (call.verb === 'stream' ? `event: content_block_delta\ndata: ${unreadable}\n\n` : unreadable),
  tell,
  notFound: () => jsonExchange(anthropicFailures.shape(404, 'Not Found'), 404, headers),
};

function wholeAnswer(scene: Scene): Fields {
  const content = blocksOf(scene).map(({ whole }) => whole);
  return { ...head(scene), content, ...stopOf(scene), usage: { ...promptUsage(scene), output_tokens: countsOf(scene).completionTokens } };
}

function head({ id, model }: Scene): Fields {
  return { id: `msg_${id}`, type: 'message', role: 'assistant', model };
}

/** The protocol has no answer without counts. */
function countsOf({ usage, text }: Scene): NonNullable<Scene['usage']> {
  return usage ?? { promptTokens: 1, completionTokens: countWords(text) };
}

function promptUsage(scene: Scene): Fields {
  return { input_tokens: countsOf(scene).promptTokens, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 };
}

const stopReasons: Readonly<Record<Scene['finish'], string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'refusal',
};

function stopOf({ finish }: Scene): Fields {
  return { stop_reason: stopReasons[finish], stop_sequence: null };
}

/** A part of the answer: as it stands in a whole one, and as a stream begins it and goes on with it. */
interface Block {
  readonly whole: Fields;
  readonly start: Fields;
  /** One list per piece. */
  readonly deltas: readonly (readonly Fields[])[];
}

function blocksOf({ reasoning, text, pieces, calls }: Scene): readonly Block[] {
  return [
    ...(reasoning === '' ? [] : [thinkingBlock(reasoning)]),
    ...(text === '' ? [] : [textBlock(text, pieces)]),
    ...calls.map(toolBlock),
  ];
}

/** The signature comes last, after all the thoughts. */
function thinkingBlock(thinking: string): Block {
  const signature = 'ZmFrZS1zaWduYXR1cmU=';
  const deltas = piecesOf(thinking).map((piece) => [{ type: 'thinking_delta', thinking: piece }]);
  return {
    whole: { type: 'thinking', thinking, signature },
    start: { type: 'thinking', thinking: '', signature: '' },
    deltas: deltas.map((delta, at) => (at === deltas.length - 1 ? [...delta, { type: 'signature_delta', signature }] : delta)),
  };
}

function textBlock(text: string, pieces: readonly string[]): Block {
  return {
    whole: { type: 'text', text },
    start: { type: 'text', text: '' },
    deltas: pieces.map((piece) => [{ type: 'text_delta', text: piece }]),
  };
}

/** The arguments come as pieces of JSON text, of which the first is empty; none at all stay empty. */
function toolBlock({ id, name, arguments: json }: Scene['calls'][number]): Block {
  const half = Math.ceil(json.length / 2);
  const rest = json === '{}' ? [] : [json.slice(0, half), json.slice(half)];
  return {
    whole: { type: 'tool_use', id, name, input: JSON.parse(json) as unknown },
    start: { type: 'tool_use', id, name, input: {} },
    deltas: ['', ...rest].map((partial_json) => [{ type: 'input_json_delta', partial_json }]),
  };
}

function stream(scene: Scene): Exchange {
  const message = {
    ...head(scene),
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { ...promptUsage(scene), output_tokens: 1 },
  };
  return {
    status: 200,
    headers: { ...headers, 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' },
    opening: event({ type: 'message_start', message }) + event({ type: 'ping' }),
    pieces: blocksOf(scene).flatMap(blockPieces),
    closing:
      event({ type: 'message_delta', delta: stopOf(scene), usage: { output_tokens: countsOf(scene).completionTokens } }) +
      event({ type: 'message_stop' }),
  };
}

/** A block begins with its first piece and ends with its last. */
function blockPieces({ start, deltas }: Block, index: number): readonly string[] {
  return deltas.map((piece, at) => {
    const events = piece.map((delta) => event({ type: 'content_block_delta', index, delta }));
    if (at === 0) events.unshift(event({ type: 'content_block_start', index, content_block: start }));
    if (at === deltas.length - 1) events.push(event({ type: 'content_block_stop', index }));
    return events.join('');
  });
}

function event(value: Fields & { readonly type: string }): string {
  return `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;
}

function tell(call: WireCall, { models }: BackendState): Exchange | undefined {
  const path = pathOf(call.path);
  if (path === '/v1/messages/count_tokens') {
    const { messages, system } = fieldsOf(call.body);
    return jsonExchange({ input_tokens: Math.max(1, countWords(JSON.stringify([system, messages]))) }, 200, headers);
  }
  if (path === '/v1/models') return jsonExchange(toPage(call.path, models.map(toModel)), 200, headers);
  const model = models.find(({ id }) => `/v1/models/${id}` === decodeURIComponent(path));
  return model && jsonExchange(toModel(model), 200, headers);
}

/** Pages of 20 models where nothing else is asked for. */
function toPage(path: string, models: readonly (Fields & { readonly id: string })[]): Fields {
  const query = new URLSearchParams(path.split('?')[1]);
  const after = query.get('after_id');
  const start = after === null ? 0 : models.findIndex(({ id }) => id === after) + 1;
  const data = models.slice(start, start + Number(query.get('limit') ?? 20));
  return { data, has_more: start + data.length < models.length, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
}

function toModel({ id, contextLength = 200_000 }: FakeModel): Fields & { readonly id: string } {
  return { type: 'model', id, display_name: id, created_at: createdAt, max_input_tokens: contextLength, max_tokens: 64_000 };
}
