import type { ChatRequest, EmbedRequest } from '../core/types.ts';
import type { CallOptions } from '../config/options.ts';
import type { Plan } from '../routing/plan.ts';
import type { Engine } from './engine.ts';
import { planFor } from './planning.ts';
import { resolveCall } from './resolve-call.ts';
import { hasSchema, type SchemaRequest, withJsonSchema } from './structured.ts';

/** What would happen to a request, without anything happening. */
export function explain(engine: Engine, request: ChatRequest | SchemaRequest<unknown> | EmbedRequest, options: CallOptions): Plan {
  const { config } = engine;
  const isEmbed = typeof request === 'object' && request !== null && 'input' in request;
  const call = isEmbed
    ? resolveCall('embed', request, options, config)
    : resolveCall('chat', hasSchema(request) ? withJsonSchema(request) : request, options, config);
  const { verb, intent, balance, lane, startedAtMs: atMs } = call;
  const { candidates, skipped } = planFor(call, engine, true);
  return { atMs, verb, intent, balance, lane, promptTokens: call.promptTokens(), candidates, skipped };
}
