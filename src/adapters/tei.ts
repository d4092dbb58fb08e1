import { type Adapter, type Call, defineAdapter, type HealthReport, type LoadReport, type ModelInfo } from '../core/adapter.ts';
import { isRouterError } from '../core/errors.ts';
import type { EmbedAnswer, EmbedRequest } from '../core/types.ts';
import type { HttpClient } from '../lib/http.ts';
import { isCount, isJsonObject, isPositive, type JsonObject } from '../lib/json.ts';
import { toLoadReport } from '../lib/load-metrics.ts';
import type { NetworkContext } from './context.ts';
import { joinEmbedAnswers, toEmbedAnswer } from './openai-embeddings.ts';
import { okWithVersion, orSilent, slotsIn } from './openai-probes.ts';

/** The server's own default for the texts of one request. */
const usualBatch = 32;

/** What the server told of itself; nothing of it changes while it runs. */
interface ServerFacts {
  maxBatch: number | undefined;
  model: string | undefined;
}

/**
 * text-embeddings-inference: one encoder, no chat. The native `/embed` is used and not `/v1/embeddings`, because it alone can
 * be told not to cut texts that are too long (`truncate: false`; left to itself the server cuts them in silence).
 * It reports no usage in its body, and ignores the model's name.
 */
export function tei({ provider, http }: NetworkContext): Adapter {
  const learnt: ServerFacts = { maxBatch: undefined, model: undefined };
  return defineAdapter({
    name: 'tei',
    modelName: 'ignored',
    capabilities: { dimensions: true },
    embed: (call) => embed({ provider, http, learnt }, call),
    models: async (signal) => toModels(await http.getJson('/info', signal), http),
    health: (signal) => health(http, signal),
    load: (signal) => load(http, signal),
  });
}

interface TeiContext extends NetworkContext {
  readonly learnt: ServerFacts;
}

/** Parts go one after the other: side by side they would meet the server's limit of requests. */
async function embed(server: TeiContext, call: Call<EmbedRequest>): Promise<EmbedAnswer> {
  const { request, model, signal, requestId } = call;
  const { http, provider, learnt } = server;
  const input = typeof request.input === 'string' ? [request.input] : request.input;
  if (input.length > usualBatch) await askLimits(server, signal);
  const origin = { provider, requestId, model: learnt.model ?? model, badResponse: http.badResponse };
  const answers: EmbedAnswer[] = [];
  let mayShrink = true;
  for (let start = 0; start < input.length;) {
    const part = input.slice(start, start + (learnt.maxBatch ?? usualBatch));
    try {
      const vectors = await http.postJson('/embed', toBody(request, part), call);
      answers.push(toEmbedAnswer({ data: toItems(vectors, http) }, request, part.length, origin));
      start += part.length;
    } catch (error) {
      const smaller = mayShrink ? allowedBatch(error, part.length) : undefined;
      if (smaller === undefined) throw error;
      mayShrink = false;
      learnt.maxBatch = smaller;
    }
  }
  return joinEmbedAnswers(answers, origin.model);
}

function toBody({ dimensions, extra }: EmbedRequest, inputs: readonly string[]): JsonObject {
  return { truncate: false, dimensions, ...extra?.['tei'], inputs };
}

/** A bare list of vectors, in the order of the texts. */
function toItems(value: unknown, http: HttpClient): readonly JsonObject[] {
  if (!Array.isArray(value)) throw http.badResponse('the answer holds no list of vectors.');
  return value.map((embedding: unknown) => ({ embedding }));
}

/** Asked only for a list that is longer than the usual batch, and once. A server that does not tell has the usual limit. */
async function askLimits({ http, learnt }: TeiContext, signal: AbortSignal): Promise<void> {
  if (learnt.maxBatch !== undefined) return;
  const answer = await http.getJson('/info', signal).catch(() => undefined);
  signal.throwIfAborted();
  if (!isJsonObject(answer)) return;
  const { max_client_batch_size: maxBatch, model_id: model } = answer;
  if (isCount(maxBatch) && maxBatch > 0) learnt.maxBatch = maxBatch;
  if (typeof model === 'string') learnt.model = model;
}

/** From `batch size 64 > maximum allowed batch size 32`; undefined where the refusal is another or no help. */
function allowedBatch(error: unknown, sent: number): number | undefined {
  if (!isRouterError(error)) return undefined;
  const allowed = Number(/maximum allowed batch size (\d{1,9})/.exec(error.message)?.[1] ?? NaN);
  return isCount(allowed) && allowed > 0 && allowed < sent ? allowed : undefined;
}

function toModels(value: unknown, http: HttpClient): readonly ModelInfo[] {
  const { model_id: id, max_input_length: contextLength } = isJsonObject(value) ? value : {};
  if (typeof id !== 'string' || id === '') throw http.badResponse('the server does not name its model.');
  return [{ id, ...(isPositive(contextLength) && { contextLength }) }];
}

/** 503 where the model behind the server fails. The version is told where it is there. */
async function health(http: HttpClient, signal: AbortSignal): Promise<HealthReport> {
  await http.getText('/health', signal);
  return okWithVersion(http, '/info', 'version', signal);
}

/**
 * Texts that wait for a place in a batch, and the requests that it takes, those that wait included, before it refuses. The queue may be
 * told on another port; then nothing is known of it here.
 */
async function load(http: HttpClient, signal: AbortSignal): Promise<LoadReport> {
  const [queue, limit] = await Promise.all([orSilent(gauges(http, signal)), slotsIn(http, '/info', 'max_concurrent_requests', signal)]);
  return { ...queue, ...limit };
}

async function gauges(http: HttpClient, signal: AbortSignal): Promise<LoadReport> {
  return toLoadReport(await http.getText('/metrics', signal), { running: [], waiting: ['te_queue_size'] });
}
