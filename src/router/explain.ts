import type { ChatRequest, EmbedRequest } from '../core/types.ts';
import type { CallOptions } from '../config/call-options.ts';
import type { Plan } from '../routing/plan.ts';
import type { Engine } from './engine.ts';
import { planFor } from './planning.ts';
import { checkOptions, resolveCall } from './resolve-call.ts';
import { hasSchema, type SchemaRequest, withJsonSchema } from './structured.ts';

export interface ExplainOptions<Provider extends string = string, Intent extends string = string> extends CallOptions<Provider, Intent> {
  /**
   * The plan for `stream()`: what is expected is the time to the first content, not to the whole answer.
   * @default false
   */
  readonly stream?: boolean | undefined;
}

/** What would happen to a request, without anything happening. */
export function explain(engine: Engine, request: ChatRequest | SchemaRequest<unknown> | EmbedRequest, options: ExplainOptions): Plan {
  const { config } = engine;
  checkOptions(options);
  const isEmbed = typeof request === 'object' && request !== null && 'input' in request;
  const call = isEmbed
    ? resolveCall('embed', request, options, config)
    : resolveCall(options.stream === true ? 'stream' : 'chat', hasSchema(request) ? withJsonSchema(request) : request, options, config);
  const { verb, intent, balance, lane, startedAtMs: atMs } = call;
  const { candidates, skipped } = planFor(call, engine, 'shown', atMs);
  return { atMs, verb, intent, balance, lane, promptTokens: call.estimates.promptTokens(), candidates, skipped };
}
