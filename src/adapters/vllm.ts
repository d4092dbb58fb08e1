import type { Adapter, HealthReport, LoadReport } from '../core/adapter.ts';
import type { HttpClient } from '../lib/http.ts';
import { type NetworkContext, openaiCompatible } from './openai-compatible.ts';
import { isWireObject } from './openai-wire.ts';

/** vLLM's OpenAI-compatible server. It listens only once its model is loaded, and shuts itself down when its engine dies. */
export const vllm: (context: NetworkContext) => Adapter = openaiCompatible({
  name: 'vllm',
  modelName: 'optional',
  capabilities: {
    tools: true,
    toolChoice: true,
    vision: true,
    jsonObject: true,
    jsonSchema: true,
    logprobs: true,
    logitBias: true,
    choices: true,
    reasoningEffort: true,
    dimensions: true,
  },
  base64: true,
  health,
  load,
});

/** `/health` answers with an empty body, or 503 once the engine is dead. `/version` is told where it is there. */
async function health(http: HttpClient, signal: AbortSignal): Promise<HealthReport> {
  await http.getText('/health', signal);
  const version = await http.getJson('/version', signal).catch(() => undefined);
  signal.throwIfAborted();
  return isWireObject(version) && typeof version['version'] === 'string' ? { state: 'ok', version: version['version'] } : { state: 'ok' };
}

/** Sums over the engines of a data-parallel server; of the caches the fullest, because a request meets one engine. */
async function load(http: HttpClient, signal: AbortSignal): Promise<LoadReport> {
  const metrics = await http.getText('/metrics', signal);
  const running = gauges(metrics, 'vllm:num_requests_running');
  const waiting = gauges(metrics, 'vllm:num_requests_waiting');
  // The older name was dropped in 2025.
  const caches = [...gauges(metrics, 'vllm:kv_cache_usage_perc'), ...gauges(metrics, 'vllm:gpu_cache_usage_perc')];
  return {
    ...(running.length > 0 && { running: sum(running) }),
    ...(waiting.length > 0 && { waiting: sum(waiting) }),
    ...(caches.length > 0 && { cacheUse: Math.max(...caches) }),
  };
}

/** The values of one gauge in Prometheus text (`name{label="…"} value`), one for each set of labels. */
function gauges(metrics: string, name: string): number[] {
  const values: number[] = [];
  for (const line of metrics.split('\n')) {
    if (!line.startsWith(name)) continue;
    // The name must end here: `vllm:num_requests_waiting_by_reason` is another gauge.
    const value = /^(?:\{.*\})?\s+(\S+)/.exec(line.slice(name.length))?.[1];
    if (value !== undefined && Number.isFinite(Number(value))) values.push(Number(value));
  }
  return values;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
