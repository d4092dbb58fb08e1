import type { Fields } from './fields.ts';
import type { ChatStyle } from './openai-chat.ts';
import { llamacppLogprobs, openaiLogprobs, tgiLogprobs } from './openai-logprobs.ts';
import { plainChoice, plainStyle, plainUsage, utf8Events } from './openai-styles.ts';
import { namedWithArguments, repeated, whole, withNulls } from './openai-tool-deltas.ts';
import type { Scene } from './scene.ts';

/** How long what took: the last object of every answer and stream of llama.cpp. */
function timingsOf({ usage }: Scene): Fields {
  const [prompt, predicted] = [usage?.promptTokens ?? 1, usage?.completionTokens ?? 1];
  return {
    cache_n: 0,
    prompt_n: prompt,
    prompt_ms: prompt,
    prompt_per_token_ms: 1,
    prompt_per_second: 1_000,
    predicted_n: predicted,
    predicted_ms: predicted * 10,
    predicted_per_token_ms: 10,
    predicted_per_second: 100,
  };
}

/** llama.cpp: nothing is null but the first content and the finish reason; `logprobs` is there only where asked for. */
export const llamacppStyle: ChatStyle = {
  ...plainStyle,
  headers: { server: 'llama.cpp', 'content-type': 'application/json; charset=utf-8' },
  streamHeaders: { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' },
  frame(scene, { object, choices, usage, isLast }) {
    const [id, timings] = [`chatcmpl-${scene.id}`, isLast ? timingsOf(scene) : undefined];
    const { created, model } = scene;
    const build = 'b1-de3ff81';
    if (object === 'chat.completion') return { choices, created, model, system_fingerprint: build, object, usage, id, timings };
    return { choices, created, id, model, system_fingerprint: build, object, usage, timings };
  },
  message: ({ role, content, reasoning, toolCalls }) => ({
    role,
    content,
    reasoning_content: reasoning,
    tool_calls: toolCalls?.map((call) => ({ type: call['type'], function: call['function'], id: call['id'] })),
  }),
  choice: ({ index, said, finish, logprobs }) => ({ finish_reason: finish, index, ...said, ...(logprobs && { logprobs }) }),
  usage: (counts) => ({
    completion_tokens: counts.completionTokens,
    prompt_tokens: counts.promptTokens,
    total_tokens: counts.promptTokens + counts.completionTokens,
    prompt_tokens_details: { cached_tokens: 0 },
  }),
  logprobs: llamacppLogprobs,
  toolDeltas: namedWithArguments,
  noContent: '',
  opening: { role: 'assistant', content: null },
  comment: ':\n\n',
};

const uvicorn = { server: 'uvicorn' } as const;

/** vLLM: reasoning stands in `reasoning`, and what is unknown is null. The finish chunk says which stop word was met. */
export const vllmStyle: ChatStyle = {
  ...plainStyle,
  headers: uvicorn,
  streamHeaders: utf8Events,
  frame({ id, created, model }, { object, choices, usage }) {
    const head = { id: `chatcmpl-${id}`, object, created, model, choices };
    if (object === 'chat.completion.chunk') return { ...head, usage };
    const nulls = { prompt_logprobs: null, prompt_token_ids: null, kv_transfer_params: null };
    return { ...head, service_tier: null, system_fingerprint: null, usage: usage ?? null, ...nulls };
  },
  message: ({ role, content, reasoning = null, toolCalls = [] }) => ({
    role,
    content,
    refusal: null,
    annotations: null,
    audio: null,
    function_call: null,
    tool_calls: toolCalls,
    reasoning,
  }),
  delta: ({ role, content, reasoning, toolCalls }) => ({ role, content, reasoning, tool_calls: toolCalls }),
  choice: (parts) => ({ ...plainChoice(parts), ...(parts.finish !== null && { stop_reason: null }), token_ids: null }),
  usage: ({ promptTokens, completionTokens }) => ({
    prompt_tokens: promptTokens,
    total_tokens: promptTokens + completionTokens,
    completion_tokens: completionTokens,
    prompt_tokens_details: null,
  }),
  closing: { content: '' },
};

/** SGLang writes every field of every chunk. */
export const sglangStyle: ChatStyle = {
  ...plainStyle,
  headers: uvicorn,
  streamHeaders: utf8Events,
  frame: ({ id, created, model }, { object, choices, usage }) => ({
    id,
    object,
    created,
    model,
    choices,
    usage,
    ...(object === 'chat.completion' && { metadata: { weight_version: 'default' } }),
  }),
  message: ({ role, content, reasoning = null, toolCalls = null }) => ({
    role,
    content,
    reasoning_content: reasoning,
    tool_calls: toolCalls,
  }),
  delta: ({ role = null, content = null, reasoning = null, toolCalls = null }) => ({
    role,
    content,
    reasoning_content: reasoning,
    tool_calls: toolCalls,
  }),
  choice: (parts) => ({ ...plainChoice(parts), matched_stop: null }),
  usage: (counts) => ({ ...plainUsage(counts), prompt_tokens_details: null, reasoning_tokens: 0 }),
  toolDeltas: withNulls,
  usageIn: 'always-nulls',
};

/** TGI: the role in every chunk, no reasoning, and tool calls that end with `stop`. */
export const tgiStyle: ChatStyle = {
  ...plainStyle,
  headers: { 'x-compute-type': '1-fake' },
  streamHeaders: { 'cache-control': 'no-cache', 'x-accel-buffering': 'no' },
  frame: ({ created, model }, { object, choices, usage }) => ({
    object,
    id: '',
    created,
    model,
    system_fingerprint: '3.3.7-fake',
    choices,
    usage,
  }),
  message: ({ role, content, toolCalls }) => (toolCalls ? { role, tool_calls: toolCalls } : { role, content }),
  delta: ({ content = '', toolCalls }) => ({ role: 'assistant', ...(toolCalls ? { tool_calls: toolCalls } : { content }) }),
  finish: (finish) => (finish === 'tool_calls' ? 'stop' : finish),
  logprobs: tgiLogprobs,
  showsReasoning: false,
  toolDeltas: repeated,
  opening: undefined,
  usageIn: 'always-nulls',
  hasChoices: false,
  comment: ':\n\n',
};

/** As Python's `json.dumps` writes: a blank behind `,` and `:`, and nothing outside ASCII. */
function pythonJson(value: unknown): string {
  // Line breaks stand only between values: those inside texts are escaped.
  const spaced = JSON.stringify(value, null, 1)
    .replace(/,\n\s*/g, ', ')
    .replace(/\n\s*/g, '');
  return spaced.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** text-generation-webui: a tool call comes whole, with the finish reason, and pings come as comments. */
export const textgenStyle: ChatStyle = {
  ...plainStyle,
  headers: uvicorn,
  streamHeaders: { ...utf8Events, 'cache-control': 'no-cache', 'x-accel-buffering': 'no' },
  frame: ({ id, created, model }, { object, choices, usage }) => ({
    id: `chatcmpl-${id}`,
    object,
    created,
    model,
    system_fingerprint: null,
    choices,
    usage,
  }),
  message: ({ role, content, reasoning, toolCalls }) => ({
    role,
    refusal: null,
    content,
    reasoning_content: reasoning,
    tool_calls: toolCalls?.map((call) => ({ type: call['type'], function: call['function'], id: call['id'] })),
  }),
  delta: ({ role, content, reasoning, toolCalls }) => ({
    role,
    ...(role && { refusal: null }),
    content,
    reasoning_content: reasoning,
    tool_calls: toolCalls,
  }),
  choice: ({ index, said, finish, logprobs }) => ({ index, finish_reason: finish, ...said, logprobs }),
  logprobs: openaiLogprobs,
  toolDeltas: whole,
  finishesWithTool: true,
  usageIn: 'nulls',
  hasChoices: false,
  comment: ': ping - 2026-11-21 02:02:12.000000+00:00\n\n',
  write: pythonJson,
};
