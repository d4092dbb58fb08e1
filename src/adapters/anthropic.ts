import { type Adapter, defineAdapter, type HealthReport, type ModelInfo } from '../core/adapter.ts';
import type { HttpClient } from '../lib/http.ts';
import { isJsonObject, isPositive, type JsonObject } from '../lib/json.ts';
import { readStream } from '../lib/read-stream.ts';
import { openEvents } from '../lib/sse.ts';
import { defaultStreamLimits } from '../lib/stream-text.ts';
import { toAnswer } from './anthropic-answer.ts';
import { leavesOut, toMessagesBody } from './anthropic-request.ts';
import { createEventReader, isLast } from './anthropic-stream.ts';
import { orWarming } from './openai-probes.ts';
import { originOf } from './openai-wire.ts';
import type { NetworkContext } from './context.ts';

/**
 * What the protocol can carry. JSON without a schema, `n`, log probabilities and biases have no field here. No `prefill`: models since
 * 4.6 answer 400 to a conversation that ends with the assistant, older ones to a text that ends with a blank.
 */
const capabilities = { tools: true, toolChoice: true, vision: true, jsonSchema: true, reasoningEffort: true } as const;

/**
 * Anthropic's Messages API, and servers that imitate it. Reasoning is asked for by the model's name: see `rulesOf`. Newer
 * models keep their thoughts to themselves unless `extra: { anthropic: { thinking: { type: 'adaptive', display: 'summarized' } } }`
 * asks for them. There are no embeddings. Betas are a header, `anthropic-beta`, in the provider's `headers`.
 */
export function anthropic(context: NetworkContext): Adapter {
  const { http, provider } = context;
  return defineAdapter({
    name: 'anthropic',
    capabilities,
    ignores: ['seed', 'presence_penalty', 'frequency_penalty'],
    leavesOut,
    // The list names models with their dates; the names without them, which most people write, are not in it.
    listsAllModels: false,
    async chat(call) {
      const body = toMessagesBody(call, provider, false);
      return toAnswer(await http.postJson('/v1/messages', body, call), originOf(call, context));
    },
    async stream(call) {
      const body = toMessagesBody(call, provider, true);
      const source = await http.openStream('/v1/messages', body, call);
      const reader = createEventReader((value) => http.errorIn(value, body), originOf(call, context));
      return readStream(openEvents(source, defaultStreamLimits, isLast), reader, call.signal);
    },
    models: (signal) => listModels(http, signal),
    health: (signal) => orWarming(askModels(http, signal)),
  });
}

/** A thousand models each; a server that never says "no more" is left. */
const maxPages = 10;

async function listModels(http: HttpClient, signal: AbortSignal): Promise<readonly ModelInfo[]> {
  const models: ModelInfo[] = [];
  let after = '';
  for (let page = 0; page < maxPages; page++) {
    const answer = await http.getJson(`/v1/models?limit=1000${after}`, signal);
    if (!isJsonObject(answer) || !Array.isArray(answer['data'])) throw http.badResponse('the list of models is no list.');
    models.push(...answer['data'].filter(isJsonObject).flatMap(toModelInfo));
    const { has_more: hasMore, last_id: lastId } = answer;
    if (hasMore !== true || typeof lastId !== 'string') break;
    after = `&after_id=${encodeURIComponent(lastId)}`;
  }
  return models;
}

/** What a model can do is told since 2026; older answers, and other servers, tell the id alone. */
function toModelInfo({ id, max_input_tokens: contextLength, capabilities: told }: JsonObject): ModelInfo[] {
  if (typeof id !== 'string' || id === '') return [];
  const can = (name: string): boolean | undefined => {
    const support = isJsonObject(told) ? told[name] : undefined;
    return isJsonObject(support) && typeof support['supported'] === 'boolean' ? support['supported'] : undefined;
  };
  const [vision, jsonSchema, thinking] = [can('image_input'), can('structured_outputs'), can('thinking')];
  const found = {
    ...(vision !== undefined && { vision }),
    ...(jsonSchema !== undefined && { jsonSchema }),
    ...(thinking !== undefined && { reasoningEffort: thinking }),
  };
  return [
    {
      id,
      ...(isPositive(contextLength) && { contextLength }),
      ...(Object.keys(found).length > 0 && { capabilities: found }),
    },
  ];
}

/** There is no path of its own for this. A server that imitates the API may still be loading its model. */
async function askModels(http: HttpClient, signal: AbortSignal): Promise<HealthReport> {
  await http.getJson('/v1/models?limit=1', signal);
  return { state: 'ok' };
}
