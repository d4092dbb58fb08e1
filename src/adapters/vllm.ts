import type { Adapter, HealthReport, LoadReport } from '../core/adapter.ts';
import { allCapabilities } from '../core/capabilities.ts';
import type { HttpClient } from '../lib/http.ts';
import { toLoadReport } from '../lib/load-metrics.ts';
import type { NetworkContext } from './context.ts';
import { continueFinal } from './openai-begun.ts';
import { openaiCompatible } from './openai-compatible.ts';
import { okWithVersion } from './openai-probes.ts';

/** vLLM's OpenAI-compatible server. It listens only once its model is loaded, and shuts itself down when its engine dies. */
export const vllm: (context: NetworkContext) => Adapter = openaiCompatible({
  name: 'vllm',
  modelName: 'optional',
  capabilities: allCapabilities,
  // It takes the field and says in its source that it does nothing with it.
  ignores: ['user'],
  takesReasoning: true,
  // Since 0.6.4, which repeats nothing by default. Nothing about thinking is sent: with Mistral's own tokenizer any `chat_template_kwargs` is a 400.
  continued: continueFinal,
  base64: true,
  health,
  load,
});

/** `/health` answers with an empty body, or 503 once the engine is dead. `/version` is told where it is there. */
async function health(http: HttpClient, signal: AbortSignal): Promise<HealthReport> {
  await http.getText('/health', signal);
  return okWithVersion(http, '/version', 'version', signal);
}

async function load(http: HttpClient, signal: AbortSignal): Promise<LoadReport> {
  return toLoadReport(await http.getText('/metrics', signal), {
    running: ['vllm:num_requests_running'],
    waiting: ['vllm:num_requests_waiting'],
    // The older name was dropped in 2025.
    cacheUse: ['vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc'],
    firstToken: ['vllm:time_to_first_token_seconds'],
    token: ['vllm:inter_token_latency_seconds', 'vllm:time_per_output_token_seconds'],
  });
}
