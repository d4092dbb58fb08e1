import {
  type Adapter,
  type Call,
  defineAdapter,
  type HealthReport,
  type LoadReport,
  type ModelInfo,
  type ModelName,
} from '../core/adapter.ts';
import type { Capabilities } from '../core/capabilities.ts';
import { isRouterError } from '../core/errors.ts';
import type { ChatRequest, ChunkBatches, EmbedAnswer, EmbedRequest } from '../core/types.ts';
import type { HttpClient } from '../lib/http.ts';
import { defaultStreamLimits, readEvents } from '../lib/sse.ts';
import { joinEmbedAnswers, splitInput, toEmbedAnswer, toEmbedBody } from './openai-embeddings.ts';
import { readChunks, terminator } from './openai-wire-stream.ts';
import { type ChatBody, isWireObject, type Origin, toChatAnswer, toChatBody, type WireObject } from './openai-wire.ts';

/** What one server does differently from the others that speak OpenAI's protocol. */
export interface Dialect {
  /** The provider type; also the key of the request's `extra` whose fields this server gets. */
  readonly name: string;
  readonly capabilities: Partial<Capabilities>;
  /** @default 'required' */
  readonly modelName?: ModelName;
  /** Changes the chat body, before `extra` is added to it. */
  readonly body?: (body: ChatBody) => ChatBody;
  /**
   * The server sends embeddings as base64 when asked to.
   * @default false
   */
  readonly base64?: boolean;
  /** Most inputs that one embedding request may hold; longer lists are split. Left out: no limit. */
  readonly maxInputs?: number;
  /** Left out: asks for the list of models. */
  readonly health?: (http: HttpClient, signal: AbortSignal) => Promise<HealthReport>;
  readonly load?: (http: HttpClient, signal: AbortSignal) => Promise<LoadReport>;
}

/** The part of an adapter's context that these adapters read. */
export interface NetworkContext {
  readonly provider: string;
  readonly http: HttpClient;
}

/** A server of which only the protocol is known. What many such servers ignore without a word is not declared. */
const generic: Dialect = {
  name: 'openai-compatible',
  modelName: 'optional',
  capabilities: { tools: true, toolChoice: true, vision: true, jsonObject: true, jsonSchema: true, logprobs: true },
};

/** An adapter over OpenAI's chat-completion and embedding routes. */
export function openaiCompatible(dialect: Dialect = generic): (context: NetworkContext) => Adapter {
  return ({ provider, http }) => {
    const { name, capabilities, modelName = 'required', load, health = listModels } = dialect;
    const originOf = ({ requestId, model, signal }: Call<unknown>): Origin => ({
      provider,
      requestId,
      model,
      signal,
      badResponse: http.badResponse,
    });
    return defineAdapter({
      name,
      capabilities,
      modelName,
      async chat(call) {
        const body = bodyOf(dialect, call, { stream: false });
        return toChatAnswer(await http.postJson('/v1/chat/completions', body, call.signal), originOf(call));
      },
      stream: (call) => openChunks(http, bodyOf(dialect, call, streamFields(dialect, call.request)), originOf(call)),
      embed: (call) => embed(http, dialect, call, originOf(call)),
      models: async (signal) => toModels(await http.getJson('/v1/models', signal), http),
      health: (signal) => orWarming(health(http, signal)),
      ...(load && { load: (signal: AbortSignal) => orSilent(load(http, signal)) }),
    });
  };
}

function bodyOf({ name, body = (same) => same }: Dialect, { request, model }: Call<ChatRequest>, stream: WireObject): WireObject {
  return { ...body(toChatBody(request, model)), ...request.extra?.[name], ...stream };
}

/** Usage is always asked for: routing learns from it, and a chunk without choices harms no reader. */
function streamFields({ name }: Dialect, { extra }: ChatRequest): WireObject {
  const options = extra?.[name]?.['stream_options'];
  return { stream: true, stream_options: { ...(isWireObject(options) && options), include_usage: true } };
}

async function openChunks(http: HttpClient, body: WireObject, origin: Origin): Promise<ChunkBatches> {
  const source = await http.openStream('/v1/chat/completions', body, origin.signal);
  return readChunks(readEvents(source, defaultStreamLimits, terminator), (value) => http.errorIn(value, body), origin);
}

/** Parts go one after the other: side by side they would run into the rate limit that made the server set its own. */
async function embed(
  http: HttpClient,
  dialect: Dialect,
  { request, model, signal }: Call<EmbedRequest>,
  origin: Origin,
): Promise<EmbedAnswer> {
  const answers: EmbedAnswer[] = [];
  for (const part of splitInput(request.input, dialect.maxInputs ?? Infinity)) {
    const value = await http.postJson('/v1/embeddings', toEmbedBody(request, part, model, dialect.base64 === true), signal);
    answers.push(toEmbedAnswer(value, request, typeof part === 'string' ? 1 : part.length, origin));
  }
  return joinEmbedAnswers(answers, model);
}

async function listModels(http: HttpClient, signal: AbortSignal): Promise<HealthReport> {
  await http.getJson('/v1/models', signal);
  return { state: 'ok' };
}

/**
 * `{ data: [...] }` (OpenAI), `{ models: [...], data: [...] }` (llama.cpp) or a bare list (Together). The context length
 * stands in `max_model_len` (vLLM), `meta.n_ctx` (llama.cpp) or `context_length` (Together).
 */
function toModels(value: unknown, http: HttpClient): readonly ModelInfo[] {
  const list = isWireObject(value) ? (value['data'] ?? value['models']) : value;
  if (!Array.isArray(list)) throw http.badResponse('the list of models is no list.');
  return list.filter(isWireObject).flatMap((model) => {
    const { id, max_model_len: longest, context_length: length } = model;
    const { n_ctx: window, size: sizeBytes } = isWireObject(model['meta']) ? model['meta'] : {};
    const contextLength = [longest, window, length].find(isCount);
    if (typeof id !== 'string' || id === '') return [];
    return [{ id, ...(contextLength !== undefined && { contextLength }), ...(isCount(sizeBytes) && { sizeBytes }) }];
  });
}

function isCount(value: unknown): value is number {
  return Number.isFinite(value) && (value as number) > 0;
}

/** A server whose model is still loading answers, so it is no failure. */
async function orWarming(report: Promise<HealthReport>): Promise<HealthReport> {
  try {
    return await report;
  } catch (error) {
    if (isRouterError(error, 'model_loading')) return { state: 'warming' };
    throw error;
  }
}

/** Servers are often started without their figures (404, 403, 501); then nothing is known, which is no failure. */
async function orSilent(report: Promise<LoadReport>): Promise<LoadReport> {
  try {
    return await report;
  } catch (error) {
    const isOff = isRouterError(error) && error.status !== undefined && [400, 403, 404, 405, 501].includes(error.status);
    if (isOff) return {};
    throw error;
  }
}
