import type { Call } from '../core/adapter.ts';
import { RouterError } from '../core/errors.ts';
import type { Parameter } from '../core/capabilities.ts';
import type { ChatRequest, Tool, ToolChoice } from '../core/types.ts';
import { isJsonObject, type JsonObject } from '../lib/json.ts';
import { budgets, leastBudget, type ModelRules, rulesOf } from './anthropic-rules.ts';
import { toAcceptedSchema } from './anthropic-schema.ts';
import { type Refuse, toConversation } from './anthropic-turns.ts';

/**
 * The body of `/v1/messages`. Fields that are undefined vanish when it is written as JSON. `extra.anthropic` comes over
 * everything but `stream`; its `output_config` is joined field by field. Throws `invalid_request` and `unsupported`, before
 * anything is sent.
 */
export function toMessagesBody(call: Call<ChatRequest>, provider: string, stream: boolean): JsonObject {
  const { request } = call;
  const refuse: Refuse = (code, text) => new RouterError(code, `${provider}: ${text}`, { provider, model: call.model });
  const model = modelOf(call.model, refuse);
  const rules = rulesOf(model);
  const { output_config: outputConfig, ...extra } = request.extra?.['anthropic'] ?? {};
  const { effort, thinking, maxTokens } = toThinking(request, rules, extra['thinking'], refuse);
  const { user } = request;
  return {
    model,
    max_tokens: maxTokens,
    ...toConversation(request.messages, refuse),
    ...toSampling(request, model, refuse),
    stop_sequences: toStops(request, rules, refuse),
    tools: request.tools?.length === 0 ? undefined : request.tools?.map(toTool),
    tool_choice: toToolChoice(request),
    metadata: user === undefined ? undefined : { user_id: user },
    thinking,
    output_config: toOutputConfig(request, effort, outputConfig),
    ...extra,
    // Last, because the reader of the answer depends on it.
    stream,
  };
}

function modelOf(model: string | undefined, refuse: Refuse): string {
  if (model !== undefined && model !== '') return model;
  throw refuse(
    'invalid_request',
    'this API answers only for a named model. Set "model" in the request or "defaultModel" of this provider.',
  );
}

interface Thinking {
  readonly thinking: unknown;
  readonly effort: string | undefined;
  readonly maxTokens: number;
}

/** `given` is what `extra` says of thinking; it stands for ours. The limit of tokens covers thoughts and answer, as OpenAI's does. */
function toThinking(request: ChatRequest, rules: ModelRules, given: unknown, refuse: Refuse): Thinking {
  const { reasoning_effort: effort } = request;
  const limit = request.max_completion_tokens ?? request.max_tokens;
  const maxTokens = limit ?? rules.maxTokens;
  if (effort === undefined) return { thinking: given, effort: undefined, maxTokens };
  if (effort === 'none') {
    if (given === undefined && rules.alwaysThinks) {
      throw refuse('unsupported', 'this model cannot stop thinking. Ask for "low" effort, or set "thinking" in extra.anthropic.');
    }
    return { thinking: given ?? (rules.canThink ? { type: 'disabled' } : undefined), effort: undefined, maxTokens };
  }
  if (rules.thinking === 'effort') {
    return { thinking: given ?? { type: 'adaptive' }, effort: effort === 'minimal' ? 'low' : effort, maxTokens };
  }
  if (given !== undefined) return { thinking: given, effort: undefined, maxTokens };
  if (limit === undefined) return { thinking: toBudget(budgets[effort]), effort: undefined, maxTokens: maxTokens + budgets[effort] };
  if (limit <= leastBudget) throw refuse('unsupported', `this model thinks only where max_tokens is above ${leastBudget}.`);
  // Half is left for the answer.
  const most = Math.max(leastBudget, Math.floor(limit / 2));
  return { thinking: toBudget(Math.min(budgets[effort], most)), effort: undefined, maxTokens };
}

function toBudget(budgetTokens: number): JsonObject {
  return { type: 'enabled', budget_tokens: budgetTokens };
}

function isThinking(thinking: unknown): boolean {
  return isJsonObject(thinking) && thinking['type'] !== 'disabled';
}

/**
 * Where sampling is fixed, or thinking fixes it, the API would refuse the whole request, so these go out without it. Where it takes
 * one of the two, `temperature` is sent and `top_p` left out.
 */
export function leavesOut(request: ChatRequest, model: string | undefined): readonly Parameter[] {
  const { reasoning_effort: effort, extra, temperature } = request;
  const given = extra?.['anthropic']?.['thinking'];
  const { sampling } = rulesOf(model ?? '');
  const thinks = given === undefined ? effort !== undefined && effort !== 'none' : isThinking(given);
  if (sampling === 'none' || thinks) return ['temperature', 'top_p'];
  return sampling === 'one' && temperature !== undefined ? ['top_p'] : [];
}

function toSampling(request: ChatRequest, model: string, refuse: Refuse): JsonObject {
  const left = leavesOut(request, model);
  if (left.includes('temperature')) return {};
  const { temperature } = request;
  const top_p = left.includes('top_p') ? undefined : request.top_p;
  if (temperature !== undefined && temperature > 1) {
    throw refuse('unsupported', 'temperature goes from 0 to 1 here, and the request asks for more.');
  }
  return { temperature, top_p };
}

/** The API refuses sequences of nothing but white space. Without them the answer would be another, so another provider may take it. */
function toStops({ stop }: ChatRequest, { blankStops }: ModelRules, refuse: Refuse): readonly string[] | undefined {
  const stops = typeof stop === 'string' ? [stop] : stop;
  if (!blankStops && stops?.some((text) => text.trim() === '')) {
    throw refuse('unsupported', 'a stop sequence must hold more than white space here.');
  }
  return stops;
}

function toTool({ function: { name, description, parameters, strict } }: Tool): JsonObject {
  const schema = parameters ?? { type: 'object', properties: {} };
  return { name, description, input_schema: strict === true ? toAcceptedSchema(schema) : schema, strict: strict ?? undefined };
}

/** The API refuses a choice without tools; `auto` and `none` say nothing there, and the others go out to be refused. */
function toToolChoice({ tools = [], tool_choice: choice, parallel_tool_calls: parallel }: ChatRequest): JsonObject | undefined {
  if (tools.length === 0 && (choice === undefined || choice === 'auto' || choice === 'none')) return undefined;
  if (choice === 'none') return { type: 'none' };
  if (choice === undefined && parallel !== false) return undefined;
  return { ...toChoice(choice), disable_parallel_tool_use: parallel === false ? true : undefined };
}

function toChoice(choice: Exclude<ToolChoice, 'none'> | undefined): JsonObject {
  if (typeof choice === 'object') return { type: 'tool', name: choice.function.name };
  return { type: choice === 'required' ? 'any' : 'auto' };
}

function toOutputConfig({ response_format: format }: ChatRequest, effort: string | undefined, given: unknown): unknown {
  if (given !== undefined && !isJsonObject(given)) return given;
  const config = {
    ...(effort !== undefined && { effort }),
    ...(format?.type === 'json_schema' && { format: { type: 'json_schema', schema: toAcceptedSchema(format.json_schema.schema) } }),
    ...given,
  };
  return Object.keys(config).length > 0 ? config : undefined;
}
