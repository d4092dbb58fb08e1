import { type Adapter, type Call, defineAdapter, type LoadReport, type ModelInfo, type ResidentModel } from '../core/adapter.ts';
import { RouterError } from '../core/errors.ts';
import type { ChatAnswer, ChatRequest, ChunkBatches, EmbedAnswer, EmbedRequest } from '../core/types.ts';
import type { Body } from '../lib/byte-source.ts';
import { areFinite } from '../lib/finite.ts';
import type { HttpClient } from '../lib/http.ts';
import { isCount, isJsonObject, isPositive, type JsonObject, parseJson } from '../lib/json.ts';
import { openLines } from '../lib/ndjson.ts';
import { billionsIn } from '../lib/parameter-count.ts';
import { type ItemReader, readStream } from '../lib/read-stream.ts';
import { defaultStreamLimits } from '../lib/stream-text.ts';
import { type OllamaSettings, toChatBody, toEmbedBody } from './ollama-request.ts';
import { createThoughtReader, withThoughts } from './ollama-thoughts.ts';
import { type ChatLine, createChunker, readChatLine, toAnswer } from './ollama-wire.ts';
import type { AdapterContext } from './context.ts';

/** What the protocol can carry. `tool_choice`, `n` and `logit_bias` have no field here: the server would ignore them. */
const capabilities = {
  tools: true,
  vision: true,
  jsonObject: true,
  jsonSchema: true,
  logprobs: true,
  reasoningEffort: true,
  dimensions: true,
  // A last message of the assistant is continued without a word for it, by the templates and renderers of the usual models; an old
  // template may begin anew.
  prefill: true,
} as const;

/** Ollama's native API (`/api/*`). Models load inside the request, so a first answer may take minutes. */
export function ollama(context: AdapterContext): Adapter {
  const { http, provider, keepAliveS, contextSize } = context;
  const settings: OllamaSettings = { provider, keepAliveS, contextSize };
  return defineAdapter({
    name: 'ollama',
    capabilities,
    ignores: ['parallel_tool_calls', 'user'],
    cutsPrompts: true,
    loadsOnDemand: true,
    chat: (call) => chat(http, settings, call),
    async stream(call) {
      const body = toChatBody(call, settings, true);
      return readChunks(http, call, body, await http.openStream('/api/chat', body, call));
    },
    embed: (call) => embed(http, settings, call),
    async models(signal) {
      return modelsIn(await http.getJson('/api/tags', signal), http).map(toModelInfo);
    },
    async health(signal) {
      const answer = await http.getJson('/api/version', signal);
      if (!isJsonObject(answer) || typeof answer['version'] !== 'string') throw http.badResponse('this server tells no Ollama version.');
      return { state: 'ok', version: answer['version'] };
    },
    load: (signal) => load(http, signal),
  });
}

async function chat(http: HttpClient, settings: OllamaSettings, call: Call<ChatRequest>): Promise<ChatAnswer> {
  const answer = await http.postJson('/api/chat', toChatBody(call, settings, false), call);
  return toAnswer(withThoughts(readChatLine(answer, http.badResponse)), call, http.badResponse);
}

/**
 * Nothing after the last line is waited for, but it is let in: the server sends the end of the body a moment later, and the
 * connection can then be used again.
 */
function readChunks(http: HttpClient, call: Call<ChatRequest>, body: JsonObject, stream: Body): ChunkBatches {
  const toChunks = createChunker(call, http.badResponse);
  const readThoughts = createThoughtReader();
  let isComplete = false;
  const reader: ItemReader<string> = {
    read(text, batch) {
      const line = readThoughts(readStreamLine(text, http, body));
      batch.push(...toChunks(line));
      return (isComplete = line.done);
    },
    end(isTerminated) {
      if (!isTerminated) throw http.badResponse('the stream ended before its terminator.');
    },
  };
  return readStream(
    openLines(stream, defaultStreamLimits, () => isComplete),
    reader,
    call.signal,
  );
}

function readStreamLine(text: string, http: HttpClient, body: JsonObject): ChatLine {
  const value = parseJson(text);
  if (value === undefined) throw http.badResponse('a line of the stream is not JSON.');
  const error = http.errorIn(value, body);
  if (error) throw error;
  return readChatLine(value, http.badResponse);
}

async function embed(http: HttpClient, settings: OllamaSettings, call: Call<EmbedRequest>): Promise<EmbedAnswer> {
  const body = toEmbedBody(call, settings);
  const answer = body.input.length === 0 ? { embeddings: [] } : await http.postJson('/api/embed', body, call);
  if (!isJsonObject(answer)) throw http.badResponse('the answer is not an object.');
  const vectors = readVectors(answer['embeddings'], body.input.length, http);
  const length = vectors[0]?.length;
  const { dimensions } = call.request;
  // Older servers do not know the field and send the whole vector; a model may also have fewer numbers than that.
  if (dimensions !== undefined && length !== undefined && length !== dimensions) {
    const { provider } = settings;
    const message = `${provider}: vectors of ${dimensions} numbers were asked for, and this model on this server gives ${length}.`;
    throw new RouterError('unsupported', message, { provider, model: call.model });
  }
  const tokens = answer['prompt_eval_count'];
  return {
    object: 'list',
    data: vectors.map((embedding, index) => ({ object: 'embedding', index, embedding })),
    model: typeof answer['model'] === 'string' ? answer['model'] : (call.model ?? ''),
    ...(isCount(tokens) && { usage: { prompt_tokens: tokens, total_tokens: tokens } }),
  };
}

/** As many vectors as texts, all of one length, of finite numbers (a NaN arrives as null). */
function readVectors(value: unknown, count: number, http: HttpClient): number[][] {
  if (!Array.isArray(value) || value.length !== count) throw http.badResponse(`the answer does not hold ${count} vectors.`);
  const vectors = value as unknown[];
  const length = Array.isArray(vectors[0]) ? vectors[0].length : 0;
  return vectors.map((vector) => {
    if (!Array.isArray(vector) || vector.length === 0 || !areFinite(vector)) throw http.badResponse('a vector is empty or broken.');
    if (vector.length !== length) throw http.badResponse('the vectors differ in length.');
    return vector as number[];
  });
}

function modelsIn(answer: unknown, http: HttpClient): (JsonObject & { readonly name: string })[] {
  const models = isJsonObject(answer) ? answer['models'] : undefined;
  // Go writes an empty list that was never made as null.
  if (models === null) return [];
  if (!Array.isArray(models)) throw http.badResponse('the answer holds no list of models.');
  return models.filter((model): model is JsonObject & { name: string } => isJsonObject(model) && typeof model['name'] === 'string');
}

/** `details.context_length` is what the model was trained for; what it is served with is told of loaded models alone. */
function toModelInfo({ name, size, details, capabilities: listed }: JsonObject & { readonly name: string }): ModelInfo {
  const parametersBillions = isJsonObject(details) ? billionsIn(details['parameter_size']) : undefined;
  return {
    id: name,
    ...(isCount(size) && { sizeBytes: size }),
    ...(parametersBillions !== undefined && { parametersBillions }),
    ...(Array.isArray(listed) && {
      capabilities: { tools: listed.includes('tools'), vision: listed.includes('vision'), reasoningEffort: listed.includes('thinking') },
    }),
  };
}

/** The server tells no queue; what it tells is which models are loaded, and how much of each lies in GPU memory. */
async function load(http: HttpClient, signal: AbortSignal): Promise<LoadReport> {
  return { resident: modelsIn(await http.getJson('/api/ps', signal), http).map(toResidentModel) };
}

function toResidentModel({ name, size, size_vram, context_length }: JsonObject & { readonly name: string }): ResidentModel {
  return {
    id: name,
    ...(isCount(size) && { sizeBytes: size }),
    ...(isCount(size_vram) && { vramBytes: size_vram }),
    ...(isPositive(context_length) && { contextLength: context_length }),
  };
}
