import { type Fields, fieldsOf } from './fields.ts';
import type { ChatStyle, ChoiceParts, Framed } from './openai-chat.ts';
import { openaiLogprobs, togetherLogprobs } from './openai-logprobs.ts';
import { namedFirst } from './openai-tool-deltas.ts';
import { hashOf, type Scene } from './scene.ts';

type Counts = NonNullable<Scene['usage']>;

export function plainUsage({ promptTokens, completionTokens }: Counts): Fields {
  return { prompt_tokens: promptTokens, completion_tokens: completionTokens, total_tokens: promptTokens + completionTokens };
}

export function plainChoice({ index, said, finish, logprobs }: ChoiceParts): Fields {
  return { index, ...said, logprobs, finish_reason: finish };
}

export const utf8Events = { 'content-type': 'text/event-stream; charset=utf-8' } as const;

/** The protocol and nothing else: what most servers and gateways have in common. */
export const plainStyle: ChatStyle = {
  headers: {},
  streamHeaders: {},
  frame: ({ id, created, model }, { object, choices, usage }) => ({ id: `chatcmpl-${id}`, object, created, model, choices, usage }),
  message: ({ role, content, reasoning, toolCalls }) => ({ role, content, reasoning_content: reasoning, tool_calls: toolCalls }),
  delta: ({ role, content, reasoning, toolCalls }) => ({ role, content, reasoning_content: reasoning, tool_calls: toolCalls }),
  choice: plainChoice,
  finish: (finish) => finish,
  usage: plainUsage,
  logprobs: openaiLogprobs,
  toolDeltas: namedFirst,
  noContent: null,
  opening: { role: 'assistant', content: '' },
  closing: {},
  finishesWithTool: false,
  usageIn: 'own',
  showsReasoning: true,
  hasChoices: true,
  comment: '',
  write: (value) => JSON.stringify(value),
};

/** Padding of varying length against eavesdroppers, unless `include_obfuscation` is false. */
function obfuscationOf({ body }: Scene, framed: Framed): string | undefined {
  const isOff = fieldsOf(body['stream_options'])['include_obfuscation'] === false;
  return isOff ? undefined : hashOf(JSON.stringify(framed.choices)).toString(36);
}

/** OpenAI shows no reasoning in chats; it only counts it. */
export const openaiStyle: ChatStyle = {
  ...plainStyle,
  headers: { 'x-request-id': 'req_0', 'openai-processing-ms': '12' },
  streamHeaders: utf8Events,
  frame(scene, framed) {
    const { object, choices, usage } = framed;
    const head = { id: `chatcmpl-${scene.id}`, object, created: scene.created, model: scene.model };
    const tier = { service_tier: 'default', system_fingerprint: 'fp_fake' };
    if (object === 'chat.completion') return { ...head, choices, usage, ...tier };
    return { ...head, ...tier, choices, usage, obfuscation: obfuscationOf(scene, framed) };
  },
  message: ({ role, content, toolCalls }) => ({ role, content, tool_calls: toolCalls, refusal: null, annotations: [] }),
  // The first change alone says that nothing was refused.
  delta: ({ role, content, toolCalls }) => ({ role, content, tool_calls: toolCalls, ...(role && { refusal: null }) }),
  usage: (counts) => ({
    ...plainUsage(counts),
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
  }),
  logprobs: (pieces, top) => ({ ...openaiLogprobs(pieces, top), refusal: null }),
  showsReasoning: false,
  usageIn: 'nulls',
};

/** Together: the chunk with the finish reason carries the usage and the number of the token that ends a text. */
export const togetherStyle: ChatStyle = {
  ...plainStyle,
  frame: ({ id, created, model }, { object, choices, usage }) => ({
    id,
    object,
    created,
    choices,
    ...(object === 'chat.completion' && { prompt: [] }),
    model,
    usage,
  }),
  message: ({ role, content, reasoning, toolCalls }) => ({ role, content, tool_calls: toolCalls ?? [], reasoning }),
  delta: ({ role, content = '', reasoning, toolCalls }) => ({
    token_id: hashOf(content ?? '') % 32_000,
    role: role ?? 'assistant',
    content,
    reasoning,
    tool_calls: toolCalls,
  }),
  choice: ({ index, said, finish, logprobs }) => {
    if (!('delta' in said)) return { index, seed: 0, ...said, logprobs, finish_reason: finish };
    // In a stream there is one token at a time, and its number stands bare.
    const { token_logprobs: numbers = [null], top_logprobs: tops = [undefined] } = (logprobs ?? {}) as Record<string, unknown[]>;
    return { index, text: said.delta['content'], ...said, logprobs: numbers[0], top_logprobs: tops[0], finish_reason: finish };
  },
  // It has no word for a policy.
  finish: (finish) => (finish === 'stop' || finish === 'content_filter' ? 'eos' : finish),
  logprobs: togetherLogprobs,
  opening: undefined,
  usageIn: 'with-finish',
};

/** Hugging Face's router passes on what the provider behind it says. */
export const huggingfaceStyle: ChatStyle = {
  ...plainStyle,
  frame: ({ id, created, model }, { object, choices, usage }) => ({
    id: `chatcmpl-${id}`,
    object,
    created,
    model,
    system_fingerprint: 'fp_fake',
    choices,
    usage,
  }),
};

/** LM Studio: what gpt-oss thinks stands in `reasoning`. */
export const lmstudioStyle: ChatStyle = {
  ...plainStyle,
  headers: { 'x-powered-by': 'Express', 'content-type': 'application/json; charset=utf-8' },
  streamHeaders: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' },
  frame: ({ id, created, model }, { object, choices, usage }) => ({
    id: `chatcmpl-${id}`,
    object,
    created,
    model,
    ...(object === 'chat.completion'
      ? { choices, usage, stats: {}, system_fingerprint: model }
      : { system_fingerprint: model, choices, usage }),
  }),
  message: ({ role, content, reasoning, toolCalls }) => ({ role, content, reasoning, tool_calls: toolCalls ?? [] }),
  // The role in every change but the last one, which is empty.
  delta: ({ content, reasoning, toolCalls }) =>
    (content ?? reasoning ?? toolCalls) === undefined ? {} : { role: 'assistant', content, reasoning, tool_calls: toolCalls },
  logprobs: undefined,
  noContent: '',
  opening: undefined,
  hasChoices: false,
};
