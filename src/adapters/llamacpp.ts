import type { Adapter, HealthReport, LoadReport, ResidentModel } from '../core/adapter.ts';
import { allCapabilities } from '../core/capabilities.ts';
import { collectChunks } from '../core/collect.ts';
import type { HttpClient } from '../lib/http.ts';
import { isJsonObject, isPositive } from '../lib/json.ts';
import { toLoadReport } from '../lib/load-metrics.ts';
import type { NetworkContext } from './context.ts';
import { continueFinal, thoughtOut } from './openai-begun.ts';
import { openaiCompatible } from './openai-compatible.ts';
import { toModels } from './openai-models.ts';
import { orOff, orSilent } from './openai-probes.ts';
import { namedTool } from './openai-request.ts';

const plain: (context: NetworkContext) => Adapter = openaiCompatible({
  name: 'llamacpp',
  modelName: 'ignored',
  capabilities: { ...allCapabilities, dimensions: false },
  // Its list of fields (tools/server/server-schema.cpp) has no such one.
  ignores: ['user'],
  takesReasoning: true,
  // By default a last message of the assistant is continued, but without the two fields streams repeat it as well. With thoughts,
  // builds before May 2026 answer 400: "Assistant response prefill is incompatible with enable_thinking."
  continued: (body) => thoughtOut(continueFinal(body)),
  base64: true,
  // It takes a tool named in `tool_choice` for `auto` and says so only in its own log (ggml-org/llama.cpp#26535).
  body: (body) => ({ ...body, ...namedTool(body) }),
  limitName: 'max_tokens',
  health,
  load,
});

/**
 * llama.cpp's server. While it loads, every path answers 503. It ignores the model's name unless it was started without a
 * model, and ignores `dimensions` always. Builds of early 2025 know `max_tokens` only; later ones take both names.
 *
 * Of an answer that was begun, streams bring the rest alone. Whole answers bring all of it since builds of May 2026, and the rest
 * alone before, so a rest always comes as a stream.
 */
export const llamacpp = (context: NetworkContext): Adapter => {
  const adapter = plain(context);
  const { chat, stream } = adapter;
  return Object.freeze({
    ...adapter,
    chat: async (call) => (call.continues ? collectChunks(await stream(call)) : chat(call)),
  } satisfies Adapter);
};

/** Open without a key. It stays `ok` while all slots are taken. */
async function health(http: HttpClient, signal: AbortSignal): Promise<HealthReport> {
  await http.getJson('/health', signal);
  return { state: 'ok' };
}

/**
 * `/props` is asked first: unlike the other two it does not wake a server that has put its model to sleep, and it tells a router of
 * several models (started without one) from a server of one.
 */
async function load(http: HttpClient, signal: AbortSignal): Promise<LoadReport> {
  const props = await orOff(http.getJson('/props', signal));
  const about = isJsonObject(props) ? props : {};
  if (about['role'] === 'router') return { resident: residentIn(await http.getJson('/v1/models', signal), http) };
  const { total_slots: count, default_generation_settings: settings } = about;
  const served = toServed(count, isJsonObject(settings) ? settings['n_ctx'] : undefined);
  if (about['is_sleeping'] === true) return { running: 0, ...served, resident: [] };
  const [busy, queue] = await Promise.all([busySlots(http, signal), orSilent(gauges(http, signal))]);
  return { ...queue, ...served, ...busy };
}

function toServed(slots: unknown, contextLength: unknown): LoadReport {
  return { ...(isPositive(slots) && { slots }), ...(isPositive(contextLength) && { contextLength }) };
}

/** On by default since 2025. The window of a slot is what one request may have of it. */
async function busySlots(http: HttpClient, signal: AbortSignal): Promise<LoadReport> {
  const slots = await orOff(http.getJson('/slots', signal));
  if (slots === undefined) return {};
  if (!Array.isArray(slots)) throw http.badResponse('the list of slots is no list.');
  const all = slots.filter(isJsonObject);
  return {
    running: all.filter((slot) => slot['is_processing'] === true).length,
    ...toServed(all.length, all[0]?.['n_ctx']),
  };
}

/** Off by default. What waits for a slot is told here alone. */
async function gauges(http: HttpClient, signal: AbortSignal): Promise<LoadReport> {
  return toLoadReport(await http.getText('/metrics', signal), {
    running: ['llamacpp:requests_processing'],
    waiting: ['llamacpp:requests_deferred'],
    // Dropped in 2025.
    cacheUse: ['llamacpp:kv_cache_usage_ratio'],
  });
}

/** A model that sleeps, or is being loaded, is not there yet. */
function residentIn(list: unknown, http: HttpClient): ResidentModel[] {
  const models = isJsonObject(list) ? list['data'] : undefined;
  if (!Array.isArray(models)) throw http.badResponse('the list of models is no list.');
  const loaded = models.filter((model) => isJsonObject(model) && isJsonObject(model['status']) && model['status']['value'] === 'loaded');
  return toModels(loaded, http).map(({ id, sizeBytes, contextLength }) => ({
    id,
    ...(sizeBytes !== undefined && { sizeBytes }),
    ...(contextLength !== undefined && { contextLength }),
  }));
}
