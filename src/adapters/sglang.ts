import type { Adapter, HealthReport, LoadReport } from '../core/adapter.ts';
import { allCapabilities } from '../core/capabilities.ts';
import { isRouterError, RouterError } from '../core/errors.ts';
import type { HttpClient } from '../lib/http.ts';
import { isJsonObject, type JsonObject } from '../lib/json.ts';
import { sum, toLoadReport } from '../lib/load-metrics.ts';
import type { NetworkContext } from './context.ts';
import { continueFinal, thoughtOut } from './openai-begun.ts';
import { openaiCompatible } from './openai-compatible.ts';
import type { Dialect } from './openai-dialect.ts';
import { okWithVersion, orWhereMissing } from './openai-probes.ts';
import type { ChatBody } from './openai-wire.ts';

/**
 * SGLang. It answers with the model it was started with, whatever name is asked for, sends numbers where base64 was asked
 * for, and ends what it has no room for with `finish_reason: "abort"`.
 */
export const sglang = (context: NetworkContext): Adapter =>
  openaiCompatible({ ...dialect, body: (body) => withKnownEffort(body, context.provider) })(context);

const dialect: Dialect = {
  name: 'sglang',
  modelName: 'ignored',
  capabilities: allCapabilities,
  ignores: ['parallel_tool_calls'],
  takesReasoning: true,
  // Since March 2025. It writes the text behind the prompt of a new answer, and with that behind what opens the thoughts.
  continued: (body) => thoughtOut(continueFinal(body)),
  health,
  load,
};

/**
 * Other efforts than these three fail its validation, as a fault of the caller's, which they are not. Not to think is told to the chat
 * template, under the two names that there are for it; one that knows neither overlooks them.
 */
function withKnownEffort(body: ChatBody, provider: string): ChatBody {
  const { reasoning_effort: effort, ...rest } = body;
  // The type of OpenAI's body does not have it.
  if (effort === 'none') return { ...rest, chat_template_kwargs: { enable_thinking: false, thinking: false } } as ChatBody;
  if (effort === undefined || effort === 'low' || effort === 'medium' || effort === 'high') return body;
  throw new RouterError('unsupported', `${provider}: SGLang knows the reasoning efforts low, medium and high, and not "${effort}".`, {
    provider,
  });
}

/**
 * `/health` generates a token for an answer and takes a second or more; `/model_info` asks nobody. 503 while it starts or shuts
 * down.
 */
async function health(http: HttpClient, signal: AbortSignal): Promise<HealthReport> {
  try {
    // Servers of 2025 know the older name only; newer ones warn of it in their logs.
    await orWhereMissing(http.getJson('/model_info', signal), () => http.getJson('/get_model_info', signal));
  } catch (error) {
    if (isRouterError(error) && error.status === 503) return { state: 'warming' };
    throw error;
  }
  return okWithVersion(http, '/server_info', 'version', signal);
}

const gauges = {
  running: ['sglang:num_running_reqs'],
  waiting: ['sglang:num_queue_reqs'],
  cacheUse: ['sglang:token_usage'],
} as const;

/**
 * `/v1/loads` is always there on newer servers, `/metrics` only where it was turned on. What a server takes on at once, before others
 * wait, is told by the first alone.
 */
async function load(http: HttpClient, signal: AbortSignal): Promise<LoadReport> {
  const report = http.getJson('/v1/loads', signal).then((value) => toLoad(value, http));
  return orWhereMissing(report, async () => toLoadReport(await http.getText('/metrics', signal), gauges));
}

/** Sums over the data-parallel ranks; of the caches the fullest, because a request meets one rank. */
function toLoad(value: unknown, http: HttpClient): LoadReport {
  if (!isJsonObject(value)) throw http.badResponse('the load report is not an object.');
  const ranks = Array.isArray(value['loads']) ? value['loads'].filter(isJsonObject) : [];
  const whole = isJsonObject(value['aggregate']) ? value['aggregate'] : {};
  const running = total(whole['total_running_reqs'], ranks, 'num_running_reqs');
  const waiting = total(whole['total_waiting_reqs'], ranks, 'num_waiting_reqs');
  const slots = sum(numbers(ranks, 'max_running_requests'));
  const caches = [...numbers(ranks, 'token_usage'), ...numbers([whole], 'avg_token_usage')];
  return {
    ...(running !== undefined && { running }),
    ...(waiting !== undefined && { waiting }),
    ...(caches.length > 0 && { cacheUse: Math.max(...caches) }),
    ...(slots > 0 && { slots }),
  };
}

function total(told: unknown, ranks: readonly JsonObject[], name: string): number | undefined {
  if (isNumber(told)) return told;
  const parts = numbers(ranks, name);
  return parts.length === 0 ? undefined : sum(parts);
}

function numbers(values: readonly JsonObject[], name: string): number[] {
  return values.map((value) => value[name]).filter(isNumber);
}

function isNumber(value: unknown): value is number {
  return Number.isFinite(value);
}
