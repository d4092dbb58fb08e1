import type { Adapter, HealthReport, LoadReport } from '../core/adapter.ts';
import { allCapabilities } from '../core/capabilities.ts';
import { collectChunks } from '../core/collect.ts';
import type { HttpClient } from '../lib/http.ts';
import { isJsonObject } from '../lib/json.ts';
import type { NetworkContext } from './context.ts';
import { continueFinal, thoughtOut } from './openai-begun.ts';
import { openaiCompatible } from './openai-compatible.ts';
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

/** `/slots` is on by default, unlike `/metrics`; what waits for a slot is told by the latter alone. */
async function load(http: HttpClient, signal: AbortSignal): Promise<LoadReport> {
  const slots = await http.getJson('/slots', signal);
  if (!Array.isArray(slots)) throw http.badResponse('the list of slots is no list.');
  return { running: slots.filter((slot) => isJsonObject(slot) && slot['is_processing'] === true).length };
}
