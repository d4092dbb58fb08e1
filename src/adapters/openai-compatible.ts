import { type Adapter, type Call, defineAdapter, type HealthReport } from '../core/adapter.ts';
import { isRouterError, RouterError } from '../core/errors.ts';
import type { ChatAnswer, ChatRequest, ChunkBatches } from '../core/types.ts';
import type { HttpClient } from '../lib/http.ts';
import { readStream } from '../lib/read-stream.ts';
import { defaultStreamLimits, openEvents } from '../lib/sse.ts';
import type { NetworkContext } from './context.ts';
import { begunIn, chunksWithoutBegun, withoutBegun } from './openai-begun.ts';
import type { Dialect } from './openai-dialect.ts';
import { embedInParts } from './openai-embeddings.ts';
import { listModels } from './openai-models.ts';
import { orSilent, orWarming } from './openai-probes.ts';
import { toStreamBody, toWholeBody } from './openai-request.ts';
import { moveThoughts } from './openai-thoughts.ts';
import { createChunkReader, terminator } from './openai-wire-stream.ts';
import { checkLoaded, type Origin, originOf, toChatAnswer } from './openai-wire.ts';

export type { Dialect } from './openai-dialect.ts';

/** A server of which only the protocol is known. What many such servers ignore without a word is not declared. */
const generic: Dialect = {
  name: 'openai-compatible',
  modelName: 'optional',
  capabilities: { tools: true, toolChoice: true, vision: true, jsonObject: true, jsonSchema: true, logprobs: true },
};

/** An adapter over OpenAI's chat-completion and embedding routes. */
export function openaiCompatible(dialect: Dialect = generic): (context: NetworkContext) => Adapter {
  return (context) => {
    const { provider, http } = context;
    const { name, capabilities, ignores, modelName = 'required', loadsOnDemand = false, cutsPrompts = false } = dialect;
    const { embed, models = listModels, health = askModels, load } = dialect;
    return defineAdapter({
      name,
      capabilities: { ...capabilities, prefill: dialect.continued !== undefined },
      ...(ignores && { ignores }),
      modelName,
      loadsOnDemand,
      cutsPrompts,
      chat: (call) => orUnserved(chat(http, dialect, call, originOf(call, context)), 'chats', provider),
      stream: (call) => orUnserved(openChunks(http, dialect, call, originOf(call, context)), 'chats', provider),
      ...(embed !== false && {
        embed: (call) => {
          const origin = originOf(call, context);
          return orUnserved(embed ? embed(http, call, origin) : embedInParts(http, dialect, call, origin), 'embeddings', provider);
        },
      }),
      models: (signal) => models(http, signal),
      health: (signal) => orWarming(health(http, signal)),
      ...(load && { load: (signal: AbortSignal) => orSilent(load(http, signal)) }),
    });
  };
}

async function chat(http: HttpClient, dialect: Dialect, call: Call<ChatRequest>, origin: Origin): Promise<ChatAnswer> {
  const value = await http.postJson('/v1/chat/completions', toWholeBody(dialect, call), call);
  if (dialect.isNoModel) checkLoaded(value, dialect.isNoModel, origin);
  const answer = toChatAnswer(value, origin);
  const own = dialect.thinkTags === false ? answer : moveThoughts(answer);
  return call.continues && dialect.repeatsBegun ? withoutBegun(own, begunIn(call.request)) : own;
}

async function openChunks(http: HttpClient, dialect: Dialect, call: Call<ChatRequest>, origin: Origin): Promise<ChunkBatches> {
  const body = toStreamBody(dialect, call);
  const source = await http.openStream('/v1/chat/completions', body, call);
  const reader = createChunkReader((value) => http.errorIn(value, body), origin, dialect);
  const chunks = readStream(openEvents(source, defaultStreamLimits, terminator), reader, call.signal);
  return call.continues && dialect.repeatsBegun ? chunksWithoutBegun(chunks, begunIn(call.request)) : chunks;
}

/**
 * A 404 that names no model means that the route is not there: vLLM and its kin have a route only where the model can do it. A
 * web page in the server's place says nothing about the server.
 */
function orUnserved<Answer>(work: Promise<Answer>, what: string, provider: string): Promise<Answer> {
  return work.catch((error: unknown) => {
    const isNoRoute = isRouterError(error, 'bad_response') && error.status === 404 && !error.message.includes('web page');
    if (!isNoRoute) throw error;
    throw new RouterError('unsupported', `${provider}: this server, or its model, serves no ${what} (HTTP 404).`, {
      provider,
      status: 404,
    });
  });
}

/** That it answers is enough; what its list says concerns whoever reads it. */
async function askModels(http: HttpClient, signal: AbortSignal): Promise<HealthReport> {
  await http.getJson('/v1/models', signal);
  return { state: 'ok' };
}
