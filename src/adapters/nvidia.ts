import type { Adapter, Call, HealthReport, LoadReport } from '../core/adapter.ts';
import { allCapabilities } from '../core/capabilities.ts';
import type { EmbedRequest } from '../core/types.ts';
import { isRouterError, RouterError } from '../core/errors.ts';
import type { HttpClient } from '../lib/http.ts';
import { toLoadReport } from '../lib/load-metrics.ts';
import type { NetworkContext } from './context.ts';
import { openaiCompatible } from './openai-compatible.ts';
import { listModels } from './openai-models.ts';
import { okWithVersion, orWhereMissing } from './openai-probes.ts';

const plain: (context: NetworkContext) => Adapter = openaiCompatible({
  name: 'nvidia',
  modelName: 'optional',
  capabilities: allCapabilities,
  health,
  load,
});

/**
 * NVIDIA NIM: vLLM behind a gateway, in a container of one's own, in a LaunchPad lab, or as the hosted catalogue
 * (`https://integrate.api.nvidia.com`). Some embedding models tell queries from passages and answer 400 unless told:
 * `extra: { nvidia: { input_type: 'query' } }`. Nothing is sent by itself, because the wrong one spoils a search in silence.
 */
export const nvidia = (context: NetworkContext): Adapter => {
  const adapter = plain(context);
  const { chat, stream, embed } = adapter;
  const soleModel = createSoleModel(context);
  /** It has no model of its own choice: a call that names none means the one that it serves, which another start may change. */
  const named = async <Request, Answer>(call: Call<Request>, ask: (call: Call<Request>) => Promise<Answer>): Promise<Answer> => {
    if (call.model !== undefined) return ask(call);
    const model = await soleModel(call.signal, undefined);
    return ask({ ...call, model }).catch(async (failure: unknown) => {
      if (!isRouterError(failure) || failure.code !== 'model_not_found') throw failure;
      const other = await soleModel(call.signal, model);
      if (other === model) throw failure;
      return ask({ ...call, model: other });
    });
  };
  const explained = <Answer>(work: Promise<Answer>, signal: AbortSignal): Promise<Answer> =>
    work.catch((failure: unknown) => whenLoading(failure, context, signal));
  return Object.freeze({
    ...adapter,
    chat: (call) => explained(named(call, chat), call.signal),
    stream: (call) => explained(named(call, stream), call.signal),
    ...(embed && { embed: (call: Call<EmbedRequest>) => explained(named(call, embed), call.signal) }),
  } satisfies Adapter);
};

/** The model of a container, which serves one; asked for once, and again where that failed, or where it is `gone`. */
function createSoleModel({ provider, http }: NetworkContext): (signal: AbortSignal, gone: string | undefined) => Promise<string> {
  let known: string | undefined;
  return async (signal, gone) => {
    if (known !== undefined && known !== gone) return known;
    const [only, ...others] = await listModels(http, signal);
    if (only === undefined || others.length > 0) {
      const count = only === undefined ? 'no model' : `${others.length + 1} models`;
      throw new RouterError('model_not_found', `${provider}: the request names no model, and it serves ${count}; set defaultModel.`, {
        provider,
      });
    }
    return (known = only.id);
  };
}

/** While the model loads, the gateway answers in its place, with pages of 502 and 503. Never resolves. */
async function whenLoading(failure: unknown, { provider, http }: NetworkContext, signal: AbortSignal): Promise<never> {
  if (!isGatewayFault(failure)) throw failure;
  const report = await health(http, signal).catch(() => undefined);
  signal.throwIfAborted();
  if (report?.state !== 'warming') throw failure;
  const { status, retryAfterMs } = failure;
  throw new RouterError('model_loading', `${provider}: the model is still being loaded (HTTP ${status}).`, {
    provider,
    status,
    retryAfterMs,
  });
}

/** `live` is 200 as soon as the container runs, `ready` once the model answers. The catalogue has neither. */
async function health(http: HttpClient, signal: AbortSignal): Promise<HealthReport> {
  try {
    await http.getText('/v1/health/ready', signal);
  } catch (error) {
    if (isGatewayFault(error) && (await isLive(http, signal))) return { state: 'warming' };
    if (!isRouterError(error) || error.status !== 404) throw error;
    await http.getJson('/v1/models', signal);
    return { state: 'ok' };
  }
  return okWithVersion(http, '/v1/version', 'release', signal);
}

async function isLive(http: HttpClient, signal: AbortSignal): Promise<boolean> {
  const text = await http.getText('/v1/health/live', signal).catch(() => undefined);
  signal.throwIfAborted();
  return text !== undefined;
}

function isGatewayFault(error: unknown): error is RouterError {
  return isRouterError(error) && (error.status === 502 || error.status === 503);
}

/** vLLM's gauges; NIM 1.x names them without its prefix. */
async function load(http: HttpClient, signal: AbortSignal): Promise<LoadReport> {
  const metrics = await orWhereMissing(http.getText('/v1/metrics', signal), () => http.getText('/metrics', signal));
  return toLoadReport(metrics, {
    running: ['vllm:num_requests_running', 'num_requests_running'],
    waiting: ['vllm:num_requests_waiting', 'num_requests_waiting'],
    cacheUse: ['vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc', 'gpu_cache_usage_perc'],
  });
}
