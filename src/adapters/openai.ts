import type { Adapter } from '../core/adapter.ts';
import type { ChatMessage } from '../core/types.ts';
import { type NetworkContext, openaiCompatible } from './openai-compatible.ts';

/**
 * OpenAI's own API. Its reasoning models refuse `max_tokens`, and all take `max_completion_tokens`. Reasoning of earlier
 * answers has no place in its messages and would be refused.
 */
export const openai: (context: NetworkContext) => Adapter = openaiCompatible({
  name: 'openai',
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
  maxInputs: 2_048,
  body: ({ max_tokens, max_completion_tokens = max_tokens, messages, ...rest }) => ({
    ...rest,
    messages: messages.map(withoutReasoning),
    max_completion_tokens,
  }),
});

function withoutReasoning(message: ChatMessage): ChatMessage {
  if (message.reasoning_content === undefined) return message;
  const { reasoning_content: _, ...rest } = message;
  return rest;
}
