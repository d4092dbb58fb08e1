import type { Answer } from '../script.ts';
import {
  type BackendState,
  type Exchange,
  type FakeModel,
  type FakeResident,
  jsonExchange,
  textExchange,
  type Wire,
  type WireCall,
  type WireVerb,
} from '../wire.ts';
import { lastOfAssistant, restOf } from './begun.ts';
import { failureExchange, failureInStream, unreadable } from './failures.ts';
import { type Fields, fieldsOf, numberOf, textsOf } from './fields.ts';
import { ollamaFailures } from './ollama-failures.ts';
import { pathOf, type Route, type Routes } from './routes.ts';
import { countWords, createdAt, hashOf, piecesOf, type Scene, sceneOf } from './scene.ts';
import { vectorsFor } from './vectors.ts';

const json = { 'content-type': 'application/json; charset=utf-8' };

/**
 * Ollama's native API, as the server of version 0.33 writes it: `api/types.go` (where `omitempty` leaves out a count of 0) and
 * `server/routes.go`. Durations are nanoseconds. Its `/v1` routes are not played.
 */
export const ollamaWire: Wire = {
  name: 'ollama',
  whileLoading: 'waits',
  verbOf,
  begunBy,
  answer(answer, call) {
    if (call.verb === 'embed') return embed(answer, call);
    const begun = begunBy(call);
    const scene = sceneOf(begun === undefined ? answer : restOf(answer, begun), call);
    return call.verb === 'stream' ? stream(scene) : jsonExchange(wholeAnswer(scene), 200, json);
  },
  fail: (failure, call) => failureExchange(ollamaFailures, json, failure, call),
  errorInStream: (failure, call) => failureInStream(ollamaFailures, failure, call),
  garbage: (call) => (call.verb === 'stream' ? `${unreadable}\n` : unreadable),
  tell: (call, state) => routes[pathOf(call.path)]?.tell(state, call),
  notFound: () => textExchange('404 page not found', 404, 'text/plain'),
};

function verbOf(method: string, path: string, body: unknown): WireVerb | undefined {
  if (method === 'POST' && path === '/api/embed') return 'embed';
  // Left out, `stream` is true.
  if (method === 'POST' && path === '/api/chat') return fieldsOf(body)['stream'] === false ? 'chat' : 'stream';
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  return Object.hasOwn(routes, path) ? routes[path]?.verb : undefined;
}

/** Its templates leave the last message open where it is the assistant's. */
function begunBy({ body }: WireCall): string | undefined {
  return lastOfAssistant(fieldsOf(body));
}

const told = (verb: Route['verb'], value: (state: BackendState) => Fields): Route => ({
  verb,
  tell: (state) => jsonExchange(value(state), 200, json),
});

const routes: Routes = {
  '/': { verb: 'about', tell: () => textExchange('Ollama is running') },
  '/api/version': told('health', () => ({ version: '0.33.0' })),
  '/api/tags': told('models', ({ models }) => ({ models: models.map(toTag) })),
  '/api/ps': told('load', ({ resident }) => ({ models: resident.map(toProcess) })),
};

function wholeAnswer(scene: Scene): Fields {
  const calls = toToolCalls(scene);
  const message = {
    role: 'assistant',
    content: scene.text,
    ...(thinks(scene) && { thinking: scene.reasoning }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
  return { model: scene.model, created_at: createdAt, message, ...ending(scene), ...logprobs(scene.pieces, scene) };
}

/**
 * One line per piece. A call comes whole: on a line of its own where the model says nothing else, and on the last line where it
 * does. The server has both ways, by the model's template.
 */
function stream(scene: Scene): Exchange {
  const line = (message: Fields, more: Fields = { done: false }): string => {
    const whole = { role: 'assistant', content: '', ...message };
    return `${JSON.stringify({ model: scene.model, created_at: createdAt, message: whole, ...more })}\n`;
  };
  const calls = toToolCalls(scene);
  const onLastLine = scene.pieces.length > 0 && calls.length > 0;
  return {
    status: 200,
    headers: { 'content-type': 'application/x-ndjson' },
    opening: '',
    pieces: [
      ...(thinks(scene) ? piecesOf(scene.reasoning).map((thinking) => line({ thinking })) : []),
      ...scene.pieces.map((content) => line({ content }, { done: false, ...logprobs([content], scene) })),
      ...(onLastLine ? [] : calls.map((call) => line({ tool_calls: [call] }))),
    ],
    closing: line(onLastLine ? { tool_calls: calls } : {}, ending(scene)),
  };
}

/** Arguments are an object on this wire. */
function toToolCalls({ calls }: Scene): readonly Fields[] {
  return calls.map(({ id, name, arguments: text }, index) => ({ id, function: { index, name, arguments: JSON.parse(text) as unknown } }));
}

function thinks({ reasoning, body }: Scene): boolean {
  return reasoning !== '' && body['think'] !== false;
}

/** `done_reason` has two words for a finished answer, and stays `stop` where tools are called. */
function ending({ finish, usage }: Scene): Fields {
  const { promptTokens = 0, completionTokens = 0 } = usage ?? {};
  return {
    done: true,
    done_reason: finish === 'length' ? 'length' : 'stop',
    total_duration: 174560334,
    load_duration: 101397084,
    ...(promptTokens > 0 && { prompt_eval_count: promptTokens, prompt_eval_duration: 13074791 }),
    ...(completionTokens > 0 && { eval_count: completionTokens, eval_duration: 52479709 }),
  };
}

/** Beside the message, not in it, and only where they were asked for. */
function logprobs(tokens: readonly string[], { body }: Scene): Fields {
  if (body['logprobs'] !== true || tokens.length === 0) return {};
  const ranks = Array.from({ length: numberOf(body['top_logprobs']) ?? 0 }, (_, rank) => rank);
  const top = (token: string): Fields => ({ top_logprobs: ranks.map((rank) => toLogprob(rank === 0 ? token : `${token}${rank}`, rank)) });
  return { logprobs: tokens.map((token) => ({ ...toLogprob(token, 0), ...(ranks.length > 0 && top(token)) })) };
}

function toLogprob(token: string, rank: number): Fields {
  return { token, logprob: -0.25 * (rank + 1), bytes: [...new TextEncoder().encode(token)] };
}

function embed(answer: Answer, call: WireCall): Exchange {
  const { input, dimensions } = fieldsOf(call.body);
  // One empty text is answered as no text at all is.
  const inputs = input === '' ? [] : textsOf(input);
  const tokens = answer.usage === null ? 0 : (answer.usage?.promptTokens ?? countWords(inputs.join(' ')));
  const value = {
    model: call.model ?? 'fake-model',
    embeddings: inputs.length === 0 ? [] : vectorsFor(answer, inputs, numberOf(dimensions)),
    total_duration: 14143917,
    load_duration: 1019500,
    ...(tokens > 0 && { prompt_eval_count: tokens }),
  };
  return jsonExchange(value, 200, json);
}

function digestOf(name: string): string {
  return Array.from({ length: 8 }, (_, at) => hashOf(`${at}${name}`).toString(16).padStart(8, '0')).join('');
}

const usualBytes = 2019393189;

const details = {
  parent_model: '',
  format: 'gguf',
  family: 'llama',
  families: ['llama'],
  parameter_size: '3.2B',
  quantization_level: 'Q4_K_M',
};

/** A real server's names always carry a tag; here a name is what the script says. */
function toTag({ id, sizeBytes, contextLength }: FakeModel): Fields {
  return {
    name: id,
    model: id,
    modified_at: createdAt,
    size: sizeBytes ?? usualBytes,
    digest: digestOf(id),
    details: { ...details, ...(contextLength !== undefined && { context_length: contextLength, embedding_length: 3072 }) },
    capabilities: /embed|minilm|bge/i.test(id) ? ['embedding'] : ['completion', 'tools', 'vision', 'thinking'],
  };
}

function toProcess({ id, sizeBytes = usualBytes, vramBytes, contextLength }: FakeResident): Fields {
  return {
    name: id,
    model: id,
    size: sizeBytes,
    digest: digestOf(id),
    details,
    expires_at: '2026-02-02T02:45:00Z',
    size_vram: vramBytes ?? sizeBytes,
    context_length: contextLength ?? 4096,
  };
}
