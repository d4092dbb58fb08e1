import type { CallOptions, ChatRequest, EmbedRequest, Feature, Locality } from '../../index.ts';
import type { TracedCall } from './trace.ts';

/** A request that asks as much as one of the trace did. The text is filler, and no two begin alike: no server has seen any of it. */
export function chatRequestOf(call: TracedCall, index: number): ChatRequest {
  return {
    ...(call.model !== undefined && { model: call.model }),
    messages: [{ role: 'user', content: fillerOf(call.promptTokens, index) }, ...(call.needs.includes('vision') ? [picture] : [])],
    ...(call.maxAnswerTokens !== undefined && call.maxAnswerTokens >= 1 && { max_tokens: call.maxAnswerTokens }),
    ...Object.assign({}, ...call.needs.map((need) => asking[need])),
  };
}

export function embedRequestOf(call: TracedCall, index: number): EmbedRequest {
  return {
    ...(call.model !== undefined && { model: call.model }),
    input: fillerOf(call.promptTokens, index),
    ...(call.needs.includes('dimensions') && { dimensions: 1 }),
  };
}

/** What the caller had set. Who abandons or aborts is another matter. */
export function callOptionsOf(call: TracedCall): CallOptions {
  const { intent, only, without, caller, session, deadlineMs, maxAttempts, allowPaid, maxLocality, maxCostUsd } = call;
  return {
    intent,
    ...(only !== undefined && { provider: only }),
    ...(without !== undefined && { without }),
    ...(caller !== undefined && { caller }),
    ...(session !== undefined && { session }),
    ...(deadlineMs !== undefined && { deadlineMs: Math.max(1, deadlineMs) }),
    ...(maxAttempts !== undefined && { maxAttempts }),
    ...(allowPaid !== undefined && { allowPaid }),
    ...(maxLocality !== undefined && { maxLocality: maxLocality as Locality }),
    ...(maxCostUsd !== undefined && { maxCostUsd }),
  };
}

const picture: ChatRequest['messages'][number] = {
  role: 'user',
  content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }],
};

const asking: Readonly<Partial<Record<Feature, Partial<ChatRequest>>>> = {
  tools: { tools: [{ type: 'function', function: { name: 'tool' } }] },
  toolChoice: { tool_choice: 'required' },
  jsonObject: { response_format: { type: 'json_object' } },
  jsonSchema: { response_format: { type: 'json_schema', json_schema: { name: 'schema', schema: {} } } },
  logprobs: { logprobs: true },
  logitBias: { logit_bias: {} },
  choices: { n: 2 },
  reasoningEffort: { reasoning_effort: 'low' },
};

/** Of this text the router estimates one token for each word. */
const word = 'word ';
let filler: string = word.repeat(1_024);

function fillerOf(tokens: number, index: number): string {
  // Its number takes a few of them.
  const words = Math.max(0, Math.round(tokens) - 8);
  while (filler.length < words * word.length) filler += filler;
  return `${index} ${filler.slice(0, words * word.length)}`;
}
