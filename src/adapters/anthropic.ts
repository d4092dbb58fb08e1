import type { Adapter } from '../core/adapter.ts';
import { type NetworkContext, openaiCompatible } from './openai-compatible.ts';

export const anthropic: (context: NetworkContext) => Adapter = openaiCompatible({ name: 'anthropic', capabilities: {} });
