import type { Adapter } from '../core/adapter.ts';
import { allCapabilities } from '../core/capabilities.ts';
import type { NetworkContext } from './context.ts';
import { openaiCompatible } from './openai-compatible.ts';

/**
 * OpenAI's own API. Its reasoning models refuse `max_tokens`, and all take `max_completion_tokens`.
 */
export const openai: (context: NetworkContext) => Adapter = openaiCompatible({
  name: 'openai',
  capabilities: allCapabilities,
  base64: true,
  maxInputs: 2_048,
  takesDeveloper: true,
  limitName: 'max_completion_tokens',
});
