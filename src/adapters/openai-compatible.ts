import { type Adapter, type Call, defineAdapter, type HealthReport } from '../core/adapter.ts';
import { isRouterError, RouterError } from '../core/errors.ts';
import type { ChatAnswer, ChatRequest, ChunkBatches } from '../core/types.ts';
import type { HttpClient } from '../lib/http.ts';
import { readStream } from '../lib/read-stream.ts';
import { openEvents } from '../lib/sse.ts';
import { defaultStreamLimits } from '../lib/stream-text.ts';
import { isOfWebPage } from '../lib/web-page.ts';
import type { NetworkContext } from './context.ts';
import { begunIn, chunksWithoutBegun, withoutBegun } from './openai-begun.ts';
import { type Dialect, resolveDialect, type ResolvedDialect } from './openai-dialect.ts';
import { embedInParts } from './openai-embeddings.ts';
import { listModels } from './openai-models.ts';
import { orSilent, orWarming } from './openai-probes.ts';
import { toStreamBody, toWholeBody } from './openai-request.ts';
import { moveThoughts } from './openai-thoughts.ts';
import { createChunkReader, terminator } from './openai-wire-stream.ts';
import { checkLoaded, type CallOrigin, originOf, toChatAnswer } from './openai-wire.ts';

/** A server of which only the protocol is known. What many such servers ignore without a word is not declared. */
const generic: Dialect = {
  name: 'openai-compatible',
  modelName: 'optional',
  capabilities: { tools: true, toolChoice: true, vision: true, jsonObject: true, jsonSchema: true, logprobs: true },
};

/** An adapter over OpenAI's chat-completion and embedding routes. */
export function openaiCompatible(given: Dialect = generic): (context: NetworkContext) => Adapter {
  const dialect = resolveDialect(given);
  const { name, capabilities, ignores, modelName, loadsOnDemand, cutsPrompts } = dialect;
  const { embed, models = listModels, health = askModels, load } = dialect;
  return (context) => {
    const { provider, http } = context;
    return defineAdapter({
      name,
      capabilities: { ...capabilities, prefill: dialect.continued !== undefined },
      ignores,
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

async function chat(http: HttpClient, dialect: ResolvedDialect, call: Call<ChatRequest>, origin: CallOrigin): Promise<ChatAnswer> {
  const value = await http.postJson('/v1/chat/completions', toWholeBody(dialect, call), call);
  checkLoaded(value, dialect.isNoModel, origin);
  const answer = toChatAnswer(value, origin);
  const own = moveThoughts(answer);
  return call.continues && dialect.repeatsBegun ? withoutBegun(own, begunIn(call.request)) : own;
}

async function openChunks(http: HttpClient, dialect: ResolvedDialect, call: Call<ChatRequest>, origin: CallOrigin): Promise<ChunkBatches> {
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
    const isNoRoute = isRouterError(error, 'bad_response') && error.status === 404 && !isOfWebPage(error);
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
