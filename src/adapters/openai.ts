import type { Adapter } from '../core/adapter.ts';
import { allCapabilities } from '../core/capabilities.ts';
import type { NetworkContext } from './context.ts';
import { openaiCompatible } from './openai-compatible.ts';

/**
 * OpenAI's own API. Its reasoning models refuse `max_tokens`, and all take `max_completion_tokens`. The others refuse every
 * `reasoning_effort`, and `none` is what they do anyway.
 */
export const openai: (context: NetworkContext) => Adapter = openaiCompatible({
  name: 'openai',
  capabilities: allCapabilities,
  base64: true,
  maxInputs: 2_048,
  takesDeveloper: true,
  limitName: 'max_completion_tokens',
  body: (body) =>
    body.reasoning_effort === 'none' && cannotThink.test(body.model ?? '') ? { ...body, reasoning_effort: undefined } : body,
});

/** Fine-tuned ones have the name behind `ft:`. */
const cannotThink = /^(?:ft:)?(?:gpt-3\.5|gpt-4|chatgpt-4)/i;
